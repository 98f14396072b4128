"""``%session watch`` in a shell: the verbs, receipts and cards on a real SQLAlchemy session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebook.conftest import Shell

PROJECT = Path(__file__).parents[3]

MODEL = """
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session
from tests.notebook.watching.model import Base, Loan, Member
alchemy = create_engine({url!r})
Base.metadata.create_all(alchemy)
s = Session(alchemy)
made_before = Member(name="Zoe")
"""


@pytest.fixture
def watching(shell: Shell, alchemy_url: str) -> Shell:
    """A shell in which a SQLAlchemy session is watched; the next cell is In[3]."""
    shell.run(MODEL.format(url=alchemy_url))
    assert "watching s · " in shell.run("%session watch s")
    return shell


def test_watch_shows_the_board_and_what_cannot_be_had(shell: Shell, alchemy_url: str) -> None:
    shell.run(MODEL.format(url=alchemy_url))
    said = shell.run("%session watch s")
    assert (
        "not to be had of it: plan, why, undo, checkpoint, %%session fresh, graph EXPR, schema, %%session sql, savepoint NAME"
        in said
    )
    assert "Member+1         name 'Zoe'" in said


def test_receipts_tell_what_a_cell_did(watching: Shell) -> None:
    watching.run("%session receipt on")
    assert watching.run("s.add(Member(name='Ada'))") == "1 transient → pending · no statement · nothing committed"
    assert watching.run("s.commit()").endswith("committed")


def test_verbs_work_on_it(watching: Shell) -> None:
    assert watching.run("%session add made_before") == "Member+1 transient → pending"
    assert "Member+1 pending → persistent, now Member#1" in watching.run("%session flush")
    assert "name   'Zoe'" in watching.run("%session state made_before")
    assert watching.run("%session savepoint") == "savepoint sp1: %session rollback sp1 returns to here"
    assert "sp1" in watching.run("%session stack")
    assert watching.run("%session rollback sp1").endswith("rolled back to savepoint sp1: no row was lost")
    assert "1 row written" in watching.run("%session commit")
    assert watching.run("%session delete made_before").startswith("Member#1 marked")
    assert watching.run("%session close").endswith("it is no longer watched")
    assert "s" in watching.ip.user_ns, "the variable is not ours"


@pytest.mark.parametrize(
    "line",
    ["plan", "why made_before", "undo", "checkpoint on", "graph made_before", "schema", "savepoint here"],
)
def test_what_cannot_be_had_is_one_line(watching: Shell, line: str) -> None:
    said = watching.run(f"%session {line}")
    assert said.startswith("UsageError: %session: ") and "is not for a watched SQLAlchemy session" in said
    assert len(said.splitlines()) == 1


def test_own_sql_is_refused_in_one_line(watching: Shell) -> None:
    assert "session.execute(text('...'))" in watching.run("%%session sql\nSELECT 1")


def test_an_error_of_sqlalchemys_gets_its_card(watching: Shell) -> None:
    watching.run("s.add(Member(name='Ada', email='a@b')); s.commit()")
    said = watching.run("s.add(Member(name='Twin', email='a@b')); s.flush()")
    assert "! IntegrityError in In[4]" in said
    assert "The database refused a row" in said and "in SQLAlchemy" not in said
    later = watching.run("s.scalars(select(Member)).all()")
    assert "! PendingRollbackError in In[5]" in later and "it began in In[4]: IntegrityError" in later
    assert "no row was lost" in watching.run("%session rollback")


def test_sql_that_is_not_understood_is_explained_as_that(watching: Shell) -> None:
    assert "does not understand the SQL" in watching.run("s.execute(text('SELEC 1'))")


def test_a_session_that_is_not_watched_is_left_alone(shell: Shell, alchemy_url: str) -> None:
    shell.run(MODEL.format(url=alchemy_url))
    said = shell.run("s.execute(text('SELEC 1'))")
    assert "rule:" not in said
    assert "no session is open" in shell.run("%session")


def test_what_is_no_session_is_one_line(watching: Shell) -> None:
    assert watching.run("%session watch alchemy").startswith("UsageError: %session: A Session is needed here")


def test_a_session_of_ours_may_be_watched_too(shell: Shell, database_url: str) -> None:
    shell.run(f"from nbsession import Session, create_engine; other = Session(create_engine({database_url!r}))")
    assert shell.run("%session watch other").startswith("watching other · ")
    shell.run("other.bind.dispose()")


def test_sqlalchemy_is_imported_only_when_a_session_of_its_is_watched() -> None:
    code = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.history_manager.enabled = False
for cell in ("%load_ext nbsession", "%session open sqlite://", "%session list", "%session watch session", "%session outside"):
    assert shell.run_cell(cell).success
print([name for name in sys.modules if name.startswith("sqlalchemy") or "watching" in name])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


def test_classes_of_both_kinds_live_side_by_side(watching: Shell, database_url: str) -> None:
    watching.run("from tests.notebook import library as ours")
    watching.run(f"from nbsession import Session as Own, create_engine as make; own = Own(make({database_url!r}))")
    watching.run("ours.Base.metadata.create_all(own.bind); from tests.notebook.library import Loan as OwnLoan")
    watching.run("own.add(ours.Member(name='Ada')); s.add(made_before)")
    assert "watching own" in watching.run("%session watch own")
    assert "P pending      1" in watching.run("%session show")
    assert "classes and tables agree" in watching.run("%session schema")
    assert "P pending      1" in watching.run("%session watch s")
    watching.run("own.close(); own.bind.dispose()")


def test_loads_one_by_one_are_told_with_line_and_fix(watching: Shell) -> None:
    watching.run("s.add_all([Member(name=str(n), loans=[Loan(title='Saw')]) for n in range(4)]); s.commit()")
    watching.run("for member in s.scalars(select(Member)).all(): len(member.loans)")
    said = " ".join(watching.run("%session log").split())
    assert "Member.loans" in said and "select(Member).options(selectinload(Member.loans))" in said


def test_a_cell_that_adds_again_is_noticed_and_taken_back(watching: Shell) -> None:
    watching.run("s.add(Member(name='Ada'))")
    assert "this cell ran before, as In[3]: 1 object of that run is still pending" in watching.run(
        "s.add(Member(name='Ada'))"
    )
    assert "In[4] undone: 1 object pending → transient" in watching.run("%session undo cell")
