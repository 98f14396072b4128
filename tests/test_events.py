"""Facts: who gets them, what is in them, and that nobody pays for them who does not listen."""

from __future__ import annotations

import dataclasses
import gc
import logging
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import Engine, IntegrityError, NbsessionWarning, Session, select
from nbsession import events as events_module
from nbsession.events import (
    REPR_LIMIT,
    SUBJECT_LIMIT,
    AttributeChanged,
    ConstructionBus,
    Fact,
    FactBus,
    FlushEnded,
    FlushStarted,
    Marked,
    StatementExecuted,
    StatesMoved,
    Subject,
    Tokens,
    TransactionMoved,
    constructions,
    safe_repr,
    tokens,
)
from nbsession.exc import UnmappedInstanceError
from nbsession.session.announcing import FEW, FIRST, LAST
from tests.session.models import Base, Loan, Member


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture
def facts(session: Session) -> list[Fact]:
    """Everything the session publishes, from now on."""
    seen: list[Fact] = []
    session.subscribe(seen.append)
    return seen


# ── the bus ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_facts_are_numbered_and_go_to_every_observer_in_order() -> None:
    bus = FactBus()
    one: list[Fact] = []
    two: list[tuple[int, int]] = []
    bus.subscribe(one.append)
    bus.subscribe(lambda fact: two.append((len(one), fact.seq)))
    for _ in range(3):
        bus.publish(FlushEnded(error=None))
    assert [fact.seq for fact in one] == [1, 2, 3]
    assert two == [(1, 1), (2, 2), (3, 3)]


def test_a_fact_takes_the_cause_of_the_bus_unless_it_has_its_own() -> None:
    bus = FactBus()
    seen: list[Any] = []
    bus.subscribe(seen.append)
    bus.cause = "session.flush"
    bus.publish(FlushEnded(error=None))
    bus.publish(FlushEnded(error=None, cause="mine"))
    assert [fact.cause for fact in seen] == ["session.flush", "mine"]


def test_unsubscribing_twice_is_no_error_and_leaves_the_others() -> None:
    bus = FactBus()
    one: list[Fact] = []
    two: list[Fact] = []
    stop = bus.subscribe(one.append)
    bus.subscribe(two.append)
    stop()
    stop()
    bus.publish(FlushEnded(error=None))
    assert one == [] and len(two) == 1


def test_an_observer_that_raises_is_logged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    bus = FactBus()
    seen: list[Any] = []

    def broken(fact: Fact) -> None:
        raise ZeroDivisionError("in the observer")

    bus.subscribe(broken)
    bus.subscribe(seen.append)
    with caplog.at_level(logging.ERROR, "nbsession.events"):
        bus.publish(FlushEnded(error=None))
        bus.publish(FlushEnded(error=None))
    assert len(seen) == 2
    assert [record.name for record in caplog.records] == ["nbsession.events"]
    assert "an observer raised and was dropped" in caplog.text and "in the observer" in caplog.text


def test_the_engine_does_not_feel_an_observer_that_raises(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    count = []

    def broken(fact: Fact) -> None:
        count.append(fact)
        raise ValueError("every time")

    session.subscribe(broken)
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    assert len(count) == 1 and session.bus.observers == ()
    assert session.scalars(select(Member.name)).all() == ["Ada"]


def test_an_observer_may_leave_while_it_is_called() -> None:
    bus = FactBus()
    seen: list[Any] = []

    def once(fact: Fact) -> None:
        seen.append(fact.seq)
        stop()

    stop = bus.subscribe(once)
    bus.publish(FlushEnded(error=None))
    bus.publish(FlushEnded(error=None))
    assert seen == [1] and bus.observers == ()


def test_facts_are_frozen() -> None:
    fact = FlushEnded(error=None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        fact.error = "no"  # type: ignore[misc]


# ── constructions ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_constructions_switch_on_with_the_first_observer_and_off_with_the_last() -> None:
    bus = ConstructionBus()
    switched: list[bool] = []
    bus.on_change.append(switched.append)
    stop_one, stop_two = bus.subscribe(id), bus.subscribe(hash)
    assert bus.listening
    stop_one()
    stop_two()
    stop_two()
    assert switched == [True, False] and not bus.listening


def test_constructing_survives_an_observer_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def broken(obj: object) -> None:
        raise ValueError("not this one")

    plain = Member.__init__
    stop = constructions.subscribe(broken)
    assert Member(name="Ada").name == "Ada"
    assert not constructions.listening and Member.__init__ is plain
    stop()
    assert "an observer raised and was dropped" in caplog.text


# ── tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_token_stays_with_its_object_and_finds_it() -> None:
    numbers, ada, bob = Tokens(), Member(), Member()
    assert (numbers.of(ada), numbers.of(bob), numbers.of(ada)) == (1, 2, 1)
    assert numbers.object(1) is ada and numbers.object(3) is None


def test_tokens_are_weak_and_never_used_again() -> None:
    numbers, given = Tokens(), set()
    for _ in range(1_000):  # objects one after the other at one address: an id would come back
        obj = Member()
        given.add(numbers.of(obj))
        del obj
    assert len(given) == 1_000
    assert numbers._by_id == {} and numbers._by_token == {}


def test_a_token_keeps_nothing_alive() -> None:
    obj = Member()
    token, reference = tokens.of(obj), weakref.ref(obj)
    del obj
    assert reference() is None and tokens.object(token) is None


# ── representations ──────────────────────────────────────────────────────────────────────────────────────────────────
class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Huge:
    def __repr__(self) -> str:
        return "h" * 1_000_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        ("short", "'short'"),
        ("x" * 1_000_000, f"{'x' * REPR_LIMIT!r}… (1000000 long)"),
        (b"y" * 100, f"{b'y' * REPR_LIMIT!r}… (100 long)"),
        (Huge(), "h" * REPR_LIMIT + "…"),
        (Broken(), "<repr raised RuntimeError>"),
        ([Broken()], "<repr raised RuntimeError>"),
        ("x" * REPR_LIMIT, repr("x" * REPR_LIMIT)[:REPR_LIMIT] + "…"),
    ],
    ids=["None", "short", "1 MB of text", "bytes", "huge repr", "broken repr", "broken inside", "just at the limit"],
)
def test_safe_repr(value: object, text: str) -> None:
    assert safe_repr(value) == text


def test_a_value_whose_repr_raises_is_named_in_facts(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    ada.age = Broken()
    changed = [fact for fact in facts if isinstance(fact, AttributeChanged)]
    assert [(f.name, f.old, f.new) for f in changed] == [("age", None, "<repr raised RuntimeError>")]


def test_a_megabyte_of_text_passes_through_facts_short(session: Session, facts: list[Fact]) -> None:
    text = "n" * 1_000_000
    session.add(Loan(note=text))
    session.commit()
    assert all(len(str(fact)) < 5_000 for fact in facts)
    assert session.scalar(select(Loan.note)) == text


# ── nobody listens ───────────────────────────────────────────────────────────────────────────────────────────────────
FACTS = [cls for cls in vars(events_module).values() if isinstance(cls, type) and issubclass(cls, Fact)]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of facts and subjects as they are built."""
    names: list[str] = []

    def counting(cls: type) -> Any:
        plain: Any = vars(cls)["__init__"]

        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            names.append(cls.__name__)
            plain(self, *args, **kwargs)

        return __init__

    for cls in [*FACTS, Subject]:
        monkeypatch.setattr(cls, "__init__", counting(cls))
    return names


def live(session: Session) -> None:
    """One of everything: add, cascade, set, flush, load, lazy load, savepoint, delete, failure, rollback, commit."""
    ada = Member(name="Ada", loans=[Loan(note="a"), Loan(note="b")])
    session.add(ada)
    ada.age = 36
    session.commit()
    assert ada.loans[0].note == "a"
    ada.name = "Ada L."
    with session.begin_nested() as savepoint:
        ada.loans.pop()
        session.flush()
        savepoint.rollback()
    session.refresh(ada)
    session.expire(ada)
    assert session.scalars(select(Member)).one() is ada
    session.add(Member(id=ada.id, name="taken"))
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    session.rollback()
    session.delete(ada)
    session.commit()
    assert ada not in session


def test_with_no_observer_no_fact_is_built(session: Session, built: list[str]) -> None:
    live(session)
    assert built == []


def test_the_same_life_observed_builds_every_kind_of_fact(session: Session, built: list[str]) -> None:
    session.subscribe(lambda fact: None)
    live(session)
    assert set(built) == {
        "Subject",
        "StatesMoved",
        "Marked",
        "AttributeChanged",
        "FlushStarted",
        "FlushEnded",
        "StatementExecuted",
        "TransactionMoved",
    }


def test_after_the_last_observer_left_no_fact_is_built(session: Session, built: list[str]) -> None:
    stop = session.subscribe(lambda fact: None)
    live(session)
    stop()
    built.clear()
    live(session)
    assert built == []


def test_listening_changes_no_statement(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    logs: list[list[str]] = []
    for observed in (False, True):
        log: list[str] = []

        def hook(conn: Any, cursor: Any, statement: str, *rest: Any, log: list[str] = log) -> None:
            log.append(statement)

        engine._hooks.setdefault("before_cursor_execute", []).append(hook)
        with Session(engine) as session:
            if observed:
                session.subscribe(lambda fact: None)
            live(session)
        engine._hooks["before_cursor_execute"].remove(hook)
        logs.append(log)
    assert logs[0] == logs[1]


# ── what facts hold ──────────────────────────────────────────────────────────────────────────────────────────────────
def assert_plain(value: object) -> None:
    if isinstance(value, tuple):
        for part in value:
            assert_plain(part)
    elif isinstance(value, Subject):
        assert_plain((value.token, value.cls, value.key))
    else:
        assert value is None or type(value) in (str, int, bool), repr(value)


def test_facts_hold_plain_values_only(session: Session, facts: list[Fact]) -> None:
    live(session)
    assert len({type(fact) for fact in facts}) == 7
    for fact in facts:
        assert_plain(tuple(getattr(fact, field.name) for field in dataclasses.fields(fact)))


def test_who_keeps_the_facts_keeps_no_object_and_no_session_alive(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    session = Session(engine)
    kept: list[Fact] = []
    session.subscribe(kept.append)
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    references = [weakref.ref(ada), weakref.ref(ada.loans[0]), weakref.ref(session)]
    session.close()
    del ada, session
    gc.collect()
    assert kept and [reference() for reference in references] == [None, None, None]


def test_a_move_of_many_names_the_first_and_the_last_and_counts_all(session: Session, facts: list[Fact]) -> None:
    count = SUBJECT_LIMIT + 5
    session.add_all(Loan() for _ in range(count))
    session.flush()
    (inserted,) = [f for f in facts if isinstance(f, StatesMoved) and f.trigger == "insert"]
    assert (inserted.count, len(inserted.subjects), inserted.cls) == (count, FIRST + LAST, "Loan")
    assert (inserted.before, inserted.after) == ("pending", "persistent")
    assert (inserted.subjects[0].key, inserted.subjects[-1].key) == ("1", str(count))


def test_many_added_at_once_are_one_fact_in_its_place_among_the_others(session: Session, facts: list[Fact]) -> None:
    members = [Member(name=f"m{number}") for number in range(FEW + 1)]
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([*members, ada, Loan(note="a"), bob])
    told = [(f.cls, f.count) for f in facts if isinstance(f, StatesMoved)]
    assert told == [("Member", FEW + 2), ("Loan", 1), ("Member", 1)]
    facts.clear()
    with pytest.raises(UnmappedInstanceError):
        session.add_all([*(Loan(note="b") for _ in range(FEW + 1)), object(), Loan(note="never")])
    (moved,) = [f for f in facts if isinstance(f, StatesMoved)]
    assert moved.count == FEW + 1, "those before the one that failed are told"
    facts.clear()
    session.add(Member(name="Eve"))
    assert len(facts) == 1


def test_few_added_at_once_are_told_one_by_one(session: Session, facts: list[Fact]) -> None:
    session.add_all(Loan() for _ in range(FEW))
    assert [f.count for f in facts if isinstance(f, StatesMoved)] == [1] * FEW


def test_what_happens_while_many_are_added_is_told_in_its_order(session: Session, facts: list[Fact]) -> None:
    session.add(Member(name="Ada"))
    session.flush()
    facts.clear()

    def some() -> Iterator[Loan]:
        for number in range(2 * FEW + 2):
            if number == FEW + 1:
                session.query(Member).all()  # which flushes what was added so far
            yield Loan()

    session.add_all(some())
    kinds = [(f.trigger, f.count) if isinstance(f, StatesMoved) else type(f).__name__ for f in facts]
    assert kinds[0] == ("add", FEW + 1) and kinds[-1] == ("add", FEW + 1)
    assert kinds.index(("add", FEW + 1)) < kinds.index("FlushStarted") < kinds.index(("insert", FEW + 1))


def test_a_subject_tells_token_class_and_key(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    added, inserted = (f for f in facts if isinstance(f, StatesMoved))
    assert added.subjects == (Subject(tokens.of(ada), "Member", None),)
    assert inserted.subjects == (Subject(tokens.of(ada), "Member", str(ada.id)),)


def test_marks(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.flush()
    ada.age = 36
    session.flush()
    session.delete(ada)
    session.add(ada)
    session.expire(ada)
    assert [(f.mark, f.count, f.cause) for f in facts if isinstance(f, Marked)] == [
        ("clean", 1, "session.flush"),
        ("to delete", 1, "session.delete"),
        ("not to delete", 1, "session.add"),
        ("expired", 1, "session.expire"),
    ]


def test_attribute_changes_tell_old_and_new(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    facts.clear()
    ada.name = "expired before, so the old value is not known"
    ada.name = "known"
    loan = Loan(note="n")
    ada.loans.append(loan)
    changes = [(f.name, f.old, f.new) for f in facts if isinstance(f, AttributeChanged) and f.subject.cls == "Member"]
    assert changes[0] == ("name", None, "'expired before, so the old value is not known'")
    assert changes[1] == ("name", "'expired before, so the old value is not known'", "'known'")
    assert changes[2][0] == "loans" and "Loan" in changes[2][2]


# ── causes ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def causes(facts: list[Fact], kind: type[Fact]) -> list[str]:
    return [fact.cause for fact in facts if isinstance(fact, kind)]


def test_causes_of_moves(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada", loans=[Loan()])
    session.add(ada)
    assert causes(facts, StatesMoved) == ["session.add", "cascade save-update over Member.loans"]
    facts.clear()
    session.commit()
    assert set(causes(facts, StatesMoved)) == {"session.commit"}
    facts.clear()
    session.expunge(ada)
    assert set(causes(facts, StatesMoved)) == {"session.expunge"}
    session.add(ada)
    session.delete(ada)
    session.flush()
    facts.clear()
    session.rollback()
    assert set(causes(facts, StatesMoved)) == {"session.rollback"}
    facts.clear()
    session.expunge_all()
    assert set(causes(facts, StatesMoved)) == {"session.expunge_all"}


def test_causes_of_flushes(session: Session, facts: list[Fact]) -> None:
    for deed, cause in (
        (session.flush, "session.flush"),
        (session.commit, "session.commit"),
        (session.scalars(select(Member)).all, None),
    ):
        session.add(Member(name=f"m{cause}"))
        deed()
        if cause is not None:
            assert causes(facts, FlushStarted) == causes(facts, FlushEnded) == [cause]
        facts.clear()
    session.rollback()
    facts.clear()
    session.add(Member(name="by a query"))
    session.scalars(select(Member)).all()
    assert causes(facts, FlushStarted) == ["autoflush before query"]


def test_causes_of_autoflush(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    session.add(Member(name="new"))
    facts.clear()
    ada.loans
    assert causes(facts, FlushStarted)[0] == "autoflush before load of Member.id"
    session.add(Member(name="newer"))
    facts.clear()
    session.expire(ada, ["loans"])
    ada.loans
    assert causes(facts, FlushStarted) == ["autoflush before lazy load of Member.loans"]
    session.add(Member(name="newest"))
    facts.clear()
    session.get(Member, 99)
    assert causes(facts, FlushStarted) == ["autoflush before session.get"]


def test_a_cause_ends_with_what_it_caused(session: Session) -> None:
    session.add(Member(name="Ada"))
    session.flush()
    assert session.bus.cause == ""
    session.add(Member(name="Ada"))
    with pytest.raises(IntegrityError):
        session.commit()
    assert session.bus.cause == ""
    session.rollback()
    assert session.bus.cause == ""


def test_a_failed_flush_says_why(session: Session, facts: list[Fact]) -> None:
    session.add(Member(id=1, name="Ada"))
    session.flush()
    session.add(Member(id=1, name="Bob"))
    facts.clear()
    with pytest.raises(IntegrityError):
        session.flush()
    (ended,) = [f for f in facts if isinstance(f, FlushEnded)]
    assert ended.error is not None and ended.error.startswith("IntegrityError: ")
    (failed,) = [f for f in facts if isinstance(f, TransactionMoved)]
    assert (failed.before, failed.trigger, failed.after) == ("active", "fail", "failed")
    assert failed.error is not None and failed.error.startswith("(IntegrityError)")
    (refused,) = [f for f in facts if isinstance(f, StatementExecuted) and f.error]
    assert refused.sql.startswith("INSERT")


def test_transactions_tell_level_and_name(session: Session, facts: list[Fact]) -> None:
    with session.begin(), session.begin_nested(name="before the loan"), session.begin_nested():
        pass
    told = [(f.level, f.name, f.trigger) for f in facts if isinstance(f, TransactionMoved)]
    assert told == [
        (0, None, "begin"),
        (1, "before the loan", "begin"),
        (2, None, "begin"),
        (2, None, "commit"),
        (1, "before the loan", "commit"),
        (0, None, "commit"),
    ]


def test_statements_tell_parameters_and_rows(session: Session, facts: list[Fact]) -> None:
    session.add_all([Member(name="Ada"), Member(name="Bob")])
    session.flush()
    insert = next(f for f in facts if isinstance(f, StatementExecuted) and not f.internal and "INSERT" in f.sql)
    assert insert.executions == 2 and "'Ada'" in insert.params and insert.error is None
    facts.clear()
    session.get(Member, 99)
    (asked,) = [f for f in facts if isinstance(f, StatementExecuted) and not f.internal]
    assert asked.rows == 0 and asked.params == ("99",)


def test_a_commit_in_facts_reads_as_it_happened(session: Session, facts: list[Fact]) -> None:
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    kinds = [type(f).__name__ for f in facts if not (isinstance(f, StatementExecuted) and f.internal)]
    assert kinds == [
        "TransactionMoved",  # begun by add
        "StatesMoved",  # pending
        "FlushStarted",
        "StatementExecuted",
        "StatesMoved",  # persistent
        "FlushEnded",
        "TransactionMoved",  # committed
        "Marked",  # expired
    ]
    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
