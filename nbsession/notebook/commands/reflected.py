"""The tables of an existing database as classes in the notebook: what was mapped, what was not, which names were free.

Knows automap and variables; prints nothing.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from nbsession.exc import ArgumentError
from nbsession.notebook.commands.answers import Answer, answer
from nbsession.notebook.commands.current import current_session
from nbsession.notebook.views.plain import COLUMNS, clip, pad, width, wrap

SHOWN = 20
"""classes in the table; of a larger database the rest is counted"""
BASES = ("Base", "Reflected")
"""names for the base class: the second where the first is taken"""


class Reflected:
    """What ``reflect()`` mapped.

    :ivar base: the base class: ``base.classes`` has the classes, ``base.unmapped`` says of the other tables why not.
    :ivar skipped: classes that :meth:`put_into` did not put there, with the reason.
    """

    def __init__(self, base: Any, database: str) -> None:
        self.base = base
        self.database = database
        self.skipped: dict[str, str] = {}
        self._known_as = "Base"

    @property
    def classes(self) -> Any:
        """The classes, by name."""
        return self.base.classes

    def put_into(self, namespace: MutableMapping[str, Any]) -> dict[str, Any]:
        """Makes variables of the classes and of the base. A name that is taken is left alone; ``skipped`` says so.

        :return: the new variables.
        """
        free = [name for name in BASES if _free(namespace, name)]
        made = {free[0]: self.base} if free else {}
        self._known_as = free[0] if free else "base"
        for name, cls in self.classes.items():
            if name in made:
                self.skipped[name] = "the base class has this name"
            elif hasattr(builtins, name):
                self.skipped[name] = "it would hide Python's own"
            elif _free(namespace, name):
                made[name] = cls
            else:
                self.skipped[name] = "you have a variable of this name"
        namespace.update(made)
        return made

    def told(self) -> Answer:
        """One short table of what was mapped, and what was not."""
        count, unmapped = len(self.classes), self.base.unmapped
        head = f"mapped {count} of {count + len(unmapped)} tables and views of {self.database}"
        lines = [clip(head), *self._table()]
        if unmapped:
            lines.append("not mapped:")
            for name, reason in list(unmapped.items())[:SHOWN]:
                lines += _entry(name, reason)
            if len(unmapped) > SHOWN:
                lines.append(f"  … {len(unmapped) - SHOWN:,} more: {self._known_as}.unmapped")
        if self.skipped:
            lines.append("not made a variable:")
            for name, reason in self.skipped.items():
                lines += _entry(name, f"{reason}; the class is {self._known_as}.classes.{name}")
        return answer(lines)

    def _table(self) -> list[str]:
        rows = [("class", "key", "leads to")]
        rows += [_row(name, cls) for name, cls in self.classes.items()[:SHOWN]]
        if len(rows) == 1:
            return []
        first = min(max(width(row[0]) for row in rows), 28)
        second = min(max(width(row[1]) for row in rows), 18)
        lines = []
        for row in rows:
            room = COLUMNS - first - second - 6
            lines.append(f"  {pad(row[0], first)}  {pad(row[1], second)}  {clip(row[2], room)}".rstrip())
        lines.insert(1, f"  {'─' * first}  {'─' * second}  {'─' * (COLUMNS - first - second - 6)}")
        if len(self.classes) > SHOWN:
            lines.append(f"  … {len(self.classes) - SHOWN:,} more: {self._known_as}.classes")
        return lines

    def __repr__(self) -> str:
        return self.told()


def reflect(session: Any = None) -> Reflected:
    """Maps every table of a session's database to a class, with relationships made of its foreign keys.

    :param session: the current one if none is given.
    :raises UnboundExecutionError: the session has no engine.

    >>> found = reflect(session)
    >>> Order = found.classes.orders
    """
    from nbsession.mapping.declaring.automap import automap_base

    engine = current_session(session).get_bind()
    base = automap_base()
    base.prepare(autoload_with=engine, reflection_options={"views": True})
    base.registry.configure()
    name = engine.url.database
    return Reflected(base, Path(name).name if name else f"the {engine.dialect.name} database in memory")


def url_of(given: str) -> str:
    """The URL of a database; a file that is there needs none.

    :param given: a URL, or the path of a file.
    :raises ArgumentError: there is no such file, or it is of neither database.
    """
    if "://" in given:
        return given
    path = Path(given).expanduser()
    if not path.is_file():
        raise ArgumentError(
            f"no file {given!r} in {Path.cwd()}: check the path. To begin a new database, give a URL: sqlite:///{given}"
        )
    with path.open("rb") as file:
        head = file.read(16)
    if head[8:12] == b"DUCK":
        return f"duckdb:///{path.as_posix()}"
    if head.startswith(b"SQLite format 3") or not head:
        return f"sqlite:///{path.as_posix()}"
    raise ArgumentError(f"{given!r} is a file, but neither of SQLite nor of DuckDB.")


def _row(name: str, cls: Any) -> tuple[str, str, str]:
    table = cls.__table__
    shown = name if table.name == name else f'{name} ("{table.name}")'
    leads = [
        f"{key} → [{declared.mapper.class_.__name__}]"
        if declared.uselist
        else f"{key} → {declared.mapper.class_.__name__}"
        for key, declared in cls.__mapper__.declared.items()
    ]
    if table.is_view:
        leads.insert(0, "(a view: read only)")
    return shown, ", ".join(cls.__mapper__.pk_keys), ", ".join(leads)


def _entry(name: str, reason: str) -> list[str]:
    lines = wrap(f"{name}: {reason}", "    ")
    return [f"  {lines[0].strip()}", *lines[1:]]


def _free(namespace: Mapping[str, Any], name: str) -> bool:
    """Is there no variable of this name, or one that an earlier ``reflect()`` made?"""
    from nbsession.mapping.declaring.automap import AutomapBase

    value = namespace.get(name)
    if name not in namespace:
        return True
    return isinstance(value, type) and issubclass(value, AutomapBase) and _made_here(value)


def _made_here(cls: type) -> bool:
    """A class or base that nobody wrote down."""
    return "_maps_now" in vars(cls) or "_waiting" in vars(cls)
