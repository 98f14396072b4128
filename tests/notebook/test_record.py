"""The record: every moment can be had back as it was, it is bounded, and it survives JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nbsession import Session, text
from nbsession.notebook.page.actions import carry_out
from nbsession.notebook.recording import record
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.snapshots import LOG_KEPT, Snapshot
from nbsession.notebook.reporting.snapshot_builder import EVENTS_SHOWN, STATEMENTS_SHOWN
from tests.notebook.library import Loan, Member


def shown(snapshot: Snapshot, but: str = "") -> Any:
    """All that is drawn of a snapshot, but for its number among the snapshots, and what a record keeps more of."""
    data = {key: value for key, value in snapshot.as_json().items() if key not in ("revision", "plan", but)}
    return {**data, "log": snapshot.log[-STATEMENTS_SHOWN:], "timeline": data.get("timeline", [])[-EVENTS_SHOWN:]}


def test_every_moment_that_was_seen_can_be_had_back(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    bob = Member(name="Bob")
    deeds = [
        lambda: session.add(ada),
        session.flush,
        lambda: setattr(ada, "name", "Eve"),
        lambda: session.add_all([bob, Loan(member=ada)]),
        session.begin_nested,
        lambda: session.delete(bob),
        session.flush,
        session.rollback,
        lambda: session.add(bob),
        session.commit,
        lambda: session.expunge(bob),
    ]
    seen = []
    for deed in deeds:
        deed()  # type: ignore[operator]
        snapshot = recorder.snapshot()
        seen.append((snapshot.as_of["event"], shown(snapshot)))
    assert len({event for event, _ in seen}) > 8
    for event, then in seen:
        if [e for e, _ in seen].count(event) == 1:
            assert shown(recorder.record.at(event)) == then, event


def test_of_many_statements_the_newest_are_kept(session: Session) -> None:
    recorder = recorder_of(session)
    for number in range(LOG_KEPT + 20):
        session.connection().exec_driver_sql(f"SELECT {number}")
    last = recorder.snapshot()
    assert last.log_total > LOG_KEPT + 19
    then = recorder.record.at(last.as_of["event"])
    assert len(then.log) <= LOG_KEPT and then.log[-1]["sql"] == f"SELECT {LOG_KEPT + 19}"
    assert shown(then) == shown(last)


def test_each_event_is_a_moment_of_its_own(session: Session) -> None:
    recorder = recorder_of(session)
    session.add_all([Member(name=f"m{number}") for number in range(5)])
    session.flush()
    recorder.snapshot()
    events = {frame["event"] for frame in recorder.record.data()["frames"]}
    told = {event["event"] for event in recorder.journal.chronicle.events}
    assert told <= events


def test_thousands_at_once_make_few_frames_and_old_ones_are_folded(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "FRAMES_KEPT", 30)
    recorder = recorder_of(session)
    for number in range(2_000):
        session.add(Member(name=f"m{number}"))
    recorder.snapshot()
    session.flush()
    last = recorder.snapshot()
    data = recorder.record.data()
    assert len(data["frames"]) <= 30
    assert data["base"]["as_of"]["event"] > 0
    # of events that came at once the record keeps a few, as the page does
    assert shown(recorder.record.at(last.as_of["event"]), "timeline") == shown(last, "timeline")
    assert len(json.dumps(data)) < 3_000_000


def test_the_record_takes_no_more_than_it_says_however_much_happens(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "ENTRIES_KEPT", 400)
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    for number in range(300):
        ada.name = f"Ada {number} " + "x" * 5_000
        session.flush()
        session.execute(text(f"SELECT '{'y' * 3_000}', {number}"))
        if number % 7 == 0:
            recorder.snapshot()
    last = recorder.snapshot()
    data = recorder.record.data()
    assert sum(record.entries(frame["patch"]) for frame in data["frames"]) <= 400
    assert len(json.dumps(data["frames"])) < 1_000 * 400, "an entry takes a kilobyte at most"
    assert shown(recorder.record.at(last.as_of["event"])) == shown(last)
    assert data["frames"][0]["event"] > data["base"]["as_of"]["event"] > 0


def test_the_page_is_given_the_record_and_reports_as_plain_data(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")  # held: it brings its classes in sight, and not those of every test before
    session.add(ada)
    session.flush()
    told = carry_out(recorder, {"kind": "record"})
    assert told["kind"] == "record" and json.loads(json.dumps(told)) == told
    for view in ("outside", "changes"):
        report = carry_out(recorder, {"kind": "report", "view": view})
        assert report["kind"] == "report" and json.loads(json.dumps(report)) == report
    assert carry_out(recorder, {"kind": "report", "view": "x"})["ok"] is False
    assert carry_out(recorder, {"kind": "report", "view": "graph", "token": 10**9})["ok"] is False
