"""Every button and field that acts: the call it shows, the message it sends, the answer it gets, when it refuses."""

from __future__ import annotations

import copy

import pytest

from tests.widgets.conftest import Show
from tests.widgets.instrument import fixture

HEADER = [
    ("Savepoint", "savepoint", "session.begin_nested()"),
    ("Roll back", "rollback", "session.rollback()"),
    ("Flush", "flush", "session.flush()"),
    ("Commit", "commit", "session.commit()"),
]


@pytest.mark.parametrize(("text", "verb", "call"), HEADER)
def test_header_button_shows_its_call_and_sends_its_verb(show: Show, text: str, verb: str, call: str) -> None:
    dash = show("busy")
    button = dash.button(text)
    assert button.get_attribute("title") == call
    assert call in button.inner_text()
    button.hover()
    assert dash.root.locator(".nbs-code").inner_text() == call
    button.click()
    assert dash.sent() == [{"kind": "action", "verb": verb}]


def test_call_line_follows_the_focus_and_is_copied(show: Show) -> None:
    dash = show("busy")
    dash.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    assert dash.root.get_by_title("Copy this call").count() == 1
    assert not dash.root.get_by_title("Copy this call").is_visible()
    dash.button("Flush").focus()
    dash.root.get_by_role("button", name="Copy").click()
    dash.root.get_by_text("copied").wait_for()
    assert dash.page.evaluate("navigator.clipboard.readText()") == "session.flush()"


def test_copy_works_without_clipboard_permission(show: Show) -> None:
    dash = show("busy")
    dash.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    dash.button("Commit").hover()
    dash.root.get_by_role("button", name="Copy").click()
    dash.root.get_by_text("copied").wait_for()


def test_answer_appears_in_a_polite_live_region(show: Show) -> None:
    dash = show("busy")
    answer = dash.root.locator(".nbs-answer")
    assert answer.get_attribute("aria-live") == "polite"
    dash.button("Flush").click()
    assert answer.inner_text() == "flush: sent …"
    dash.send({"kind": "answer", "verb": "flush", "ok": True, "text": "3 pending → persistent · 4 statements"})
    assert answer.inner_text() == "3 pending → persistent · 4 statements"
    dash.send({"kind": "answer", "verb": "commit", "ok": False, "text": "IntegrityError: <b>UNIQUE</b>"})
    assert answer.inner_text() == "! IntegrityError: <b>UNIQUE</b>"
    assert answer.locator("b").count() == 0


def test_action_during_a_cell_is_said_to_be_queued(show: Show) -> None:
    running = fixture("busy") | {"running": True}
    dash = show(running)
    assert dash.root.get_by_text("a cell is running").is_visible()
    dash.button("Commit").click()
    assert dash.root.locator(".nbs-answer").inner_text() == "commit: queued until the running cell ends"
    assert dash.sent() == [{"kind": "action", "verb": "commit"}]
    dash.send({"kind": "patch", "revision": 8, "running": False})
    assert dash.root.get_by_text("a cell is running").count() == 0


def test_savepoints_are_rolled_back_to_and_released_by_name(show: Show) -> None:
    dash = show("busy")
    for name in ("import", "line_2"):
        group = dash.root.get_by_role("group", name=f"Savepoint {name}")
        back, release = group.get_by_role("button", name="roll back to"), group.get_by_role("button", name="release")
        assert back.get_attribute("title") == f"%session rollback {name}"
        assert release.get_attribute("title") == f"%session release {name}"
        back.click()
        release.click()
        assert dash.sent() == [
            {"kind": "action", "verb": "rollback to", "name": name},
            {"kind": "action", "verb": "release", "name": name},
        ]
    assert dash.root.locator("[data-frame=BEGIN] > .nbs-frame-verbs").count() == 0


def test_new_savepoint_takes_the_name_of_the_field(show: Show) -> None:
    dash = show("busy")
    name = dash.root.get_by_label("Name of the new savepoint")
    button = dash.root.get_by_role("button", name="Set savepoint")
    button.click()
    name.fill("lines")
    dash.settle()
    assert button.get_attribute("title") == 'session.begin_nested(name="lines")'
    button.click()
    name.press("Enter")
    named = {"kind": "action", "verb": "savepoint", "name": "lines"}
    assert dash.sent() == [{"kind": "action", "verb": "savepoint"}, named, named]
    assert name.input_value() == "lines"
    dash.send({"kind": "answer", "verb": "savepoint", "ok": True, "text": "savepoint lines"})
    assert name.input_value() == ""


def test_card_verbs_send_the_token_where_the_state_allows(show: Show) -> None:
    dash = show("busy")
    dash.card("Member#3").click()
    dash.sent()
    verbs = dash.root.get_by_role("group", name="Verbs for Member#3")
    for verb in ("delete", "expunge", "refresh", "expire"):
        button = verbs.get_by_role("button", name=verb)
        assert button.get_attribute("title") == f"session.{verb}(obj)  # obj: Member#3"
        button.click()
        assert dash.sent() == [{"kind": "action", "verb": verb, "token": 3}]
    add = verbs.get_by_role("button", name="add")
    assert add.get_attribute("aria-disabled") == "true"
    add.click(force=True)  # aria-disabled: still to be pressed, so that it can say why
    assert dash.sent() == []
    refusal = "! Member#3 is persistent; add needs it transient or detached."
    assert dash.root.locator(".nbs-answer").inner_text() == refusal
    dash.root.get_by_role("combobox", name="Object").select_option("31")
    dash.settle()
    dash.sent()
    dash.root.get_by_role("group", name="Verbs for Notice+1").get_by_role("button", name="add").click()
    assert dash.sent() == [{"kind": "action", "verb": "add", "token": 31}]


def test_failed_transaction_offers_the_rollback_and_says_why_nothing_else(show: Show) -> None:
    dash = show("failed")
    banner = dash.root.get_by_role("alert")
    assert "The transaction failed in In[7]" in banner.inner_text()
    assert "IntegrityError: UNIQUE constraint failed: member.email" in banner.inner_text()
    assert "session.rollback()" in banner.inner_text()
    for text in ("Savepoint", "Flush", "Commit"):
        button = dash.button(text)
        assert button.get_attribute("aria-disabled") == "true"
        button.click(force=True)
        assert dash.root.locator(".nbs-answer").inner_text() == "! The transaction failed: only a rollback helps."
    assert dash.sent() == []
    dash.button("Roll back").click()
    banner.get_by_role("button", name="Roll back").click()
    assert dash.sent() == [{"kind": "action", "verb": "rollback"}] * 2
    dash.send({"kind": "patch", "revision": 10, "transaction": fixture("empty")["transaction"]})
    assert dash.root.get_by_role("alert").count() == 0
    assert dash.button("Commit").get_attribute("aria-disabled") is None


def test_lost_kernel_is_said_and_nothing_is_sent(show: Show) -> None:
    dash = show("busy")
    dash.lose_kernel()
    assert dash.root.get_by_text("No live session").is_visible()
    assert dash.root.get_by_text("kernel gone").is_visible()
    dash.button("Commit").click(force=True)
    assert dash.root.locator(".nbs-answer").inner_text() == "! The kernel is gone: nothing can be sent."
    dash.card("Member#3").click()
    dash.tab("Plan")
    assert dash.sent() == []


def test_saved_notebook_without_a_kernel_says_so(show: Show) -> None:
    dash = show("busy")
    dash.page.evaluate("() => nbs.shown[0].el.classList.add('jupyter-widgets-disconnected')")
    dash.send({"kind": "patch", "revision": 8})
    assert dash.root.get_by_text("No live session").is_visible()


def test_kernel_that_comes_back_is_said(show: Show) -> None:
    dash = show("busy")
    dash.lose_kernel()
    dash.page.evaluate("() => { nbs.model.set('comm_live', true); nbs.model.fire('comm_live_update') }")
    dash.settle()
    assert dash.root.get_by_text("No live session").count() == 0


def test_a_send_that_fails_is_said(show: Show) -> None:
    dash = show("busy")
    dash.page.evaluate("() => { nbs.model.dead = true }")
    dash.button("Commit").click()
    assert dash.root.locator(".nbs-answer").inner_text() == "! The kernel is gone: nothing was sent."


def test_closed_session_is_said(show: Show) -> None:
    closed = copy.deepcopy(fixture("busy"))
    closed["session"]["open"] = False
    dash = show(closed)
    assert dash.root.get_by_text("This session is closed").is_visible()
    dash.button("Commit").click(force=True)
    assert dash.sent() == []
    assert dash.root.locator(".nbs-answer").inner_text() == "! The session is closed."


def test_plan_is_asked_for_when_its_tab_opens_and_again(show: Show) -> None:
    dash = show("busy")
    panel = dash.tab("Plan")
    assert dash.sent() == [{"kind": "plan"}]
    again = panel.get_by_role("button", name="Plan again")
    assert again.get_attribute("title") == "session.flush_plan()"
    again.click()
    assert dash.sent() == [{"kind": "plan"}]
    assert dash.root.locator(".nbs-code").inner_text() == "session.flush_plan()"
