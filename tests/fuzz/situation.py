"""A step of a program, and what was seen up to it in both worlds: what :mod:`tests.fuzz.departures` judges by.

Knows how sights are made up; does not know what is a defect of SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Self

from tests.fuzz.model import KINDS, Kind
from tests.fuzz.player import FIELDS, Sight, Step, play
from tests.fuzz.reference import Reference
from tests.fuzz.world import Settings

NAMED = ("contains", "new", "dirty", "deleted", "modified")
GIVES = ("append", "setlist", "ref")
NOTHING: Sight = {
    "states": {}, "loaded": {}, "tables": {}, "map": [], "kinds": {}, "error": None, "result": None, "flags": [],
    "message": None, "hooks": [], **{field: [] for field in NAMED},
}  # fmt: skip


def bare(name: str) -> str:
    """An object's name without the session it is seen in."""
    return name.partition("|")[0]


def filed(entry: str) -> tuple[str, str, str]:
    """Of an entry of ``map``: class, key, the object's name."""
    cls, _, rest = bare(entry).partition("@")
    key, _, name = rest.partition("=")
    return cls, key, name


def key_text(kind: Kind, values: dict[str, Any]) -> str:
    """A key as ``map`` shows it."""
    return ",".join(str(values.get(attr)) for attr in kind.pk)


def as_dict(kind: Kind, row: Sequence[Any]) -> dict[str, Any]:
    """A row by attribute."""
    return dict(zip(kind.columns, row, strict=False))


class Situation(NamedTuple):
    """A step, and what was seen up to it in both worlds.

    :ivar at: its index.
    :ivar settings: of the program.
    :ivar gone: objects whose row was deleted: what lies on them varies (22.5).
    """

    at: int
    program: Sequence[Step]
    expected: Sequence[Sight]
    found: Sequence[Sight]
    gone: set[str]
    settings: Settings

    @property
    def step(self) -> Step:
        return self.program[self.at]

    @property
    def theirs(self) -> Sight:
        return self.expected[self.at]

    @property
    def ours(self) -> Sight:
        return self.found[self.at]

    @property
    def before(self) -> Sight:
        """What both saw before the step."""
        return self.expected[self.at - 1] if self.at else NOTHING

    @property
    def sights(self) -> tuple[Sight, Sight, Sight]:
        """Before the step, and after it in both worlds."""
        return self.before, self.theirs, self.ours

    @property
    def at_session(self) -> int:
        """The index of the session that the step goes to."""
        return next((step[1] for step in reversed(self.program[: self.at]) if step[0] == "use"), 0)

    def only_they_rolled_back(self) -> bool:
        """Has a flush failed on SQLAlchemy, and not on our side?"""
        place = 3 * self.at_session + 2
        return bool(self.ours["flags"][place]) and not self.theirs["flags"][place]

    def errors(self) -> tuple[Any, Any]:
        return self.theirs["error"], self.ours["error"]

    def refused_by_the_database(self) -> bool:
        """Does a foreign key stop SQLAlchemy, and not us?"""
        stopped = self.settings["fk"] and "FOREIGN KEY" in (self.theirs["message"] or "")
        return bool(stopped) and self.errors() == ("IntegrityError", None)

    def kind(self, name: str) -> Kind:
        """The class of an object: it may be known to one world only."""
        kinds = self.theirs["kinds"]
        return KINDS[kinds[name] if name in kinds else self.ours["kinds"][name]]

    def place(self, name: str) -> str:
        """What tells the session that an object is in: nothing, or ``|1``."""
        for sight in (self.ours, self.theirs, self.before):
            for entry in (*sight["map"], *sight["contains"]):
                if name in (bare(entry), filed(entry)[2]):
                    return entry[len(bare(entry)) :]
        return ""

    def key(self, name: str) -> str | None:
        """The key of an object, of what is known the latest."""
        for sight in (self.ours, self.theirs, self.before):
            for entry in sight["map"]:
                if filed(entry)[2] == name:
                    return filed(entry)[1]
        for sight in self.sights:
            values = sight["loaded"].get(name, {})
            if all(attr in values for attr in self.kind(name).pk):
                return key_text(self.kind(name), values)
        return None

    def instead(self, step: Step) -> Sight:
        """What SQLAlchemy shows after another step in its place."""
        return play(Reference(), self.settings, [*self.program[: self.at], step])[-1]

    def only_read(self) -> Sight:
        """What SQLAlchemy shows if before, where somebody was to be removed who is no member, the list is only read."""
        refused = [id(step) for step in self.refused_removals()]
        before = []
        for at, step in enumerate(self.program[: self.at]):
            if id(step) in refused:
                name, attr = step[1:3]
                made = self.expected[at - 1]["states"][name] in ("transient", "pending")
                made = made and attr not in self.expected[at - 1]["loaded"][name]
                step = ["setlist", name, attr, []] if made else ["read", name, attr]
            before.append(step)
        return play(Reference(), self.settings, [*before, self.step])[-1]

    def added_when_given(self, names: Collection[str]) -> Sight:
        """What SQLAlchemy shows if objects that were given to a parent are added after it: nobody deletes them then."""
        before: list[Step] = []
        given = {name: self.given(name) for name in names}
        for at, step in enumerate(self.program[: self.at]):
            before += [step, *(["add", name] for name, when in given.items() if when == at)]
        return play(Reference(), self.settings, [*before, self.step])[-1]

    def without_the_given(self) -> Self:
        """The same without those who were deleted, then given to a parent, and are to be deleted on SQLAlchemy still (22.14)."""
        left = set(map(bare, self.theirs["deleted"])) - set(map(bare, self.ours["deleted"]))
        names = {
            name for name in left if (marked := self.marked(name)) is not None and self.given(name, marked) is not None
        }
        deleted = [entry for entry in self.theirs["deleted"] if bare(entry) not in names]
        dirty = sorted({*self.theirs["dirty"], *(entry for entry in self.ours["dirty"] if bare(entry) in names)})
        theirs = {**self.theirs, "deleted": deleted, "dirty": dirty}
        return self._replace(expected=[*self.expected[: self.at], theirs])

    def without_refused_removals(self) -> bool:
        """Does SQLAlchemy fail as it does, also where nobody is removed who is no member?"""
        return not any(self.refused_removals()) or self.only_read()["error"] == self.theirs["error"]

    def all_set(self) -> Sight | None:
        """What SQLAlchemy shows if what was never set on who takes a row over is set to None before; None: there is nothing."""
        found: list[Step] = []
        for _, name, cls, _ in self.switches():
            kind, held = KINDS[cls], self.before["loaded"][name]
            related = any(attr in held for attr, (_, many) in kind.relations.items() if not many)
            free = {*kind.pk, "version", *([kind.refers] if related else ())}
            found += [
                ["set", name, column, None] for column in kind.columns if column not in held and column not in free
            ]
        if not found:
            return None
        use = [["use", self.at_session]] if self.settings.get("sessions") else []
        sight = play(Reference(), self.settings, [*self.program[: self.at], *found, *use, self.step])[-1]
        for _, name, column, _ in found:  # that it was set is all that tells it from one that was not
            if column not in self.ours["loaded"][name] and sight["loaded"][name].get(column, "") is None:
                del sight["loaded"][name][column]
        return sight

    def shows(self, other: Sight, looked_at: Collection[str] = ()) -> bool:
        """Do we show after the step what is seen there? What lies on deleted objects varies (22.5).

        :param looked_at: objects that a flush of ours may have loaded, and theirs has not.
        """
        mine, yours = (
            {**sight, "loaded": {name: held for name, held in sight["loaded"].items() if name not in self.gone}}
            for sight in (self.ours, other)
        )
        for name in looked_at:
            if name in yours["loaded"] and not yours["loaded"][name] and self.row(self.ours, name) is not None:
                row, held = self.row(self.ours, name), mine["loaded"][name]
                yours["loaded"][name] = held if held == row else {}
        return all(mine[field] == yours[field] for field in FIELDS)

    # ── is the rest alike? ───────────────────────────────────────────────────────────────────────────────────────────
    def alike(
        self,
        besides: Iterable[str],
        rows: Iterable[str] = (),
        results: bool = True,
        begun: bool = False,
        only: Collection[str] = (),
    ) -> bool:
        """Is everything alike but what is seen of some objects?

        :param rows: also these objects' rows may differ.
        :param results: also what the step handed back?
        :param begun: may one of us have begun a transaction, and the other not?
        :param only: of the objects, only these fields may differ; all by default.
        """
        names, mine, yours = set(besides), self.ours, self.theirs
        for field in NAMED:
            free = names if not only or field in only else set()
            if {n for n in mine[field] if bare(n) not in free} != {n for n in yours[field] if bare(n) not in free}:
                return False
        for field in ("states", "loaded"):
            free = names if not only or field in only else set()
            if field == "loaded":
                free = free | self.gone
            seen = (mine[field].keys() | yours[field].keys()) - free
            if any(yours[field].get(name) != mine[field].get(name) for name in seen):
                return False
        free = names if not only or "map" in only else set()
        maps = [{entry for entry in sight["map"] if filed(entry)[2] not in free} for sight in (mine, yours)]
        handed = not results or (mine["error"], mine["result"]) == (yours["error"], yours["result"])
        flags = mine["flags"] == yours["flags"] or (begun and self._only_begun())
        return maps[0] == maps[1] and handed and flags and self._same_rows(set(rows))

    def _only_begun(self) -> bool:
        place = 3 * self.at_session
        theirs, ours = self.theirs["flags"], self.ours["flags"]
        return theirs[:place] + theirs[place + 1 :] == ours[:place] + ours[place + 1 :]

    def _same_rows(self, but: set[str]) -> bool:
        free: dict[str, set[str]] = {}
        for name in but:
            for sight in self.sights:
                keys = {filed(entry)[1] for entry in sight["map"] if filed(entry)[2] == name}
                values = sight["loaded"].get(name, {})
                if all(values.get(attr) is not None for attr in self.kind(name).pk):
                    keys.add(key_text(self.kind(name), values))
                for table in filter(None, (self.kind(name).table, self.kind(name).own)):
                    free.setdefault(table, set()).update(keys)
        for table, theirs in self.theirs["tables"].items():
            ours, spared = self.ours["tables"].get(table), free.get(bare(table))
            if theirs != ours:
                if spared is None or ours is None:
                    return False
                kind = next(kind for kind in KINDS.values() if bare(table) in (kind.table, kind.own))
                own = bare(table) == kind.own  # the key comes first in each table that a subclass adds
                left = [
                    [r for r in rows if (str(r[0]) if own else key_text(kind, as_dict(kind, r))) not in spared]
                    for rows in (theirs, ours)
                ]
                if left[0] != left[1]:
                    return False
        return True

    # ── what went before ─────────────────────────────────────────────────────────────────────────────────────────────
    def given(self, name: str, since: int = 0) -> int | None:
        """The last step, if any, that gave an object to a parent."""
        for at in range(self.at, since - 1, -1):
            kind, *arguments = self.program[at]
            if kind == "merge" and self._given_by_merge(name, at):
                return at
            if kind not in GIVES:
                continue
            members = [arguments[0] if arguments[2] else None] if kind == "ref" else arguments[2]
            if name in (members if isinstance(members, list) else [members]):
                return at
        return None

    def _given_by_merge(self, name: str, at: int) -> bool:
        """Did a step put an object into a collection, or under another parent?"""
        after, before = self.expected[at]["loaded"], self.expected[at - 1]["loaded"] if at else {}
        for parent, attrs in after.items():
            for attr, value in attrs.items():
                held = before.get(parent, {}).get(attr)
                members = [
                    value.get("list", value.get("set", ())) if isinstance(value, dict) else ()
                    for value in (value, held)
                ]
                if (name in members[0] and name not in members[1]) or (
                    parent == name and isinstance(value, dict) and "ref" in value and value != held
                ):
                    return True
        return False

    def marked(self, name: str) -> int | None:
        """The step since which an object is in ``session.deleted``."""
        at = self.at - 1
        while at >= 0 and name in map(bare, self.expected[at]["deleted"]):
            at -= 1
        return at + 1 if at + 1 < self.at else None

    def was(self, name: str, state: str) -> int | None:
        """The last step before this one after which an object was in a state."""
        return next((at for at in range(self.at - 1, -1, -1) if self.expected[at]["states"].get(name) == state), None)

    def rekeyed(self, name: str) -> bool:
        """Was a part of its key set, and not flushed yet?"""
        held, kind = self.before["loaded"].get(name, {}), self.kind(name)
        keys = [filed(entry)[1].split(",") for entry in self.before["map"] if filed(entry)[2] == name]
        return any(
            str(held.get(attr, known)) != known for key in keys for attr, known in zip(kind.pk, key, strict=True)
        )

    def refused_removals(self) -> Iterator[Step]:
        """The removals, before this step, of who was no member."""
        for step, sight in zip(self.program[: self.at], self.expected, strict=False):
            if step[0] == "remove" and sight["error"] in ("ValueError", "KeyError"):
                yield step

    def parents(self, children: Iterable[str]) -> set[str]:
        """Those in whose collections some objects are, or were, and those to whom they refer."""
        names = set(children)
        return {
            parent
            for sight in self.sights
            for parent, attrs in sight["loaded"].items()
            for value in attrs.values()
            if isinstance(value, dict) and names & set(value.get("list", value.get("set", ())))
        } | {
            value["ref"]
            for sight in self.sights
            for name in names
            for value in sight["loaded"].get(name, {}).values()
            if isinstance(value, dict) and "ref" in value
        }

    def row(self, sight: Sight, name: str) -> dict[str, Any] | None:
        """The row of an object, if there is one."""
        kind, key = self.kind(name), self.key(name)
        for row in sight["tables"].get(kind.table + self.place(name), ()):
            if key_text(kind, as_dict(kind, row)) == key:
                return as_dict(kind, row)
        return None

    def members_before(self, name: str, attr: str) -> set[str]:
        """All that a collection was seen to hold."""
        found: set[str] = set()
        for sight in self.expected[: self.at]:
            value = sight["loaded"].get(name, {}).get(attr)
            if isinstance(value, dict):
                found.update(value.get("list", value.get("set", ())))
        return found

    def lives(self, name: str) -> bool:
        """Has a deleted object a row again?

        One that another object took over, that a statement inserted, or that came after the commit, is not its row.
        """
        row, at = self.row(self.theirs, name), self.was(name, "deleted")
        if row is None or at is None or self.before["states"].get(name) == "detached":
            return False
        while at and self.expected[at - 1]["states"].get(name) == "deleted":
            at -= 1
        mine = f"{self.key(name)}="
        if any(mine in one and filed(one)[2] != name for sight in self.expected[at : self.at] for one in sight["map"]):
            return False
        if self.row(self.expected[at], name) is not None:
            return False
        back = next(later for later in range(at, self.at + 1) if self.row(self.expected[later], name) is not None)
        return self.program[back][0] != "sql"

    def switches(self) -> list[tuple[str, str, str, list[Any]]]:
        """(table, newcomer, class, key) of every row that changes hands in the step, as far as keys are known before it."""
        found = []
        lost = ("deleted", "detached") if self.step[0] == "commit" else ("deleted",)
        leaving = {
            (KINDS[filed(entry)[0]].table + entry[len(bare(entry)) :], filed(entry)[1])
            for entry in self.before["map"]
            if filed(entry)[2] in map(bare, self.before["deleted"])
            or all(sight["states"].get(filed(entry)[2]) in lost for sight in (self.theirs, self.ours))
        }
        for entry in self.before["new"]:
            name = bare(entry)
            held = self.before["loaded"][name]
            cls = self.before["kinds"][name]
            kind = KINDS[cls]
            key = [held.get(attr) for attr in kind.pk]
            table = kind.table + entry[len(name) :]
            if (table, ",".join(map(str, key))) in leaving:
                found.append((table, name, cls, key))
        return found
