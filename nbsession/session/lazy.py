"""Loads one relationship of one object, when it is touched. Knows sessions and generated SQL; eager loading is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.mapping.relationships import Relationship
from nbsession.session.loading import load_by_key, objects_of_rows
from nbsession.sql.compile import compile_statement
from nbsession.sql.expression import select
from nbsession.tracking.instance_state import OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


class RelatedReader:
    """The SELECT of a lazy relationship by one dialect; kept for both.

    :ivar keys: the attributes whose values it asks for.
    """

    def __init__(self, declared: Relationship, dialect: Any) -> None:
        criteria, self.keys = declared.joining.lazy_criteria()
        statement = select(declared.mapper.class_).where(*criteria).order_by(*declared.ordering())
        compiled = compile_statement(statement, dialect.name)
        self.sql = compiled.sql
        self.order = [int(source[1].rpartition("_")[2]) for source in compiled.sources if source[0] == "param"]
        self._processors = [dialect.bind_processor(declared.parent.columns[key].type) for key in self.keys]

    @classmethod
    def of(cls, declared: Relationship, dialect: Any) -> RelatedReader:
        """The reader kept for a relationship and a dialect."""
        memo = declared.parent.memo
        reader = memo.get(("related", declared.key, dialect.name))
        if reader is None:
            reader = memo["related", declared.key, dialect.name] = cls(declared, dialect)
        return reader

    def params(self, values: Sequence[Any]) -> list[Any]:
        """The joining values as parameters."""
        processed = [v if p is None or v is None else p(v) for v, p in zip(values, self._processors, strict=True)]
        return [processed[i] for i in self.order]


def load_relationship(session: Session, obj: Any, key: str) -> Any:
    """Loads a relationship and puts it into the object."""
    mapper = state_of(obj).mapper
    declared: Relationship = mapper.attributes[key].relationship
    if declared.to_one_by_key:
        value = _load_one_by_key(session, obj, declared)
    elif declared.uselist:
        return _load_collection(session, obj, declared)
    else:
        found = _select_related(session, obj, declared)
        value = found[0] if found else None
    obj.__dict__[key] = value
    return value


def _load_one_by_key(session: Session, obj: Any, declared: Relationship) -> Any:
    for local, _ in declared.pairs:
        getattr(obj, local)  # an expired foreign key is loaded first
    ident = declared.target_ident(obj.__dict__)
    if ident is None:
        return None
    present = session.unit_of_work.identity_map.of(declared.mapper.base_mapper).find(ident)
    if present is not None:
        fits = isinstance(present, declared.mapper.class_)
        return present if fits and session.still_there(present) else None
    session.autoflush_before(f"lazy load of {declared}")
    return load_by_key(session, declared.mapper, ident)


def _select_related(session: Session, obj: Any, declared: Relationship) -> list[Any]:
    if any(_joining_value(obj, local) is None for local, _ in declared.pairs or declared.secondary_pairs):
        return []
    session.autoflush_before(f"lazy load of {declared}")
    connection = session.connection_of(declared.mapper)
    reader = RelatedReader.of(declared, connection.dialect)
    rows = connection.fetch(reader.sql, reader.params([_joining_value(obj, key) for key in reader.keys]))
    return objects_of_rows(session, declared.mapper, connection.dialect, rows)


def _joining_value(obj: Any, local: str) -> Any:
    """The value on our side. A key is known even if the object is expired, and a changed one is not in the rows yet."""
    mapper, ident = state_of(obj).mapper, ident_of(obj)
    if ident is not None and local in mapper.pk_keys:
        if local not in obj.__dict__:
            return getattr(obj, local)  # SQLAlchemy loads an expired object before its collections
        return mapper.identity_key(ident)[1][mapper.pk_keys.index(local)]
    return getattr(obj, local)


def _load_collection(session: Session, obj: Any, declared: Relationship) -> Any:
    attribute = state_of(obj).mapper.attributes[declared.key]
    members = _select_related(session, obj, declared)
    state = state_of(obj)
    if isinstance(state, OwnState) and declared.key in state.queued:
        added, removed = state.queued.pop(declared.key)
        state.related[declared.key] = members
        gone, present = set(map(id, removed)), set(map(id, members))
        members = [m for m in members if id(m) not in gone] + [m for m in added if id(m) not in present]
    return attribute.fill(obj, members)
