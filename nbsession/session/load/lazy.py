"""Loads one relationship of one object, when it is touched. Knows sessions and generated SQL; eager loading is elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.exc import SAWarning
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationship_attributes import not_available
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.load.load_context import NO_WISHES, Wishes, wishes_of, wishes_of_expired
from nbsession.session.load.load_plans import EntityPlan, plan_of
from nbsession.session.load.loading import load_by_key, objects_of_rows, row_is_gone
from nbsession.session.load.reading import put_related
from nbsession.session.load.refreshing import load_expired, read_by_key
from nbsession.session.load.told import read_told, somebody_listens
from nbsession.session.querying.orm_execute import Loading
from nbsession.sql.compile import compile_statement
from nbsession.sql.expression import select
from nbsession.tracking.instance_state import ident_of, state_of
from nbsession.tracking.unset import is_expired

if TYPE_CHECKING:
    from nbsession.session.session import Session


class RelatedReader:
    """The SELECT of a lazy relationship by one dialect; kept for both.

    :ivar keys: the attributes whose values it asks for.
    :ivar complete: are they all the values it has? The join condition may compare with others.
    """

    def __init__(self, declared: Relationship, dialect: Any) -> None:
        criteria, self.keys = declared.joining.lazy_criteria()
        statement = select(declared.mapper.entity).where(*criteria).order_by(*declared.ordering())
        compiled = compile_statement(statement, dialect.name)
        self.sql = compiled.sql
        self.complete = all(source[0] == "param" for source in compiled.sources)
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


class Touch(NamedTuple):
    """What becomes of a relationship that is touched, as the mapping and options say.

    :ivar along: does the object itself bring others along, when it is loaded?
    :ivar strategy: how the relationship is loaded.
    :ivar criteria: further conditions on the related rows.
    :ivar target: what is loaded along with the related objects.
    :ivar cause: its name among causes.
    """

    along: bool
    strategy: str
    criteria: tuple[Any, ...]
    target: EntityPlan
    cause: str

    @classmethod
    def of(cls, mapper: Mapper, declared: Relationship, wishes: Wishes) -> Touch:
        """Worked out once for the same mapper and wishes: relationships are touched object by object."""
        kept = mapper.memo.setdefault("touches", {}) if wishes is NO_WISHES else wishes.plans
        touch: Touch | None = kept.get(("touch", mapper, declared))
        if touch is None:
            own = plan_of(mapper, wishes)
            wish = wishes.relations.get(declared.key)
            touch = kept["touch", mapper, declared] = cls(
                bool(own.joined or own.later),
                own.strategy_of(declared),
                () if wish is None else wish.criteria,
                plan_of(declared.mapper, wishes.below(declared.key, everywhere=False), (mapper,)),
                f"lazy load of {declared}",
            )
        return touch


def load_relationship(session: Session, obj: Any, key: str, raising: bool = True, follow: bool = True) -> Any:
    """Loads a relationship and puts it into the object.

    :param raising: False: also if the mapping or an option says that touching it is an error.
    :param follow: False: what is loaded after the related objects is left to the caller.
    :raises InvalidRequestError: it is one.
    """
    mark = (id(obj), key)
    session.loading.add(mark)
    try:
        return _load_relationship(session, obj, key, raising, follow)
    finally:
        session.loading.discard(mark)


def _load_relationship(session: Session, obj: Any, key: str, raising: bool, follow: bool) -> Any:
    mapper, wishes = state_of(obj).mapper, wishes_of(obj)
    declared: Relationship = mapper.attributes[key].relationship
    if wishes is not NO_WISHES and is_expired(obj):
        wishes = wishes_of_expired(obj)
        raising = (
            raising and declared.lazy == Touch.of(mapper, declared, wishes).strategy
        )  # what an option forbade is forgotten
    along, strategy, criteria, target, cause = Touch.of(mapper, declared, wishes)
    if along:
        if is_expired(obj) and not load_expired(session, obj):
            raise row_is_gone(obj)
        if key in obj.__dict__:
            return obj.__dict__[key]
    if strategy == "noload":
        return put_related(obj, declared, [])
    if strategy == "raise" and raising:
        raise not_available(declared, strategy)
    if not follow and target.later:
        target = target.without_later()
    if declared.to_one_by_key and not criteria:
        forbidden = strategy == "raise_on_sql" and raising
        error = not_available(declared, strategy) if forbidden else None
        found = _load_one_by_key(session, obj, declared, target, cause, error)
        obj.__dict__[key] = found
        return found
    if strategy == "raise_on_sql" and raising:
        raise not_available(declared, strategy)
    unrelated = _unrelated(session, obj, declared)
    if key in obj.__dict__:  # to tell, an expired object was loaded, and the flush before that has loaded this too
        return obj.__dict__[key]
    if unrelated:
        members: list[Any] = []
    elif criteria or not target.plain or somebody_listens(session):
        members = _read_related(session, obj, declared, target, cause, criteria)
    else:
        members = _select_related(session, obj, declared, target, cause)
    if not declared.uselist and len(members) > 1:
        warnings.warn(
            f"Multiple rows returned with uselist=False for lazily-loaded attribute '{declared}': the first one counts.",
            SAWarning,
            stacklevel=5,
        )
    return put_related(obj, declared, members if declared.uselist else members[:1])


def _load_one_by_key(
    session: Session, obj: Any, declared: Relationship, target: EntityPlan, cause: str, forbidden: Exception | None
) -> Any:
    for local, _ in declared.pairs:
        getattr(obj, local)  # an expired foreign key is loaded first
    ident = declared.target_ident(obj.__dict__)
    if ident is None:
        return None
    present = session.unit_of_work.identity_map.of(declared.mapper.base_mapper).find(ident)
    if present is not None:
        fits = isinstance(present, declared.mapper.class_)
        return present if fits and session.still_there(present) else None
    if forbidden is not None:
        raise forbidden
    session.autoflush_before(cause)
    if target.plain and not somebody_listens(session):
        return load_by_key(session, declared.mapper, ident)
    return read_by_key(session, declared.mapper, ident, target, loading=Loading(obj, declared))


def _select_related(session: Session, obj: Any, declared: Relationship, target: EntityPlan, cause: str) -> list[Any]:
    session.autoflush_before(cause)
    connection = session.connection_of(declared.mapper)
    reader = RelatedReader.of(declared, connection.dialect)
    if not reader.complete:
        return _read_related(session, obj, declared, target, cause, ())
    rows = connection.fetch(reader.sql, reader.params([_joining_value(session, obj, key) for key in reader.keys]))
    found = objects_of_rows(session, declared.mapper, connection.dialect, rows)
    return found if declared.secondary is None else list({id(one): one for one in found}.values())


def _read_related(
    session: Session, obj: Any, declared: Relationship, target: EntityPlan, cause: str, criteria: Sequence[Any]
) -> list[Any]:
    """The related objects, with what options ask for about them."""
    session.autoflush_before(cause)
    joining, keys = declared.joining.lazy_criteria()
    statement = select(declared.mapper.class_).where(*joining, *criteria).order_by(*declared.ordering())
    params = {f"key_{number}": _joining_value(session, obj, key) for number, key in enumerate(keys)}
    loading = Loading(obj, declared)
    found = read_told(session, declared.mapper, statement, params, [target], loading=loading).columns[0]
    return list({id(one): one for one in found}.values())


def _unrelated(session: Session, obj: Any, declared: Relationship) -> bool:
    """Does the object lack a value that the related rows would be found by?"""
    return any(_joining_value(session, obj, local) is None for local, _ in declared.pairs or declared.secondary_pairs)


def _joining_value(session: Session, obj: Any, local: str) -> Any:
    """The value on our side. A flush asks for what the rows have: a key that it is about to change is not in them yet."""
    if session.flushing_thread is not None and local in obj.__dict__:
        mapper, ident = state_of(obj).mapper, ident_of(obj)
        if ident is not None and local in mapper.pk_keys:
            return mapper.identity_key(ident)[1][mapper.pk_keys.index(local)]
    return getattr(obj, local)  # of an expired object, everything is loaded first
