"""The benchmarks run, check what they time, and say so when a side did not do the work. No figure is asserted."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import main
from benchmarks.data import Row, expected
from benchmarks.measure import Stopwatch, WrongResult, compare, run_once
from benchmarks.quiet import Silence, copy_package, decide
from benchmarks.raw_duckdb import RawDuckdb
from benchmarks.raw_sqlite import RawSqlite
from benchmarks.settings import SETTINGS
from benchmarks.works import WORKS, goal


class Idle(RawSqlite):
    """Does no work."""

    name = "idle"

    def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
        with watch:
            pass
        return expected(work, n).said


class Forgetful(RawSqlite):
    """Writes the rows, and puts no key on the objects."""

    name = "forgetful"

    def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
        return [(None,) for _ in super().do(work, n, watch)]


@pytest.mark.parametrize("work", ["insert", "update", "load", "graph", "composite insert"])
def test_a_side_that_computes_nothing_fails(work: str) -> None:
    with pytest.raises(WrongResult, match=f"idle, {work}: table"):
        run_once(Idle(), work, 20, None)


def test_a_delete_that_leaves_rows_fails() -> None:
    class Lazy(RawSqlite):
        name = "lazy"

        def delete(self, table: str, keys: list[int]) -> None:
            pass

    with pytest.raises(WrongResult, match="lazy, delete: table item holds 20 rows, not 0"):
        run_once(Lazy(), "delete", 20, None)


def test_missing_keys_fail() -> None:
    with pytest.raises(WrongResult, match=r"forgetful, insert: the objects say \(None,\) at 0, not \(1,\)"):
        run_once(Forgetful(), "insert", 20, None)


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("side", [RawSqlite, RawDuckdb])
def test_the_raw_drivers_do_every_work(side: type[RawSqlite] | type[RawDuckdb], work: str, tmp_path: Path) -> None:
    assert run_once(side(), work, 40, None) > 0
    assert run_once(side(), work, 40, tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_sides_take_turns_and_one_that_is_slow_sits_out() -> None:
    order: list[str] = []

    class Turn(RawSqlite):
        def __init__(self, name: str, slow: bool) -> None:
            self.name, self.slow = name, slow

        def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
            order.append(self.name)
            said = super().do(work, n, watch)
            watch.seconds = 10.0 if self.slow else watch.seconds
            return said

    medians = compare([Turn("a", False), Turn("b", True)], "insert", 20, None, repetitions=4, budget=5)
    assert order == ["a", "b", "a", "b", "a", "a", "a"]
    assert medians["a"].runs == 4
    assert medians["b"] == (10.0, 10.0, 2)


def test_every_work_runs_in_every_setting(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Runs the whole command on tiny data."""
    file = tmp_path / "figures.json"
    assert main(["-n", "40", "--repetitions", "1", "--without", "sqlalchemy", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert len(found["settings"]) == len(SETTINGS)
    for setting in found["settings"]:
        if not setting["lines"]:
            assert setting["remarks"] == ["left out: pip install pyarrow"]
            continue
        assert [line["work"] for line in setting["lines"]] == list(WORKS)
        for line in setting["lines"]:
            assert line["times_raw"] > 0
    assert found["facts"]["removed"] > 5
    printed = capfd.readouterr().out
    assert "SQLite, memory, 40 objects" in printed
    assert "A fact costs nothing" in printed


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
def test_sqlalchemy_takes_part_or_is_said_to_be_missing(database: str, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["-n", "40", "--repetitions", "1", "--only", "insert", "--only", "composite load", "--quick"]
    assert main([*options, "--database", database]) == 0
    printed = capfd.readouterr().out
    rows = [line for line in printed.splitlines() if line.startswith(("  insert ", "  composite load "))]
    assert len(rows) == (2 if database == "sqlite" else 4)
    assert "pip install" in printed or all("–" not in row for row in rows)


def test_the_table_shows_ratio_and_goal() -> None:
    seconds = {"raw": 0.010, "nbsession": 0.020, "sqlalchemy": 0.300}
    line = {
        "work": "insert",
        "sides": {name: {"seconds": s, "best": s, "runs": 3} for name, s in seconds.items()},
        "times_raw": 2.0,
        "times_faster": 15.0,
        "goal": goal("sqlite", False, "insert")._asdict(),
    }
    lines = list(report.table({"title": "SQLite, memory", "n": 10_000, "remarks": ["no wind"], "lines": [line]}))
    assert lines[1:3] == ["SQLite, memory, 10,000 objects", "  (no wind)"]
    assert lines[-1].split() == ["insert", "10.00", "20.00", "300.00", "×2.00", "≤2.5", "✓", "×15.0", "≥12", "✓"]


@pytest.mark.parametrize(
    ("test", "truth"),
    [
        ("bus.observers", False),
        ("not bus.observers", True),
        ("bus is not None and bus.observers", False),
        ("not bus.observers or quick", True),
        ("bus.observers or quick", None),
        ("constructions.listening", False),
        ("ready and bool(bus.observers)", False),
        ("quick", None),
    ],
)
def test_what_a_test_comes_to_when_nobody_listens(test: str, truth: bool | None) -> None:
    assert decide(ast.parse(test, mode="eval").body) is truth


def test_publishing_is_taken_out_and_the_rest_stays() -> None:
    silence = Silence()
    tree = silence.visit(
        ast.parse("if bus.observers:\n    bus.publish(x)\nif not bus.observers:\n    quick()\nelse:\n    y()")
    )
    assert ast.unparse(ast.fix_missing_locations(tree)) == "pass\nquick()"
    assert silence.removed == 2


def test_a_copy_has_its_own_name_throughout(tmp_path: Path) -> None:
    source = tmp_path / "nbsession"
    source.mkdir()
    (source / "__init__.py").write_text(
        "import nbsession.a\nfrom nbsession.b import c\nlazy = 'nbsession.d'\nsays = 'nbsession is'"
    )
    copy_package(source, tmp_path, "other", quiet=True)
    text = (tmp_path / "other" / "__init__.py").read_text()
    assert text.splitlines() == ["import other.a", "from other.b import c", "lazy = 'other.d'", "says = 'nbsession is'"]
