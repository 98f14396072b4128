"""Hostile strings stay text: as text, as HTML, in what is sent to the page. One list, every view."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import Engine, Session
from nbsession.exc import NbsessionError
from nbsession.notebook import views
from nbsession.notebook.page.actions import carry_out
from nbsession.notebook.page.export import page_of
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.views import View
from nbsession.notebook.views.plain import one_line, width
from tests.notebook.fixtures import everywhere, reports, snapshot
from tests.notebook.gallery import VIEWS
from tests.notebook.hostile import HOSTILE, SCRIPT, Shelf, poison
from tests.notebook.sanitiser import ATTRIBUTES, TAGS, Elements

COMMANDS = {"\x1b", "\x07", "\x9b", "\r", "\x00", "\u202e", "\u2066", "\u200b", "\ufeff", "\u2028", "\u2029", "\ud800"}
"""characters that move a cursor, turn a line round, or are none"""


def check(shown: View, wanted: str = "") -> None:
    """The view is a well-formed page of our own elements, with the string in it as text."""
    elements = Elements(shown.html)
    assert not elements.open
    assert {tag for tag, _ in elements.found} <= TAGS
    for _, attributes in elements.found:
        assert attributes.keys() <= ATTRIBUTES
        assert "javascript" not in attributes.get("style", "")
    assert one_line(wanted)[:40].rstrip() in elements.text
    for said in (shown.text, shown.html):
        assert not COMMANDS & set(said)
        said.encode("utf-8")
    assert all(width(line) <= 80 for line in shown.text.splitlines())


@pytest.mark.parametrize("what", HOSTILE)
@pytest.mark.parametrize("view", VIEWS)
def test_a_hostile_string_stays_text_wherever_it_stands(view: str, what: str) -> None:
    told = HOSTILE[what]
    data = Snapshot.from_json(everywhere(snapshot("busy").as_json(), told))
    check(VIEWS[view](data, everywhere(reports("busy"), told)), told)
    failed = Snapshot.from_json(everywhere(snapshot("failed").as_json(), told))
    check(VIEWS[view](failed, everywhere(reports("failed"), told)), told)


LOOKS: dict[str, Callable[[Session, Any], View]] = {
    "board": lambda session, obj: views.board(session),
    "card": views.card,
    "timeline": lambda session, obj: views.timeline(session, internal=True),
    "plan": lambda session, obj: views.plan(session),
    "changes": lambda session, obj: views.changes(session),
    "log": lambda session, obj: views.sql(session, internal=True),
    "identity": lambda session, obj: views.identity(session),
    "graph": lambda session, obj: views.graph(session),
    "cascade": lambda session, obj: views.graph(session, obj),
    "stack": lambda session, obj: views.stack(session),
    "outside": lambda session, obj: views.outside(session),
    "error": lambda session, obj: views.error(NbsessionError(" ".join(HOSTILE.values())), session),
    "why": views.why,
}


def test_what_a_hostile_session_did_stays_text(engine: Engine) -> None:
    session = poison(engine, recorder_of)
    shelf = session.get(Shelf, SCRIPT)
    assert shelf is not None
    for name, look in LOOKS.items():
        shown = look(session, shelf)
        check(shown)
        assert "script" in shown.text or name in ("stack", "error", "outside"), name
    asked = [{"kind": "record"}, {"kind": "show", "view": "board"}, {"kind": "report", "view": "changes"}]
    for message in (*asked, {"kind": "report", "view": "outside"}):
        told = carry_out(recorder_of(session), message)
        assert json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8")) == told
    html = page_of(session)
    html.encode("utf-8")
    assert html.count("<script") == 3 and html.count("</script>") == 3 and "<img" not in html
    session.close()
