"""Makes random programs. A step is chosen by what the reference holds at that moment, so that most of them make sense."""

from __future__ import annotations

import random
from typing import Any

from tests.fuzz.model import KINDS, tables_of
from tests.fuzz.player import Player, Sight, Step
from tests.fuzz.reference import Reference
from tests.fuzz.world import Settings

WEIGHTS: dict[str, float] = {
    "new": 9, "add": 13, "delete": 8, "expunge": 3, "merge": 5, "set": 10, "read": 10,
    "del": 1, "ref": 6, "append": 8, "remove": 7, "setlist": 3, "flush": 8, "begin": 0.4,
    "begin_nested": 4, "nested_commit": 3, "nested_rollback": 4, "commit": 5,
    "rollback": 3, "expire": 5, "expire_all": 0.7, "refresh": 5, "get": 7, "query": 6,
    "sql": 4, "close": 0.7, "expunge_all": 0.7,
}  # fmt: skip
"""how often each step comes"""

PROFILES: dict[str, dict[str, float]] = {
    "basic": dict.fromkeys(
        ("ref", "append", "remove", "setlist", "begin_nested", "nested_commit", "nested_rollback", "merge"), 0
    ),
    "rel": {
        "begin_nested": 0, "nested_commit": 0, "nested_rollback": 0, "merge": 0, "sql": 0,
        "append": 16, "remove": 14, "ref": 12, "setlist": 6, "read": 14,
    },
    "nested": {
        "begin_nested": 14, "nested_commit": 10, "nested_rollback": 16, "commit": 2, "rollback": 1, "close": 0.2,
        "merge": 0, "setlist": 0,
    },
    "merge": {"merge": 22, "expunge": 6, "close": 3, "expunge_all": 3},
    "full": {},
    "hooks": {"commit": 8, "rollback": 5},
    "keys": {"set": 20, "sql": 2},
    "joined": {"sql": 0, "ref": 10, "append": 12},
    "versions": {"begin_nested": 6, "sql": 7},
    "sets": {"append": 16, "remove": 14, "ref": 12, "setlist": 6, "read": 14, "sql": 0},
    "binds": {"sql": 0, "commit": 8, "rollback": 6},
    "moves": {"commit": 8, "rollback": 6, "merge": 7},
    "outside": {"pickle": 8, "make_transient": 14, "make_transient_to_detached": 4, "expunge": 6, "close": 2, "merge": 8},
    "over": {"query_over": 8, "get_over": 6, "expire": 10, "refresh": 10, "sql": 10, "set": 16},
    "handles": {"begin_nested": 14, "handle": 18, "nested_commit": 2, "nested_rollback": 2, "merge": 0, "setlist": 0},
    "two": {"use": 14, "expunge": 9, "merge": 10, "close": 2, "expunge_all": 2},
}  # fmt: skip
"""a profile to the weights that differ in it"""

COMMON = ("basic", "rel", "nested", "merge", "full")
"""profiles of one session, on classes with keys that are numbers"""

FAMILIES = {
    "UA": ["User", "Address", "Address"],
    "OK": ["Order", "Keyword"],
    "N": ["Node"],
    "C": ["Comp"],
    "L": ["Land", "Town", "Town"],
    "P": ["Firm", "Person", "Engineer"],
    "D": ["Doc"],
    "S": ["Club", "Member", "Member"],
}
"""classes that belong together; a program is about one or two families"""


def programs_of(profile: str) -> range:
    """The seeds of a profile that every test run plays."""
    return range(200 if profile in COMMON else 80)


TEXTS = ("x", "y", "z", None)
WORDS = ("de", "fr", "it", "at")


def families_of(profile: str) -> list[str]:
    """The families a profile is about."""
    special = {"keys": ["L", "C"], "joined": ["P"], "versions": ["D"], "sets": ["S"]}
    if profile in special:
        return special[profile]
    return ["UA", "OK", "N", "C"]


class Composer:
    """Composes one program, step by step.

    :param draw: the source of chance.
    :param player: plays the program on the reference as it grows.
    :param pool: the classes it is about.
    """

    def __init__(self, draw: random.Random, player: Player, profile: str, pool: list[str]) -> None:
        self.draw = draw
        self.player = player
        self.profile = profile
        weights = {**WEIGHTS, **PROFILES[profile]}
        self.kinds = [kind for kind, weight in weights.items() if weight]
        self.weights = [weights[kind] for kind in self.kinds]
        self.made = 0
        self.gone: set[str] = set()
        self.pool = pool

    def next(self) -> Step:
        """The next step."""
        if not self.player.world.session.is_active and self.draw.random() < 0.55:
            return ["rollback"]
        for _ in range(50):
            kind = self.draw.choices(self.kinds, self.weights)[0]
            step: Step | None = getattr(self, f"_{kind}", self._bare)(kind)
            if step is not None:
                return step
        return ["flush"]

    # ── what to choose from ──────────────────────────────────────────────────────────────────────────────────────────
    def _pick(
        self, cls: str | None = None, states: tuple[str, ...] = (), often: float = 0.85, gone: bool = True
    ) -> str | None:
        """The name of an object, mostly one in certain states.

        :param gone: also one whose row is deleted?
        """
        player = self.player
        names = [n for n in player.objects if (cls is None or player.kinds[n] == cls) and (gone or n not in self.gone)]
        if names and states and self.draw.random() < often:
            names = [n for n in names if player.world.state(player.objects[n]) in states]
        return self.draw.choice(names) if names else None

    def _ident(self, cls: str) -> Any:
        if KINDS[cls].key == "pair":
            return [self.draw.randint(1, 2), self.draw.randint(1, 2)]
        return self.draw.choice(WORDS) if KINDS[cls].key == "word" else self.draw.randint(1, 5)

    def _reference(self, cls: str) -> Any:
        """A value for a foreign key that is set by hand."""
        return self.draw.choice(("de", "fr", "it", None) if cls == "Town" else (1, 2, 3, None))

    # ── steps ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _new(self, kind: str) -> Step | None:
        draw, cls = self.draw, self.draw.choice(self.pool)
        if len(self.player.objects) > 22:
            return None
        self.made += 1
        spec, values = KINDS[cls], {}
        if draw.random() < 0.8:
            values[spec.text] = draw.choice(TEXTS)
        if spec.key == "pair":
            values["a"], values["b"] = self._ident(cls)
            if draw.random() < 0.05:
                values["b"] = None
        elif spec.key == "word":
            values[spec.pk[0]] = self._ident(cls)
        elif draw.random() < 0.45:
            values["id"] = self._ident(cls)
        if spec.refers and draw.random() < 0.12:
            values[spec.refers] = self._reference(cls)
        return ["new", f"{cls[0].lower()}{self.made}", cls, values]

    def _on_one(self, kind: str) -> Step | None:
        states, often = {
            "add": (("transient", "detached", "transient"), 0.8),
            "delete": (("persistent",), 0.93),
            "expunge": (("persistent", "pending", "deleted"), 0.95),
            "make_transient": ((), 0.95),
            "make_transient_to_detached": (("transient",), 0.9),
        }[kind]
        if kind == "make_transient":  # few are pending or deleted
            states = (self.draw.choice(("persistent", "detached", "pending", "deleted")),)
        name = self._pick(None, states, often)
        return None if name is None else [kind, name]

    _add = _delete = _expunge = _make_transient = _make_transient_to_detached = _on_one

    def _merge(self, kind: str) -> Step | None:
        name = self._pick(None, ("detached", "transient"), 0.7, gone=False)
        if name is None:
            return None
        self.made += 1
        return ["merge", f"m{self.made}", name, self.draw.random() < 0.85]

    def _set(self, kind: str) -> Step | None:
        name = self._pick(gone=False)
        if name is None:
            return None
        cls, chance = self.player.kinds[name], self.draw.random()
        spec = KINDS[cls]
        if chance < (0.3 if spec.key == "word" else 0.07):
            key = self.draw.choice(spec.pk)
            return ["set", name, key, self.draw.choice(WORDS if spec.key == "word" else (1, 2, 3, 6))]
        if chance < 0.17 and spec.refers:
            return ["set", name, spec.refers, self._reference(cls)]
        return ["set", name, spec.text, self.draw.choice(TEXTS)]

    def _read(self, kind: str) -> Step | None:
        name = self._pick(gone=False)
        if name is None:
            return None
        spec = KINDS[self.player.kinds[name]]
        return ["read", name, self.draw.choice([*spec.columns, *self._relations(spec) * 3])]

    def _del(self, kind: str) -> Step | None:
        name = self._pick(gone=False)
        if name is None:
            return None
        # references only: of columns and collections SQLAlchemy's flush stumbles (semantics 22.2)
        relations = KINDS[self.player.kinds[name]].relations
        attrs = [attr for attr, (_, collection) in relations.items() if not collection]
        return ["del", name, self.draw.choice(attrs)] if attrs else None

    def _relations(self, spec: Any) -> list[str]:
        return list(spec.relations) if self.profile != "basic" else []

    def _related(self, collection: bool) -> tuple[str, str, str] | None:
        """(object, relationship, class at its other end)"""
        fitting = [cls for cls in self.pool if any(many == collection for _, many in KINDS[cls].relations.values())]
        if not fitting:
            return None
        cls = self.draw.choice(fitting)
        relations = [(attr, to) for attr, (to, many) in KINDS[cls].relations.items() if many == collection]
        attr, target = self.draw.choice(relations)
        name = self._pick(cls, gone=False)
        return None if name is None else (name, attr, target)

    def _ref(self, kind: str) -> Step | None:
        found = self._related(collection=False)
        if found is None:
            return None
        name, attr, target = found
        return ["ref", name, attr, None if self.draw.random() < 0.25 else self._pick(target, gone=False)]

    def _setlist(self, kind: str) -> Step | None:
        found = self._related(collection=True)
        if found is None:
            return None
        name, attr, target = found
        count = self.draw.randint(0, 2)
        names = [n for n in self.player.objects if self.player.kinds[n] == target and n not in self.gone]
        return ["setlist", name, attr, self.draw.sample(names, min(count, len(names)))]

    def _append(self, kind: str) -> Step | None:
        found = self._related(collection=True)
        if found is None:
            return None
        name, attr, target = found
        other = self._pick(target, gone=False)
        return None if other is None else ["append", name, attr, other]

    def _remove(self, kind: str) -> Step | None:
        found = self._related(collection=True)
        if found is None:
            return None
        name, attr, target = found
        player = self.player
        held = player.world.loaded(player.objects[name]).get(attr) or ()
        members = [n for member in held if (n := player.name(member)) not in self.gone]
        if isinstance(held, set):
            members.sort()
        if members and self.draw.random() < 0.9:
            return ["remove", name, attr, self.draw.choice(members)]
        if self.draw.random() < 0.8:
            return None
        other = self._pick(target, gone=False)
        return None if other is None else ["remove", name, attr, other]

    def _some_attributes(self, kind: str) -> Step | None:
        name = self._pick(None, ("persistent",), 0.95)
        if name is None:
            return None
        names = None
        if self.draw.random() < 0.35:
            spec = KINDS[self.player.kinds[name]]
            attrs = [spec.text, *(key for key in spec.columns if key not in spec.pk), *self._relations(spec)]
            names = sorted(set(self.draw.sample(attrs, min(len(attrs), self.draw.choice((1, 2))))))
        return [kind, name, names]

    _expire = _refresh = _some_attributes

    def _get(self, kind: str) -> Step:
        cls = self.draw.choice(self.pool)
        return ["get", cls, self._ident(cls)]

    def _get_over(self, kind: str) -> Step:
        return [kind, *self._get(kind)[1:]]

    def _query_over(self, kind: str) -> Step:
        return [kind, self.draw.choice(self.pool)]

    def _pickle(self, kind: str) -> Step | None:
        name = self._pick(gone=False)
        if name is None:
            return None
        self.made += 1
        return [kind, f"m{self.made}", name]

    def _handle(self, kind: str) -> Step | None:
        opened = len(self.player.world.opened)
        return [kind, self.draw.randrange(opened), self.draw.choice(("commit", "rollback"))] if opened else None

    def _query(self, kind: str) -> Step:
        return ["query", self.draw.choice(self.pool), self.draw.choice((None, None, "x", "y"))]

    def _sql(self, kind: str) -> Step:
        cls = self.draw.choice(self.pool)
        spec, chance, ident = KINDS[cls], self.draw.random(), self._ident(cls)
        where = " AND ".join(f"{key}=:{mark}" for key, mark in zip(spec.pk, "ij", strict=False))
        marks = ",".join(f":{mark}" for _, mark in zip(spec.pk, "ij", strict=False))
        params = dict(zip("ij", ident if isinstance(ident, list) else [ident], strict=False))
        if chance < 0.45:
            return ["sql", f"UPDATE {spec.table} SET {spec.text}='raw' WHERE {where}", params]
        if chance < 0.75:
            columns = ",".join((*spec.pk, spec.text))
            return ["sql", f"INSERT INTO {spec.table} ({columns}) VALUES ({marks},'raw')", params]
        return ["sql", f"DELETE FROM {spec.table} WHERE {where}", params]

    def _use(self, kind: str) -> Step:
        return ["use", 1 - self.player.world.at]

    def _bare(self, kind: str) -> Step | None:
        """A step without arguments."""
        handles = self.player.world.handles[self.player.world.at]
        if kind in ("nested_commit", "nested_rollback") and not handles:
            return None
        if kind == "begin_nested" and len(handles) >= 3:
            return None
        return [kind]


def compose(seed: int, profile: str, length: int | None = None) -> tuple[Settings, list[Step], list[Sight]]:
    """A program, its settings, and what is seen of it on the reference: always the same for a seed and a profile."""
    draw = random.Random(f"{profile}/{seed}")
    settings: Settings = {
        "autoflush": draw.random() < 0.75,
        "expire_on_commit": draw.random() < 0.75,
        "fk": draw.random() < 0.6,
        "rows": draw.random() < 0.6,
    }
    families = families_of(profile)
    chosen = draw.sample(families, min(len(families), draw.choice((1, 2, 2))))
    pool = [cls for family in chosen for cls in FAMILIES[family]]
    settings["tables"] = tables_of(pool)
    if profile == "two":
        settings["sessions"] = 2
    if profile == "hooks":
        settings["hooks"] = True
    if profile in ("moves", "binds"):
        settings[profile] = True
    world = Reference()
    player = Player(world, settings)
    composer = Composer(draw, player, profile, pool)
    program: list[Step] = []
    seen: list[Sight] = []
    try:
        for _ in range(length or draw.randint(10, 45)):
            step = composer.next()
            program.append(step)
            seen.append(player.step(step))
            note_gone(composer.gone, seen[-1])
    finally:
        world.close_down()
    return settings, program, seen


def note_gone(gone: set[str], sight: Sight) -> None:
    """Keeps the names of objects whose row a flush deleted and no rollback brought back."""
    for name, state in sight["states"].items():
        if state == "deleted":
            gone.add(name)
        elif state in ("persistent", "pending"):
            gone.discard(name)
