"""Buttons: from whatever thread they come, they act on the main one, between cells, and are recorded as the cause."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from nbsession import Session
from nbsession.events import tokens
from nbsession.notebook.page.actions import Funnel, carry_out
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import Recorder, recorder_of, stop_listening
from tests.notebook.library import Member

VERBS_OF_THE_PAGE = (
    *("add", "flush", "savepoint", "savepoint", "release", "rollback to"),
    *("commit", "refresh", "expire", "delete", "rollback", "expunge"),
)


@pytest.fixture
def recorder(session: Session) -> Recorder:
    return recorder_of(session)


def act(recorder: Recorder, verb: str, **more: Any) -> dict[str, Any]:
    return carry_out(recorder, {"kind": "action", "verb": verb, **more})


def test_every_verb_of_the_page(session: Session, recorder: Recorder) -> None:
    ada = Member(name="Ada")
    token = tokens.of(ada)
    answers = [
        act(recorder, "add", token=token),
        act(recorder, "flush"),
        act(recorder, "savepoint", name="one"),
        act(recorder, "savepoint"),
        act(recorder, "release", name="sp1"),
        act(recorder, "rollback to", name="one"),
        act(recorder, "commit"),
        act(recorder, "refresh", token=token),
        act(recorder, "expire", token=token),
        act(recorder, "delete", token=token),
        act(recorder, "rollback"),
        act(recorder, "expunge", token=token),
    ]
    assert [(answer["kind"], answer["verb"], answer["ok"]) for answer in answers] == [
        ("answer", verb, True) for verb in VERBS_OF_THE_PAGE
    ]
    assert answers[0]["text"] == "Member+1 transient → pending"
    assert all(answer["text"] for answer in answers)


def test_the_button_is_the_cause(session: Session, recorder: Recorder) -> None:
    ada = Member(name="Ada")
    act(recorder, "add", token=tokens.of(ada))
    act(recorder, "flush")
    act(recorder, "commit")
    causes = [move["cause"] for move in recorder.snapshot().moves]
    assert causes == ["button: session.add(Member+1)", "button: session.flush()"]
    session.add(Member(name="Bob"))
    assert recorder.snapshot().moves[-1]["cause"] == "session.add"
    assert {entry["cause"] for entry in recorder.snapshot().log if entry["sql"].startswith("INSERT")} == {
        "button: session.flush()"
    }


def test_what_cannot_be_done_is_answered(session: Session, recorder: Recorder) -> None:
    ada = Member(name="Ada")
    session.add_all([ada, Member(name="Ada")])
    answer = act(recorder, "flush")
    assert answer["ok"] is False and answer["text"].startswith("IntegrityError: ")
    assert recorder.snapshot().transaction["state"] == "failed"
    assert act(recorder, "rollback")["ok"]
    assert act(recorder, "expunge", token=tokens.of(ada))["ok"] is False
    assert act(recorder, "rollback to", name="nowhere")["text"].startswith("SavepointError: no savepoint is open")
    assert act(recorder, "rollback to")["ok"] is False
    assert act(recorder, "add", token=10**9)["text"].startswith("the object is gone")
    assert act(recorder, "add")["ok"] is False
    assert act(recorder, "drop all tables")["text"] == "unknown verb 'drop all tables'"
    assert carry_out(recorder, {"kind": "eval"})["ok"] is False
    assert carry_out(recorder, {})["ok"] is False


def test_an_object_is_shown_and_the_plan_made_on_request(session: Session, recorder: Recorder) -> None:
    session.add_all([Member(name=f"m{number}") for number in range(1_200)])
    patches: list[dict[str, Any]] = []
    recorder.snapshot()
    recorder.subscribe(patches.append)
    token = tokens.of(next(iter(session.new)))
    assert carry_out(recorder, {"kind": "show", "view": "card", "token": token})["card"]["label"] == "Member+1"
    assert carry_out(recorder, {"kind": "plan"})["ok"]
    assert patches[-1]["plan"]["steps"][0]["count"] == 1_200


def test_a_closed_session_says_so(session: Session, recorder: Recorder) -> None:
    stop_listening(session)
    assert act(recorder, "flush")["text"].startswith("the session is closed")


# ── threads and cells ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_message_from_another_thread_is_carried_out_on_the_main_one(session: Session, recorder: Recorder) -> None:
    session.add(Member(name="Ada"))
    answered: list[tuple[dict[str, Any], threading.Thread]] = []

    async def notebook() -> None:
        funnel = Funnel()
        funnel.attach()
        done = asyncio.Event()

        def reply(answer: dict[str, Any]) -> None:
            answered.append((answer, threading.current_thread()))
            done.set()

        thread = threading.Thread(target=funnel.submit, args=(recorder, {"kind": "action", "verb": "flush"}, reply))
        thread.start()
        await asyncio.wait_for(done.wait(), 5)
        thread.join()
        funnel.detach()

    asyncio.run(notebook())
    ((answer, thread),) = answered
    assert answer["ok"] and thread is threading.main_thread()


def test_a_message_waits_for_the_end_of_a_running_cell(session: Session, recorder: Recorder) -> None:
    session.add(Member(name="Ada"))
    answered: list[dict[str, Any]] = []
    funnel = Funnel()
    funnel.attach()
    clock.start(4)
    funnel.submit(recorder, {"kind": "action", "verb": "flush"}, answered.append)
    funnel.submit(recorder, {"kind": "action", "verb": "commit"}, answered.append)
    assert answered == [] and session.new
    clock.end(4)
    assert [answer["verb"] for answer in answered] == ["flush", "commit"]
    assert recorder.snapshot().moves[-1]["cell"] is None, "it belongs to no cell"
    funnel.detach()


def test_a_cell_that_awaits_lets_the_message_wait(session: Session, recorder: Recorder) -> None:
    session.add(Member(name="Ada"))
    answered: list[dict[str, Any]] = []

    async def notebook() -> None:
        funnel = Funnel()
        funnel.attach()
        clock.start(4)
        funnel.submit(recorder, {"kind": "action", "verb": "flush"}, answered.append)
        await asyncio.sleep(0.05)
        assert answered == []
        clock.end(4)
        assert len(answered) == 1
        funnel.detach()

    asyncio.run(notebook())


def test_without_a_loop_another_thread_is_refused(session: Session, recorder: Recorder) -> None:
    answered: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=Funnel().submit, args=(recorder, {"kind": "action", "verb": "flush"}, answered.append)
    )
    thread.start()
    thread.join()
    assert answered[0]["ok"] is False and "%load_ext nbsession" in answered[0]["text"]


def test_a_reply_that_fails_does_not_break_the_next(session: Session, recorder: Recorder) -> None:
    def bad(answer: dict[str, Any]) -> None:
        raise RuntimeError("page gone")

    answered: list[dict[str, Any]] = []
    funnel = Funnel()
    funnel.attach()
    clock.start(1)
    funnel.submit(recorder, {"kind": "plan"}, bad)
    funnel.submit(recorder, {"kind": "plan"}, answered.append)
    clock.end(1)
    assert len(answered) == 1
    funnel.detach()


def kinds_in(data: Any) -> set[type]:
    """The exact types of everything in some data."""
    parts = [*data, *data.values()] if isinstance(data, dict) else data if isinstance(data, list | tuple) else []
    return {type(data)}.union(*map(kinds_in, parts))


def test_the_page_is_told_plain_data_only(session: Session, recorder: Recorder) -> None:
    """A subclass of str is text for json, and an object for the encoder of marimo."""
    patches: list[Any] = []
    recorder.subscribe(patches.append)
    ada = Member(name="Ada")
    token = tokens.of(ada)
    told = [act(recorder, "add", token=token), act(recorder, "flush"), act(recorder, "savepoint", name="one")]
    told += [act(recorder, "delete", token=token), act(recorder, "rollback to", name="no such")]
    assert [answer["ok"] for answer in told] == [True, True, True, True, False]
    told += [carry_out(recorder, {"kind": "show", "token": token, "view": "plan"})]
    for view in ("outside", "changes", "graph"):
        told.append(carry_out(recorder, {"kind": "report", "view": view, "token": token}))
    assert all(report["kind"] == "report" for report in told[-3:])
    told += [recorder.snapshot().as_json(), *patches]
    assert kinds_in(told) <= {dict, list, tuple, str, int, float, bool, type(None)}
