"""The views as text and HTML: what they say, that they fit, and that no value can break out of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from nbsession.notebook.recording.snapshots import Snapshot
from nbsession.notebook.views import (
    View,
    event_timeline,
    sql_log,
    state_board,
)
from nbsession.notebook.views.markup import FILL, LETTERING
from nbsession.notebook.views.plain import width
from tests.notebook.crowded import crowd
from tests.notebook.fixtures import NAMES, snapshot
from tests.notebook.gallery import EVERY, VIEWS, draw
from tests.notebook.sanitiser import Elements

GOLDEN = Path(__file__).parent / "golden"
UPDATE = os.environ.get("NBS_UPDATE_GOLDEN") == "1"
"""set the variable to 1 to write the golden files anew; then read the difference"""
CROWDED = ("board", "timeline", "plan", "changes", "log", "identity", "graph", "cascade", "outside")
"""views that show so many and count the rest"""


@pytest.mark.parametrize(("view", "name"), EVERY)
def test_text_is_as_agreed(view: str, name: str) -> None:
    assert draw(view, name).text == agreed(view, name, draw(view, name).text)


def agreed(view: str, name: str, text: str) -> str:
    """The golden text."""
    path = GOLDEN / f"{view}_{name}.txt"
    if UPDATE:
        path.write_text(text + "\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("view", CROWDED)
def test_text_of_more_than_it_shows_is_as_agreed(view: str) -> None:
    shown = VIEWS[view](*crowd())
    assert shown.text == agreed(view, "crowded", shown.text)
    assert all(width(line) <= 80 and line == line.rstrip() for line in shown.text.splitlines())


@pytest.mark.parametrize(("view", "name"), EVERY)
def test_text_fits_in_80_columns_and_ends_no_line_in_blanks(view: str, name: str) -> None:
    for line in draw(view, name).text.splitlines():
        assert width(line) <= 80, line
        assert line == line.rstrip()


@pytest.mark.parametrize(("view", "name"), EVERY)
def test_text_names_no_address_and_no_time(view: str, name: str) -> None:
    assert not re.search(r"0x[0-9a-f]{4,}|\d\d:\d\d", draw(view, name).text)


@pytest.mark.parametrize(("view", "name"), [each for each in EVERY if each[0] != "error"])
def test_every_view_says_when_it_was_taken(view: str, name: str) -> None:
    shown = snapshot(name)
    stamp = "as of event 0" if name == "empty" else f"as of {shown.as_of['cell']} · event {shown.as_of['event']}"
    assert stamp in draw(view, name).text
    assert stamp in draw(view, name).html


# ── colours ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("view", "name"), EVERY)
def test_letters_stand_out_from_what_is_behind_them(view: str, name: str) -> None:
    for _, attributes in Elements(draw(view, name).html).found:
        style = dict(part.split(":", 1) for part in attributes.get("style", "").split(";") if part)
        if "color" in style:
            ground = style.get("background-color", "#ffffff")
            assert contrast(style["color"], ground) >= 4.5, style
            assert contrast(style["color"], "#fff6df") >= 4.5 or "background-color" in style, style
        if "background-color" in style:
            assert "color" in style, "on a dark page the letters would be light"


def test_letters_of_the_lanes_stand_out() -> None:
    for letter, fill in FILL.items():
        assert contrast(LETTERING[letter], fill) >= 4.5


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


# ── long values ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_statement_of_a_megabyte_is_shortened() -> None:
    entry = {**snapshot("busy").log[0], "sql": "SELECT '" + "x" * 1_000_000 + "'"}
    shown = sql_log.view(snapshot("busy", log=[entry]))
    assert len(shown.text) < 3_000
    assert "(1,000,009" in shown.text
    assert len(shown.html) < 30_000


def test_wide_characters_take_two_columns() -> None:
    card = {**snapshot("busy").cards["3"], "summary": "名前 " * 40}
    shown = state_board.view(snapshot("busy", cards={**snapshot("busy").cards, "3": card}))
    assert all(width(line) <= 80 for line in shown.text.splitlines())


# ── what they leave out ──────────────────────────────────────────────────────────────────────────────────────────────
def test_board_counts_what_it_does_not_show() -> None:
    assert "… 36 more" in state_board.view(snapshot("busy")).text


def test_board_shows_what_moved_or_changed_before_the_rest() -> None:
    shown = snapshot("busy")
    pattern = shown.cards["12"]
    tokens = list(range(100, 130))
    cards = {str(token): {**pattern, "token": token, "label": f"Tool#{token}", "moved": None} for token in tokens}
    cards["105"]["flags"] = ["dirty"]
    lanes = [
        {**lane, "tokens": tokens, "count": 500, "more": 470} if lane["letter"] == "S" else lane for lane in shown.lanes
    ]
    text = state_board.view(snapshot("busy", cards=cards, lanes=lanes)).text
    assert "Tool#105 *" in text and "Tool#129" in text and "Tool#100" not in text
    assert "… 492 more" in text


def test_log_groups_a_statement_that_was_sent_many_times() -> None:
    entry = snapshot("busy").log[0]
    log = [{**entry, "n": n, "params": [str(n)]} for n in range(1, 32)]
    shown = sql_log.view(snapshot("busy", log=log, log_total=31))
    assert "1–31. session.get, In[5] · ×31, the same statement" in shown.text
    assert "×31, the same statement" in shown.html


def test_log_of_one_cell_and_of_the_last_statements() -> None:
    assert sql_log.view(snapshot("busy"), cell=6).text.count("DELETE") == 2
    assert "SELECT currval" not in sql_log.view(snapshot("busy"), cell=6).text
    assert "SELECT currval" in sql_log.view(snapshot("busy"), cell=6, internal=True).text
    assert sql_log.view(snapshot("busy"), last=1).text.count("DELETE") == 0
    assert "No statement sent by In[99]" in sql_log.view(snapshot("busy"), cell=99).text


def test_log_and_timeline_between_two_events() -> None:
    busy = snapshot("busy")
    events = [event["event"] for event in busy.timeline if not event["internal"]]
    first, last = events[2], events[-3]
    shown = event_timeline.view(busy, between=(first, last)).text
    assert f" {first}. " in shown and f" {last}. " in shown
    assert f" {events[1]}. " not in shown and f" {events[-2]}. " not in shown and "earlier ones" not in shown
    entry = next(entry for entry in busy.log if not entry["internal"])
    assert "\n1 statement of " in sql_log.view(busy, between=(entry["event"], entry["event"])).text


# ── the View itself ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_view_prints_and_displays_as_its_text_and_html() -> None:
    view = View("text", "<p>html</p>")
    assert str(view) == repr(view) == "text"
    assert view._repr_mimebundle_() == {"text/plain": "text", "text/html": "<p>html</p>"}
    assert view._repr_mimebundle_(include=["text/plain"]) == {"text/plain": "text"}
    assert view._repr_mimebundle_(exclude=["text/plain"]) == {"text/html": "<p>html</p>"}


def test_a_snapshot_goes_through_json_and_back() -> None:
    for name in NAMES:
        shown = snapshot(name)
        assert Snapshot.from_json(shown.as_json()) == shown


def test_a_patch_holds_what_changed_and_nothing_else() -> None:
    before = snapshot("busy")
    card = {**before.cards["3"], "flags": []}
    entry = {**before.log[-1], "n": 42}
    after = snapshot("busy", revision=8, cards={**before.cards, "3": card}, log=[*before.log, entry], log_total=42)
    patch = after.patch_since(before)
    assert patch == {"kind": "patch", "revision": 8, "log_total": 42, "cards": {"3": card}, "log": [entry]}
