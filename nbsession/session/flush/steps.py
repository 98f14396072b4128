"""The steps of a flush plan: rows of one table that are written together, as values that can be looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from nbsession.mapping.attributes import describe
from nbsession.sql.defaults import is_sql_default
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.mapping.relating.relationships import Relationship
    from nbsession.session.flush.row_shape import RowShape
    from nbsession.sql.schema import Column


Dicts: TypeAlias = Sequence[dict[str, Any]] | None
"""the ``__dict__`` of each of many objects, if somebody has taken them out"""


class KeyOf(NamedTuple):
    """Stands for a key that an earlier step makes.

    :ivar object: the object whose key it will be.
    """

    object: Any

    def __repr__(self) -> str:
        return f"key of {describe(self.object)}"


class DefaultOf(NamedTuple):
    """Stands for a value that is made when the row is written: by a column's default, or by the count of versions.

    :ivar column: the column's name.
    """

    column: str

    def __repr__(self) -> str:
        return "its default"


class Link(NamedTuple):
    """A foreign key to be filled from a related object before the row is written.

    :ivar child: the object that holds the key.
    :ivar keys: (foreign key attribute, attribute of the parent it takes its value from).
    :ivar parent: the object it refers to; None: the foreign key becomes NULL.
    :ivar along: the relationship, as text.
    """

    child: Any
    keys: tuple[tuple[str, str], ...]
    parent: Any
    along: str


class Step:
    """Rows of one table that are written together.

    :ivar number: its place, from 1.
    :ivar verb: ``INSERT``, ``UPDATE`` or ``DELETE``.
    :ivar mapper: the mapper whose columns are written; None for rows that only associate objects.
    :ivar objects: the objects written; none for rows that associate objects.
    :ivar columns: attribute keys of the columns written, for an UPDATE those that changed.
    :ivar links: the foreign keys in its rows that are filled from related objects.
    :ivar fills: what is filled just before it is sent: mostly these; also those of the steps that follow it in one go, so that
        all are filled if it fails, and those of objects in no session.
    :ivar after: numbers of the steps it waits for.
    :ivar reasons: why it waits.
    :ivar replaces: for a row switch, the deleted object whose row each object takes over.
    :ivar links_between: (object, related object) for each row of an association table.
    :ivar relationship: the many-to-many relationship of such rows, else None.
    :ivar shape: which attribute goes into which column; None for rows that associate objects.
    :ivar fixed: are exactly :attr:`columns` written, whatever else has changed?
    :ivar dicts: the ``__dict__`` of each object, if the plan had to take them out anyway: of thousands that takes time.
    """

    __slots__ = (
        "after",
        "columns",
        "dicts",
        "fills",
        "fixed",
        "links",
        "links_between",
        "mapper",
        "number",
        "objects",
        "reasons",
        "relationship",
        "replaces",
        "shape",
        "verb",
    )

    def __init__(
        self,
        verb: str,
        shape: RowShape | None,
        objects: list[Any],
        columns: tuple[str, ...],
        links: Sequence[Link] = (),
        replaces: Sequence[Any] = (),
        *,
        fixed: bool = False,
        relationship: Relationship | None = None,
        links_between: Sequence[tuple[Any, Any]] = (),
    ) -> None:
        self.number = 0
        self.verb = verb
        self.shape = shape
        self.mapper: Mapper | None = None if shape is None else shape.mapper
        self.objects = objects
        self.columns = columns
        self.links = self.fills = list(links)
        self.replaces = list(replaces)
        self.fixed = fixed
        self.relationship = relationship
        self.links_between = list(links_between)
        self.dicts: Dicts = None
        self.after: tuple[int, ...] = ()
        self.reasons: tuple[str, ...] = ()

    @property
    def source(self) -> Any:
        """The table itself."""
        return self.relationship.secondary if self.relationship is not None else self.shape.table  # type: ignore[union-attr]

    @property
    def table(self) -> str:
        """The table's name."""
        return self.source.name  # type: ignore[no-any-return]

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.links_between) if self.relationship is not None else len(self.objects)

    @property
    def settles(self) -> bool:
        """Do its objects change their state with it? One whose row spans several tables does with the first of them."""
        return self.shape is not None and (self.shape.completes if self.verb == "INSERT" else self.shape.first)

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """(object, values by column) for each row; a key that an earlier step makes is a :class:`KeyOf`.

        For rows of an association table, the first is the pair of objects.
        """
        if self.relationship is not None:
            for pair in self.links_between:
                yield pair, association_row(self.relationship, *pair)
            return
        assert self.shape is not None
        if self.verb == "DELETE":
            names = [column.name for column in self.shape.primary_key]
            for obj in self.objects:
                yield obj, dict(zip(names, self.shape.key_parts(ident_of(obj)), strict=True))
            return
        links: dict[int, list[Link]] = {}
        for link in self.links:
            links.setdefault(id(link.child), []).append(link)
        for obj in self.objects:
            yield obj, self._row(obj, links.get(id(obj), ()))

    def _row(self, obj: Any, links: Sequence[Link]) -> dict[str, Any]:
        shape, values = self.shape, obj.__dict__
        assert shape is not None
        mapper = state_of(obj).mapper
        own, names = shape.own_keys.get(mapper, shape.fields), shape.names
        row = {names[k]: values.get(k) for k in self.columns if k in own}
        if self.verb == "INSERT":
            for key in own:
                _show_default(shape.fields[key], row)
            for column in shape.unowned.get(mapper, ()):
                _show_default(column, row)
        for key in shape.counted:
            row[names[key]] = DefaultOf(names[key])
        for link in links:
            for key, source in link.keys:
                if key in names:
                    row[names[key]] = _linked_value(link.parent, source)
        if self.verb == "INSERT":
            if shape.generated is not None and row.get(shape.generated.name) is None:
                row.pop(shape.generated.name, None)
            for key in shape.taken_keys:
                if row.get(names[key]) is None:
                    row[names[key]] = KeyOf(obj)
        return row

    def __str__(self) -> str:
        return f"{self.verb} {self.table} ({self.count})"

    def __repr__(self) -> str:
        waits = f" after {', '.join(map(str, self.after))}" if self.after else ""
        return f"<Step {self.number}. {self}{waits}>"


def _show_default(column: Column, row: dict[str, Any]) -> None:
    """What a column gets that was not set: a constant, or what only the flush will make."""
    if row.get(column.name) is not None:
        return
    if column.server_default is not None or (column.default is not None and callable(column.default)):
        row[column.name] = DefaultOf(column.name)
    elif column.default is not None and not is_sql_default(column.default):
        row[column.name] = column.default


def _linked_value(parent: Any, source: str) -> Any:
    if parent is None:
        return None
    value = parent.__dict__.get(source)
    return KeyOf(parent) if value is None else value


def association_row(declared: Relationship, here: Any, there: Any) -> dict[str, Any]:
    """The row that relates two objects, as far as their keys are known."""
    row = {column.name: known_value(here, key) for key, column in declared.secondary_pairs}
    row.update((column.name, known_value(there, key)) for key, column in declared.target_pairs)
    return row


def known_value(obj: Any, key: str) -> Any:
    """A value of an object's row, be it expired; a :class:`KeyOf` where an earlier step makes it."""
    value = obj.__dict__.get(key)
    if value is None:
        value = committed_value(obj, key)
    return KeyOf(obj) if value is NO_VALUE or value is None else value


def committed_value(obj: Any, key: str) -> Any:
    """A column value as the row has it, or NO_VALUE if that is not known."""
    state = state_of(obj)
    if isinstance(state, OwnState):
        value = state.old.get(key, NO_VALUE)
        if value is not NO_VALUE:
            return value
        if key in state.changed_keys:
            return NO_VALUE
    value = obj.__dict__.get(key, NO_VALUE)
    ident = ident_of(obj)
    if value is NO_VALUE and ident is not None and key in state.mapper.pk_keys:
        return state.mapper.key_values(ident)[key]
    return value
