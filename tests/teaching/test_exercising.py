"""An exercise begins anew at each run, is judged by rows and events, and gives three hints and a solution."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsession.events import FlushStarted, TransactionMoved
from nbsession.teaching import lessons
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.controls import Help
from nbsession.teaching.exercising import SHOWN, desk
from nbsession.teaching.progress import Progress
from nbsession.teaching.toolshed import next_door
from tests.teaching.classroom import Classroom, classroom

SOLUTION = lessons.exercise("1a").solution


@pytest.fixture(scope="module")
def room_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    with classroom(tmp_path_factory.mktemp("room")) as room:
        room.set_up(lessons.lesson(1))
        yield room


@pytest.fixture
def room(room_once: Classroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Classroom:
    """A classroom in which nothing has been tried, with a session on fresh rows."""
    monkeypatch.setenv("NBSESSION_PROGRESS", str(tmp_path / "progress.json"))
    room_once["session"].close()
    desk.forget()
    return room_once


def test_untouched_cell_touches_nothing(room: Classroom) -> None:
    room.run("session.add(Member(name='Eve'))")
    for cell in ("# your code", "\n", "# your code\n# and a thought\n"):
        assert room.run(f"%%exercise 1a\n{cell}").startswith("· exercise 1a: not started")
    assert len(room["session"].new) == 1
    assert not Progress().path.exists()


def test_each_run_begins_on_fresh_rows_with_an_empty_session(room: Classroom) -> None:
    count = "assert session.query(Member).count() == 64 and not session.new"
    add = "session.add(Member(card_no='TS-1066', name='Bo', joined_on=date(2025, 7, 2), branch_id=1)); session.commit()"
    for _ in range(2):
        shown = room.run(f"%%exercise 1a\n{count}\n{add}")
        assert "not yet" in shown and "Error" not in shown and "ran before" not in shown
        assert next_door(room["URL"], "SELECT count(*) FROM member") == [(65,)]


def test_wrong_result_is_answered_with_the_view_that_shows_why(room: Classroom) -> None:
    shown = room.run("%%exercise 1a\nsession.add(Member(card_no='TS-1066', name='Bo'))")
    assert shown.startswith("✗ exercise 1a: not yet")
    assert "Missing: persistent, deleted, detached" in " ".join(shown.split())
    assert "transient → pending" in shown.partition("\n\n")[2]


def test_error_in_the_code_is_said_and_shows_its_line(room: Classroom) -> None:
    shown = room.run("%%exercise 1a\nbo = Member(\n    name='Bo')\nsession.ad(bo)")
    assert "Your code stopped with AttributeError" in shown
    assert "----> 3 session.ad(bo)" in shown


def test_attempt_may_go_on_in_other_cells(room: Classroom) -> None:
    *before, last = SOLUTION.splitlines()
    assert "not yet" in room.run("%%exercise 1a\n" + "\n".join(before))
    room.run(last)
    assert room.run("%session check 1a").startswith("✓ exercise 1a: solved")
    assert Progress().worked("1a") == {"tries": 2, "hints": 0, "solution": False, "solved": True}


def test_verdict_stays_when_the_next_exercise_begins(room: Classroom) -> None:
    room.run(f"%%exercise 1a\n{SOLUTION}")
    room.run(f"%%exercise 1b\n{lessons.exercise('1b').wrong[0].code}")
    assert room.run("%session check 1a").startswith("✓ exercise 1a: solved")
    assert "persistent, and shall be pending" in room.run("%session check 1b")


def test_check_without_an_attempt_says_not_started(room: Classroom) -> None:
    assert room.run("%session check 1a").startswith("· exercise 1a: not started")
    assert "There is no exercise '1z'. In this lesson: 1a, 1b" in room.run("%session check 1z")
    assert "There is no exercise '1z'" in room.run("%%exercise 1z\npass")


def test_hints_come_one_by_one_and_the_solution_passes(room: Classroom) -> None:
    for n in (1, 2, 3):
        assert room.run("%session hint 1a").startswith(f"? hint {n} of 3")
    assert room.run("%session hint 1a").startswith("? all hints")
    assert "session.delete(bo)" in room.run("%session solution 1a")
    assert Progress().worked("1a")["hints"] == 3 and Progress().worked("1a")["solution"]


def test_buttons_give_hints_and_the_solution(room: Classroom) -> None:
    helped = Help("1a", desk.judge("1a"))
    helped.hint.click()
    assert "hint 1 of 3" in helped.said.value and helped.hint.description == "Hint 2 of 3"
    helped.solution.click()
    assert "session.delete(bo)" in helped.said.value
    assert helped._repr_mimebundle_()["text/plain"].startswith("· exercise 1a: not started")


def test_solution_looked_at_after_solving_is_not_held_against_anybody(room: Classroom) -> None:
    room.run(f"%%exercise 1a\n{SOLUTION}")
    room.run("%session solution 1a")
    assert not Progress().worked("1a")["solution"]


# ── what requirements are written against ────────────────────────────────────────────────────────────────────────────
def test_attempt_that_is_over_holds_no_session(room: Classroom) -> None:
    attempt = attempt_at(room, "session.get(Member, 7)")
    room.run("%%exercise 1b\npass")
    assert attempt.session is None and not attempt.listening and attempt.facts


def attempt_at(room: Classroom, code: str) -> Attempt:
    """The attempt that some code makes."""
    room.run("%%exercise 1a\n" + code)
    return desk._attempts["1a"].attempt


BO = "bo = Member(card_no='TS-1066', name='Bo Lind', joined_on=date(2025, 7, 2), branch_id=1)\n"


def test_attempt_knows_rows_as_everybody_sees_them(room: Classroom) -> None:
    attempt = attempt_at(
        room,
        BO + "session.add(bo); session.get(Member, 7).name = 'Laila'; session.delete(session.get(Member, 9))\n"
        "session.commit()",
    )
    assert attempt.added("member") == [(65, "TS-1066", "Bo Lind", None, "2025-07-02", 1)]
    assert [row[:3] for row in attempt.changed("member")] == [(7, "TS-1007", "Laila")]
    assert [row[0] for row in attempt.gone("member")] == [9]
    assert attempt.unsaved == "" and attempt.commits == 1


def test_attempt_knows_what_would_be_lost(room: Classroom) -> None:
    assert attempt_at(room, BO + "session.add(bo)").unsaved == "1 object waits for a flush"
    assert attempt_at(room, BO + "session.add(bo); session.flush()").unsaved == "what was sent is not committed"
    assert attempt_at(room, "session.get(Member, 7)").unsaved == ""
    assert attempt_at(room, BO + "session.add(bo); session.flush(); session.rollback()").unsaved == ""


def test_attempt_knows_statements_calls_and_transactions(room: Classroom) -> None:
    attempt = attempt_at(
        room,
        BO + "session.add(bo); session.flush(); session.begin_nested(); bo.name = 'Bo'; session.flush()\n"
        "session.get_nested_transaction().rollback(); session.rollback(); session.get(Member, 7)",
    )
    assert (attempt.count("INSERT", "member"), attempt.count("UPDATE"), attempt.count("SELECT", "tool")) == (1, 1, 0)
    assert (attempt.commits, attempt.rollbacks) == (0, 1)
    assert (attempt.savepoints(), attempt.savepoints("rollback")) == (1, 1)
    assert attempt.calls[:2] == ["session.add", "session.flush"] and len(attempt.flushes) == 2
    assert attempt.moved("Member", to="pending") == 1 and attempt.failures == []


def test_attempt_knows_the_transaction_in_which_something_happened(room: Classroom) -> None:
    attempt = attempt_at(
        room,
        "session.get(Member, 7); session.commit()\n" + BO + "session.add(bo); session.commit(); session.get(Member, 8)",
    )
    first, last = attempt.transaction_of(lambda fact: isinstance(fact, FlushStarted)) or (0, 0)
    kinds = [fact.trigger for fact in attempt.facts if isinstance(fact, TransactionMoved) and first <= fact.seq <= last]
    assert kinds == ["begin", "commit"]
    assert [fact.steps for fact in attempt.flushes] and first < attempt.flushes[0].seq < last
    assert attempt.transaction_of(lambda fact: False) is None
    still_open = attempt.transaction_of(lambda fact: fact.cause == "session.get" and fact.seq > last)
    assert still_open == (last_begin(attempt), attempt.facts[-1].seq)


def last_begin(attempt: Attempt) -> int:
    return [fact.seq for fact in attempt.facts if isinstance(fact, TransactionMoved) and fact.trigger == "begin"][-1]


def log_of_the_verdict(room: Classroom, code: str) -> str:
    """The log, as a verdict on this attempt shows it."""
    attempt_at(room, code)
    attempt, since = desk._attempts["1a"]
    return SHOWN["log"](attempt.session, (since + 1, attempt.facts[-1].seq)).text


def test_log_of_a_verdict_is_of_this_attempt_alone(room: Classroom) -> None:
    slow = "seven = [session.get(Member, n) for n in range(1, 8)]\nsession.expire_all()\nfor each in seven: each.name"
    first = log_of_the_verdict(room, slow)
    assert "14 statements" in first and "N+1: Member.name was loaded 7 times" in first
    assert "N+1" not in (second := log_of_the_verdict(room, "session.get(Member, 7)")) and "1 statement of" in second


def test_attempt_knows_failures(room: Classroom) -> None:
    attempt = attempt_at(
        room, BO.replace("1066", "1007") + "session.add(bo)\ntry: session.flush()\nexcept Exception: pass"
    )
    assert len(attempt.failures) == 1 and "UNIQUE" in attempt.failures[0]


def test_attempt_hears_every_session_of_the_notebook(room: Classroom) -> None:
    room.run("from nbsession import Session\nother = Session(engine)")
    attempt = attempt_at(room, BO + "other.add(bo); other.commit()")
    assert attempt.lives("Member") == [("transient", "pending", "persistent")]
    room.run("other.close(); del other")
