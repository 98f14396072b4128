"""Cells as units: checkpoints and undo, receipts, ``%%session``, the list of sessions, schema, forget."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbsession import inspect
from nbsession.notebook.commands import checkpoints, magics
from nbsession.notebook.commands.own_sql import statements
from tests.notebook.conftest import Shell, start_anew


@pytest.fixture(autouse=True)
def no_checkpoints() -> Any:
    yield
    checkpoints.forget_all()


def members(shell: Shell) -> str:
    """The names in the database, as the session's connection sees them."""
    return shell.run(
        "print(*[name for (name,) in session.connection().exec_driver_sql('SELECT name FROM member ORDER BY id')])"
    )


# ── checkpoints and undo ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def units(library: Shell) -> Shell:
    """A library in which each cell is a unit; the next cell is In[5]."""
    library.run("from nbsession import text")
    assert library.run("%session checkpoint on").startswith("checkpoints are on")
    return library


def test_a_cell_that_raises_leaves_no_trace(units: Shell) -> None:
    units.run("ada = Member(name='Ada'); session.add(ada)")
    said = units.run("ada.name = 'Eve'; session.add(Member(name='Bob')); session.flush(); 1 / 0")
    assert "ZeroDivisionError" in said
    assert said.endswith("In[6] undone (ZeroDivisionError): rows and objects are as they were before it")
    assert units.run("print(ada.name, len(session.new))") == "Ada 0"
    assert members(units) == "Ada"


def test_a_cell_whose_flush_fails_at_its_end_is_undone(units: Shell) -> None:
    units.run("session.add(Member(name='Ada'))")
    said = units.run("session.add(Member(name='Ada'))")
    assert said.startswith("In[6] undone (IntegrityError: ") and said.endswith("as they were before it")
    assert members(units) == "Ada"
    assert units.run("print(session.is_active, len(session.new))") == "True 0"


def test_cells_are_taken_back_one_by_one_or_several_at_once(units: Shell) -> None:
    for name in ("Ada", "Bob", "Eve", "Kim"):
        units.run(f"{name.lower()} = Member(name={name!r}); session.add({name.lower()})")
    assert units.run("%session undo") == (
        "Member#4 persistent → transient, now Member+4\nundone: In[8]; rows and objects are as before"
    )
    assert members(units) == "Ada Bob Eve"
    assert "undone: In[10], In[7]" in units.run("%session undo 2")  # the cell that printed counts too
    assert members(units) == "Ada Bob"


def test_what_was_taken_back_cannot_be_taken_back_again(units: Shell) -> None:
    units.run("session.add(Member(name='Ada'))")
    assert "undone: In[5]" in units.run("%session undo")
    assert "undo 1: no cell can be undone, because no cell has run since" in units.run("%session undo")


def test_the_line_under_a_cell_that_raised_tells_what_is_left_of_it(units: Shell) -> None:
    units.run("%session receipt on")
    said = units.run("ada = Member(name='Ada'); session.add(ada); session.flush(); 1 / 0")
    undone, receipt = said.splitlines()[-2:]
    assert undone.startswith("In[6] undone (ZeroDivisionError)")
    assert "persistent → transient" in receipt


def test_undo_stops_at_a_commit_and_says_why(units: Shell) -> None:
    units.run("session.add(Member(name='Ada'))")
    units.run("session.commit()")
    units.run("session.add(Member(name='Bob'))")
    said = units.run("%session undo 3")
    assert "SavepointError: undo 3: 1 cell can be undone, because the transaction was committed in In[6]." in said
    assert "undone: In[7]" in units.run("%session undo 1")
    said = units.run("%session undo")
    assert "SavepointError: undo 1: no cell can be undone, because the transaction was committed in In[6]." in said
    assert members(units) == "Ada"


def test_undo_without_checkpoints_says_how_to_turn_them_on(library: Shell) -> None:
    assert "checkpoints are off: %session checkpoint on" in library.run("%session undo")
    assert "UsageError" in library.run("%session checkpoint maybe")
    assert "UsageError" in library.run("%session undo zero")


def test_raw_sql_is_taken_back_too(units: Shell) -> None:
    units.run("session.add(Member(name='Ada'))")
    units.run("_ = session.execute(text(\"UPDATE member SET name = 'Zoe'\"))")
    assert members(units) == "Zoe"
    assert "undone: In[7], In[6]" in units.run("%session undo 2")
    assert members(units) == "Ada"


def test_when_checkpoints_are_turned_off_what_was_done_stays(units: Shell) -> None:
    units.run("session.add(Member(name='Ada'))")
    assert units.run("%session checkpoint off").startswith("checkpoints are off")
    units.run("session.commit()")
    assert members(units) == "Ada"
    units.run("session.add(Member(name='Bob')); session.flush(); 1 / 0")
    assert members(units) == "Ada Bob"


def test_more_cells_than_are_kept(units: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "CELLS_KEPT", 3)
    for number in range(5):
        units.run(f"session.add(Member(name='m{number}'))")
    assert "because only 3 cells are kept" in units.run("%session undo 9")
    assert members(units) == "m0 m1 m2 m3 m4"


CELLS = st.sampled_from(
    [
        "keep.append(Member(name=f'n{next(count)}')); session.add(keep[-1])",
        "m = session.query(Member).first(); m.name = f'r{next(count)}' if m else None",
        "m = session.query(Member).first(); session.delete(m) if m else None",
        "m = session.query(Member).first(); keep.append(Loan(note='x')); m.loans.append(keep[-1]) if m else None",
        "keep.append(Member(name=f'l{next(count)}'))",
        "_ = session.execute(text(f\"INSERT INTO member (id, name) VALUES ({500 + next(count)}, 'q{next(count)}')\"))",
        "_ = session.execute(text(\"UPDATE loan SET note = 'raw'\"))",
        "_ = session.execute(text('DELETE FROM loan'))",
        "session.add(Member(name='same')); session.flush(); session.add(Member(name='same')); session.flush()",
        "keep.append(Member(name=f'e{next(count)}')); session.add(keep[-1]); session.flush(); 1 / 0",
        "nested = session.begin_nested(); session.add(Member(name=f's{next(count)}')); nested.rollback()",
        "nested = session.begin_nested(); session.add(Member(name=f't{next(count)}')); nested.commit()",
        "session.expunge(keep[-1]) if keep and keep[-1] in session else None",
        "session.expire_all()",
        "session.commit()",
        "session.rollback()",
    ]
)
ENDS = ("session.commit()", "session.rollback()")


def picture(session: Any, keep: list[Any]) -> tuple[Any, ...]:
    """Rows as the session's connection sees them, what waits for a flush, and the states of the objects kept."""
    tables = ("member", "loan")
    with session.no_autoflush:
        ask = session.connection().exec_driver_sql
        rows = [[tuple(row) for row in ask(f"SELECT * FROM {table} ORDER BY id").fetchall()] for table in tables]
    return rows, len(session.new), len(session.dirty), [inspect(obj).state.value for obj in keep]


@pytest.mark.parametrize("url", ["sqlite://", "duckdb://"])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(CELLS, min_size=1, max_size=9), back=st.integers(1, 4))
def test_after_undo_rows_and_objects_are_as_before(
    url: str, cells: list[str], back: int, ipython: Any, capsys: Any
) -> None:
    start_anew(ipython)
    shell = Shell(ipython, capsys)
    try:
        shell.run(f"%session open {url}")
        shell.run(
            "from itertools import count as counting; count = counting(); keep = []; from nbsession import text\n"
            "from tests.notebook.library import *; Base.metadata.create_all(engine)"
        )
        shell.run("%session checkpoint on")
        session, keep = shell["session"], shell["keep"]
        before: list[Any] = []  # of the cells that can be undone
        for cell in cells:
            shown = picture(session, keep)
            if "Traceback" in shell.run(cell):
                now = picture(session, keep)
                assert now[:3] == shown[:3] and now[3][: len(shown[3])] == shown[3], "a cell that raised left a trace"
            elif cell in ENDS:
                before.clear()
            else:
                before.append(shown)
        said = shell.run(f"%session undo {back}")
        assert ("undone: " in said) is (back <= len(before)), said
        if "undone: " in said:
            now = picture(session, keep)
            assert now[:3] == before[-back][:3]
            assert now[3][: len(before[-back][3])] == before[-back][3]
        else:
            assert "can be undone, because" in said
    finally:
        shell.run("%session close")
        checkpoints.forget_all()
        magics.unload(ipython)


def test_a_session_that_was_closed_is_left_alone_by_the_next_cell(units: Shell) -> None:
    units.run("held = [session]; again = session; session.add(Member(name='Ada'))")
    assert units.run("%session close").startswith("closed")
    assert units.run("print('session' in dir(), 'again' in dir(), held[0].in_transaction())") == "False False False"


def test_an_error_has_its_receipt_too(library: Shell) -> None:
    library.run("%session receipt on")
    said = library.run("session.add_all([Member(name='Ada'), Member(name='Ada')]); session.flush()")
    assert said.splitlines()[-1].endswith("2 pending → transient · 1 statement · nothing committed")
    library.run("%session rollback")
    assert library.run("1; None") == "", "told once"


# ── receipts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_receipt_is_one_line_and_quiet_when_nothing_happened(library: Shell) -> None:
    assert library.run("%session receipt on").startswith("receipts are on")
    assert library.run("1; None") == ""
    assert (
        library.run("ada = Member(name='Ada'); session.add(ada)")
        == "1 transient → pending · no statement · nothing committed"
    )
    assert library.run("session.flush()") == "1 pending → persistent · 1 statement · nothing committed"
    assert library.run("ada.name = 'Eve'") == "1 object changed · no statement · nothing committed"
    assert library.run("session.commit()") == "1 statement · committed"
    library.run("session.delete(ada); session.flush()")
    assert library.run("session.rollback()").endswith("rolled back")
    assert library.run("%session receipt off") == "receipts are off"
    assert library.run("session.add(Member(name='Bob')); session.flush()") == ""


# ── %%session ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_sql_in_a_cell_runs_on_the_sessions_connection_and_commits_nothing(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); limit = 5; who = 'Bob'")
    said = library.run("%%session sql\nSELECT id, name FROM member WHERE id < :limit")
    assert said.splitlines() == ["id  name", "1   'Ada'", "(1 row)"]
    said = library.run(
        "%%session sql\nINSERT INTO member (id, name) VALUES (7, :who);\nUPDATE member SET name = 'x' WHERE id = 1"
    )
    assert "nothing is committed" in said
    assert library.run("print(session.in_transaction())") == "True"
    assert members(library) == "x Bob"
    library.run("session.rollback()")
    assert members(library) == ""
    assert "UsageError: %%session: 'tables' is not known here" in library.run("%%session tables\nx")
    assert library.run("%%session sql\n-- nothing") == "nothing to run: the cell holds no SQL"


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_statements_are_cut_at_their_semicolons_only(dialect: str) -> None:
    assert statements("SELECT ';' ; SELECT \"a;b\" /* ; */;\n\n;", dialect) == ["SELECT ';'", 'SELECT "a;b" /* ; */']


def test_a_cell_in_a_transaction_commits_at_its_end_or_leaves_nothing(library: Shell) -> None:
    assert library.run("%%session --commit\nsession.add(Member(name='Ada'))\n'done'") == "Out[3]: 'done'"
    assert library.run("print(session.in_transaction())") == "False"
    assert "ZeroDivisionError" in library.run(
        "%%session --commit\nsession.add(Member(name='Bob')); session.flush()\n1 / 0"
    )
    assert members(library) == "Ada"
    library.run("session.add(Member(name='Kim')); session.flush()")
    assert "ZeroDivisionError" in library.run(
        "%%session --savepoint\nsession.add(Member(name='Eve')); session.flush()\n1 / 0"
    )
    library.run("%%session --savepoint\nsession.add(Member(name='Zoe'));")
    assert members(library) == "Ada Kim Zoe"
    library.run("session.rollback()")
    assert members(library) == "Ada"


# ── list, schema, forget ─────────────────────────────────────────────────────────────────────────────────────────────
def test_sessions_are_listed_with_what_they_hold_and_who_holds_them(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.flush(); session.add(Member(name='Bob'))")
    library.run("from nbsession import Session; other = Session(engine)")
    library.run("keep = [other]; del other")
    lines = library.run("%session list").splitlines()
    assert lines[0].startswith("session · ") and "in a transaction since In[3]" in lines[0]
    assert lines[1:3] == ["    met in In[1]; held by session", "    unsaved: 1 row written, not committed, 1 new"]
    assert "    met in In[4]; held by no variable: %session close other@4 ends it" in lines


def test_schema_tells_what_differs_between_classes_and_tables(library: Shell) -> None:
    library.run("from nbsession import text")
    assert not any("member" in line.lower() for line in library.run("%session schema").splitlines())
    library.run("_ = session.execute(text('DROP TABLE loan'))")
    library.run("_ = session.execute(text('ALTER TABLE member ADD COLUMN age INTEGER'))")
    library.run("_ = session.execute(text('CREATE TABLE extra (id INTEGER)')); session.commit()")
    lines = library.run("%session schema").splitlines()
    assert "Loan: table loan is not there; Base.metadata.create_all(engine) makes it" in lines
    assert "Member: in the table, not mapped: age" in lines
    assert "extra: in the database, not mapped" in lines


def test_forget_lets_go_of_outputs_and_of_the_last_traceback(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.commit()")
    library.run("session.query(Member).one()")
    library.run("def fail():\n    mine = session.query(Member).one()\n    raise ValueError('x')\nfail()")
    held = weakref.ref(next(iter(library["session"].identity_map.values())))
    gc.collect()
    assert held() is not None
    assert library.run("%session forget").startswith("forgotten: 1 output")
    gc.collect()
    assert held() is None
