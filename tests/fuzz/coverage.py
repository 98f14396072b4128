"""Counts what programs reach: each kind of step, and each move of an object from a state by a trigger.

What programs cannot reach is named with the test that does; so are the lines of the semantics (:mod:`tests.semantics`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from nbsession.events import Fact, StatesMoved
from nbsession.session import factory
from nbsession.states import OBJECT_MOVES, ObjectState, Trigger
from tests.fuzz.ours import OnSQLite
from tests.fuzz.player import Step, play
from tests.fuzz.programs import PROFILES, WEIGHTS, compose
from tests.fuzz.world import Settings
from tests.semantics.page import proofs, sections

ENOUGH = 100
SELDOM = ((ObjectState.DELETED, Trigger.MAKE_TRANSIENT),)
"""what programs do too seldom to be counted on: they hardly ever look at an object between its DELETE and the commit"""

_LEGAL = "tests.test_states::test_each_legal_move_is_made_by_the_public_api"
_ILLEGAL = "tests.test_states::test_each_illegal_move_is_refused_and_changes_nothing"
TESTED_ELSEWHERE = {
    (state.value, trigger.value): _LEGAL if (state, trigger) in OBJECT_MOVES.moves else _ILLEGAL
    for state in ObjectState
    for trigger in Trigger
    if (state, trigger) in SELDOM or trigger is Trigger.SESSION_GONE or (state, trigger) not in OBJECT_MOVES.moves
}
"""(state, trigger) that programs cannot be counted on to reach, since they hold their sessions and do nothing illegal, and the
tests that do"""


def tests_named() -> dict[str, bool]:
    """The tests of :data:`TESTED_ELSEWHERE`: is each there?"""
    parts = {name: name.split("::") for name in TESTED_ELSEWHERE.values()}
    return {name: hasattr(import_module(module), test) for name, (module, test) in parts.items()}


class Watched(OnSQLite):
    """nbsession on SQLite, with somebody who counts moves, those outside of all sessions too.

    :param moves: what is counted: (state, trigger).
    """

    def __init__(self, moves: Counter[tuple[str, str]]) -> None:
        self.moves = moves

    def open(self, settings: Settings) -> None:
        self._stop = factory.outside.subscribe(self._note)
        super().open(settings)

    def close_down(self) -> None:
        self._stop()
        super().close_down()

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
        for state in ObjectState:
            for trigger in Trigger:
                pair = state.value, trigger.value
                if pair not in TESTED_ELSEWHERE and self.moves[pair] < ENOUGH:
                    few.append(f"{state.value} by {trigger.value}: {self.moves[pair]}")
        return [*few, *(f"line {number}: no test" for number, tests in proofs().items() if not tests)]

    def __str__(self) -> str:
        lines = ["state        trigger              times"]
        for state, trigger in OBJECT_MOVES.moves:
            times = self.moves[state.value, trigger.value]
            place = TESTED_ELSEWHERE.get((state.value, trigger.value))
            lines.append(f"{state.value:12} {trigger.value:18} {times:8}{f'   ({place})' if place else ''}")
        illegal = sum(test == _ILLEGAL for test in TESTED_ELSEWHERE.values())
        lines.append(f"{illegal} pairs are no legal moves   ({_ILLEGAL})")
        lines += ["", "step                 times"]
        lines += [f"{kind:18} {times:8}" for kind, times in self.steps.most_common()]
        by_line = proofs()
        taken = [line.number for entries in sections().values() for line in entries if line.decision == "take"]
        tests = {test for number in taken for test in by_line[number]}
        lines += [
            "",
            f"lines that say TAKE: {len(taken)}, {sum(bool(by_line[n]) for n in taken)} of them by {len(tests)} tests",
        ]
        return "\n".join(lines)


def coverage_of(seeds: Iterable[int]) -> Coverage:
    """What the programs of all profiles reach."""
    coverage = Coverage()
    for seed in seeds:
        for profile in PROFILES:
            settings, program, _ = compose(seed, profile)
            coverage.add(settings, program)
    return coverage
