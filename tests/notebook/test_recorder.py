"""The recorder: live boards, cards and patches of real sessions, without holding what it shows."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import pytest

from nbsession import DeclarativeBase, IntegrityError, Mapped, Session, create_engine, mapped_column, relationship
from nbsession.events import constructions
from nbsession.notebook import views
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.newcomers import newcomers
from nbsession.notebook.recording.recorder import Recorder, recorder_of, stop_listening
from nbsession.notebook.recording.snapshots import Snapshot
from tests.notebook.library import Base, Loan, Member


def lanes(shown: Snapshot) -> dict[str, list[str]]:
    """Letter to labels."""
    return {
        lane["letter"]: [shown.cards[str(token)]["label"] for token in lane["tokens"]]
        for lane in shown.lanes
        if lane["count"]
    }


def card(shown: Snapshot, label: str) -> dict[str, Any]:
    return next(dict(each) for each in shown.cards.values() if each["label"] == label)


def attribute(shown: Snapshot, label: str, name: str) -> dict[str, Any]:
    return next(dict(each) for each in card(shown, label)["attributes"] if each["name"] == name)


# ── the life of an object ────────────────────────────────────────────────────────────────────────────────────────────
def test_an_object_is_seen_in_all_five_states(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    assert lanes(recorder.snapshot()) == {"T": ["Member+1"]}
    session.add(ada)
    assert lanes(recorder.snapshot()) == {"P": ["Member+1"]}
    session.flush()
    assert lanes(recorder.snapshot()) == {"S": ["Member#1"]}
    session.delete(ada)
    assert card(recorder.snapshot(), "Member#1")["flags"] == ["to delete"]
    session.flush()
    assert lanes(recorder.snapshot()) == {"X": ["Member#1"]}
    session.commit()
    assert lanes(recorder.snapshot()) == {"D": ["Member#1"]}


def test_moves_tell_cause_trigger_and_cell(session: Session) -> None:
    recorder = recorder_of(session)
    clock.start(5)
    session.add(Member(name="Ada"))
    clock.end(5)
    moved = card(recorder.snapshot(), "Member+1")["moved"]
    assert (moved["before"], moved["after"], moved["trigger"], moved["cause"], moved["cell"]) == (
        "transient",
        "pending",
        "add",
        "session.add",
        "In[5]",
    )


def test_a_change_is_shown_beside_what_the_row_holds(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.name = "Ada B."
    shown = recorder.snapshot()
    assert card(shown, "Member#1")["flags"] == ["dirty"]
    assert card(shown, "Member#1")["summary"] == "name 'Ada' → 'Ada B.'"
    name = attribute(shown, "Member#1", "name")
    assert (name["committed"], name["current"], name["changed"], name["status"]) == (
        "'Ada'",
        "'Ada B.'",
        True,
        "loaded",
    )
    assert attribute(shown, "Member#1", "loans")["status"] == "not loaded"


def test_expired_and_detached_objects_show_what_they_lack(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert card(recorder.snapshot(), "Member#1")["flags"] == ["expired"]
    session.expunge(ada)
    shown = recorder.snapshot()
    assert card(shown, "Member#1")["state"] == "detached"
    assert attribute(shown, "Member#1", "name")["current"] is None
    assert "expired" not in card(shown, "Member#1")["flags"]


def test_relationships_name_their_objects(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    loan = Loan(note="ladder", member=ada)
    session.add_all([ada, loan])
    shown = recorder.snapshot()
    assert attribute(shown, "Loan+1", "member")["current"] == "Member+1"
    session.flush()
    assert session.get(Member, 1) is not None and len(ada.loans) == 1
    shown = recorder.snapshot()
    assert attribute(shown, "Loan#1", "member")["current"] == "Member#1"
    assert attribute(shown, "Member#1", "loans")["current"] == "Loan#1"


def test_a_plan_names_the_keys_that_are_awaited(session: Session) -> None:
    recorder = recorder_of(session)
    ada = Member(name="Ada")
    session.add_all([ada, Loan(note="ladder", member=ada)])
    steps = recorder.snapshot().plan["steps"]
    assert [(step["verb"], step["table"], step["label"]) for step in steps] == [
        ("INSERT", "member", "Member+1"),
        ("INSERT", "loan", "Loan+1"),
    ]
    assert ["member_id", "key of Member+1"] in steps[1]["parameters"]
    assert steps[1]["after"] == [1]


def test_a_failed_flush_is_shown_with_its_error_and_the_way_out(session: Session) -> None:
    recorder = recorder_of(session)
    session.add(Member(name="Ada"))
    session.commit()
    clock.start(7)
    twin = Member(name="Ada")
    session.add(twin)
    with pytest.raises(IntegrityError):
        session.flush()
    clock.end(7)
    shown = recorder.snapshot()
    error = shown.transaction["error"]
    assert shown.transaction["state"] == "failed" and error is not None
    assert (error["type"], error["cell"]) == ("IntegrityError", "In[7]")
    assert "session.rollback()" in error["advice"] and not error["message"].startswith("(")
    assert lanes(shown)["T"] == ["Member+2"] and card(shown, "Member+2")["flags"] == ["failed"]
    assert shown.plan["steps"] == [] and "rollback" in shown.plan["notes"][0]
    session.rollback()
    shown = recorder.snapshot()
    assert shown.transaction == {"state": "idle", "since": None, "error": None, "frames": []}
    assert card(shown, "Member+2")["flags"] == []


def test_savepoints_are_frames_with_what_was_sent_in_them(session: Session) -> None:
    recorder = recorder_of(session)
    clock.start(1)
    session.add(Member(name="Ada"))
    session.flush()
    clock.end(1)
    clock.start(2)
    session.begin_nested(name="extra")
    session.add_all([Member(name="Bob"), Member(name="Eve")])
    session.flush()
    clock.end(2)
    frames = recorder.snapshot().transaction["frames"]
    assert [(frame["name"], frame["cell"], frame["rows"]) for frame in frames] == [
        ("BEGIN", "In[1]", 1),
        ("extra", "In[2]", 2),
    ]


# ── attached late ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_attached_late_it_shows_what_the_session_holds(session: Session) -> None:
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add(ada)
    session.flush()
    session.begin_nested(name="sp")
    session.add(bob)
    shown = recorder_of(session).snapshot()
    assert lanes(shown) == {"P": ["Member+2"], "S": ["Member#1"]}
    assert [(frame["name"], frame["state"]) for frame in shown.transaction["frames"]] == [
        ("BEGIN", "active"),
        ("sp", "active"),
    ]


def test_attached_to_a_failed_transaction_it_says_why(session: Session) -> None:
    session.add_all([Member(name="Ada"), Member(name="Ada")])
    with pytest.raises(IntegrityError):
        session.flush()
    error = recorder_of(session).snapshot().transaction["error"]
    assert error is not None and error["type"] == "IntegrityError"


# ── what it does not hold ────────────────────────────────────────────────────────────────────────────────────────────
def test_it_holds_no_object(session: Session) -> None:
    recorder = recorder_of(session)
    recorder.subscribe(lambda patch: None)
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add(ada)
    session.flush()
    recorder.snapshot()
    gone = [weakref.ref(ada), weakref.ref(bob)]
    session.expunge(ada)
    del ada, bob
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
    assert lanes(recorder.snapshot()) == {}


def test_it_holds_no_session(database_url: str) -> None:
    engine = create_engine(database_url)
    session = Session(engine)
    recorder = recorder_of(session)
    recorder.subscribe(lambda patch: None)
    recorder.snapshot()
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    assert recorder.snapshot().session["open"] is False
    engine.dispose()


def test_closed_it_costs_nothing(session: Session) -> None:
    recorder_of(session)
    assert session.bus.observers and constructions.listening
    stop_listening(session)
    newcomers.close()
    assert not session.bus.observers and not constructions.listening


# ── many objects ─────────────────────────────────────────────────────────────────────────────────────────────────────
def test_of_many_objects_all_are_counted_and_a_few_shown(session: Session) -> None:
    recorder = recorder_of(session)
    members = [Member(name=f"m{number}") for number in range(3_000)]
    assert [lane["count"] for lane in recorder.snapshot().lanes] == [3_000, 0, 0, 0, 0]
    session.add_all(members)
    shown = recorder.snapshot()
    assert [lane["count"] for lane in shown.lanes] == [0, 3_000, 0, 0, 0]
    assert "3,000 objects are new" in shown.plan["notes"][0]
    assert len(recorder.snapshot(with_plan=True).plan["steps"]) == 1
    session.flush()
    members[7].name = "changed"
    shown = recorder.snapshot()
    assert [(lane["count"], len(lane["tokens"]), lane["more"]) for lane in shown.lanes][2] == (3_000, 30, 2_970)
    assert card(shown, "Member#8")["flags"] == ["dirty"]
    for member in members:
        session.delete(member)
    session.flush()
    assert [lane["count"] for lane in recorder.snapshot().lanes] == [0, 0, 0, 3_000, 0]
    session.rollback()
    assert [lane["count"] for lane in recorder.snapshot().lanes] == [3_000, 0, 0, 0, 0]


# ── bad values ───────────────────────────────────────────────────────────────────────────────────────────────────────
class Moody(str):
    def __repr__(self) -> str:
        raise RuntimeError("not today")


def test_a_repr_that_raises_is_named_and_a_megabyte_shortened(session: Session) -> None:
    loan = Loan(note="x" * 1_000_000)
    ada = Member(name=Moody("Ada"), loans=[loan])
    session.add(ada)
    text = str(views.board(session)) + str(views.card(session, ada)) + str(views.plan(session))
    assert "<repr raised RuntimeError>" in text
    assert "(1000000 long)" in views.card(session, loan).html
    assert len(text) < 10_000


def test_markup_in_a_value_stays_text_on_the_way_to_the_page(session: Session) -> None:
    ada = Member(name="<script>alert(1)</script>")
    session.add(ada)
    session.flush()
    for view in (views.board(session), views.card(session, ada), views.plan(session), views.sql(session)):
        assert "<script" not in view.html
    assert "&lt;script&gt;alert(1)" in views.board(session).html


def test_objects_can_be_looked_at_while_a_class_of_their_family_waits_for_another(session: Session) -> None:
    class Family(DeclarativeBase):
        pass

    class Ready(Family):
        __tablename__ = "ready"
        id: Mapped[int] = mapped_column(primary_key=True)

    ready = Ready()

    class Half(Family):  # a cell of its own; the cell with the other class is still to be run
        __tablename__ = "half"
        id: Mapped[int] = mapped_column(primary_key=True)
        missing: Mapped[Any] = relationship("NotYetDefined")

    text = str(views.board(session))
    assert "Ready+1" in text
    assert ready is not None and Half is not None


# ── patches ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def watched(session: Session) -> Iterator[tuple[Recorder, list[dict[str, Any]]]]:
    recorder = recorder_of(session)
    recorder.snapshot()
    patches: list[dict[str, Any]] = []
    stop = recorder.subscribe(patches.append)
    yield recorder, patches
    stop()


Watched = tuple[Recorder, list[dict[str, Any]]]


def labels_in(patches: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["label"], each["state"]) for patch in patches for each in patch.get("cards", {}).values()}


def until(true: Callable[[], bool]) -> bool:
    """Waits, for ten seconds at most: a page is told after a while, by another thread."""
    for _ in range(500):
        if true():
            return True
        sleep(0.02)
    return False


def test_patches_come_while_a_cell_runs(session: Session, watched: Watched) -> None:
    _, patches = watched
    clock.start(3)
    ada = Member(name="Ada")
    assert until(lambda: ("Member+1", "transient") in labels_in(patches))
    session.add(ada)
    session.flush()
    assert until(lambda: ("Member#1", "persistent") in labels_in(patches))
    assert all(patch["kind"] == "patch" for patch in patches)
    assert patches[-1]["revision"] > patches[0]["revision"]
    clock.end(3)


def test_the_card_of_a_new_object_shows_its_values_at_once(session: Session, watched: Watched) -> None:
    _, patches = watched
    clock.start(3)
    session.add(Member(name="Ada"))
    assert until(
        lambda: any(each["summary"] == "name 'Ada'" for patch in patches for each in patch.get("cards", {}).values())
    )
    clock.end(3)


def test_patches_add_up_to_the_snapshot(session: Session, watched: Watched) -> None:
    recorder, patches = watched
    page = Snapshot.from_json(recorder.snapshot().as_json()).as_json()
    patches.clear()
    clock.start(3)
    members = [Member(name=f"m{number}") for number in range(100)]
    session.add_all(members)
    session.flush()
    members[0].name = "changed"
    session.delete(members[1])
    sleep(0.1)
    session.begin_nested(name="sp")
    session.add(Loan(note="x"))
    session.flush()
    clock.end(3)
    for patch in patches:
        cards = {**page["cards"], **patch.get("cards", {})}
        log = {entry["n"]: entry for entry in [*page["log"], *patch.get("log", [])]}
        page.update({key: value for key, value in patch.items() if key != "kind"}, cards=cards, log=list(log.values()))
    now = recorder.snapshot()
    for key in ("as_of", "running", "session", "transaction", "lanes", "plan", "log", "log_total", "moves"):
        assert page[key] == getattr(now, key), key
    shown = [str(token) for lane in now.lanes for token in lane["tokens"]]
    assert {token: page["cards"][token] for token in shown} == now.cards


def test_no_live_object_is_read_off_the_sessions_thread(session: Session, watched: Watched, monkeypatch) -> None:
    from nbsession.notebook.reporting import snapshot_builder

    _recorder, patches = watched
    threads = set()
    for name in ("take", "single_card"):
        real = getattr(snapshot_builder, name)

        def spy(*args: Any, _real: Any = real, **keywords: Any) -> Any:
            threads.add(threading.current_thread())
            return _real(*args, **keywords)

        monkeypatch.setattr(snapshot_builder, name, spy)
    clock.start(1)
    for number in range(500):
        session.add(Member(name=f"m{number}"))
    waiting = ("P", 500)
    assert until(
        lambda: any(waiting == (lane["letter"], lane["count"]) for patch in patches for lane in patch.get("lanes", []))
    ), "the burst is on the page before the cell ends"
    assert threads == {threading.main_thread()}
    clock.end(1)


def test_a_watcher_that_raises_breaks_nothing(session: Session) -> None:
    recorder = recorder_of(session)

    def bad(patch: dict[str, Any]) -> None:
        raise RuntimeError("no page")

    heard: list[dict[str, Any]] = []
    recorder.subscribe(bad)
    recorder.subscribe(heard.append)
    session.add(Member(name="Ada"))
    session.commit()
    recorder.snapshot()
    assert heard and session.bus.observers


def test_looking_at_a_value_may_run_its_repr_which_may_use_the_session(session: Session, watched: Watched) -> None:
    class Nosy(str):
        def __repr__(self) -> str:
            session.is_modified(ada)
            return "Nosy"

    ada = Member(name="Ada")
    session.add(ada)
    ada.name = Nosy("x")
    assert "Nosy" in str(views.board(session))


def test_names_of_the_holders_are_shown(shell) -> None:
    shell.run("%session open sqlite://")
    shell.run("from tests.notebook.library import *; Base.metadata.create_all(engine)")
    shell.run("ada = grace = Member(name='Ada')")
    shell.run("ada")
    shown = recorder_of(shell["session"]).snapshot()
    assert card(shown, "Member+1")["holders"] == ["ada", "grace", "Out[4]"]
    assert shown.session["name"] == "session"
    assert Base is not None
