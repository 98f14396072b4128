"""Makes objects of rows: by key, and for expired values. Knows connections and generated loaders, no relationship."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.exc import ObjectDeletedError
from nbsession.mapping.attributes import describe
from nbsession.mapping.codegen import row_loader
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.session.batches import by_mapper
from nbsession.session.kept_parents import forget_but_parents
from nbsession.session.load.further import give_further
from nbsession.session.load.key_select import of_class, select_by_key
from nbsession.session.load.load_context import NO_WISHES, PLAIN, EntityLoad, give_wishes
from nbsession.session.load.pause import collector_paused
from nbsession.session.row_hooks import gaps, stale, tell_loaded
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.identity import KeyedObjects
from nbsession.tracking.instance_state import ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


class EntityReader:
    """How objects of one mapper are read by one dialect; kept for both.

    :ivar by_key: ``SELECT`` of all columns for one primary key.
    """

    def __init__(self, mapper: Mapper, dialect: Any) -> None:
        self.mapper = mapper
        self._processors = [dialect.result_processor(c.type) for c in mapper.columns.values()]
        self._key_processors = [dialect.bind_processor(c.type) for c in mapper.primary_key]
        self._key_as_it_is = self._key_processors == [None]
        self._loaders: dict[tuple[int, bool, tuple[str, ...] | None, bool], Any] = {}
        self._dialect = dialect
        self._columns: dict[tuple[str, ...], tuple[str, list[Any]]] = {}
        self._condition, self._identities = of_class(mapper, dialect)
        self.by_key = select_by_key(mapper, mapper.selected_keys, dialect) + self._condition

    @classmethod
    def of(cls, mapper: Mapper, dialect: Any) -> EntityReader:
        """The reader kept for a mapper and a dialect."""
        reader = mapper.memo.get(("reader", dialect.name))
        if reader is None:
            reader = mapper.memo["reader", dialect.name] = cls(mapper, dialect)
        return reader

    def loader(
        self, before: int = 0, after: bool = False, keys: tuple[str, ...] | None = None, refreshing: bool = False
    ) -> Any:
        """The generated function for rows in which ``before`` columns come first and, perhaps, others follow.

        :param keys: the column attributes that the rows hold; None for all.
        :param refreshing: are they the rows of objects that are known? Then no class is looked for.
        """
        load = self._loaders.get((before, after, keys, refreshing))
        if load is None:
            mapper, wanted = self.mapper, self.mapper.selected_keys if keys is None else keys
            processors = [self._processors[mapper.column_keys.index(key)] for key in wanted]
            ident = [wanted.index(key) for key in mapper.pk_keys]
            made = row_loader(mapper, wanted, processors, ident, before, after, refreshing)
            load = self._loaders[before, after, keys, refreshing] = made.function
        return load

    def columns_by_key(self, keys: tuple[str, ...]) -> tuple[str, list[Any]]:
        """``SELECT`` of some columns for one primary key, and the processor of each."""
        made = self._columns.get(keys)
        if made is None:
            text = select_by_key(self.mapper, keys, self._dialect)
            all_keys = self.mapper.column_keys
            made = self._columns[keys] = text, [self._processors[all_keys.index(key)] for key in keys]
        return made

    def idents(self, rows: Sequence[tuple[Any, ...]], before: int, keys: tuple[str, ...] | None) -> Iterable[Any]:
        """The primary keys in rows, as objects carry them."""
        wanted = self.mapper.selected_keys if keys is None else keys
        places = [(wanted.index(key), self.mapper.column_keys.index(key)) for key in self.mapper.pk_keys]
        for row in rows:
            parts = []
            for place, number in places:
                value, process = row[before + place], self._processors[number]
                parts.append(value if process is None or value is None else process(value))
            yield parts[0] if len(parts) == 1 else tuple(parts)

    def key_params(self, ident: Any) -> tuple[Any, ...]:
        """A primary key as parameters."""
        if self._key_as_it_is:
            return (ident,)
        parts = ident if len(self._key_processors) > 1 else (ident,)
        return tuple(v if p is None or v is None else p(v) for v, p in zip(parts, self._key_processors, strict=True))

    def row_of(self, connection: Any, ident: Any) -> Any:
        """The row of a primary key, in a list; an empty list if there is none, or if it is none of this class."""
        if type(ident) is tuple and None in ident:
            sql = select_by_key(self.mapper, self.mapper.selected_keys, self._dialect, ident) + self._condition
            return connection.fetch(sql, tuple(p for p in self.key_params(ident) if p is not None) + self._identities)
        return connection.fetch(self.by_key, self.key_params(ident) + self._identities)


def objects_of_rows(
    session: Session,
    mapper: Mapper,
    dialect: Any,
    rows: Sequence[tuple[Any, ...]],
    before: int = 0,
    after: bool = False,
    how: EntityLoad = PLAIN,
) -> list[Any]:
    """One object per row, from the identity map or new; None where the key is NULL.

    :param before: columns of the row that come before the entity's.
    :param after: do others follow?
    :param how: which columns the rows hold, and what becomes of objects that are here already.
    """
    unit = session.unit_of_work
    known = unit.identity_map.of(mapper.base_mapper)
    unit.common(mapper, ObjectState.PERSISTENT)
    reader = EntityReader.of(mapper, dialect)
    load = reader.loader(before, after or bool(how.further), how.keys)
    born: list[Any] = []
    before_load = stale(known) if class_hooks.count else []
    if how.overwritten is not None:
        _make_room(session, known, reader.idents(rows, before, how.keys), how)
    with collector_paused(len(rows)):
        try:
            found: list[Any] = load(rows, known, born)
        finally:
            if born and how is not PLAIN:
                if how.wishes is not NO_WISHES:
                    give_wishes(born, how.wishes)
                if how.overwritten is not None:
                    how.overwritten.update((id(obj), obj) for obj in born)
            if born and mapper.polymorphic:
                for one, objects in by_mapper(born).items():
                    unit.move(one, objects, ObjectState.TRANSIENT, Trigger.LOAD, session.bus.cause)
            elif born:
                unit.move(mapper, born, ObjectState.TRANSIENT, Trigger.LOAD, session.bus.cause)
    if how.further:
        give_further(found, rows, before + len(mapper.selected_keys), how.further, dialect)
    if class_hooks.count:
        tell_loaded(session, born, before_load)
    known.purge()
    return found


def _make_room(session: Session, known: KeyedObjects, idents: Iterable[Any], how: EntityLoad) -> None:
    """Objects that are here already forget what they have, so that they take what the rows say."""
    assert how.overwritten is not None
    here = {id(obj): obj for ident in idents if (obj := known.find(ident)) is not None}
    forget = [obj for mark, obj in here.items() if mark not in how.overwritten]
    how.overwritten.update((id(obj), obj) for obj in forget)
    forget_but_parents(session.unit_of_work, forget, "populate_existing")
    give_wishes(forget, how.wishes)


def load_by_key(session: Session, mapper: Mapper, ident: Any) -> Any:
    """The object of a key, by a SELECT; None if there is no such row."""
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    rows = reader.row_of(connection, ident)
    return objects_of_rows(session, mapper, connection.dialect, rows)[0] if rows else None


def load_whole(session: Session, obj: Any) -> bool:
    """Fills the column values that an object lacks, by one SELECT of all that are not deferred. False: its row is gone.

    Values that are set keep what they are.
    """
    mapper, ident = obj._nbs_state.mapper, ident_of(obj)
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    rows = reader.row_of(connection, ident)
    if not rows:
        return False
    known = session.unit_of_work.identity_map.of(mapper.base_mapper)
    if known.find(ident) is not obj:
        known = KeyedObjects()  # deleted, or displaced: it gets its values through a map of its own
        known.put(ident, obj)
    before_load = gaps((obj,)) if class_hooks.count else []
    reader.loader(refreshing=True)(rows, known, [])
    if before_load:
        tell_loaded(session, (), before_load)
    return True


def load_columns(session: Session, obj: Any, keys: Sequence[str], ident: Any = None) -> bool:
    """Fills some column values that an object lacks, by one SELECT, and no others. False: its row is gone.

    :param ident: the key of the row; by default the object's own.
    """
    mapper, wanted = state_of(obj).mapper, tuple(keys)
    connection = session.connection_of(mapper)
    reader = EntityReader.of(mapper, connection.dialect)
    sql, processors = reader.columns_by_key(wanted)
    rows = connection.fetch(sql, reader.key_params(ident_of(obj) if ident is None else ident))
    if rows:
        before_load = gaps((obj,)) if class_hooks.count else []
        values = obj.__dict__
        for key, value, process in zip(wanted, rows[0], processors, strict=True):
            if key not in values:
                values[key] = value if process is None or value is None else process(value)
        if before_load:
            tell_loaded(session, (), before_load)
    return bool(rows)


def row_is_gone(obj: Any, moved: bool = False) -> ObjectDeletedError:
    """The error for an object whose row is not there.

    :param moved: it was looked for under the key that the object had before the flush.
    """
    remedy = (
        "The flush before this read changed its key, and the read asked for the row of the old one: read it again, or flush "
        "before you read."
        if moved
        else "Expunge the object, or roll back if it was deleted in this transaction."
    )
    return ObjectDeletedError(
        f"Instance {describe(obj)} has been deleted, or its row is otherwise not present. {remedy}"
    )
