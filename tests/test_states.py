"""Every (state, trigger) pair of both tables, legal and illegal: in the tables, and through sessions with real objects."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    Engine,
    IllegalTransition,
    IntegrityError,
    InvalidRequestError,
    NotSupportedError,
    Session,
    inspect,
    make_transient,
    make_transient_to_detached,
    select,
)
from nbsession.database.connection import Connection
from nbsession.events import StatesMoved, TransactionMoved
from nbsession.states import (
    OBJECT_MOVES,
    TRANSACTION_MOVES,
    ObjectState,
    SessionTransactionOrigin,
    TransactionState,
    TransactionTrigger,
    Trigger,
)
from nbsession.tracking.instance_state import state_of
from tests.session.models import Base, Member

# Written out by hand, row by row: what a learner may rely on.
OBJECTS = {
    "transient": "add → pending | load → persistent | make detached → detached",
    "pending": "insert → persistent | expunge → transient | undo add → transient | make transient → transient "
    "| session gone → transient",
    "persistent": "delete → deleted | expunge → detached | undo insert → transient | make transient → transient "
    "| session gone → detached",
    "deleted": "commit → detached | expunge → detached | undo delete → persistent | undo insert → transient "
    "| make transient → transient | session gone → detached",
    "detached": "add → persistent | undo insert → transient | make transient → transient",
}
TRANSACTIONS = {
    "idle": "begin → active",
    "active": "fail → failed | prepare → prepared | commit → closed | rollback → closed | close → closed",
    "failed": "rollback → closed | close → closed",
    "prepared": "commit → closed | rollback → closed | close → closed",
    "closed": "",
}


def legal(table: dict[str, str]) -> dict[tuple[str, str], str]:
    """(state, trigger) to state, of a table as written above."""
    moves = {}
    for before, text in table.items():
        for move in filter(None, text.split(" | ")):
            trigger, after = move.split(" → ")
            moves[before, trigger] = after
    return moves


LEGAL_OBJECT_MOVES = legal(OBJECTS)
LEGAL_TRANSACTION_MOVES = legal(TRANSACTIONS)
OBJECT_PAIRS = list(itertools.product(ObjectState, Trigger))
TRANSACTION_PAIRS = list(itertools.product(TransactionState, TransactionTrigger))


def name_of(value: Any) -> str:
    return value.value.replace(" ", "-") if hasattr(value, "value") else str(value).replace(" ", "-")


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("state", "trigger"), OBJECT_PAIRS, ids=name_of)
def test_object_table_holds_exactly_the_legal_moves(state: ObjectState, trigger: Trigger) -> None:
    expected = LEGAL_OBJECT_MOVES.get((state.value, trigger.value))
    if expected is not None:
        assert OBJECT_MOVES.step("<Member 3>", state, trigger) is ObjectState(expected)
        return
    with pytest.raises(IllegalTransition) as refused:
        OBJECT_MOVES.step("<Member 3>", state, trigger)
    moves = ", ".join(t for s, t in LEGAL_OBJECT_MOVES if s == state.value)
    assert str(refused.value) == (
        f"<Member 3> is {state.value}: '{trigger.value}' is not a move from there. Legal from {state.value}: {moves}."
    )


@pytest.mark.parametrize(("state", "trigger"), TRANSACTION_PAIRS, ids=name_of)
def test_transaction_table_holds_exactly_the_legal_moves(state: TransactionState, trigger: TransactionTrigger) -> None:
    expected = LEGAL_TRANSACTION_MOVES.get((state.value, trigger.value))
    if expected is not None:
        assert TRANSACTION_MOVES.step("This transaction", state, trigger) is TransactionState(expected)
        return
    with pytest.raises(IllegalTransition) as refused:
        TRANSACTION_MOVES.step("This transaction", state, trigger)
    moves = ", ".join(t for s, t in LEGAL_TRANSACTION_MOVES if s == state.value) or "nothing"
    assert f"This transaction is {state.value}: '{trigger.value}'" in str(refused.value)
    assert str(refused.value).endswith(f"Legal from {state.value}: {moves}.")


def test_the_tables_hold_nothing_else() -> None:
    assert {(s.value, t.value): a.value for (s, t), a in OBJECT_MOVES.moves.items()} == LEGAL_OBJECT_MOVES
    assert {(s.value, t.value): a.value for (s, t), a in TRANSACTION_MOVES.moves.items()} == LEGAL_TRANSACTION_MOVES


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        OBJECT_MOVES.moves[ObjectState.DETACHED, Trigger.LOAD] = ObjectState.PERSISTENT  # type: ignore[index]


def test_every_trigger_moves_something_and_every_state_can_be_reached() -> None:
    assert {t for _, t in OBJECT_MOVES.moves} == set(Trigger)
    assert {t for _, t in TRANSACTION_MOVES.moves} == set(TransactionTrigger)
    assert set(OBJECT_MOVES.moves.values()) == set(ObjectState)
    assert set(TRANSACTION_MOVES.moves.values()) == set(TransactionState) - {TransactionState.IDLE}


def test_letters() -> None:
    assert {state.value: state.letter for state in ObjectState} == {
        "transient": "T",
        "pending": "P",
        "persistent": "S",
        "deleted": "X",
        "detached": "D",
    }


def test_an_illegal_move_is_an_invalid_request() -> None:
    assert issubclass(IllegalTransition, InvalidRequestError)


# ── the same, with real objects ──────────────────────────────────────────────────────────────────────────────────────
class World:
    """A database with one committed row, a session on it that is watched, and an object that is led into a state."""

    def __init__(self, engine: Engine) -> None:
        Base.metadata.create_all(engine)
        self.engine = engine
        self.moves: list[tuple[str, str, str]] = []
        with Session(engine) as first:
            first.add(Member(id=1, name="Ada"))
            first.commit()
        self.sessions: list[Session] = []
        self.session = self.open()

    def open(self) -> Session:
        session = Session(self.engine)
        session.subscribe(self.note)
        self.sessions.append(session)
        return session

    def note(self, fact: Any) -> None:
        if isinstance(fact, StatesMoved):
            self.moves.append((fact.before, fact.trigger, fact.after))

    def close(self) -> None:
        for session in self.sessions:
            session.close()

    # each brings a real object into one state, by the public API only
    def transient(self) -> Member:
        return Member(name="Bob")

    def pending(self) -> Member:
        obj = Member(name="Bob")
        self.session.add(obj)
        return obj

    def persistent(self) -> Member:
        obj: Member = self.session.get_one(Member, 1)
        return obj

    def inserted(self) -> Member:
        obj = self.pending()
        self.session.flush()
        return obj

    def deleted(self) -> Member:
        obj = self.persistent()
        self.session.delete(obj)
        self.session.flush()
        return obj

    def detached(self) -> Member:
        obj = self.persistent()
        self.session.expunge(obj)
        return obj

    def in_state(self, state: ObjectState) -> Member:
        obj: Member = getattr(self, state.value)()
        assert inspect(obj).state is state
        self.moves.clear()
        return obj

    def lose_session(self) -> Session:
        """The session is collected; returns another."""
        other = self.open()
        self.sessions.remove(self.session)
        connection = self.session.connection()
        del self.session
        gc.collect()
        connection.close()
        self.session = other
        return other


@pytest.fixture
def world(engine: Engine) -> Iterator[World]:
    world = World(engine)
    yield world
    world.close()


Drive = Callable[[World], Member]
DRIVES: dict[tuple[str, str], Drive] = {}


def drives(before: str, trigger: str) -> Callable[[Drive], Drive]:
    """The function makes the move happen, by the public API."""

    def keep(drive: Drive) -> Drive:
        DRIVES[before, trigger] = drive
        return drive

    return keep


@drives("transient", "add")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.TRANSIENT)
    world.session.add(obj)
    return obj


@drives("transient", "load")
def _(world: World) -> Member:
    return world.session.scalars(select(Member)).one()


@drives("transient", "make detached")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.TRANSIENT)
    obj.id = 7
    make_transient_to_detached(obj)
    return obj


@drives("pending", "insert")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.PENDING)
    world.session.flush()
    return obj


@drives("pending", "expunge")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.PENDING)
    world.session.expunge(obj)
    return obj


@drives("pending", "undo add")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.PENDING)
    world.session.rollback()
    return obj


@drives("persistent", "undo insert")
def _(world: World) -> Member:
    obj = world.inserted()
    world.session.rollback()
    return obj


@drives("persistent", "delete")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.PERSISTENT)
    world.session.delete(obj)
    world.session.flush()
    return obj


@drives("persistent", "expunge")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.PERSISTENT)
    world.session.expunge(obj)
    return obj


@drives("deleted", "commit")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.DELETED)
    world.session.commit()
    return obj


@drives("deleted", "expunge")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.DELETED)
    world.session.expunge(obj)
    return obj


@drives("deleted", "undo delete")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.DELETED)
    world.session.rollback()
    return obj


@drives("deleted", "undo insert")
def _(world: World) -> Member:
    obj = world.inserted()
    world.session.delete(obj)
    world.session.flush()
    assert inspect(obj).deleted
    world.session.rollback()
    return obj


@drives("detached", "add")
def _(world: World) -> Member:
    obj = world.in_state(ObjectState.DETACHED)
    world.session.add(obj)
    return obj


@drives("detached", "undo insert")
def _(world: World) -> Member:
    obj = world.inserted()
    world.session.expunge(obj)
    assert inspect(obj).detached
    world.session.rollback()
    return obj


def _make_transient(state: ObjectState) -> Drive:
    def drive(world: World) -> Member:
        obj = world.in_state(state)
        make_transient(obj)
        return obj

    return drive


def _session_gone(state: ObjectState) -> Drive:
    def drive(world: World) -> Member:
        obj = world.in_state(state)
        other = world.lose_session()
        assert inspect(obj).state.value == LEGAL_OBJECT_MOVES[state.value, "session gone"]
        assert inspect(obj).session is None
        if state is ObjectState.DELETED:
            with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
                other.refresh(obj)
            make_transient(obj)
            make_transient_to_detached(obj)
        else:
            other.add(obj)
            assert (state.value, "session gone", LEGAL_OBJECT_MOVES[state.value, "session gone"]) in world.moves
            other.expunge(obj)
        return obj

    return drive


for _state in (ObjectState.PENDING, ObjectState.PERSISTENT, ObjectState.DELETED, ObjectState.DETACHED):
    DRIVES[_state.value, "make transient"] = _make_transient(_state)
for _state in (ObjectState.PENDING, ObjectState.PERSISTENT, ObjectState.DELETED):
    DRIVES[_state.value, "session gone"] = _session_gone(_state)

OUTSIDE = {("transient", "make detached"), ("detached", "make transient"), ("deleted", "session gone")}
"""moves that no session publishes, because the object is in none"""


@pytest.mark.parametrize(("before", "trigger"), sorted(LEGAL_OBJECT_MOVES), ids=name_of)
def test_each_legal_move_is_made_by_the_public_api(world: World, before: str, trigger: str) -> None:
    after = LEGAL_OBJECT_MOVES[before, trigger]
    obj = DRIVES[before, trigger](world)
    assert inspect(obj).state.value == after
    if (before, trigger) not in OUTSIDE:
        assert (before, trigger, after) in world.moves
    flags = [
        flag for flag in ("transient", "pending", "persistent", "deleted", "detached") if getattr(inspect(obj), flag)
    ]
    assert flags == [after]


ILLEGAL = [(s, t) for s, t in OBJECT_PAIRS if (s.value, t.value) not in LEGAL_OBJECT_MOVES]


@pytest.mark.parametrize(("state", "trigger"), ILLEGAL, ids=name_of)
def test_each_illegal_move_is_refused_and_changes_nothing(world: World, state: ObjectState, trigger: Trigger) -> None:
    obj = world.in_state(state)
    session, mapper = world.session, inspect(Member)
    unit = session.unit_of_work
    held = list(unit.new.values()), list(unit.identity_map.all()), list(unit.marked.values())
    with pytest.raises(IllegalTransition) as refused:
        unit.move(mapper, (obj,), state, trigger)
    message = str(refused.value)
    assert message.startswith("<Member ") and f"is {state.value}: '{trigger.value}'" in message
    for other in Trigger:
        if (state.value, other.value) in LEGAL_OBJECT_MOVES:
            assert other.value in message.partition("Legal from")[2]
    assert inspect(obj).state is state
    assert (list(unit.new.values()), list(unit.identity_map.all()), list(unit.marked.values())) == held
    assert world.moves == []


def test_a_batch_with_an_illegal_move_moves_nobody(world: World) -> None:
    members = [Member(name=f"m{i}") for i in range(3)]
    world.session.add_all(members)
    with pytest.raises(IllegalTransition):
        world.session.unit_of_work.move(inspect(Member), members, ObjectState.PENDING, Trigger.COMMIT)
    assert [inspect(m).state.value for m in members] == ["pending"] * 3
    assert list(world.session.new) == members


def test_objects_keep_the_changes_they_have_when_they_leave_and_come_back(world: World) -> None:
    """Line 13.8: a detached object that was modified is dirty again once it is added."""
    obj = world.persistent()
    obj.name = "Ada L."
    world.session.expunge(obj)
    assert state_of(obj).owned and inspect(obj).detached
    world.session.add(obj)
    assert obj in world.session.dirty
    world.session.flush()
    assert world.session.connection().exec_driver_sql("SELECT name FROM member").scalar() == "Ada L."


# ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def phases(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose connections pretend to have two-phase commit."""

    def begin_twophase(connection: Connection) -> Any:
        transaction = connection.begin()
        monkeypatch.setattr(type(transaction), "prepare", lambda self: None, raising=False)
        return transaction

    monkeypatch.setattr(Connection, "begin_twophase", begin_twophase)
    monkeypatch.setattr(type(world.session.bind.dialect), "supports_two_phase", True)
    world.session.twophase = True
    return world


def _begun(world: World) -> Any:
    transaction = world.session.begin()
    world.session.connection()
    return transaction


def _failed(world: World) -> Any:
    transaction = _begun(world)
    world.session.add(Member(id=1, name="taken"))
    with pytest.raises(IntegrityError):
        world.session.flush()
    return transaction


def _prepared(world: World) -> Any:
    transaction = _begun(world)
    transaction.prepare()
    return transaction


WAYS_IN = {"active": _begun, "failed": _failed, "prepared": _prepared}


@pytest.mark.parametrize(
    ("before", "trigger"),
    [pair for pair in sorted(LEGAL_TRANSACTION_MOVES) if pair[0] != "idle" and pair[1] not in ("fail", "prepare")],
    ids=name_of,
)
def test_each_way_to_end_a_transaction(phases: World, before: str, trigger: str) -> None:
    seen: list[tuple[str, str, str]] = []
    phases.session.subscribe(
        lambda f: seen.append((f.before, f.trigger, f.after)) if isinstance(f, TransactionMoved) else None
    )
    phases.session.twophase = before == "prepared"
    transaction = WAYS_IN[before](phases)
    assert transaction.state.value == before
    assert seen[0] == ("idle", "begin", "active")
    getattr(transaction, trigger)()
    assert transaction.state is TransactionState.CLOSED
    assert (before, trigger, "closed") in seen
    assert not phases.session.in_transaction()


def test_a_transaction_fails_and_is_prepared(phases: World) -> None:
    failed = _failed(phases)
    assert failed.state is TransactionState.FAILED and not failed.is_active
    failed.rollback()
    prepared = _prepared(phases)
    assert prepared.state is TransactionState.PREPARED


@pytest.mark.parametrize("trigger", list(TransactionTrigger), ids=name_of)
def test_an_ended_transaction_cannot_be_moved_again(world: World, trigger: TransactionTrigger) -> None:
    """Line 4.15: using an ended transaction raises."""
    transaction = _begun(world)
    transaction.commit()
    if trigger is TransactionTrigger.CLOSE:
        transaction.close()  # closing twice is no error, and no move
    elif trigger in (TransactionTrigger.COMMIT, TransactionTrigger.ROLLBACK):
        with pytest.raises(InvalidRequestError, match="This transaction is closed"):
            getattr(transaction, trigger.value)()
    with pytest.raises(IllegalTransition, match="This transaction is closed"):
        transaction._move(trigger)
    assert transaction.state is TransactionState.CLOSED


def test_what_a_transaction_was_begun_by_has_the_numbers_of_sqlalchemy() -> None:
    """Line 4.3"""
    assert {one.name: one.value for one in SessionTransactionOrigin} == {
        "AUTOBEGIN": 0,
        "BEGIN": 1,
        "BEGIN_NESTED": 2,
        "SUBTRANSACTION": 3,
    }


def test_two_phases_are_refused_where_the_database_has_none(world: World) -> None:
    """Line 5.4: a clear NotSupportedError on SQLite and DuckDB."""
    world.session.twophase = True
    world.session.add(Member(name="Bob"))
    with pytest.raises(NotSupportedError):
        world.session.flush()
    world.session.rollback()
