"""Random programs on both databases, from the same seed each time or from another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from tests.database.duckdb.savepoints import session_programs, sides, statements


def run_sql(count: int, derandomize: bool = True, shrink: bool = True) -> None:
    """Programs of SQL, with savepoints by name.

    :param derandomize: the same programs each time.
    :param shrink: make the first program that differs as short as can be.
    :raises Difference: the databases differ.
    """
    lite, duck = sides.Lite(), sides.Duck()
    try:
        _run(statements.programs, lambda program: sides.play(program, lite, duck), count, derandomize, shrink)
    finally:
        lite.close()
        duck.close()


def run_sessions(count: int, derandomize: bool = True, shrink: bool = True) -> None:
    """Programs of a session.

    :raises Difference: the databases differ.
    """
    both = [session_programs.SessionSide(url) for url in ("sqlite://", "duckdb://?threads=1")]
    try:
        _run(
            session_programs.programs, lambda program: session_programs.play(program, both), count, derandomize, shrink
        )
    finally:
        for side in both:
            side.close()


def _run(
    programs: SearchStrategy[Any], play: Callable[[Sequence[Any]], None], count: int, derandomize: bool, shrink: bool
) -> None:
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]

    @settings(
        max_examples=count,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    @given(programs)
    def run(program: Sequence[Any]) -> None:
        play(program)

    run()
