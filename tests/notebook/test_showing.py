"""Verbs that show: timeline, diff, outside, identity, graph, why; and what is said under a cell that failed."""

from __future__ import annotations

from typing import Any

import pytest

from nbsession import Session
from nbsession.exc import NbsessionError, StatementError
from nbsession.notebook import views
from nbsession.notebook.reporting import comparing
from nbsession.notebook.reporting.explanations import EXPLANATIONS, explained
from nbsession.notebook.reporting.written import ANY, tables_written
from nbsession.notebook.views.plain import width
from tests.notebook.conftest import Shell


@pytest.fixture
def filed(shell: Shell, file_database_url: str) -> Shell:
    """A shell with a session on a file in which Ada has two loans; the next cell is In[4]."""
    shell.run(f"%session open {file_database_url}")
    shell.run("from nbsession import text; from tests.notebook.library import *; Base.metadata.create_all(engine)")
    shell.run("ada = Member(name='Ada', loans=[Loan(note='a'), Loan(note='b')]); session.add(ada); session.commit()")
    return shell


def body(said: str) -> list[str]:
    """What a view says after its two lines of header."""
    return said.splitlines()[3:]


# ── outside and diff ─────────────────────────────────────────────────────────────────────────────────────────────────
CHANGES = "ada.name = 'Ada B.'; bob = Member(name='Bob'); session.add(bob); session.flush()"
RAW = "_ = session.execute(text(\"UPDATE loan SET note = 'raw' WHERE id = 1\"))"


def test_what_a_flush_sent_is_not_the_same_outside_until_it_is_committed(filed: Shell) -> None:
    assert body(filed.run("%session outside"))[0] == "Everyone else sees what this session sees."
    filed.run(CHANGES)
    filed.run(RAW)
    assert body(filed.run("%session outside")) == [
        "3 rows are not the same outside. A flush sends rows to this transaction only;",
        "others see them after commit().",
        "",
        "  table   this session  everyone else",
        "* loan    2             2",
        "    Loan#1  (SQL)",
        "      here     note 'raw'",
        "      outside  note 'a'",
        "* member  2             1",
        "    Member#1  (session)",
        "      here     name 'Ada B.'",
        "      outside  name 'Ada'",
        "    Member#2  (session)",
        "      here     id 2, name 'Bob'",
        "      outside  no row",
    ]
    assert "loan" not in filed.run("%session outside member")
    filed.run("session.commit()")
    assert body(filed.run("%session outside"))[0] == "Everyone else sees what this session sees."


def test_a_review_before_commit_tells_flushes_from_sql_and_what_waits(filed: Shell) -> None:
    assert body(filed.run("%session diff")) == ["Nothing has changed since BEGIN."]
    filed.run(CHANGES)
    filed.run(RAW)
    filed.run("ada.name = 'Ada C.'; session.add(Member(name='Eve')); session.delete(bob)")
    assert body(filed.run("%session diff")) == [
        "3 rows changed in this transaction and 3 changes not sent yet: session.commit()",
        "keeps all of it, session.rollback() none.",
        "",
        "loan: sent, not committed",
        "  * UPDATE Loan#1 (by SQL of your own)",
        "      note  'a' → 'raw'",
        "",
        "member: sent, not committed",
        "  * UPDATE Member#1 (by a flush)",
        "      name  'Ada' → 'Ada B.'",
        "  + INSERT Member#2 (by a flush)",
        "      id  → 2",
        "      name  → 'Bob'",
        "",
        "waiting for a flush",
        "  + INSERT Member+3",
        "      name  → 'Eve'",
        "  * UPDATE Member#1",
        "      name  'Ada B.' → 'Ada C.'",
        "  - DELETE Member#2",
    ]
    filed.run("session.rollback()")
    assert body(filed.run("%session diff")) == ["Nothing has changed since BEGIN."]


def test_a_row_deleted_in_the_transaction_is_still_seen_outside(filed: Shell) -> None:
    filed.run("session.delete(session.get(Loan, 2)); session.flush()")
    said = body(filed.run("%session diff"))
    assert "  - DELETE Loan#2 (by a flush)" in said and "      note  'b'" in said
    assert "      here     no row" in body(filed.run("%session outside"))


def test_what_somebody_else_committed_meanwhile_is_told_as_theirs(filed: Shell) -> None:
    filed.run("n = session.query(Member).count()")
    filed.run("other = Session(engine); other.add(Member(name='Zoe')); other.commit(); other.close(); del other")
    assert filed.run("from nbsession import Session\nother = Session(engine); other.add(Member(name='Zoe'))") == ""
    filed.run("other.commit(); other.close(); del other")
    said = body(filed.run("%session outside"))
    assert "* member  1             2" in said and "    Member#2  (others)" in said


def test_a_statement_that_was_refused_wrote_nothing(filed: Shell) -> None:
    filed.run("session.execute(text('INSERT INTO member (nowhere) VALUES (1)'))")
    filed.run("session.add(Member(name='Bob')); session.flush()")  # and nobody holds it
    assert "    Member#2  (session)" in body(filed.run("%session outside"))


def test_what_is_not_a_number_is_not_changed(filed: Shell) -> None:
    filed.run("_ = session.execute(text('CREATE TABLE extra (id INTEGER PRIMARY KEY, x DOUBLE, y VARCHAR)'))")
    filed.run(
        "_ = session.execute(text('INSERT INTO extra VALUES (1, :x, :y), (2, 5, :y)'), dict(x=1e308*10-1e308*10, y='a'))"
    )
    filed.run("session.commit(); _ = session.execute(text(\"UPDATE extra SET y = 'b' WHERE id = 2\"))")
    said = body(filed.run("%session outside"))
    assert "    extra#2  (SQL)" in said and not any("extra#1" in line for line in said)


def test_of_a_large_table_only_rows_of_objects_are_compared(filed: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "WHOLE", 1)
    filed.run("ada = session.get(Member, 1); ada.name = 'Eve'; session.flush()")
    filed.run("_ = session.execute(text(\"INSERT INTO member (id, name) VALUES (7, 'Zoe')\"))")
    said = "\n".join(body(filed.run("%session outside")))
    assert "Member#1" in said and "Member#7" not in said and "too many rows to compare them all" in said


def test_a_table_that_was_made_here_is_not_there_outside(filed: Shell) -> None:
    filed.run("_ = session.execute(text('CREATE TABLE extra (id INTEGER PRIMARY KEY, x VARCHAR)'))")
    filed.run("_ = session.execute(text(\"INSERT INTO extra VALUES (1, 'y')\"))")
    said = body(filed.run("%session outside"))
    assert "* extra   1             no table" in said
    assert "      here     id 1, x 'y'" in said


def test_nobody_else_sees_a_sqlite_database_in_memory(session: Session) -> None:
    said = views.outside(session).text
    if session.bind.name == "sqlite":
        assert "Nothing can be seen from outside" in said
    else:
        assert "Everyone else sees what this session sees." in said


def test_looking_outside_is_heard_by_nobody_and_begins_nothing(filed: Shell) -> None:
    session = filed["session"]
    filed.run("session.rollback()")
    before = session.bus.seq
    heard: list[Any] = []
    stop = session.subscribe(heard.append)
    views.outside(session), views.changes(session)
    assert not session.in_transaction()
    filed.run(CHANGES)
    count = len(heard)
    assert count and session.bus.seq == before + count
    views.outside(session), views.changes(session)
    assert len(heard) == count
    stop()


def test_an_open_look_outside_does_not_stop_a_savepoint_from_going_back(filed: Shell) -> None:
    filed.run("%session savepoint one")
    filed.run(CHANGES)
    filed.run("%session outside")
    assert "rolled back to savepoint one" in filed.run("%session rollback one")
    filed.run("session.commit()")
    assert filed.run("print(session.query(Member).count())") == "1"


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT * FROM a", set()),
        ("INSERT INTO a VALUES (1)", {"a"}),
        ('UPDATE "odd name" SET x = 1', {"odd name"}),
        ("WITH q AS (SELECT 1) DELETE FROM b WHERE id IN (SELECT * FROM q)", {"b"}),
        ("CREATE TABLE c (id INTEGER PRIMARY KEY)", {"c"}),
        ("DROP TABLE d", {"d"}),
        ("INSERT INTO a SELECT 1; DELETE FROM b", {"a", "b"}),
        ("this is no SQL at all (", {ANY}),
    ],
)
@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_which_tables_a_statement_writes(sql: str, tables: set[str], dialect: str) -> None:
    assert tables_written(sql, dialect) == tables


# ── identity map and graph ───────────────────────────────────────────────────────────────────────────────────────────
def test_the_identity_map_names_who_holds_an_object_and_how(filed: Shell) -> None:
    filed.run("loan = ada.loans[0]; ada.name = 'Ada B.'")
    rows = body(filed.run("%session identity"))
    assert rows[0] == "3 objects in the identity map"
    assert "  Member#1 *  ada          strongly: it has changes to write" in rows
    assert (
        "  Loan#1      loan         weakly" in rows
        and "  Loan#2      no variable  weakly: goes when nothing else holds it" in rows
    )
    filed.run("session.commit(); session.expire(ada)")
    assert any(
        row.startswith("  Member#1 ~  ada      weakly; expired: read again")
        for row in body(filed.run("%session identity"))
    )


def test_the_graph_shows_what_is_linked_and_what_is_not_loaded(filed: Shell) -> None:
    filed.run("loans = ada.loans; loans[0].member; kim = Member(name='Kim')")
    rows = body(filed.run("%session graph"))
    at = rows.index("S Member#1")
    assert rows[at + 1] == "    loans  ⇉ Loan#1, Loan#2"
    at = rows.index("S Loan#1")
    assert rows[at + 1] == "    member  → Member#1"
    assert rows[rows.index("S Loan#2") + 1] == "    member  not loaded"
    assert rows[rows.index("T Member+2") + 1] == "    loans  not set"


def test_a_deed_is_tried_out_and_not_done(filed: Shell) -> None:
    filed.run("loans = ada.loans")
    rows = body(filed.run("%session graph delete ada"))
    assert rows == [
        "session.delete(Member#1) would reach 2 other objects; nothing was done.",
        "Member#1  DELETE",
        "  - Loan#1  stays; its foreign key becomes NULL  (nullify over Member.loans)",
        "  - Loan#2  stays; its foreign key becomes NULL  (nullify over Member.loans)",
    ]
    assert rows == body(filed.run("%session graph ada"))
    assert body(filed.run("%session graph expunge ada"))[1] == "Member#1  becomes detached"
    assert "UsageError: %session: graph tries one object" in filed.run("%session graph ada, loans[0]")
    assert filed.run("print(len(session.deleted), ada in session)") == "0 True"
    filed.run("session.expire(ada)")
    assert "More" in filed.run("%session graph ada")


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("cell", "expression", "answer"),
    [
        ("x = Member(name='x')", "x", "no INSERT: it is transient, no session knows it"),
        ("x = Member(name='x'); session.add(x)", "x", "the next flush sends INSERT member (step 1)"),
        ("ada.name = 'B'", "ada", "the next flush sends UPDATE member (step 1)"),
        ("ada.name = ada.name", "ada", "no statement: there is nothing to write"),
        ("session.delete(ada.loans[0])", "ada.loans[0]", "the next flush sends DELETE loan"),
        ("session.expunge(ada)", "ada", "no statement: it is detached, in no session"),
        (
            "a = session.get(Loan, 1); session.delete(a); session.flush()",
            "a",
            "no further statement: its DELETE was sent",
        ),
        ("", "[ada]", "no statement: it is not an object of a mapped class, so it has no row"),
        ("", "Member", "no statement: it is not an object of a mapped class, so it has no row"),
    ],
)
def test_why_there_is_or_is_no_statement(filed: Shell, cell: str, expression: str, answer: str) -> None:
    assert "Error" not in filed.run(cell)
    event = filed["session"].bus.seq
    said = " ".join(body(filed.run(f"%session why {expression}")))
    assert answer in said
    assert filed["session"].bus.seq == event, "asking why did something"


def test_why_of_an_object_in_another_session(filed: Shell) -> None:
    filed.run("from nbsession import Session; other = Session(engine); a2 = other.get(Member, 1)")
    assert "no statement from this session: it is in another one" in filed.run("%session why a2")


# ── the timeline ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_timeline_tells_each_statement_under_the_call_that_caused_it(filed: Shell) -> None:
    filed.run("ada.name = 'Ada B.'; session.add(Member(name='Bob'))")
    filed.run("n = session.query(Member).count()")
    rows = body(filed.run("%session timeline --cell 5"))
    assert rows[0].endswith(" in In[5]") and rows[1] == "In[5]"
    assert "  autoflush before query" in rows
    flush = next(number for number, row in enumerate(rows) if "» flush: " in row)
    inside = [row.split(". ", 1)[1] for row in rows[flush + 1 :] if ". " in row]
    assert "  > UPDATE member SET name = ? WHERE id = ?  → 1 row" in inside
    assert "  → Member+2 pending → persistent" in inside
    assert inside[-1].startswith("> SELECT count(")
    assert "Nothing happened in In[99]." in filed.run("%session timeline --cell 99")
    assert body(filed.run("%session timeline --last 1"))[0].startswith("1 event, ")


def test_the_timeline_shows_what_failed(filed: Shell) -> None:
    filed.run("session.add(Member(name='Ada')); session.flush()")
    said = filed.run("%session timeline --cell 4")
    assert "» the flush failed  ! IntegrityError" in said and "= the transaction failed" in said


# ── errors ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_card_stands_under_the_traceback_and_a_line_under_each_cell_until_the_rollback(filed: Shell) -> None:
    said = filed.run("session.add(Member(name='Ada')); session.flush()")
    assert "Traceback" in said
    card = said[said.index("! IntegrityError in In[4]") :].splitlines()
    assert len(card) <= 12
    assert "  now: the transaction since In[4] failed: nothing of it can be committed; not" in card
    assert "  > session.rollback()  ends it; objects are again what they were before" in card
    banner = filed.run("1 + 1")
    assert "! the transaction failed in In[4] (IntegrityError" in banner
    said = filed.run("session.query(Member).all()")
    assert "! PendingRollbackError in In[6]" in said and "it began in In[4]: IntegrityError" in said
    filed.run("session.rollback()")
    assert filed.run("None") == ""


def test_inside_a_savepoint_the_card_names_the_smaller_way_back(filed: Shell) -> None:
    filed.run("%session savepoint one")
    said = filed.run("session.add(Member(name='Ada')); session.flush()")
    assert "  > %session rollback one  goes back to savepoint one only" in said


def test_other_errors_and_bad_usage_get_no_card(filed: Shell) -> None:
    assert "rule:" not in filed.run("1 / 0")
    assert "rule:" not in filed.run("%session flsh")


def test_every_error_of_ours_is_explained_and_every_card_fits() -> None:
    every = [NbsessionError]
    for cls in every:
        every += [sub for sub in cls.__subclasses__() if sub.__module__ == "nbsession.exc"]
    assert len(every) > 25
    for cls in every:
        if issubclass(cls, NbsessionError):
            raised = cls("something long " * 60, None, None) if issubclass(cls, StatementError) else cls.__new__(cls)
            raised.args = ("something long " * 60,)
            shown = views.error(raised, cell="In[7]")
            assert explained(cls).plain in " ".join(shown.text.split())
            assert len(shown.text.splitlines()) <= 12
            assert all(width(line) <= 80 for line in shown.text.splitlines())
    assert EXPLANATIONS.keys() <= {cls.__name__ for cls in every}
