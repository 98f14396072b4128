"""Plays a program in a world, and writes down what can be seen after every step.

Objects are named: those a step makes by the step, those that appear in a result or a collection ``User@3``, and a second
object of the same key ``User@3'2``. So a program can be played anywhere, and steps left out of it: one that names an object
which is not there is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from traceback import clear_frames
from typing import Any

from tests.fuzz.model import KINDS, TABLES
from tests.fuzz.world import Settings, World

Step = list[Any]
Sight = dict[str, Any]
"""what can be seen after a step; see :meth:`Player.look`"""


FIELDS = (
    "error", "result", "states", "contains", "new", "dirty", "deleted", "map", "loaded", "modified", "flags", "tables",
    "hooks",
)  # fmt: skip
"""what is compared of a sight, in this order"""


class Skipped(Exception):
    """The step names an object that is not there."""


class Player:
    """Plays steps in one world.

    :ivar objects: the objects by name, held strongly: no sight depends on the garbage collector.
    :ivar kinds: class names by object name.
    """

    def __init__(self, world: World, settings: Settings) -> None:
        self.world = world
        self.settings = settings
        self.objects: dict[str, Any] = {}
        self.kinds: dict[str, str] = {}
        self._names: dict[int, str] = {}
        world.open(settings)

    def name(self, obj: Any, wanted: str | None = None) -> str:
        """The name of an object, given to it now if it has none."""
        known = self._names.get(id(obj))
        if known is not None:
            return known
        cls = type(obj).__name__
        if wanted is None:
            key = self.world.identity(obj)
            base = f"{cls}@{','.join(map(str, key)) if key else '?'}"
            wanted, number = base, 1
            while wanted in self.objects:
                number += 1
                wanted = f"{base}'{number}"
        elif wanted in self.objects:
            wanted += "+"
        self.objects[wanted] = obj
        self._names[id(obj)] = wanted
        self.kinds[wanted] = cls
        return wanted

    def _shown(self, value: Any) -> Any:
        """A value as plain data."""
        if isinstance(value, (list, set)):
            names = [None if member is None else self.name(member) for member in value]
            return {"list": names} if isinstance(value, list) else {"set": sorted(names)}
        if type(value).__name__ in KINDS:
            return {"ref": self.name(value)}
        return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)

    # ── playing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def step(self, step: Step) -> Sight:
        """Plays one step; an error is part of what is seen."""
        error = message = result = None
        try:
            result = self._do(step)
        except Skipped:
            result = "skipped"
        except Exception as raised:
            error, message = self.world.error_name(raised), first_line(raised)
            forget_frames(raised)
        sight = self.look()
        sight["error"], sight["result"], sight["message"] = error, result, message
        return sight

    def play(self, program: Sequence[Step]) -> list[Sight]:
        """Plays a program to its end, and closes the world."""
        try:
            return [self.step(step) for step in program]
        finally:
            self.world.close_down()

    def _object(self, name: str) -> Any:
        try:
            return self.objects[name]
        except KeyError:
            raise Skipped from None

    def _do(self, step: Step) -> Any:
        kind, *arguments = step
        return getattr(self, f"_{kind}", self._plainly)(kind, *arguments)

    def _plainly(self, kind: str, *arguments: Any) -> None:
        """A step of the world itself; the objects in it are named."""
        named = kind in (
            "add", "delete", "expunge", "append", "remove", "expire", "refresh",
            "make_transient", "make_transient_to_detached",
        )  # fmt: skip
        if named:
            obj, *rest = arguments
            if kind in ("append", "remove"):
                rest = [rest[0], self._object(rest[1])]
            arguments = (self._object(obj), *rest)
        getattr(self.world, kind)(*arguments)

    def _new(self, _: str, name: str, cls: str, values: dict[str, Any]) -> str:
        if name in self.objects:
            raise Skipped
        return self.name(self.world.new(cls, dict(values)), name)

    def _merge(self, _: str, result: str, name: str, load: bool) -> str:
        return self.name(self.world.merge(self._object(name), load), result)

    def _set(self, _: str, name: str, attr: str, value: Any) -> None:
        self.world.set_attr(self._object(name), attr, value)

    def _ref(self, _: str, name: str, attr: str, other: str | None) -> None:
        obj = self._object(name)
        self.world.set_attr(obj, attr, None if other is None else self._object(other))

    def _setlist(self, _: str, name: str, attr: str, others: list[str]) -> None:
        obj = self._object(name)
        self.world.set_attr(obj, attr, [self._object(other) for other in others])

    def _read(self, _: str, name: str, attr: str) -> Any:
        return self._shown(self.world.get_attr(self._object(name), attr))

    def _del(self, _: str, name: str, attr: str) -> None:
        self.world.del_attr(self._object(name), attr)

    def _get(self, _: str, cls: str, ident: Any) -> str | None:
        found = self.world.get(cls, tuple(ident) if isinstance(ident, list) else ident)
        return None if found is None else self.name(found)

    def _query(self, _: str, cls: str, text: str | None) -> list[str]:
        return [self.name(obj) for obj in self.world.query_all(cls, text)]

    def _query_over(self, _: str, cls: str) -> list[str]:
        return [self.name(obj) for obj in self.world.query_all(cls, None, over=True)]

    def _get_over(self, _: str, cls: str, ident: Any) -> str | None:
        found = self.world.get_over(cls, tuple(ident) if isinstance(ident, list) else ident)
        return None if found is None else self.name(found)

    def _pickle(self, _: str, result: str, name: str) -> str:
        return self.name(self.world.pickled(self._object(name)), result)

    def _handle(self, _: str, number: int, what: str, inside_out: bool = False) -> None:
        if not self.world.opened:
            raise Skipped
        self.world.handle(number, what, inside_out)

    def _sql(self, _: str, statement: str, params: dict[str, Any]) -> int:
        return self.world.sql(statement, params)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def look(self) -> Sight:
        """What can be seen, as plain data; what concerns a second session bears ``|1``.

        ``states``: object to state. ``contains``, ``new``, ``dirty``, ``deleted``, ``modified``: objects. ``map``: which
        object is filed under which key. ``loaded``: what lies on each object. ``flags``: in a transaction, in a savepoint,
        usable. ``tables``: the rows as the transaction sees them. ``hooks``: those that ran. ``kinds``: object to class.
        """
        world = self.world
        happened = [name if obj is None else f"{name} {self.name(obj)}" for name, obj in world.handed_back()]
        filed = []
        for number, session in enumerate(world.sessions):
            for key, obj in world.filed(session):
                self.name(obj)
                filed.append(_of(number, f"{key[0].__name__}@{','.join(map(str, key[1]))}={self.name(obj)}"))
        loaded: dict[str, dict[str, Any]] = {}
        while len(loaded) < len(self.objects):  # a collection may show objects nobody has seen yet
            for name in [name for name in self.objects if name not in loaded]:
                held = world.loaded(self.objects[name])
                loaded[name] = {key: self._shown(held[key]) for key in sorted(held)}
        sight: Sight = {"loaded": loaded, "map": sorted(filed), "hooks": happened}
        sight["kinds"] = dict(self.kinds)
        sight["states"] = {name: world.state(obj) for name, obj in self.objects.items()}
        for field in ("contains", "new", "dirty", "deleted", "modified", "flags"):
            sight[field] = []
        sight["tables"] = {}
        for number, session in enumerate(world.sessions):
            sight["contains"] += sorted(_of(number, name) for name, obj in self.objects.items() if obj in session)
            for field in ("new", "dirty", "deleted"):
                sight[field] += sorted(_of(number, self.name(obj)) for obj in getattr(session, field))
            sight["flags"] += [
                bool(session.in_transaction()),
                bool(session.in_nested_transaction()),
                bool(session.is_active),
            ]
            for table in self.settings["tables"]:
                sight["tables"][_of(number, table)] = world.rows(number, table, TABLES[table])
        sight["modified"] = sorted(name for name, obj in self.objects.items() if world.sessions[0].is_modified(obj))
        return sight


def _of(number: int, what: str) -> str:
    return what if not number else f"{what}|{number}"


def play(world: World, settings: Settings, program: Sequence[Step]) -> list[Sight]:
    """What is seen after each step of a program."""
    return Player(world, settings).play(program)


def forget_frames(error: BaseException | None) -> None:
    """A session may keep an error, and by its traceback objects that nobody else holds: which is not what is compared."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def first_line(error: Exception) -> str:
    """The first line of a message, without addresses and lists in no order."""
    said = str(error).split("\n")  # the first line may say only that it was an autoflush
    line = re.sub(r"(@| at )0x[0-9a-f]+", "", said[len(said) > 1 and "Query-invoked autoflush" in said[0]])
    return "Circular dependency" if line.startswith("Circular dependency detected") else line[:200]
