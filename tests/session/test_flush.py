"""What a flush writes, what it refuses, and what it leaves behind when it fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    Engine,
    IntegrityError,
    InvalidRequestError,
    NbsessionWarning,
    ObjectDeletedError,
    PendingRollbackError,
    Session,
    StaleDataError,
    event,
    inspect,
)
from tests.session.models import City, Country, Crate, Loan, Member, Node, Screw, Shelf, Tool
from tests.support import expect_moves, expect_statements

Rows = Callable[[str], list[tuple[Any, ...]]]


# ── writing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_one_statement_a_group(session: Session, rows: Rows) -> None:
    members = [Member(name=f"m{i}", loans=[Loan(note=f"l{i}")]) for i in range(50)]
    session.add_all(members)
    with (
        expect_moves(session, ["Member pending → persistent by insert ×50", "Loan pending → persistent by insert ×50"]),
        expect_statements(session, 2),
    ):
        session.flush()
    assert rows("SELECT l.note, m.name FROM loan l JOIN member m ON m.id = l.member_id ORDER BY m.id") == [
        (f"l{i}", f"m{i}") for i in range(50)
    ]


def test_generated_and_given_keys_mix(session: Session, rows: Rows) -> None:
    """Lines 21.9, 21.10: a key that is None is left out and comes back, a given one is sent."""
    members = [Member(name="a"), Member(id=10, name="b"), Member(name="c"), Member(id=5, name="d")]
    session.add_all(members)
    session.flush()
    assert members[1].id == 10 and members[3].id == 5
    assert len({m.id for m in members}) == 4
    assert rows("SELECT id, name FROM member ORDER BY name") == [(m.id, m.name) for m in members]
    assert all(session.get(Member, m.id) is m for m in members)


def test_values_reach_the_rows_and_come_back_as_they_were(session: Session) -> None:
    text = "x'\";--%s?:name\n\0é🙂" + "y" * 1_000_000 if session.bind.dialect.name == "sqlite" else "x'\";--%s?:n\né🙂"
    session.add(Loan(note=text))
    session.commit()
    assert session.query(Loan).one().note == text


def test_foreign_keys_are_filled_before_the_child_is_written(session: Session, rows: Rows) -> None:
    """Line 21.9: foreign keys are filled before the child is written."""
    loan = Loan(note="a", member=Member(name="Ada"))
    session.add(loan)
    session.flush()
    assert loan.member_id == loan.member.id == rows("SELECT member_id FROM loan")[0][0]


def test_a_child_follows_its_new_parent(session: Session, rows: Rows) -> None:
    shelf, tool = Shelf(label="one"), Tool(name="saw")
    shelf.tools.append(tool)
    session.add(shelf)
    session.commit()
    two = Shelf(label="two")
    two.tools.append(tool)
    session.add(two)
    session.flush()
    assert rows("SELECT s.label FROM tool t JOIN shelf s ON s.id = t.shelf_id") == [("two",)]
    tool.shelf = None
    session.flush()
    assert rows("SELECT shelf_id FROM tool") == [(None,)] and tool.shelf_id is None


def test_a_foreign_key_set_by_hand_moves_no_object(session: Session) -> None:
    """Line 9.9: a foreign key set by hand moves no object."""
    one, two = Shelf(label="one", tools=[Tool()]), Shelf(label="two")
    session.add_all([one, two])
    session.commit()
    (tool,) = one.tools
    assert two.tools == []
    tool.shelf_id = two.id
    session.flush()
    assert one.tools == [tool] and two.tools == []
    session.commit()
    assert one.tools == [] and two.tools == [tool]


def test_setting_a_relationship_wins_over_the_foreign_key(session: Session) -> None:
    one, two = Shelf(label="one"), Shelf(label="two")
    session.add_all([one, two])
    session.flush()
    tool = Tool(shelf_id=one.id, shelf=two)
    session.add(tool)
    session.flush()
    assert tool.shelf_id == two.id


# ── composite and natural keys, changed keys ─────────────────────────────────────────────────────────────────────────
def test_composite_keys_with_a_part_from_the_parent(session: Session, rows: Rows) -> None:
    country = Country(code="DE", cities=[City(number=1, name="Ulm"), City(number=2, name="Bonn")])
    session.add(country)
    session.flush()
    assert rows("SELECT code, number, name FROM city ORDER BY number") == [("DE", 1, "Ulm"), ("DE", 2, "Bonn")]
    assert session.get(City, ("DE", 2)) is country.cities[1]
    country.cities[0].name = "Köln"
    session.delete(country.cities[1])
    session.flush()
    assert rows("SELECT code, number, name FROM city") == [("DE", 1, "Köln")]


def test_a_key_that_nobody_makes_is_asked_for(session: Session) -> None:
    city = City(code="DE", name="without number")
    session.add(city)
    with pytest.raises(IntegrityError) as refused:
        session.flush()
    assert "NULL identity key: number is not set" in refused.value.__notes__[0]
    assert inspect(city).transient


def test_a_natural_key_may_change(session: Session, rows: Rows) -> None:
    """Line 21.6: a natural key may change."""
    country = Country(code="BRD", name="Germany")
    session.add(country)
    session.commit()
    assert country.name
    country.code = "DE"
    session.flush()
    assert rows("SELECT code FROM country") == [("DE",)]
    assert inspect(country).identity == ("DE",) and session.get(Country, "DE") is country
    assert session.get(Country, "BRD") is None
    session.rollback()
    assert inspect(country).identity == ("BRD",) and country.code == "BRD" and session.get(Country, "BRD") is country


def test_a_changed_key_follows_through_savepoints(session: Session) -> None:
    country = Country(code="a")
    session.add(country)
    session.commit()
    assert country.code
    seen = []
    session.begin_nested()
    country.code = "b"
    session.begin_nested()
    country.code = "c"
    session.flush()
    seen.append(inspect(country).identity)
    session.get_nested_transaction().rollback()
    seen.append((inspect(country).identity, country.code))
    session.get_nested_transaction().rollback()
    seen.append((inspect(country).identity, country.code))
    assert seen == [("c",), (("b",), "b"), (("a",), "a")]
    assert session.get(Country, "a") is country


def test_two_keys_may_be_exchanged_by_way_of_a_third(session: Session, rows: Rows) -> None:
    one, two = Country(code="a", name="one"), Country(code="b", name="two")
    session.add_all([one, two])
    session.commit()
    assert one.name and two.name
    one.code = "x"
    session.flush()
    two.code = "a"
    session.flush()
    one.code = "b"
    session.commit()
    assert rows("SELECT code, name FROM country ORDER BY code") == [("a", "two"), ("b", "one")]
    assert session.get(Country, "a") is two and session.get(Country, "b") is one


def test_blanking_a_primary_key_is_refused(session: Session) -> None:
    """Line 18.3: blanking a primary key is refused."""
    country = Country(code="DE", cities=[City(number=1)])
    session.add(country)
    session.commit()
    assert country.cities
    session.delete(country)
    with pytest.raises(AssertionError, match="tried to blank-out primary key column"):
        session.flush()
    session.rollback()
    assert inspect(country).persistent and len(country.cities) == 1


def test_a_new_object_with_a_key_that_is_taken(session: Session) -> None:
    """Line 21.5: the database refuses."""
    ada = Member(id=1, name="Ada")
    session.add(ada)
    session.commit()
    session.add(Member(id=1, name="Bob"))
    with (
        pytest.raises(IntegrityError) as refused,
        pytest.warns(NbsessionWarning, match="conflicts with persistent instance"),
    ):
        session.flush()
    assert refused.value.statement.startswith("INSERT") and refused.value.orig is not None
    session.rollback()
    assert ada in session and ada.name == "Ada"


# ── delete, orphans ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_orphan_is_deleted_and_one_that_moved_is_not(session: Session, rows: Rows) -> None:
    """Line 18.2: an orphan is deleted and one that moved is not."""
    one, two = Member(name="one", loans=[Loan(note="a"), Loan(note="b")]), Member(name="two")
    session.add_all([one, two])
    session.commit()
    a, b = one.loans
    one.loans.remove(a)
    two.loans.append(b)
    session.flush()
    assert inspect(a).deleted and inspect(b).persistent
    assert rows("SELECT note, member_id FROM loan") == [("b", two.id)]


@pytest.mark.parametrize("how", ["remove and append", "set the reference", "assign both lists"])
def test_every_way_to_move_a_child_keeps_it(session: Session, rows: Rows, how: str) -> None:
    one, two, loan = Member(name="one"), Member(name="two"), Loan(note="a")
    one.loans.append(loan)
    session.add_all([one, two])
    session.commit()
    assert one.loans == [loan] and two.loans == [] and loan.member is one
    if how == "remove and append":
        one.loans.remove(loan)
        two.loans.append(loan)
    elif how == "set the reference":
        loan.member = two
    else:
        one.loans, two.loans = [], [loan]
    session.commit()
    assert rows("SELECT note, member_id FROM loan") == [("a", two.id)] and inspect(loan).persistent


@pytest.mark.parametrize("how", ["refresh", "expire"])
@pytest.mark.parametrize("moved_by", ["append", "reference"])
def test_a_moved_child_that_is_expired_before_the_flush_is_never_lost(
    session: Session, rows: Rows, how: str, moved_by: str
) -> None:
    """Line 22.1: a moved child that is expired before the flush is never lost."""
    one, two, loan = Member(name="one"), Member(name="two"), Loan(note="a")
    one.loans.append(loan)
    session.add_all([one, two])
    session.commit()
    assert one.loans == [loan] and two.loans == []
    with session.no_autoflush:
        if moved_by == "append":
            two.loans.append(loan)
        else:
            loan.member = two
        getattr(session, how)(loan)
    session.commit()
    assert [note for note, _ in rows("SELECT note, member_id FROM loan")] == ["a"]


def test_setting_the_parent_to_none_orphans_through_the_other_side(session: Session, rows: Rows) -> None:
    """Line 18.2: the list lost the child, whichever side said so."""
    one = Member(name="one", loans=[Loan(note="a")])
    session.add(one)
    session.commit()
    (loan,) = one.loans
    loan.member = None
    session.flush()
    assert rows("SELECT note FROM loan") == [] and inspect(loan).deleted


def test_a_child_marked_by_a_cascade_and_given_to_a_new_parent_stays(session: Session, rows: Rows) -> None:
    """Line 22.14: a child marked by a cascade and given to a new parent stays."""
    one = Member(name="one", loans=[Loan(note="a")])
    session.add(one)
    session.commit()
    (loan,) = one.loans
    session.delete(one)
    with session.no_autoflush:
        two = Member(name="two")
        session.add(two)
        two.loans.append(loan)
    session.flush()
    session.flush()
    assert loan not in session.deleted
    session.commit()
    assert rows("SELECT note, member_id FROM loan") == [("a", two.id)]


def test_deleting_a_parent_nullifies_loads_and_keeps_the_children(session: Session, rows: Rows) -> None:
    """Line 18.3: deleting a parent nullifies loads and keeps the children."""
    session.add(Shelf(tools=[Tool(name="a"), Tool(name="b")]))
    session.commit()
    session.delete(session.query(Shelf).one())
    session.commit()
    assert rows("SELECT name, shelf_id FROM tool ORDER BY name") == [("a", None), ("b", None)]


def test_passive_deletes_leaves_unloaded_children_to_the_database(session: Session, rows: Rows) -> None:
    """Line 18.6: passive deletes leaves unloaded children to the database."""
    loaded, unloaded = Crate(id=1, screws=[Screw()]), Crate(id=2)
    session.add_all([loaded, unloaded])
    session.commit()
    assert loaded.screws and unloaded.id
    session.delete(loaded)
    session.delete(unloaded)
    with expect_statements(session, 2) as sent:
        session.flush()
    assert [s.split()[0] for s in sent] == ["UPDATE", "DELETE"]
    assert rows("SELECT crate_id FROM screw") == [(None,)]


def test_delete_then_back_reference_set_to_none_is_no_error(session: Session) -> None:
    """Line 22.6: delete then back reference set to none is no error."""
    shelf, tool = Shelf(), Tool()
    shelf.tools.append(tool)
    session.add(shelf)
    session.commit()
    assert shelf.tools and tool.shelf is shelf
    session.delete(tool)
    session.flush()
    session.delete(shelf)
    tool.shelf = None
    session.commit()
    assert session.query(Shelf).count() == 0


def test_a_delete_that_finds_no_row_is_a_warning(session: Session) -> None:
    """Line 21.7: a delete that finds no row is a warning."""
    tool = Tool(name="saw")
    session.add(tool)
    session.commit()
    assert tool.name
    session.connection().exec_driver_sql("DELETE FROM tool")
    session.delete(tool)
    with pytest.warns(NbsessionWarning, match=r"expected to delete 1 row\(s\); 0 were matched"):
        session.flush()
    assert inspect(tool).deleted


def test_a_delete_of_an_expired_object_loads_it_and_says_that_its_row_is_gone(session: Session) -> None:
    tool = Tool(name="saw")
    session.add(tool)
    session.commit()
    session.connection().exec_driver_sql("DELETE FROM tool")
    session.delete(tool)
    with pytest.raises(ObjectDeletedError, match="has been deleted, or its row is otherwise not present"):
        session.flush()


def test_an_update_that_finds_no_row_is_stale_data(session: Session) -> None:
    """Line 21.7: an update that finds no row is stale data."""
    tool = Tool(name="saw")
    session.add(tool)
    session.commit()
    assert tool.name
    session.connection().exec_driver_sql("DELETE FROM tool")
    tool.name = "axe"
    with pytest.raises(StaleDataError, match=r"table 'tool' expected to update 1 row\(s\); 0 were matched"):
        session.flush()
    assert not session.is_active
    session.rollback()
    assert tool.name == "saw"


def test_an_update_of_several_of_which_one_is_gone(session: Session, rows: Rows) -> None:
    tools = [Tool(name=n) for n in "abc"]
    session.add_all(tools)
    session.commit()
    assert all(t.name for t in tools)
    session.connection().exec_driver_sql("DELETE FROM tool WHERE name = 'b'")
    for tool in tools:
        tool.name = tool.name.upper()
    with pytest.raises(StaleDataError, match="expected to update 3"):
        session.flush()
    session.rollback()
    assert rows("SELECT name FROM tool ORDER BY name") == [("a",), ("b",), ("c",)]


# ── failing ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def failed(session: Session) -> Session:
    """A session whose flush failed."""
    session.add(Member(id=1, name="Ada"))
    session.commit()
    session.add(Member(id=1, name="Bob"))
    with pytest.raises(IntegrityError):
        session.flush()
    return session


ON_FAILED: dict[str, Callable[[Session], Any]] = {
    "query": lambda s: s.query(Member).all(),
    "get": lambda s: s.get(Member, 7),
    "execute": lambda s: s.execute("SELECT 1"),
    "commit": lambda s: s.commit(),
    "begin_nested": lambda s: s.begin_nested(),
    "connection": lambda s: s.connection(),
}


@pytest.mark.parametrize("what", ON_FAILED)
def test_after_a_failed_flush_only_a_rollback_helps(failed: Session, what: str) -> None:
    """Line 4.18: after a failed flush only a rollback helps."""
    assert not failed.is_active and failed.in_transaction()
    for _ in range(2):
        with pytest.raises(
            PendingRollbackError,
            match=r"rolled back due to a previous exception during flush.*Session\.rollback\(\).*IntegrityError",
        ):
            ON_FAILED[what](failed)
    failed.rollback()
    assert failed.is_active and not failed.in_transaction()
    ON_FAILED[what](failed)


def test_what_is_added_to_a_failed_session_cannot_be_flushed_and_goes_with_a_warning(failed: Session) -> None:
    late = Member(name="late")
    failed.add(late)
    with pytest.raises(PendingRollbackError):
        failed.flush()
    with pytest.warns(NbsessionWarning, match="changed on a non-active transaction"):
        failed.rollback()
    assert inspect(late).transient


def test_a_failed_flush_leaves_states_as_a_rollback_does(session: Session, rows: Rows) -> None:
    """Lines 6.5, 9.5: a failed flush leaves states as a rollback does."""
    kept = Member(id=1, name="kept")
    session.add(kept)
    session.commit()
    marked = Member(name="marked")
    session.add(marked)
    session.commit()
    assert kept.name
    kept.name = "changed"
    session.delete(marked)
    good, bad = Loan(note="good"), Member(id=1, name="bad")
    session.add_all([good, bad])
    with pytest.raises(IntegrityError), pytest.warns(NbsessionWarning, match="conflicts with persistent instance"):
        session.flush()
    assert [inspect(o).state.value for o in (kept, marked, good, bad)] == [
        "persistent",
        "persistent",
        "transient",
        "transient",
    ]
    assert not session.new and not session.dirty and not session.deleted
    session.rollback()
    assert kept.name == "kept" and rows("SELECT count(*) FROM loan") == [(0,)]


def test_closing_a_failed_session_makes_it_usable(failed: Session) -> None:
    failed.close()
    assert failed.query(Member).one().name == "Ada"


def test_work_in_memory_goes_on_while_failed(failed: Session) -> None:
    """Objects may come and go; only the database is out of reach."""
    late = Member(name="late")
    failed.add(late)
    failed.expunge(late)
    assert inspect(late).transient


def test_a_not_null_constraint_names_statement_and_parameters(session: Session) -> None:
    session.add(Member(age=1))
    with pytest.raises(IntegrityError) as refused:
        session.commit()
    assert "INSERT INTO member" in str(refused.value) and "[parameters:" in str(refused.value)
    session.rollback()


def test_a_parent_left_out_of_the_flush_is_linked_by_its_own(session: Session, rows: Rows) -> None:
    """Line 9.2: a child is flushed alone, as in 2.1; its parent's flush fills the foreign key."""
    parent, child = Node(name="parent"), Node(name="child")
    parent.children.append(child)
    session.add(parent)
    session.flush([child])
    assert inspect(parent).pending and rows("SELECT name, parent_id FROM node") == [("child", None)]
    session.flush()
    assert child.parent_id == parent.id
    session.rollback()


# ── who may flush ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_flush_within_a_flush_is_refused(session: Session) -> None:
    """Line 9.8: a flush within a flush is refused."""
    errors = []

    @event.listens_for(session, "after_flush")
    def again(session: Session, context: Any) -> None:
        with pytest.raises(InvalidRequestError, match="Session is already flushing") as refused:
            session.flush()
        errors.append(refused.value)

    session.add(Member(name="Ada"))
    session.commit()
    assert len(errors) == 1 and session.query(Member).count() == 1


def test_a_flush_from_a_second_thread_is_refused(session: Session) -> None:
    """Lines 4.16, 23.8: a flush from a second thread is refused."""
    errors: list[BaseException] = []

    def other() -> None:
        try:
            session.flush()
        except BaseException as error:
            errors.append(error)

    @event.listens_for(session, "before_flush", once=True)
    def start(*_: Any) -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    session.add(Member(name="Ada"))
    session.flush()
    assert [type(e) for e in errors] == [InvalidRequestError] and "already flushing" in str(errors[0])
    assert session.query(Member).count() == 1


def test_a_query_within_a_flush_reads_and_does_not_flush(session: Session) -> None:
    """Line 9.12: hooks may query during a flush."""
    counts = []
    event.listen(session, "after_flush", lambda s, c: counts.append(s.query(Member).count()))
    event.listen(session, "before_flush", lambda s, c, i: counts.append(s.query(Member).count()))
    session.add(Member(name="Ada"))
    session.flush()
    assert counts == [0, 1]


def test_flushing_nothing_does_nothing(session: Session) -> None:
    """Line 9.1: flushing nothing does nothing."""
    fired: list[str] = []
    event.listen(session, "before_flush", lambda *a: fired.append("before_flush"))
    with expect_statements(session, 0), expect_moves(session, []):
        session.flush()
    assert fired == [] and not session.in_transaction()


def test_after_a_flush_nothing_is_left_to_do(session: Session) -> None:
    """Line 9.6: after a flush nothing is left to do."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.flush()
    ada.age = 1
    session.delete(bob)
    session.flush()
    assert not session.new and not session.dirty and not session.deleted
    assert inspect(ada).attrs.age.history == ((), [1], ())
    with expect_statements(session, 0):
        session.flush()


def test_a_flush_of_ten_thousand(session: Session, rows: Rows) -> None:
    count = 10_000
    members = [Member(name=f"m{i}") for i in range(count)]
    session.add_all(members)
    session.flush()
    assert rows("SELECT count(*), min(id), max(id) FROM member") == [(count, 1, count)]
    assert [m.id for m in members[:3]] == [1, 2, 3] and members[-1].id == count
    for member in members:
        member.age = 7
    session.flush()
    assert rows("SELECT count(*) FROM member WHERE age = 7") == [(count,)]
    session.commit()


def test_two_engines_in_one_session(tables: Engine, database_url: str) -> None:
    """Lines 5.8, 7.9: each class has its engine, in flush, query, savepoint and rollback."""
    from nbsession import create_engine
    from tests.session.models import Base

    other = create_engine(database_url)
    Base.metadata.create_all(other)
    with Session(tables, binds={Shelf: other, Tool.__table__: other}) as session:
        session.add_all([Member(name="here"), Shelf(label="there", tools=[Tool(name="saw")])])
        session.commit()
        assert session.get_bind(Shelf) is other and session.get_bind(Member) is tables
        assert (len(session.query(Shelf).all()), len(session.query(Member).all())) == (1, 1)
        with session.begin_nested() as savepoint:
            session.add_all([Member(name="no"), Shelf(label="no")])
            session.flush()
            savepoint.rollback()
        session.add_all([Member(name="lost"), Shelf(label="lost")])
        session.flush()
        session.rollback()
    with tables.connect() as here, other.connect() as there:
        assert here.exec_driver_sql("SELECT name FROM member").all() == [("here",)]
        assert there.exec_driver_sql("SELECT label FROM shelf").all() == [("there",)]
        assert here.exec_driver_sql("SELECT count(*) FROM shelf").scalar() == 0
    other.dispose()


def test_a_bind_is_found_through_a_subquery(tables: Engine, database_url: str) -> None:
    """Line 7.10: a count wraps its query."""
    from nbsession import create_engine
    from tests.session.models import Base

    other = create_engine(database_url)
    Base.metadata.create_all(other)
    with Session(tables, binds={Shelf: other}) as session:
        session.add(Shelf(label="there"))
        session.commit()
        count = session.query(Shelf).count()
    other.dispose()
    assert count == 1


def test_unbound_sessions_say_what_they_lack(tables: Engine) -> None:
    """Lines 7.7, 7.8: without a bind of its own a session cannot say which one is meant."""
    from nbsession import UnboundExecutionError, text

    session = Session(binds={Member: tables})
    session.add(Member(name="Ada"))
    session.flush()
    for deed in (lambda: session.query(Shelf).all(), lambda: session.execute(text("SELECT 1")), session.connection):
        with pytest.raises(UnboundExecutionError):
            deed()
    session.close()


def test_when_the_second_engine_refuses_to_commit_states_tell_the_truth(
    tables: Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line 22.16: when the second engine refuses to commit states tell the truth."""
    from nbsession import OperationalError, create_engine
    from nbsession.database.transaction import RootTransaction
    from tests.session.models import Base

    other = create_engine(database_url)
    Base.metadata.create_all(other)
    plain = RootTransaction.commit

    def commit(transaction: RootTransaction) -> None:
        if transaction.connection.engine is other:
            raise OperationalError("the disk is full")
        plain(transaction)

    session = Session(tables, binds={Shelf: other})
    here, there = Member(name="here"), Shelf(label="there")
    session.add(here)
    session.flush()
    session.add(there)
    session.flush()
    monkeypatch.setattr(RootTransaction, "commit", commit)
    with pytest.raises(OperationalError) as refused:
        session.commit()
    monkeypatch.undo()
    session.rollback()
    seen = (
        inspect(here).state.value,
        inspect(there).state.value,
        "committed" in str(refused.value) + str(getattr(refused.value, "__notes__", "")),
    )
    with tables.connect() as connection:
        rows = connection.exec_driver_sql("SELECT name FROM member").all()
    session.close()
    other.dispose()
    assert rows == [("here",)]
    assert seen == ("persistent", "transient", True)
