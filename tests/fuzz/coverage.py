"""Counts what programs reach: each kind of step, and each move of an object from a state by a trigger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from nbsession.events import Fact, StatesMoved
from nbsession.states import OBJECT_MOVES
from tests.fuzz.ours import OnSQLite
from tests.fuzz.player import Step, play
from tests.fuzz.programs import PROFILES, WEIGHTS, compose
from tests.fuzz.world import Settings

ENOUGH = 100

TESTED_ELSEWHERE = {
    "make transient": "tests.test_states::test_each_legal_move_is_made_by_the_public_api",
    "make detached": "tests.test_states::test_each_legal_move_is_made_by_the_public_api",
    "session gone": "tests.test_states::test_each_legal_move_is_made_by_the_public_api",
}
"""triggers that programs pull seldom or never, and the tests of them"""


def tests_named() -> dict[str, bool]:
    """The tests of :data:`TESTED_ELSEWHERE`: is each there?"""
    parts = {name: name.split("::") for name in TESTED_ELSEWHERE.values()}
    return {name: hasattr(import_module(module), test) for name, (module, test) in parts.items()}


class Watched(OnSQLite):
    """nbsession on SQLite, with somebody who counts moves.

    :param moves: what is counted: (state, trigger).
    """

    def __init__(self, moves: Counter[tuple[str, str]]) -> None:
        self.moves = moves

    def new_session(self, settings: Settings) -> Any:
        session = super().new_session(settings)
        session.subscribe(self._note)
        return session

    def _note(self, fact: Fact) -> None:
        if isinstance(fact, StatesMoved):
            self.moves[fact.before, fact.trigger] += fact.count


class Coverage:
    """What programs reached.

    :ivar steps: by kind.
    :ivar moves: by state and trigger.
    """

    def __init__(self) -> None:
        self.steps: Counter[str] = Counter()
        self.moves: Counter[tuple[str, str]] = Counter()

    def add(self, settings: Settings, program: Iterable[Step]) -> None:
        """Counts one program."""
        steps = list(program)
        self.steps.update(step[0] for step in steps)
        play(Watched(self.moves), settings, steps)

    def lacking(self) -> list[str]:
        """What was not reached often enough, and is not tested elsewhere."""
        kinds = {*WEIGHTS, *(kind for weights in PROFILES.values() for kind in weights)}
        few = [f"step {kind}: {self.steps[kind]}" for kind in sorted(kinds) if self.steps[kind] < ENOUGH]
        for state, trigger in OBJECT_MOVES.moves:
            pair = state.value, trigger.value
            if trigger.value not in TESTED_ELSEWHERE and self.moves[pair] < ENOUGH:
                few.append(f"{state.value} by {trigger.value}: {self.moves[pair]}")
        return few

    def __str__(self) -> str:
        lines = ["state        trigger              times"]
        for state, trigger in OBJECT_MOVES.moves:
            times = self.moves[state.value, trigger.value]
            place = f"   ({TESTED_ELSEWHERE[trigger.value]})" if trigger.value in TESTED_ELSEWHERE else ""
            lines.append(f"{state.value:12} {trigger.value:18} {times:8}{place}")
        lines += ["", "step                 times"]
        lines += [f"{kind:18} {times:8}" for kind, times in self.steps.most_common()]
        return "\n".join(lines)


def coverage_of(seeds: Iterable[int]) -> Coverage:
    """What the programs of all profiles reach."""
    coverage = Coverage()
    for seed in seeds:
        for profile in PROFILES:
            settings, program, _ = compose(seed, profile)
            coverage.add(settings, program)
    return coverage
