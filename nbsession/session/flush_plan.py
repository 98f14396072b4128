"""What a flush would send, in which order, and why: a value that can be looked at. Touches no database, changes no object.

Executing it is :mod:`nbsession.session.flush`; what must be loaded first is :mod:`nbsession.session.preparation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from nbsession.events import safe_repr
from nbsession.mapping.attributes import describe, key_text
from nbsession.mapping.mapper import Mapper
from nbsession.sql.defaults import is_sql_default
from nbsession.tracking.history import same
from nbsession.tracking.instance_state import NO_VALUE, OwnState, ident_of, state_of


class KeyOf(NamedTuple):
    """Stands for a key that an earlier step makes.

    :ivar object: the object whose key it will be.
    """

    object: Any

    def __repr__(self) -> str:
        return f"key of {describe(self.object)}"


class DefaultOf(NamedTuple):
    """Stands for a value that a column's default makes when the row is inserted.

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
    :ivar mapper: the class's mapper.
    :ivar objects: the objects written.
    :ivar columns: the columns written, for an UPDATE those that changed.
    :ivar links: foreign keys filled just before.
    :ivar after: numbers of the steps it waits for.
    :ivar reasons: why it waits.
    :ivar replaces: for a row switch, the deleted object whose row each object takes over.
    """

    __slots__ = ("after", "columns", "links", "mapper", "number", "objects", "reasons", "replaces", "verb")

    def __init__(
        self,
        verb: str,
        mapper: Mapper,
        objects: list[Any],
        columns: tuple[str, ...],
        links: list[Link],
        replaces: list[Any],
    ) -> None:
        self.number = 0
        self.verb = verb
        self.mapper = mapper
        self.objects = objects
        self.columns = columns
        self.links = links
        self.replaces = replaces
        self.after: tuple[int, ...] = ()
        self.reasons: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """The table's name."""
        name: str = self.mapper.local_table.name
        return name

    def rows(self) -> Iterator[tuple[Any, dict[str, Any]]]:
        """(object, values by column) for each row; a key that an earlier step makes is a :class:`KeyOf`."""
        links: dict[int, list[Link]] = {}
        for link in self.links:
            links.setdefault(id(link.child), []).append(link)
        names = {key: column.name for key, column in self.mapper.columns.items()}
        for obj in self.objects:
            values = obj.__dict__
            if self.verb == "DELETE":
                yield obj, dict(zip([c.name for c in self.mapper.primary_key], _parts(self.mapper, obj), strict=True))
                continue
            row = {names[k]: values.get(k) for k in self.columns}
            if self.verb == "INSERT":
                self._show_defaults(row)
            for link in links.get(id(obj), ()):
                for key, source in link.keys:
                    row[names[key]] = _linked_value(link, source)
            if (
                self.verb == "INSERT"
                and self.mapper.generated is not None
                and row.get(self.mapper.generated.name) is None
            ):
                row.pop(self.mapper.generated.name, None)
            yield obj, row

    def _show_defaults(self, row: dict[str, Any]) -> None:
        """What a column gets that was not set: a constant, or what only the flush will make."""
        for column in self.mapper.columns.values():
            if row.get(column.name) is not None:
                continue
            if column.server_default is not None or (column.default is not None and callable(column.default)):
                row[column.name] = DefaultOf(column.name)
            elif column.default is not None and not is_sql_default(column.default):
                row[column.name] = column.default

    def __str__(self) -> str:
        return f"{self.verb} {self.table} ({len(self.objects)})"

    def __repr__(self) -> str:
        waits = f" after {', '.join(map(str, self.after))}" if self.after else ""
        return f"<Step {self.number}. {self}{waits}>"


def _parts(mapper: Mapper, obj: Any) -> tuple[Any, ...]:
    return mapper.identity_key(ident_of(obj))[1]


def _linked_value(link: Link, source: str) -> Any:
    if link.parent is None:
        return None
    value = link.parent.__dict__.get(source)
    return KeyOf(link.parent) if value is None else value


class FlushPlan:
    """What a flush sends.

    :ivar steps: the steps in order.
    :ivar skipped: (object, why) of objects that were touched and are not written.
    :ivar notes: what the plan does not know without loading.
    """

    def __init__(self, steps: Iterable[Step], skipped: Iterable[tuple[Any, str]], notes: Iterable[str]) -> None:
        self.steps = tuple(steps)
        self.skipped = tuple(skipped)
        self.notes = tuple(notes)
        for number, step in enumerate(self.steps, 1):
            step.number = number
        self._explain()

    def _explain(self) -> None:
        """Which steps wait for which, and why."""
        made_by: dict[int, Step] = {}
        for step in self.steps:
            if step.verb == "INSERT":
                made_by.update((id(obj), step) for obj in step.objects)
        for step in self.steps:
            reasons: dict[str, int] = {}
            for link in step.links:
                maker = made_by.get(id(link.parent))
                if maker is not None and maker is not step:
                    for key, source in link.keys:
                        column = step.mapper.columns[key].name
                        wanted = f"{maker.table}.{maker.mapper.columns[source].name}"
                        reasons[f"{step.table}.{column} needs {wanted} of step {maker.number}"] = maker.number
            step.after = tuple(sorted(set(reasons.values())))
            step.reasons = tuple(reasons)

    def __bool__(self) -> bool:
        return bool(self.steps)

    def __str__(self) -> str:
        lines = [
            f"{s.number}. {s}"
            + (f"  (after {', '.join(map(str, s.after))}: {'; '.join(s.reasons)})" if s.after else "")
            for s in self.steps
        ]
        return "\n".join(lines) or "nothing to flush"


def changed_columns(obj: Any, extra: Iterable[str] = ()) -> tuple[str, ...]:
    """Keys of the columns whose value differs from the row's, in the table's order.

    :param extra: keys that a link will fill.
    """
    state = state_of(obj)
    if not isinstance(state, OwnState):
        wanted: set[str] = set(extra)
    else:
        values, old = obj.__dict__, state.old
        if not extra and len(old) == 1:
            ((key, before),) = old.items()
            return (key,) if key in values and (before is NO_VALUE or not same(before, values[key])) else ()
        wanted = {k for k, before in old.items() if k in values and (before is NO_VALUE or not same(before, values[k]))}
        wanted.update(extra)
    return tuple(k for k in state.mapper.column_keys if k in wanted)


def title(obj: Any) -> str:
    """How notes name an object: ``Member#3``, or ``Member`` while it has no key."""
    key = key_text(ident_of(obj))
    return f"{type(obj).__name__}#{key}" if key is not None else f"{type(obj).__name__} ({safe_repr(obj)})"
