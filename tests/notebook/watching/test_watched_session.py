"""A real SQLAlchemy session on our board: what it tells, what it is asked, and that nothing is done to it."""

from __future__ import annotations

import gc
import logging
import weakref
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from nbsession import ArgumentError
from nbsession.events import Fact, TransactionMoved
from nbsession.notebook import views, watch
from nbsession.notebook.commands.looking import looking_only
from nbsession.notebook.page.actions import carry_out
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import Recorder, recorder_of, stop_listening
from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.recording.sources import NotForThisEngine, NotLoaded, is_watched, source_of
from nbsession.notebook.watching import watched_session
from tests.notebook.watching.model import Base, Loan, Member


def lanes(shown: Snapshot) -> dict[str, list[str]]:
    """Letter to labels."""
    return {
        lane["letter"]: [shown.cards[str(token)]["label"] for token in lane["tokens"]]
        for lane in shown.lanes
        if lane["count"]
    }


def card(shown: Snapshot, label: str) -> dict[str, Any]:
    return next(dict(each) for each in shown.cards.values() if each["label"] == label)


def told(recorder: Recorder, since: int = 0) -> list[str]:
    """The timeline's lines after an event."""
    recorder.snapshot()
    return [event["text"] for event in recorder.journal.chronicle.events if event["event"] > since]


@pytest.fixture
def statements(alchemy: Engine) -> list[str]:
    """What the engine sends, by its own hearing."""
    sent: list[str] = []
    event.listen(alchemy, "before_cursor_execute", lambda *args: sent.append(args[2]))
    return sent


# ── what is told ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_object_is_seen_in_all_five_states(real: Session) -> None:
    recorder = recorder_of(real)
    ada = Member(name="Ada")
    assert lanes(recorder.snapshot()) == {"T": ["Member+1"]}
    real.add(ada)
    assert lanes(recorder.snapshot()) == {"P": ["Member+1"]}
    real.flush()
    assert lanes(recorder.snapshot()) == {"S": ["Member#1"]}
    real.delete(ada)
    assert card(recorder.snapshot(), "Member#1")["flags"] == ["to delete"]
    real.flush()
    assert lanes(recorder.snapshot()) == {"X": ["Member#1"]}
    real.commit()
    assert lanes(recorder.snapshot()) == {"D": ["Member#1"]}


def test_moves_tell_cause_trigger_and_cell(real: Session) -> None:
    recorder = recorder_of(real)
    clock.start(5)
    ada = Member(name="Ada")
    real.add(ada)
    real.commit()
    clock.end(5)
    moves = [(move["cause"], move["trigger"], move["cell"]) for move in recorder.snapshot().moves]
    assert moves == [("session.add", "add", "In[5]"), ("session.commit", "insert", "In[5]")]


def test_a_statement_tells_which_call_sent_it(real: Session) -> None:
    real.add(Member(name="Ada", loans=[Loan(title="Saw")]))
    real.commit()
    recorder = recorder_of(real)
    real.scalars(select(Member)).one().loans
    real.add(Member(name="Bob"))
    real.query(Member).count()
    real.expire_all()
    real.get(Member, 1)
    causes = [entry["cause"] for entry in recorder.snapshot().log if not entry["sql"].startswith("select nextval")]
    assert causes == [
        "session.scalars",
        "lazy load of Member.loans",
        "autoflush before query.count",
        "query.count",
        "session.get",
    ]


def test_a_flush_is_told_with_its_statements_inside(real: Session) -> None:
    recorder = recorder_of(real)
    real.add_all([Member(name=name) for name in ("Ada", "Bob", "Cleo")])
    real.flush()
    events = recorder.snapshot().timeline
    flush = next(each for each in events if each["kind"] == "flush")
    assert flush["text"] == "flush: 3 new"
    inside = [each["kind"] for each in events if each["within"] == flush["event"]]
    assert set(inside[:-1]) == {"sql"} and inside[-1] == "move"
    assert told(recorder)[-1] == "Member+1 and 2 more pending → persistent"


def test_changed_attributes_and_members_are_told_by_labels(real: Session) -> None:
    ada = Member(name="Ada")
    real.add(ada)
    real.commit()
    ada.name
    recorder = recorder_of(real)
    ada.name = "Ada L."
    ada.name = "Ada L."
    ada.loans.append(Loan(title="Saw"))
    changes = [line for line in told(recorder) if "Member" in line]
    assert changes[0] == "Member#1.name 'Ada' → 'Ada L.'"
    assert sorted(changes[1:]) == ["Loan+1.member → Member#1", "Member#1.loans → Loan+1"]


def test_a_failed_flush_is_told_with_its_error_and_who_was_thrown_back(real: Session) -> None:
    real.add(Member(name="Ada", email="a@b"))
    real.commit()
    gc.collect()
    recorder = recorder_of(real)
    twin = Member(name="Twin", email="a@b")
    real.add(twin)
    with pytest.raises(IntegrityError):
        real.flush()
    shown = recorder.snapshot()
    assert card(shown, "Member+1")["flags"] == ["failed"]
    assert shown.transaction["state"] == "failed"
    assert shown.transaction["error"] is not None and shown.transaction["error"]["type"] == "IntegrityError"
    assert shown.log[-1]["error"] is not None
    real.rollback()
    assert recorder.snapshot().transaction["state"] == "idle"
    assert told(recorder)[-1] == "ROLLBACK"


def test_the_end_of_a_failed_transaction_is_told_as_that(real: Session) -> None:
    facts: list[Fact] = []
    source_of(real).subscribe(facts.append)
    real.add_all([Member(name="Ada", email="a@b"), Member(name="Twin", email="a@b")])
    with pytest.raises(IntegrityError):
        real.flush()
    real.rollback()
    moves = [(fact.before, fact.trigger, fact.after) for fact in facts if isinstance(fact, TransactionMoved)]
    assert moves == [("idle", "begin", "active"), ("active", "fail", "failed"), ("failed", "rollback", "closed")]


def test_keys_that_a_flush_fills_in_are_not_told_as_changes(real: Session) -> None:
    recorder = recorder_of(real)
    real.add(Member(name="Ada", loans=[Loan(title="Saw")]))
    real.flush()
    assert [event["text"] for event in recorder.snapshot().timeline if event["kind"] == "change"] == []


def test_a_mark_that_is_taken_back_is_no_move(real: Session) -> None:
    ada = Member(name="Ada")
    real.add(ada)
    real.commit()
    recorder = recorder_of(real)
    real.delete(ada)
    recorder.snapshot()
    real.rollback()
    assert [line for line in told(recorder) if "Member" in line and "SELECT" not in line] == [
        "Member#1 marked for deletion",
        "Member#1 no longer marked for deletion",
        "Member#1 expired: will be read again when touched",
    ]
    assert recorder.snapshot().moves == []


def test_an_insert_and_a_delete_taken_back_together_leave_a_transient_object(real: Session) -> None:
    recorder = recorder_of(real)
    ada = Member(name="Ada")
    real.add(ada)
    real.flush()
    real.delete(ada)
    real.flush()
    real.rollback()
    last = recorder.snapshot().moves[-1]
    assert (last["before"], last["trigger"], last["after"]) == ("deleted", "undo insert", "transient")


def test_savepoints_are_frames_of_the_stack(real: Session, alchemy_url: str) -> None:
    recorder = recorder_of(real)
    real.add(Member(name="Ada"))
    outer = real.begin_nested()
    inner = real.begin_nested()
    frames = recorder.snapshot().transaction["frames"]
    assert [frame["name"] for frame in frames] == ["BEGIN", "sp1", "sp2"]
    assert frames[0]["rows"] == 1
    assert [name for name, _ in source_of(real).savepoints()] == ["sp1", "sp2"]
    inner.rollback()
    outer.commit()
    real.commit()
    ends = [line for line in told(recorder) if "savepoint" in line or "COMMIT" in line]
    assert ends == [
        "savepoint sp1 set",
        "savepoint sp2 set",
        "rolled back to savepoint sp2",
        "savepoint sp1 released",
        "COMMIT",
    ]


def test_two_watched_sessions_are_told_apart(real: Session, alchemy: Engine) -> None:
    with Session(alchemy) as other:
        one, two = recorder_of(real), recorder_of(other)
        ada, bob = Member(name="Ada"), Member(name="Bob")
        real.add(ada)
        other.add(bob)
        ada.name, bob.name = "Ada L.", "Bob M."
        assert lanes(one.snapshot()) == {"P": ["Member+1"]}
        assert lanes(two.snapshot()) == {"P": ["Member+2"]}
        assert [line for line in told(one) if ".name" in line] == ["Member+1.name 'Ada' → 'Ada L.'"]


# ── watched in the middle ────────────────────────────────────────────────────────────────────────────────────────────
def test_watching_may_begin_in_the_middle_of_a_transaction(real: Session) -> None:
    real.add(Member(name="Ada"))
    real.flush()
    recorder = recorder_of(real)
    assert recorder.snapshot().transaction["frames"][0]["name"] == "BEGIN"
    assert real.scalars(select(Member.name)).all() == ["Ada"]
    real.commit()
    real.execute(text("SELECT 1")).all()
    assert [entry["cause"] for entry in recorder.snapshot().log] == ["session.scalars", "session.execute"]
    assert "COMMIT" in told(recorder)


def test_a_connection_of_somebody_else_is_not_taken_for_the_sessions(real: Session, alchemy: Engine) -> None:
    real.add(Member(name="Ada"))
    real.flush()
    recorder = recorder_of(real)
    with alchemy.connect() as other:
        other.execute(text("SELECT 42")).all()
    assert recorder.snapshot().log == []


# ── looking changes nothing ──────────────────────────────────────────────────────────────────────────────────────────
def test_looking_sends_nothing_flushes_nothing_and_begins_nothing(real: Session, statements: list[str]) -> None:
    ada = Member(name="Ada", loans=[Loan(title="Saw")])
    real.add(ada)
    real.commit()
    new = Member(name="Bob")
    recorder = recorder_of(real)
    recorder.snapshot()
    sent, seq = len(statements), source_of(real).seq()
    for look in (views.board, views.plan, views.stack, views.sql, views.timeline, views.identity, views.graph):
        look(real)
    views.card(real, ada)
    views.card(real, new)
    assert (len(statements), source_of(real).seq(), real.in_transaction()) == (sent, seq, False)
    assert inspect(ada).expired_attributes >= {"id", "name"}


def test_tab_and_shift_tab_do_not_load(real: Session, statements: list[str]) -> None:
    ada = Member(name="Ada")
    real.add(ada)
    real.commit()
    real.add(Member(name="Bob"))
    recorder_of(real)
    sent = len(statements)
    with looking_only():
        for attribute in ("name", "loans"):
            with pytest.raises(NotLoaded):
                getattr(ada, attribute)
    assert len(statements) == sent
    assert ada.name == "Ada"


def test_what_cannot_be_had_says_so_and_what_to_do_instead(real: Session) -> None:
    assert views.plan(real).text.splitlines()[-1].endswith("what was sent.")
    for ask in (lambda: views.why(real, Member()), lambda: views.graph(real, Member())):
        with pytest.raises(NotForThisEngine, match="not for a watched SQLAlchemy session"):
            ask()


# ── from outside ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_outside_view_tells_a_flush_from_a_commit(real: Session, statements: list[str]) -> None:
    recorder_of(real)
    real.add(Member(name="Ada"))
    real.flush()
    sent = len(statements)
    before = views.outside(real).text
    assert "1 row is not the same outside" in before and "outside  no row" in before
    assert "INSERT Member#1 (by a flush)" in views.changes(real).text
    assert len(statements) == sent
    real.commit()
    assert "Everyone else sees what this session sees." in views.outside(real).text


def test_a_sqlite_database_in_memory_cannot_be_seen_from_outside() -> None:
    with Session(create_engine("sqlite://")) as session:
        assert "nobody else can see it" in " ".join(views.outside(session).text.split())


# ── which session ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_scoped_session_stands_for_its_session(alchemy: Engine) -> None:
    scope = scoped_session(sessionmaker(alchemy))
    watch(scope)
    assert is_watched(scope())
    scope.remove()


@pytest.mark.parametrize("made", [lambda engine: engine, sessionmaker, lambda engine: 42])
def test_what_is_no_session_is_refused_with_a_hint(made: Any, alchemy: Engine) -> None:
    with pytest.raises(ArgumentError, match="A Session is needed here"):
        watch(made(alchemy))


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_listener_stays_when_watching_ends(real: Session) -> None:
    recorder = recorder_of(real)
    real.add(Member(name="Ada"))
    real.commit()
    source = recorder.source
    stop_listening(real)
    seq = source.seq()
    ada = Member(name="Bob")
    real.add(ada)
    real.flush()
    ada.name = "B"
    real.delete(ada)
    real.commit()
    assert source.seq() == seq
    assert not is_watched(real)
    assert list(source.newcomers.alive()) == []


def test_watching_keeps_no_session_and_no_object_alive(alchemy: Engine) -> None:
    session = Session(alchemy)
    recorder_of(session)
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    views.board(session)
    gone = [weakref.ref(ada), weakref.ref(session)]
    session.close()
    del ada, session
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


def test_sessions_that_were_never_closed_leave_no_second_ear(alchemy: Engine) -> None:
    for _ in range(3):
        session = Session(alchemy)
        recorder_of(session)
        del session
        gc.collect()
    with Session(alchemy) as session:
        recorder = recorder_of(session)
        ada = Member(name="Ada")
        session.add(ada)
        session.commit()
        assert [line for line in told(recorder) if "expired" in line] == [
            "Member#1 expired: will be read again when touched"
        ]


def test_an_error_of_ours_does_not_reach_the_program(
    real: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    recorder_of(real)

    def broken(obj: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("nbsession.notebook.watching.object_events.subject_of", broken)
    monkeypatch.setattr(watched_session, "subject_of", broken)
    with caplog.at_level(logging.CRITICAL, logger="nbsession.notebook"):
        real.add(Member(name="Ada"))
        real.commit()
    assert real.scalars(select(Member.name)).all() == ["Ada"]


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_buttons_of_the_page_work_on_it(real: Session) -> None:
    recorder = recorder_of(real)
    real.add(Member(name="Ada"))
    answer = carry_out(recorder, {"kind": "action", "verb": "flush"})
    assert answer["ok"] and "pending → persistent" in answer["text"]
    assert recorder.snapshot().log[-1]["cause"] == "button: session.flush()"
    report = carry_out(recorder, {"kind": "report", "view": "outside"})
    assert [table["table"] for table in report["comparison"]["tables"] if table["rows"]] == ["members"]
    refused = carry_out(recorder, {"kind": "action", "verb": "savepoint", "name": "here"})
    assert not refused["ok"] and "SQLAlchemy names savepoints itself" in refused["text"]
    assert carry_out(recorder, {"kind": "action", "verb": "commit"})["ok"]
    assert Base.metadata.tables.keys() == {"members", "loans"}
