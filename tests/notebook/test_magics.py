"""``%session`` as it is typed: each verb through IPython, on both databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nbsession import SavepointError
from nbsession.notebook.commands import magics, verbs
from nbsession.notebook.recording.recorder import recorded_sessions
from tests.notebook.conftest import Shell

ADA = "ada = Member(name='Ada')"


# ── a walk ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_objects_whole_life_in_verbs(library: Shell) -> None:
    library.run(ADA)
    assert library.run("%session add ada") == "Member+1 transient → pending"
    assert library.run("%session flush") == (
        "Member+1 pending → persistent, now Member#1\nflushed: 1 statement, 1 row written, nothing committed"
    )
    assert library.run("%session flush") == "nothing to flush"
    assert library.run("%session commit") == "committed: 1 row written"
    assert library.run("%session delete ada") == "Member#1 marked: the next flush sends its DELETE"
    assert library.run("%session delete ada") == "already marked"
    assert library.run("%session flush") == (  # an expired object is read before it is deleted, and its loans
        "Member#1 persistent → deleted\nflushed: 3 statements, 1 row written, nothing committed"
    )
    assert library.run("%session rollback") == (
        "Member#1 deleted → persistent\nrolled back everything since BEGIN (in In[8]): 1 row written since then is lost"
    )
    assert library.run("%session expunge ada") == "Member#1 persistent → detached"
    assert library.run("%session add ada") == "Member#1 detached → persistent"
    assert library.run("%session close") == "Member#1 persistent → detached\nclosed; nothing was lost"


def test_several_objects_at_once(library: Shell) -> None:
    library.run("a, b = Member(name='a'), Member(name='b'); many = [Member(name=str(n)) for n in range(30)]")
    assert library.run("%session add a, b").splitlines() == [
        "Member+1 transient → pending",
        "Member+2 transient → pending",
    ]
    assert library.run("%session add many") == "Member+3 and 29 more transient → pending"
    assert library.run("%session add many") == "already there"
    assert library.run("%session flush").startswith(
        "Member+1 and 31 more pending → persistent\nflushed: 1 statement, 32 rows"
    )


def test_savepoints_by_name(library: Shell) -> None:
    library.run(ADA)
    library.run("%session add ada")
    assert library.run("%session savepoint first") == (
        "Member+1 pending → persistent, now Member#1\nsavepoint first: %session rollback first returns to here"
    )
    library.run("session.add(Member(name='Bob'))")
    assert library.run("%session savepoint").endswith("savepoint sp1: %session rollback sp1 returns to here")
    library.run("eve = Member(name='Eve'); session.add(eve); session.flush()")
    assert library.run("%session release") == (
        "savepoint sp1 released: what was done in it belongs to savepoint first now, nothing is committed"
    )
    stack = library.run("%session stack")
    assert "[BEGIN] In[4]: 1 statement, 1 row written\n  [first] In[5]: 2 statements, 2 rows written\n" in stack
    rolled = library.run("%session rollback first").splitlines()
    assert rolled[-1] == "rolled back to savepoint first: 2 rows written since then are lost"
    assert "Member#3 persistent → transient, now Member+3" in rolled
    assert library.run("%session commit") == "committed: 1 row written"
    assert library.run("print(session.query(Member).count())") == "1"


def test_a_bare_rollback_says_what_was_lost_and_what_would_have_kept_it(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.flush()")
    library.run("%session savepoint one")
    library.run("%session savepoint two")
    lines = library.run("%session rollback").splitlines()
    assert lines[-3:] == [
        "rolled back everything since BEGIN (in In[3]): 1 row written since then is lost",
        "2 savepoints ended with it: one, two",
        "to take back only the last one, it would have been: %session rollback two",
    ]
    assert library.run("%session rollback") == "nothing to roll back: no transaction was open"


def test_views_are_shown_and_not_kept_in_out(library: Shell) -> None:
    library.run(ADA)
    for line in ("", "show", "plan", "log", "stack", "state ada"):
        before = dict(library["Out"])
        text = library.run(f"%session {line}")
        assert text.startswith("session · ") and "as of In[" in text
        assert library["Out"] == before


def test_log_options(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.flush()")
    library.run("session.query(Member).all()")
    assert "INSERT INTO member" in library.run("%session log")
    assert "INSERT" not in library.run("%session log --cell 4")
    assert "SELECT" in library.run("%session log --cell 4")
    assert "INSERT" not in library.run("%session log --last 1")
    assert "BEGIN" in library.run("%session log --internal")


def test_state_of_a_changed_object(library: Shell) -> None:
    library.run(ADA + "; session.add(ada); session.flush(); ada.name = 'Ada B.'")
    text = library.run("%session state ada")
    assert "* name   'Ada' → 'Ada B.'" in text
    assert "flush: the next flush writes name" in text
    assert "held by: ada" in text


def test_a_constraint_error_is_the_engines_own_and_the_way_out_works(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.commit()")
    library.run("twin = Member(name='Ada'); session.add(twin)")
    error = library.run("%session flush")
    assert "IntegrityError" in error and "Traceback" in error
    board = library.run("%session")
    assert "! failed in In[5]: IntegrityError:" in board and "session.rollback()" in board
    assert "PendingRollbackError" in library.run("session.query(Member).all()")
    assert library.run("%session rollback").endswith("rolled back everything since BEGIN (in In[4]): no row was lost")
    assert library.run("print(len(session.query(Member).all()))") == "1"


# ── opening and closing ──────────────────────────────────────────────────────────────────────────────────────────────
def test_open_binds_engine_and_session_and_shows_the_board(shell: Shell, file_database_url: str) -> None:
    text = shell.run(f"%session open {file_database_url}")
    assert text.startswith(f"session · {file_database_url.partition(':')[0]} · test.")
    assert shell["session"].bind is shell["engine"]


def test_open_under_another_name(shell: Shell) -> None:
    assert shell.run("%session open sqlite:// --name shop").startswith("shop · sqlite")
    assert shell.run("%session").startswith("shop · sqlite")


def test_open_again_closes_what_was_open(library: Shell, database_url: str) -> None:
    library.run("session.add(Member(name='Ada'))")
    first = library["session"]
    text = library.run(f"%session open {database_url}")
    assert text.startswith("the session opened before as session is closed:")
    assert "closed; lost: 1 object never flushed" in text
    assert library["session"] is not first and first not in recorded_sessions()


def test_open_takes_a_variable_in_braces(shell: Shell, tmp_path: Path) -> None:
    shell.ip.user_ns["path"] = (tmp_path / "x.db").as_posix()
    assert shell.run("%session open sqlite:///{path}").startswith("session · sqlite · x.db")


def test_echo(library: Shell) -> None:
    assert library.run("%session open sqlite:// --echo") != ""


def test_close_says_what_is_lost_and_unbinds(library: Shell) -> None:
    library.run("session.add(Member(name='Ada')); session.flush(); session.add(Member(name='Bob'))")
    assert library.run("%session close").splitlines()[-1] == "closed; lost: 1 row not committed, 1 object never flushed"
    assert not {"session", "engine"} & library.ip.user_ns.keys()
    assert "no session is open" in library.run("%session flush")


def test_a_session_made_by_hand_is_found(shell: Shell, database_url: str) -> None:
    shell.run(f"from nbsession import *; s = Session(create_engine('{database_url}'))")
    assert shell.run("%session").startswith("s · ")
    shell.run("t = Session(s.bind)")
    assert "several sessions here (s, t)" in shell.run("%session")
    shell.run("session = t")
    assert shell.run("%session").startswith(("session · ", "t · "))


def test_moves_of_a_session_made_by_hand_are_recorded_from_the_next_cell_on(shell: Shell, database_url: str) -> None:
    shell.run(f"from nbsession import *; session = Session(create_engine('{database_url}'))")
    shell.run("from tests.notebook.library import *; Base.metadata.create_all(session.bind)")
    shell.run("session.add(Member(name='Ada'))")
    assert "moved in In[3]:" in shell.run("%session")


# ── what makes no sense ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("flsh", "UsageError: %session: no verb 'flsh'; did you mean 'flush'?"),
        ("flush", "UsageError: %session: no session is open: begin with %session open sqlite://"),
        ("log --cell x", "UsageError: %session: --cell needs a number"),
        ("open", "UsageError: %session: open needs a URL"),
        ("open sqlite:// --name 1x", "UsageError: %session: '1x' is no name for a variable"),
    ],
)
def test_bad_usage_is_one_line(shell: Shell, line: str, answer: str) -> None:
    said = shell.run(f"%session {line}")
    assert said.startswith(answer)
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("add adda", "UsageError: %session: no variable 'adda'; did you mean 'ada'?"),
        ("add ada +", "UsageError: %session: not a Python expression: ada +"),
        ("state ada, ada", "UsageError: %session: state shows one object"),
        ("rollback frist", "UsageError: %session: no savepoint 'frist'; did you mean 'first'? Open: first"),
        ("savepoint 1-2", "UsageError: %session: '1-2' is no name for a savepoint"),
        ("rollback first now", "UsageError: %session: rollback takes one argument"),
    ],
)
def test_bad_arguments_are_one_line_and_change_nothing(library: Shell, line: str, answer: str) -> None:
    library.run(ADA)
    library.run("%session savepoint first")
    event = library["session"].bus.seq
    said = library.run(f"%session {line}")
    assert said.startswith(answer)
    assert len(said.splitlines()) == 1
    assert library["session"].bus.seq == event


def test_release_without_a_savepoint(library: Shell) -> None:
    assert library.run("%session release").startswith("UsageError: %session: no savepoint is open")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("open postgres://x", "ArgumentError"),
        ("add None", "UnmappedInstanceError"),
        ("add 3", "UnmappedInstanceError"),
        ("state 3", "NoInspectionAvailable"),
        ("delete Member(name='x')", "InvalidRequestError"),
    ],
)
def test_the_engines_errors_come_as_they_are(library: Shell, line: str, error: str) -> None:
    said = library.run(f"%session {line}")
    assert "Traceback" in said
    assert f"\n{error}: " in said and f"! {error} in In[3]" in said  # the traceback, and the card under it


def test_an_expression_that_raises_keeps_its_own_error(library: Shell) -> None:
    assert "ZeroDivisionError" in library.run("%session add 1/0")


# ── help, completion, life in the shell ──────────────────────────────────────────────────────────────────────────────
def test_help(shell: Shell) -> None:
    assert "%session rollback [NAME]" in shell.run("%session?")
    assert shell.run("%session log --help").startswith("%session log [--cell N] [--last K] [--internal]\n")


def candidates(shell: Shell, line: str) -> list[str]:
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return [each.text for each in shell.ip.Completer.completions(line, len(line))]


def test_completion(library: Shell) -> None:
    library.run("ada, bob = Member(name='Ada'), Member(name='Bob')")
    library.run("%session savepoint first")
    library.run("%session savepoint second")
    assert candidates(library, "%session ro") == ["rollback"]
    assert candidates(library, "%session s") == ["show", "savepoint", "schema", "state", "stack"]
    assert candidates(library, "%session rollback ") == ["second", "first", "--help"]
    assert candidates(library, "%session release f") == ["first"]
    assert candidates(library, "%session add ") == ["ada", "bob"]
    assert candidates(library, "%session add ada, b") == ["bob"]
    assert candidates(library, "%session log --") == ["--cell", "--last", "--internal", "--help"]
    assert candidates(library, "%session open du") == ["duckdb://", "duckdb:///"]
    assert candidates(library, "%session flush ") == ["--help"]
    assert "ada" in candidates(library, "ad")


def test_loading_twice_and_unloading_leave_the_shell_as_it_was(shell: Shell) -> None:
    magics.load(shell.ip)
    assert shell.ip.Completer.custom_matchers.count(magics._matcher) == 1
    magics.unload(shell.ip)
    assert "session" not in shell.ip.magics_manager.magics["line"]
    assert magics._matcher not in shell.ip.Completer.custom_matchers
    assert "completions" not in vars(shell.ip.Completer)
    assert "UsageError: Line magic function `%session` not found" in shell.run("%session")
    magics.load(shell.ip)
    assert "no session is open" in shell.run("%session")


def test_load_ext_by_its_name(ipython: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ipython.run_cell("%load_ext nbsession", store_history=True)
    ipython.run_cell("%session open sqlite://", store_history=True)
    assert "as of In[2]" in capsys.readouterr().out
    ipython.run_cell("%unload_ext nbsession", store_history=True)


# ── without magics ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_verb_is_a_function_of_nbsession_notebook() -> None:
    from nbsession import notebook
    from nbsession.notebook.commands.arguments import VERBS

    for name in VERBS:
        assert callable(getattr(notebook, name)), name
        assert getattr(notebook, name).__doc__


def test_functions_work_outside_ipython(database_url: str) -> None:
    from nbsession import notebook
    from tests.notebook.library import Base, Member

    session = notebook.open(database_url)
    Base.metadata.create_all(session.bind)
    ada = Member(name="Ada")
    assert notebook.add(ada) == "Member+1 transient → pending"
    assert repr(notebook.flush()).startswith("Member+1 pending → persistent, now Member#1\n")
    assert "as of event" in str(notebook.show())
    with pytest.raises(SavepointError, match="no savepoint is open"):
        notebook.rollback("x")
    assert notebook.rollback().startswith("Member#1 persistent → transient, now Member+1\n")
    assert verbs.close() == "closed; nothing was lost"


def test_dock_where_there_is_no_page_shows_the_board(library: Shell) -> None:
    assert "P pending      0" in library.run("%session dock")
