"""A session that did something, as the page is told of it: snapshot, record, reports, exported page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from nbsession import Session, create_engine, text
from nbsession.events import tokens
from nbsession.notebook.page.actions import carry_out
from nbsession.notebook.page.export import export
from nbsession.notebook.recording.labels import labels
from nbsession.notebook.recording.recorder import recorder_of, stop_listening
from tests.notebook.library import Base, Loan, Member

EVIL = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


class Story(NamedTuple):
    """What a session that did something tells the page."""

    snapshot: dict[str, Any]
    record: dict[str, Any]
    outside: dict[str, Any]
    changes: dict[str, Any]
    cascade: dict[str, Any]
    page: Path
    flushed: int
    """the event after which Bob was pending, and the flush that wrote him had not begun"""


@contextmanager
def told_story(folder: Path) -> Iterator[Story]:
    """Ada with two loans is committed; then a rename and Bob are flushed, a loan written by SQL, and more waits."""
    labels.clear()  # the story's objects are numbered from 1, whatever ran before
    engine = create_engine(f"sqlite:///{(folder / 'club.db').as_posix()}")
    Base.metadata.create_all(engine)
    session = Session(engine)
    recorder = recorder_of(session)
    ada = Member(name="Ada", loans=[Loan(note="a"), Loan(note=EVIL)])
    session.add(ada)
    session.commit()
    recorder.snapshot()
    ada.name = "Ada B."
    bob = Member(name="Bob")
    session.add(bob)
    pending = recorder.snapshot().as_of["event"]
    session.flush()
    recorder.snapshot()
    session.execute(text("UPDATE loan SET note = 'raw' WHERE id = 1"))
    assert len(ada.loans) == 2
    ada.name = "Ada C."
    eve = Member(name="Eve")
    session.add(eve)
    session.delete(bob)
    snapshot = json.loads(json.dumps(recorder.snapshot().as_json()))

    def told(**message: Any) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(json.dumps(carry_out(recorder, message)))
        return answer

    yield Story(
        snapshot,
        told(kind="record"),
        told(kind="report", view="outside"),
        told(kind="report", view="changes"),
        told(kind="report", view="graph", token=tokens.of(ada), deed="delete"),
        export(session, folder / "story.html"),
        pending,
    )
    session.close()
    stop_listening(session)
    engine.dispose()
