"""The journal and the transaction frames: what facts leave behind, as plain data."""

from __future__ import annotations

from typing import Any

from nbsession.events import Fact, Marked, StatementExecuted, StatesMoved, Subject, TransactionMoved
from nbsession.notebook.recording.advance import MADE, advance
from nbsession.notebook.recording.journal import ALIKE, MOVES_KEPT, OBJECTS_KEPT, STATEMENTS_KEPT, Journal
from nbsession.notebook.recording.labels import Labels
from nbsession.notebook.recording.snapshots import Snapshot, blank


def journal() -> Journal:
    return Journal(Labels(lambda token: object()))


def moved(
    seq: int, tokens: list[int], before: str, trigger: str, after: str, *, key: bool = False, cause: str = ""
) -> StatesMoved:
    subjects = tuple(Subject(token, "Member", str(token) if key else None) for token in tokens[:200])
    return StatesMoved(
        seq=seq,
        cause=cause,
        cls="Member",
        subjects=subjects,
        count=len(tokens),
        before=before,
        trigger=trigger,
        after=after,
    )


def sent(seq: int, sql: str = "INSERT INTO member", rows: int | None = 1, **more: Any) -> StatementExecuted:
    return StatementExecuted(seq=seq, sql=sql, params=(), executions=1, rows=rows, **{"internal": False, **more})


def transaction(
    seq: int, level: int, trigger: str, name: str | None = None, error: str | None = None
) -> TransactionMoved:
    after = {"begin": "active", "fail": "failed"}.get(trigger, "closed")
    return TransactionMoved(seq=seq, level=level, name=name, before="active", trigger=trigger, after=after, error=error)


def hear(book: Journal, *facts: Fact, cell: str | None = "In[1]", via: str = "") -> None:
    book.take(facts, cell, via)


# ── moves ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_move_keeps_the_name_the_object_had_before() -> None:
    book = journal()
    hear(book, moved(1, [7], "transient", "add", "pending"), moved(2, [7], "pending", "insert", "persistent", key=True))
    hear(book, moved(3, [7], "persistent", "undo insert", "transient"))
    assert [move["label"] for move in book.moves] == ["Member+1", "Member+1", "Member#7"]


def test_objects_are_numbered_by_class_as_they_are_met() -> None:
    labels = Labels()
    assert [labels.of(1, "Member"), labels.of(2, "Loan"), labels.of(3, "Member"), labels.of(1, "Member")] == [
        "Member+1",
        "Loan+1",
        "Member+2",
        "Member+1",
    ]


def test_a_composite_and_a_long_key() -> None:
    labels = Labels()
    assert labels.of(1, "Line", "3, 7") == "Line#3,7"
    assert len(labels.of(2, "Line", "x" * 1_000_000)) < 60


def test_a_move_of_many_names_three() -> None:
    book = journal()
    hear(book, moved(1, [1, 2, 3, 4], "transient", "add", "pending"))
    (move,) = book.moves
    assert (move["label"], [other["label"] for other in move["others"]], move["count"]) == (
        "Member+1",
        ["Member+2", "Member+3"],
        4,
    )


def test_many_moves_that_are_alike_are_remembered_as_one() -> None:
    book = journal()
    hear(book, *(moved(seq, [seq], "transient", "add", "pending", cause="session.add") for seq in range(1, 1001)))
    (move,) = book.moves
    assert (move["count"], move["event"], book.event) == (1000, 1000, 1000)


def test_a_few_moves_that_are_alike_stay_apart() -> None:
    book = journal()
    hear(book, *(moved(seq, [seq], "transient", "add", "pending") for seq in range(1, ALIKE + 1)))
    assert len(book.moves) == ALIKE


def test_memory_is_bounded() -> None:
    book = journal()
    for seq in range(1, 3 * STATEMENTS_KEPT, 2):
        hear(book, moved(seq, list(range(seq, seq + 50)), "transient", "add", "pending"), sent(seq + 1))
    assert len(book.moves) <= MOVES_KEPT
    assert sum(1 for _ in book.newest()) == OBJECTS_KEPT
    hear(book, *(sent(seq) for seq in range(10_000, 15_000)))
    assert len(book.statements) == STATEMENTS_KEPT
    assert book.log(10)[-1]["n"] == book.statement_count


def test_what_a_failed_flush_throws_back_is_marked_until_the_rollback() -> None:
    book = journal()
    hear(book, transaction(1, 0, "begin"), moved(2, [7], "pending", "undo add", "transient", cause="failed flush"))
    hear(
        book, transaction(3, 0, "fail", error="(IntegrityError) (sqlite3.IntegrityError) UNIQUE constraint failed: a.b")
    )
    assert book.failed(7)
    hear(book, transaction(4, 0, "rollback"))
    assert not book.failed(7)


def test_marks_are_remembered() -> None:
    book = journal()
    hear(book, Marked(seq=1, cls="Member", subjects=(Subject(3, "Member", "3"),), count=1, mark="to delete"))
    assert [(mark.label, mark.mark) for mark in book.marks] == [("Member#3", "to delete")]


def test_a_button_is_the_cause_of_what_it_does() -> None:
    book = journal()
    hear(
        book,
        moved(1, [1], "transient", "add", "pending", cause="session.add"),
        sent(2),
        via="button: session.add(Member+1)",
    )
    assert book.moves[0]["cause"] == book.statements[0]["cause"] == "button: session.add(Member+1)"


def test_a_cell_whose_number_was_presumed_wrongly_is_corrected() -> None:
    book = journal()
    hear(book, sent(1), cell="In[4]")
    before = book.log(10)
    hear(book, transaction(2, 0, "begin"), sent(3), moved(4, [1], "transient", "add", "pending"), cell="In[4]")
    book.relabel("In[4]", "In[3]", since=1)
    assert [entry["cell"] for entry in book.statements] == ["In[4]", "In[3]"]
    assert book.moves[0]["cell"] == "In[3]"
    assert book.last_move(1) is not None and book.last_move(1)["cell"] == "In[3]"  # type: ignore[index]
    assert book.frames.info()["since"] == "In[3]"
    assert before[0]["cell"] == "In[4]"


# ── frames ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_statements_and_written_rows_count_in_the_innermost_frame() -> None:
    book = journal()
    hear(book, transaction(1, 0, "begin"), sent(2), sent(3, "SELECT 1", 10), sent(4, "  update member", 2))
    hear(
        book,
        transaction(5, 1, "begin", "sp1"),
        sent(6, "DELETE FROM x", 3),
        sent(7, "PRAGMA x", 9, internal=True),
        cell="In[2]",
    )
    frames = book.frames.info()["frames"]
    assert [(f["name"], f["kind"], f["cell"], f["statements"], f["rows"]) for f in frames] == [
        ("BEGIN", "transaction", "In[1]", 3, 3),
        ("sp1", "savepoint", "In[2]", 1, 3),
    ]


def test_a_released_savepoint_leaves_its_work_to_the_level_above() -> None:
    book = journal()
    hear(book, transaction(1, 0, "begin"), transaction(2, 1, "begin", "a"), sent(3), transaction(4, 1, "commit", "a"))
    (frame,) = book.frames.info()["frames"]
    assert (frame["statements"], frame["rows"]) == (1, 1)


def test_a_savepoint_rolled_back_takes_its_work_with_it() -> None:
    book = journal()
    hear(book, transaction(1, 0, "begin"), transaction(2, 1, "begin", "a"), sent(3), transaction(4, 1, "rollback", "a"))
    (frame,) = book.frames.info()["frames"]
    assert (frame["statements"], frame["rows"]) == (0, 0)


def test_a_failure_says_what_where_and_what_next() -> None:
    book = journal()
    hear(book, transaction(1, 0, "begin"), transaction(2, 1, "begin", "sp1"))
    hear(
        book, transaction(3, 1, "fail", "sp1", "(IntegrityError) (sqlite3.IntegrityError) UNIQUE failed"), cell="In[7]"
    )
    info = book.frames.info()
    assert info["state"] == "failed" and [frame["state"] for frame in info["frames"]] == ["active", "failed"]
    assert info["error"] is not None
    assert (info["error"]["type"], info["error"]["message"], info["error"]["cell"]) == (
        "IntegrityError",
        "UNIQUE failed",
        "In[7]",
    )
    assert "%session rollback sp1" in info["error"]["advice"] and "session.rollback()" in info["error"]["advice"]
    hear(book, transaction(4, 1, "rollback", "sp1"))
    assert book.frames.info()["error"] is None and book.frames.info()["state"] == "active"


# ── the next snapshot from facts alone ───────────────────────────────────────────────────────────────────────────────
def after(book: Journal, before: Snapshot, *news: Any) -> Snapshot:
    book.take([item for item in news if isinstance(item, Fact)], "In[1]")
    return advance(before, news, book, revision=before.revision + 1, cell="In[1]", running=True)


def lanes(shown: Snapshot) -> dict[str, tuple[int, list[int]]]:
    return {lane["letter"]: (lane["count"], lane["tokens"]) for lane in shown.lanes if lane["count"]}


EMPTY = Snapshot.from_json(blank("session", "sqlite", ":memory:"))


def test_a_move_changes_lanes_without_looking_at_the_object() -> None:
    book = journal()
    shown = after(book, EMPTY, moved(1, [7], "transient", "add", "pending"))
    assert lanes(shown) == {"P": (1, [7])} and shown.cards["7"]["label"] == "Member+1"
    shown = after(book, shown, moved(2, [7], "pending", "insert", "persistent", key=True))
    assert lanes(shown) == {"S": (1, [7])} and shown.cards["7"]["label"] == "Member#7"
    assert shown.cards["7"]["moved"] == book.last_move(7)
    assert EMPTY.lanes[1]["count"] == 0, "the snapshot before is left as it was"


def test_a_load_makes_no_transient_object_less() -> None:
    book = journal()
    shown = after(book, EMPTY, MADE, MADE, moved(1, [9], "transient", "load", "persistent", key=True))
    assert lanes(shown) == {"T": (2, []), "S": (1, [9])}


def test_a_burst_is_counted_and_the_last_are_shown() -> None:
    book = journal()
    shown = after(book, EMPTY, *(moved(seq, [seq], "transient", "add", "pending") for seq in range(1, 501)))
    count, tokens = lanes(shown)["P"]
    assert (count, tokens) == (500, list(range(471, 501)))
    assert shown.cards.keys() == {str(token) for token in tokens}


def test_every_view_can_draw_what_advance_made() -> None:
    from nbsession.notebook.views import flush_plan, object_card, sql_log, state_board, transaction_stack

    book = journal()
    shown = after(book, EMPTY, transaction(1, 0, "begin"), moved(2, [7], "transient", "add", "pending"), sent(3))
    for view in (state_board, flush_plan, transaction_stack, sql_log):
        assert view.view(shown).text
    assert "Member+1" in object_card.view(shown, 7).text
