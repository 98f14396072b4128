"""What the views show of a snapshot, and how patches change it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.notebook.fixtures import everywhere
from tests.widgets.conftest import Show
from tests.widgets.instrument import fixture

LANES = [
    ("transient", "T", "Transient", ["Notice+1"]),
    ("pending", "P", "Pending", ["Loan+1", "LoanLine+1", "LoanLine+2"]),
    ("persistent", "S", "Persistent", ["Member#3", "Tool#9", "Tool#12", "Tool#14"]),
    ("deleted", "X", "Deleted", ["Loan#1"]),
    ("detached", "D", "Detached", ["Member#8"]),
]


@pytest.mark.parametrize(("state", "letter", "word", "labels"), LANES)
def test_lane_shows_letter_word_and_cards(show: Show, state: str, letter: str, word: str, labels: list[str]) -> None:
    lane = show("busy").lane(state)
    assert lane.locator("h3 .nbs-badge").inner_text() == letter
    assert word in lane.locator("h3").inner_text()
    assert lane.locator(".nbs-label").all_inner_texts() == labels


def test_header_says_where_the_session_stands(show: Show) -> None:
    head = show("busy").root.locator(".nbs-head").inner_text()
    for text in ("session", "duckdb · toolshed.duckdb", "in transaction · since In[5]", "2 savepoints"):
        assert text in head
    idle = show("empty").root.locator(".nbs-head").inner_text()
    assert "idle" in idle and "savepoint()" not in idle


def test_flags_have_mark_and_word_and_a_change_shows_both_values(show: Show) -> None:
    dash = show("busy")
    assert dash.card("Member#3").locator(".nbs-flag").all_inner_texts() == ["* dirty"]
    assert dash.card("Tool#9").locator(".nbs-flag").all_inner_texts() == ["~ expired"]
    assert dash.card("Tool#14").locator(".nbs-flag").all_inner_texts() == ["× to delete"]
    assert dash.card("Member#3").locator("del").inner_text() == "'Ada'"
    assert dash.card("Member#3").locator("ins").inner_text() == "'Ada B.'"
    assert dash.lane("persistent").get_by_text("… 36 more, not shown").is_visible()


def test_cards_moved_in_the_last_cell_are_highlighted_with_their_cause(show: Show) -> None:
    dash = show("busy")
    assert dash.root.locator(".nbs-just .nbs-label").all_inner_texts() == ["Loan+1", "LoanLine+1", "LoanLine+2"]
    text = dash.card("LoanLine+1").inner_text()
    assert "transient → pending" in text and fixture("busy")["cards"]["23"]["moved"]["cause"] in text


def test_patch_moves_a_card_to_another_lane_and_keeps_the_others(show: Show) -> None:
    dash = show("busy")
    dash.page.evaluate("() => { window.kept = document.querySelector('[data-token=\"12\"]') }")
    dash.send(_loan_flushed(8))
    assert dash.lane("persistent").locator(".nbs-label").first.inner_text() == "Loan#41"
    assert dash.lane("pending").locator(".nbs-label").all_inner_texts() == ["LoanLine+1", "LoanLine+2"]
    assert dash.page.evaluate("() => kept.isConnected"), "an unchanged card is the same element"


def test_focus_follows_a_card_to_its_new_lane(show: Show) -> None:
    dash = show("busy")
    dash.card("Loan+1").focus()
    dash.send(_loan_flushed(8))
    assert dash.page.evaluate("() => document.activeElement.dataset.token") == "22"


def test_old_patch_is_ignored_and_a_hole_asks_for_everything(show: Show) -> None:
    dash = show("busy")
    dash.send({"kind": "patch", "revision": 7, "log_total": 999})
    assert "999" not in dash.root.get_by_role("tab", name="SQL").inner_text()
    assert dash.sent() == []
    dash.send({"kind": "patch", "revision": 9, "since": 7, "log_total": 41})
    assert dash.sent() == [], "revisions may skip numbers"
    dash.send({"kind": "patch", "revision": 12, "since": 11, "log_total": 42})
    assert "42" in dash.root.get_by_role("tab", name="SQL").inner_text()
    assert dash.sent() == [{"kind": "show", "view": "board", "revision": 9}]


def test_card_that_leaves_every_lane_is_forgotten(show: Show) -> None:
    dash = show("busy")
    dash.card("Member#8").click()
    lanes = copy.deepcopy(fixture("busy")["lanes"])
    lanes[4] |= {"count": 0, "tokens": []}
    dash.send({"kind": "patch", "revision": 8, "lanes": lanes})
    assert dash.root.get_by_text("This object is no longer on the board").is_visible()


def test_object_card_shows_committed_current_and_status(show: Show) -> None:
    dash = show("busy")
    dash.card("Member#3").click()
    dash.settle()
    assert dash.sent() == [{"kind": "show", "view": "card", "token": 3}]
    texts = [row.locator("th, td").all_inner_texts() for row in dash.root.locator(".nbs-attributes tbody tr").all()]
    cells = {row[0].removesuffix("column").removesuffix("to one"): row for row in texts}
    rows = {name: " ".join(row) for name, row in cells.items()}
    assert cells["name"][1:] == ["'Ada'", "→", "'Ada B.'", "* changed"]
    assert "not loaded: never read" in rows["branch"]
    assert "<repr raised RuntimeError>" in rows["mood"]
    assert "(1048576 long)" in rows["photo"]
    assert "Loan#1, Loan+1" in rows["loansto many"]
    assert "session.get" in dash.root.locator(".nbs-object").inner_text()


def test_object_is_chosen_in_the_field(show: Show) -> None:
    dash = show("busy", view="card")
    assert dash.root.get_by_text("Choose an object here").is_visible()
    field = dash.root.get_by_role("combobox", name="Object")
    assert field.locator("option").count() == 11
    field.select_option("9")
    dash.settle()
    assert dash.root.locator(".nbs-object h3").inner_text().split() == ["S", "Tool#9", "persistent", "~", "expired"]
    assert dash.root.locator(".nbs-attributes tbody tr").first.inner_text().endswith("expired: read again when touched")


def test_plan_shows_order_reasons_parameters_and_what_is_left_out(show: Show) -> None:
    dash = show("busy", view="plan")
    assert dash.sent() == [{"kind": "plan"}]
    steps = dash.root.locator(".nbs-step")
    assert steps.locator(".nbs-verb").all_inner_texts() == ["INSERT", "INSERT", "UPDATE", "DELETE"]
    second = steps.nth(1).inner_text()
    assert "after 1: loan_id needs the key of Loan+1" in second
    for text in ("2.", "loan_line", "LoanLine+1, LoanLine+2", "× 2", "loan_id", "key of Loan+1"):
        assert text in second
    rest = dash.root.locator(".nbs-rest").inner_text()
    assert "Tool#12 no net change" in rest and "children of Tool#14 not loaded: would SELECT" in rest
    dash.send({"kind": "patch", "revision": 8, "plan": {"steps": [], "skipped": [], "notes": []}})
    assert dash.root.get_by_text("A flush would send nothing.").is_visible()
    assert steps.count() == 0


def test_log_is_filtered_and_hides_the_engines_own_statements(show: Show) -> None:
    dash = show("busy", view="sql")
    panel = dash.root.locator(".nbs-panel:visible")
    entries = dash.root.locator(".nbs-entry")
    assert entries.count() == 5
    panel.get_by_label("internal").check()
    dash.settle()
    assert entries.count() == 6 and dash.root.locator(".nbs-internal").count() == 1
    field = panel.get_by_label("Filter")
    searches = {"delete from": 2, "AUTOFLUSH": 1, "In[5]": 2, "script": 1, "nothing like it": 0, "": 6}
    for wanted, count in searches.items():
        field.fill(wanted)
        dash.settle()
        assert entries.count() == count, wanted
    field.fill("nothing like it")
    dash.settle()
    assert dash.root.get_by_text("No statement matches.").is_visible()


def test_log_entry_tells_values_rows_executions_cause_and_error(show: Show) -> None:
    entry = show("busy", view="sql").root.locator(".nbs-entry").nth(2).inner_text()
    assert "DELETE FROM loan_line WHERE loan_line.id = ?" in entry
    for text in ("39", "× 2 · 2 rows", "session.flush", "In[6] · event 18", "first set"):
        assert text in entry
    failed = show("failed", view="sql").root.locator(".nbs-entry").last.inner_text()
    assert "! IntegrityError: UNIQUE constraint failed: member.email" in failed


def test_log_grows_by_patches_replaces_by_number_and_stays_bounded(show: Show) -> None:
    dash = show("busy", view="sql")
    first = fixture("busy")["log"][0]
    new = [first | {"n": n, "sql": f"SELECT {n}"} for n in range(42, 1042)]
    dash.send({"kind": "patch", "revision": 8, "log": new, "log_total": 1041})
    assert dash.root.locator(".nbs-entry").count() == 500
    assert "500 shown of 1041, the last 500 kept here" in dash.root.locator(".nbs-panel:visible").inner_text()
    dash.send({"kind": "patch", "revision": 9, "log": [new[-1] | {"rows": 77}]})
    assert dash.root.locator(".nbs-entry").count() == 500
    assert "77 rows" in dash.root.locator(".nbs-entry").last.inner_text()
    assert dash.root.locator(".nbs-entry").last.is_visible(), "the newest is scrolled into sight"


def test_rail_answers_what_survives(show: Show) -> None:
    dash = show("busy")
    rail = dash.root.get_by_role("complementary", name="Transaction stack")
    text = rail.inner_text()
    assert "Only what was committed. 7 rows of this transaction would be lost." in text
    assert "Not sent yet: 3 pending, 1 dirty." in text
    assert rail.locator("[data-frame=BEGIN] [data-frame=import] [data-frame=line_2]").count() == 1
    assert "No transaction is open." in show("empty").root.locator(".nbs-rail").inner_text()
    assert "! failed" in show("failed").root.locator("[data-frame=BEGIN]").inner_text()


def test_strip_tells_the_last_moves_and_any_chosen_one(show: Show) -> None:
    dash = show("busy")
    told = dash.root.locator(".nbs-told li")
    last = fixture("busy")["moves"][-1]
    because = f"because {last['cause']} · In[7]"
    assert told.first.inner_text() == f"24. LoanLine+1 and 1 more: transient → pending {because}"
    assert dash.root.locator(".nbs-stamp").inner_text() == "as of In[7] · event 24"
    move = dash.root.get_by_role("button", name="event 19: Loan#1 persistent to deleted")
    move.click()
    dash.settle()
    assert move.get_attribute("aria-pressed") == "true"
    assert told.first.inner_text() == "19. Loan#1 persistent → deleted because session.flush · In[6]"
    told.first.get_by_role("button", name="Loan#1").click()
    dash.settle()
    assert dash.root.get_by_role("article", name="Object card of Loan#1").is_visible()
    move.click()
    dash.settle()
    assert told.first.inner_text().startswith("24.")


def test_empty_session_says_how_to_begin(show: Show) -> None:
    dash = show("empty")
    assert dash.root.get_by_text("Nothing here yet.").is_visible()
    assert dash.root.get_by_text("No object has moved yet.").count() == 0, "said by the style sheet, once"
    assert dash.tab("SQL").get_by_text("No statement was sent yet.").is_visible()
    assert dash.tab("Plan").get_by_text("A flush would send nothing.").is_visible()
    assert dash.tab("Card").get_by_text("Choose an object here").is_visible()
    busy = fixture("busy")
    dash.set(busy)
    dash.tab("Board")
    assert dash.root.get_by_text("Nothing here yet.").count() == 0


def test_long_strings_are_clipped_not_wide(show: Show) -> None:
    dash = show(everywhere(fixture("busy"), "W" * 3000))
    dash.root.locator(".nbs-card").first.click()
    for name in ("Board", "Card", "Plan", "SQL"):
        dash.tab(name)
        width = dash.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert width[0] <= width[1], name


def test_board_of_many_cards_draws_a_patch_quickly(show: Show) -> None:
    snapshot = fixture("busy")
    card = snapshot["cards"]["12"]
    tokens = list(range(1000, 1150))
    snapshot["cards"] |= {str(t): card | {"token": t, "label": f"Tool#{t}"} for t in tokens}
    snapshot["lanes"][2] |= {"tokens": tokens, "count": 100_000, "more": 100_000 - 150}
    dash = show(snapshot)
    assert dash.lane("persistent").get_by_text("… 99,850 more, not shown").is_visible()
    spent = dash.page.evaluate(
        """async (lanes) => { const start = performance.now();
        for (let n = 8; n < 28; n++) {
          nbs.model.fire('msg:custom', {kind: 'patch', revision: n, lanes, as_of: {cell: 'In[8]', event: n}});
          await new Promise(requestAnimationFrame);
        }
        return (performance.now() - start) / 20 }""",
        snapshot["lanes"],
    )
    assert spent < 100, f"{spent:.0f} ms a patch"


def test_two_displays_of_one_widget_and_a_late_one_agree(show: Show) -> None:
    dash = show("busy")
    dash.send(_loan_flushed(8))
    dash.page.evaluate("async () => nbs.shown.push(await nbs.render())")
    second = dash.page.locator(".nbs").nth(1)
    assert second.locator(".nbs-lane[data-state=persistent] .nbs-label").first.inner_text() == "Loan#41"
    second.get_by_role("tab", name="SQL").click()
    dash.settle()
    assert dash.root.get_by_role("tab", name="Board").get_attribute("aria-selected") == "true", "each has its own tab"
    ids = dash.page.evaluate("() => [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_closing_leaves_no_listener(show: Show) -> None:
    dash = show("busy")
    assert dash.page.evaluate("() => nbs.model.listening()") > 0
    dash.page.evaluate("() => { nbs.shown.forEach(each => each.close()); nbs.close() }")
    assert dash.page.evaluate("() => nbs.model.listening()") == 0


def test_view_is_chosen_from_python(show: Show) -> None:
    dash = show("busy", view="sql")
    assert dash.root.get_by_role("tab", name="SQL").get_attribute("aria-selected") == "true"
    dash.page.evaluate("() => nbs.model.set('view', 'board')")
    dash.settle()
    assert dash.root.get_by_role("tab", name="Board").get_attribute("aria-selected") == "true"


def _loan_flushed(revision: int) -> dict[str, Any]:
    busy = copy.deepcopy(fixture("busy"))
    loan, lanes = busy["cards"]["22"], busy["lanes"]
    loan |= {"label": "Loan#41", "key": "41", "state": "persistent"}
    loan["moved"] |= {"before": "pending", "after": "persistent", "trigger": "insert", "cause": "session.flush"}
    lanes[1] |= {"count": 2, "tokens": [23, 24]}
    lanes[2] |= {"count": 41, "tokens": [22, *lanes[2]["tokens"]]}
    return {"kind": "patch", "revision": revision, "cards": {"22": loan}, "lanes": lanes}
