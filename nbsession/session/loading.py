"""Makes objects of rows: by key, by relationship, for expired values. Knows connections and generated loaders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError, ObjectDeletedError
from nbsession.mapping.attributes import describe
from nbsession.mapping.codegen import row_loader
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relationships import Relationship
from nbsession.session.pause import collector_paused
from nbsession.sql.compile import compile_statement
from nbsession.sql.expression import bindparam, select
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.identity import KeyedObjects
from nbsession.tracking.instance_state import OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


class EntityReader:
    """How objects of one mapper are read by one dialect; kept for both.

    :ivar select: ``SELECT`` of all columns, without a condition.
    :ivar by_key: the same for one primary key.
    """

    def __init__(self, mapper: Mapper, dialect: Any) -> None:
        self.mapper = mapper
        self._processors = [dialect.result_processor(c.type) for c in mapper.columns.values()]
        self._key_processors = [dialect.bind_processor(c.type) for c in mapper.primary_key]
        self._ident = [mapper.column_keys.index(k) for k in mapper.pk_keys]
        self._loaders: dict[tuple[int, bool], Any] = {}
        quote = dialect.quote
        table = quote(mapper.local_table.name)
        names = ", ".join(f"{table}.{quote(c.name)}" for c in mapper.columns.values())
        self.select = f"SELECT {names} FROM {table}"
        where = " AND ".join(f"{table}.{quote(c.name)} = ?" for c in mapper.primary_key)
        self.by_key = f"{self.select} WHERE {where}"

    @classmethod
    def of(cls, mapper: Mapper, dialect: Any) -> EntityReader:
        """The reader kept for a mapper and a dialect."""
        reader = mapper.memo.get(("reader", dialect.name))
        if reader is None:
            reader = mapper.memo["reader", dialect.name] = cls(mapper, dialect)
        return reader

    def loader(self, before: int = 0, after: bool = False) -> Any:
        """The generated function for rows in which ``before`` columns come first and, perhaps, others follow."""
        load = self._loaders.get((before, after))
        if load is None:
            made = row_loader(self.mapper, self.mapper.column_keys, self._processors, self._ident, before, after)
            load = self._loaders[before, after] = made.function
        return load

    def values(self, row: Sequence[Any]) -> list[Any]:
        """A row's values as attributes hold them."""
        return [v if p is None or v is None else p(v) for v, p in zip(row, self._processors, strict=True)]

    def key_params(self, ident: Any) -> tuple[Any, ...]:
        """A primary key as parameters."""
        parts = ident if len(self._key_processors) > 1 else (ident,)
        return tuple(v if p is None or v is None else p(v) for v, p in zip(parts, self._key_processors, strict=True))


def objects_of_rows(
    session: Session,
    mapper: Mapper,
    dialect: Any,
    rows: Sequence[tuple[Any, ...]],
    before: int = 0,
    after: bool = False,
) -> list[Any]:
    """One object per row, from the identity map or new; None where the key is NULL.

    :param before: columns of the row that come before the entity's.
    :param after: do others follow?
    """
    unit = session.unit_of_work
    known = unit.identity_map.of(mapper.base_mapper)
    unit.common(mapper, ObjectState.PERSISTENT)
    load = EntityReader.of(mapper, dialect).loader(before, after)
    born: list[Any] = []
    with collector_paused(len(rows)):
        try:
            found: list[Any] = load(rows, known, born)
        finally:
            if born:
                unit.move(mapper, born, ObjectState.TRANSIENT, Trigger.LOAD, session.bus.cause)
    known.purge()
    return found


def load_by_key(session: Session, mapper: Mapper, ident: Any) -> Any:
    """The object of a key, by a SELECT; None if there is no such row."""
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    rows = connection.fetch(reader.by_key, reader.key_params(ident))
    return objects_of_rows(session, mapper, connection.dialect, rows)[0] if rows else None


def load_missing_values(session: Session, obj: Any) -> bool:
    """Fills the column values that an object lacks, by one SELECT. False: its row is gone.

    Values that are set keep what they are.
    """
    mapper, ident = state_of(obj).mapper, ident_of(obj)
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    rows = connection.fetch(reader.by_key, reader.key_params(ident))
    if not rows:
        return False
    known = session.unit_of_work.identity_map.of(mapper.base_mapper)
    if known.find(ident) is not obj:
        known = KeyedObjects()  # deleted, or displaced: it gets its values through a map of its own
        known.put(ident, obj)
    reader.loader()(rows, known, [])
    return True


def load_columns(session: Session, obj: Any, keys: Sequence[str]) -> bool:
    """Fills some column values of an object, by one SELECT, and no others. False: its row is gone."""
    mapper = state_of(obj).mapper
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    rows = connection.fetch(reader.by_key, reader.key_params(ident_of(obj)))
    if rows:
        loaded = dict(zip(mapper.column_keys, reader.values(rows[0]), strict=True))
        obj.__dict__.update((key, loaded[key]) for key in keys)
    return bool(rows)


def row_is_gone(obj: Any) -> ObjectDeletedError:
    """The error for an object whose row is not there."""
    return ObjectDeletedError(
        f"Instance {describe(obj)} has been deleted, or its row is otherwise not present. Expunge the object, or roll back "
        "if it was deleted in this transaction."
    )


# --------------------------------------------------------------------------------------------- relationships


class RelatedReader:
    """The SELECT of a lazy relationship by one dialect; kept for both."""

    def __init__(self, declared: Relationship, dialect: Any) -> None:
        target = declared.mapper
        statement = select(target.class_).order_by(*declared.ordering())
        for number, (_, there) in enumerate(declared.pairs):
            column = target.columns[there]
            statement = statement.where(column == bindparam(f"key_{number}", type_=column.type))
        compiled = compile_statement(statement, dialect.name)
        self.sql = compiled.sql
        self.order = [int(source[1].rpartition("_")[2]) for source in compiled.sources if source[0] == "param"]
        self._processors = [dialect.bind_processor(target.columns[there].type) for _, there in declared.pairs]

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
        return present if session.still_there(present) else None
    session.autoflush_before(f"lazy load of {declared}")
    return load_by_key(session, declared.mapper, ident)


def _select_related(session: Session, obj: Any, declared: Relationship) -> list[Any]:
    values = [_joining_value(obj, local) for local, _ in declared.pairs]
    if any(v is None for v in values):
        return []
    session.autoflush_before(f"lazy load of {declared}")
    connection = session.connection_of(declared.mapper)
    reader = RelatedReader.of(declared, connection.dialect)
    rows = connection.fetch(reader.sql, reader.params(values))
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
    collection = attribute.fill(obj, members)
    if isinstance(state, OwnState) and declared.key in state.queued:
        added, removed = state.queued.pop(declared.key)
        state.related[declared.key] = list(members)
        gone = set(map(id, removed))
        present = set(map(id, members))
        list.__setitem__(
            collection,
            slice(None),
            [m for m in members if id(m) not in gone] + [m for m in added if id(m) not in present],
        )
    return collection


def require_found(obj: Any, found: bool) -> None:
    """Refuses to go on without a row.

    :raises InvalidRequestError: it is gone.
    """
    if not found:
        raise InvalidRequestError(f"Could not refresh instance '{describe(obj)}': its row is not there any more.")
