"""Reading: get, refresh, expire, queries, lazy loads; what they send, and what they flush first."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    Column,
    DeclarativeBase,
    Engine,
    Integer,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    ObjectDeletedError,
    Session,
    Table,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from nbsession.exc import ArgumentError, UnmappedClassError
from tests.session.models import City, Country, Loan, Member, Node, Shelf, Tool
from tests.support import expect_moves, expect_statements, statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def ada(session: Session) -> Member:
    """A committed, expired member with two loans."""
    ada = Member(name="Ada", age=36, loans=[Loan(note="a"), Loan(note="b")])
    session.add(ada)
    session.commit()
    return ada


def behind(session: Session, sql: str) -> None:
    """Changes rows past the session's objects, in its transaction."""
    session.connection().exec_driver_sql(sql)


# ── get ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_get_of_a_present_object_asks_nothing(session: Session, ada: Member) -> None:
    """Line 8.2: get of a present object asks nothing."""
    assert ada.name
    ada.name = "changed"
    session.add(Member(name="pending"))
    with expect_statements(session, 0):
        assert session.get(Member, 1) is ada
    session.flush()
    ada.loans
    session.delete(ada)
    with expect_statements(session, 0):
        assert session.get(Member, 1) is ada


def test_get_of_an_expired_object_refreshes_it(session: Session, ada: Member) -> None:
    """Line 8.3: get of an expired object refreshes it."""
    with expect_statements(session, 1):
        assert session.get(Member, 1) is ada
        assert ada.name == "Ada"


def test_get_of_an_expired_object_whose_row_is_gone(session: Session, ada: Member) -> None:
    """Line 8.3: None, and the object is dropped."""
    behind(session, "DELETE FROM loan")
    behind(session, "DELETE FROM member")
    with expect_moves(session, ["Member persistent → deleted by delete"]):
        assert session.get(Member, 1) is None
    assert inspect(ada).deleted and ada not in session
    session.rollback()
    assert inspect(ada).persistent and ada.name == "Ada"


def test_get_of_an_absent_row(session: Session) -> None:
    """Lines 8.2, 8.4: None, and an error from get_one()."""
    with expect_statements(session, 1):
        assert session.get(Member, 99) is None
    with pytest.raises(NoResultFound, match="Member 99"):
        session.get_one(Member, 99)


def test_get_with_none_asks_nothing(session: Session) -> None:
    """Line 8.4: get with none asks nothing."""
    with expect_statements(session, 0):
        assert session.get(Member, None) is None and session.get(City, (None, None)) is None


def test_get_with_a_composite_key(session: Session) -> None:
    """Line 8.4: as a tuple, a list or a dictionary."""
    session.add(Country(code="DE", cities=[City(number=2, name="Ulm")]))
    session.commit()
    city = session.get(City, ("DE", 2))
    assert city.name == "Ulm"
    with expect_statements(session, 0):
        assert session.get(City, {"number": 2, "code": "DE"}) is city
        assert session.get(City, ["DE", 2]) is city


@pytest.mark.parametrize(
    ("cls", "ident"),
    [(Member, (1, 2)), (Member, ()), (City, "DE"), (City, ("DE",)), (City, {"code": "DE"}), (Member, {"x": 1})],
)
def test_get_with_the_wrong_number_of_values(session: Session, cls: type, ident: Any) -> None:
    """Line 8.4: get with the wrong number of values."""
    with pytest.raises(InvalidRequestError, match=r"Incorrect (number|names) of values in identifier to formulate"):
        session.get(cls, ident)


def test_get_of_an_unmapped_class(session: Session) -> None:
    with pytest.raises(UnmappedClassError):
        session.get(int, 1)


def test_get_populate_existing_overwrites_what_is_pending(session: Session, ada: Member) -> None:
    """Line 8.4: get populate existing overwrites what is pending."""
    ada.name = "lost"
    with session.no_autoflush:
        assert session.get(Member, 1, populate_existing=True) is ada
    assert ada.name == "Ada" and ada not in session.dirty


def test_get_flushes_before_it_asks(session: Session) -> None:
    """Lines 8.2, 9.11: get flushes before it asks."""
    session.add(Member(id=5, name="five"))
    assert session.get(Member, 5).name == "five"


def test_get_without_autoflush_does_not_see_what_is_pending(session: Session) -> None:
    """Line 9.12: no flush in a no_autoflush block."""
    session.add(Member(id=5, name="five"))
    with session.no_autoflush:
        assert session.get(Member, 5) is None
    assert len(session.new) == 1


# ── the identity map at work ─────────────────────────────────────────────────────────────────────────────────────────
def test_one_object_per_row_however_it_is_found(session: Session, ada: Member) -> None:
    """Lines 21.12, 8.8: one object per row however it is found."""
    by_query = session.query(Member).one()
    by_select = session.scalars(select(Member).where(Member.name == "Ada")).one()
    by_reference = session.query(Loan).first().member
    assert by_query is by_select is by_reference is ada
    rows = session.execute(select(Member, Loan).join(Member.loans).order_by(Loan.id)).all()
    assert [(m is ada, loan.note) for m, loan in rows] == [(True, "a"), (True, "b")]


def test_a_load_never_overwrites_what_is_there(session: Session, ada: Member) -> None:
    """Line 8.8: a load never overwrites what is there."""
    assert ada.age == 36
    behind(session, "UPDATE member SET age = 99, name = 'row'")
    ada.name = "mine"
    with session.no_autoflush:
        assert session.query(Member).one() is ada
    assert (ada.name, ada.age) == ("mine", 36)


def test_a_query_refreshes_an_expired_object_it_meets(session: Session, ada: Member) -> None:
    """Line 10.9: a query refreshes an expired object it meets."""
    with expect_statements(session, 1):
        session.scalars(select(Member)).all()
        assert ada.name == "Ada"


def test_unreferenced_clean_objects_go_and_modified_ones_stay(session: Session) -> None:
    """Line 5.7: unreferenced clean objects go and modified ones stay."""
    session.add_all([Member(name="clean"), Member(name="modified")])
    session.commit()
    for member in session.query(Member).all():
        if member.name == "modified":
            member.age = 1
    del member
    gc.collect()
    assert [m.name for m in session.identity_map.values()] == ["modified"]
    session.flush()
    gc.collect()
    assert len(session.identity_map) == 0


def test_a_strong_map_keeps_them(tables: Engine) -> None:
    """Line 5.6: a strong map keeps them."""
    with Session(tables, weak_identity_map=False) as session:
        session.add(Member(name="Ada"))
        session.commit()
        gc.collect()
        assert len(session.identity_map) == 1
        session.query(Member).all()
        session.expunge_all()
        gc.collect()
        assert len(session.identity_map) == 0 and session.unit_of_work._held == {}


# ── expire ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_expire_forgets_values_and_changes_and_loads_all_at_the_next_touch(session: Session, ada: Member) -> None:
    """Lines 10.6, 10.15: expire forgets values and changes and loads all at the next touch."""
    assert ada.loans
    ada.name = "lost"
    session.expire(ada)
    assert ada not in session.dirty and inspect(ada).expired and inspect(ada).unloaded >= {"id", "name", "age", "loans"}
    with expect_statements(session, 1):
        assert (ada.name, ada.age, ada.id) == ("Ada", 36, 1)


def test_expire_reaches_loaded_members_by_its_cascade(session: Session, ada: Member) -> None:
    """Line 10.6: expire reaches loaded members by its cascade."""
    first, second = ada.loans
    assert first.note
    session.expire(ada)
    assert inspect(first).expired and inspect(second).expired
    shelf = Shelf(tools=[Tool(name="saw")])
    session.add(shelf)
    session.flush()
    (tool,) = shelf.tools
    session.expire(shelf)
    assert not inspect(tool).expired  # no refresh-expire cascade here


def test_expire_of_some_names_keeps_the_rest(session: Session, ada: Member) -> None:
    """Lines 10.7, 10.16: only the names given, as expired_attributes says."""
    assert ada.id
    ada.name, ada.age = "kept", 1
    session.expire(ada, ["age"])
    assert ada in session.dirty and inspect(ada).expired_attributes == {"age"}
    with session.no_autoflush:
        assert ada.age == 36 and ada.name == "kept"
    session.flush()
    assert session.connection().exec_driver_sql("SELECT name, age FROM member").one() == ("kept", 36)


def test_expire_of_the_only_changed_name_leaves_it_dirty_with_nothing_to_write(session: Session, ada: Member) -> None:
    assert ada.name
    ada.age = 1
    session.expire(ada, ["age"])
    assert ada in session.dirty and not session.is_modified(ada)
    with expect_statements(session, 0):
        session.flush()
    assert ada not in session.dirty


def test_expire_of_a_relationship_loads_only_that(session: Session, ada: Member) -> None:
    """Line 10.11: expire of a relationship loads only that."""
    assert len(ada.loans) == 2
    session.expire(ada, ["loans"])
    with expect_statements(session, 1):
        assert len(ada.loans) == 2


def test_expire_of_an_unknown_name_says_which(session: Session, ada: Member) -> None:
    """Line 23.4: expire of an unknown name says which."""
    for deed in (session.expire, session.refresh):
        with pytest.raises(InvalidRequestError, match="'Member' has no mapped attribute 'nmae'"):
            deed(ada, ["name", "nmae"])
    assert not session.dirty


def test_an_expired_object_and_its_collection_take_two_selects(session: Session, ada: Member) -> None:
    """Line 10.10: an expired object and its collection take two selects."""
    with expect_statements(session, 2):
        assert len(ada.loans) == 2


def test_setting_an_expired_attribute_loads_nothing_and_survives_the_load(session: Session, ada: Member) -> None:
    """Line 10.8: setting an expired attribute loads nothing and survives the load."""
    with expect_statements(session, 0):
        ada.name = "mine"
    with session.no_autoflush:
        assert ada.age == 36
    assert ada.name == "mine"


def test_a_touch_of_an_object_whose_row_is_gone(session: Session, ada: Member) -> None:
    """Line 10.14: a touch of an object whose row is gone."""
    behind(session, "DELETE FROM loan")
    behind(session, "DELETE FROM member")
    with pytest.raises(ObjectDeletedError, match="Instance <Member 1> has been deleted"):
        ada.name


@pytest.mark.parametrize("state", ["transient", "pending", "detached", "deleted"])
@pytest.mark.parametrize("how", ["refresh", "expire"])
def test_only_persistent_objects_are_expired_or_refreshed(session: Session, how: str, state: str) -> None:
    """Line 10.4: only persistent objects are expired or refreshed."""
    obj = Member(name="Bob")
    if state != "transient":
        session.add(obj)
    if state in ("detached", "deleted"):
        session.flush()
    if state == "detached":
        session.expunge(obj)
    elif state == "deleted":
        session.delete(obj)
        session.flush()
    with pytest.raises(InvalidRequestError, match=f"is not persistent within this Session: it is {state}"):
        getattr(session, how)(obj)


def test_expire_all(session: Session, ada: Member) -> None:
    """Line 10.16: every persistent object, and no pending one."""
    assert ada.name
    session.add(Member(name="pending"))
    session.expire_all()
    assert inspect(ada).expired and len(session.new) == 1


def test_a_collection_that_was_expired_is_an_ordinary_list(session: Session, ada: Member) -> None:
    kept = ada.loans
    session.expire(ada)
    kept.clear()
    assert len(ada.loans) == 2


# ── refresh ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_refresh_is_one_select_and_loses_the_objects_own_changes(session: Session, ada: Member) -> None:
    """Lines 10.1, 10.5: refresh is one select and loses the objects own changes."""
    assert ada.loans
    ada.name = "lost"
    behind(session, "UPDATE member SET age = 37")
    with expect_statements(session, 1):
        session.refresh(ada)
        assert (ada.name, ada.age) == ("Ada", 37)
    assert ada not in session.dirty and "loans" in inspect(ada).unloaded


def test_refresh_flushes_the_others_first(session: Session, ada: Member) -> None:
    """Line 9.11: refresh flushes the others first."""
    other = Member(name="other")
    session.add(other)
    ada.name = "lost"
    session.refresh(ada)
    assert inspect(other).persistent and ada.name == "Ada"


def test_refresh_of_some_names(session: Session, ada: Member) -> None:
    """Line 10.2: refresh of some names."""
    ada.name, ada.age = "kept", 1
    with session.no_autoflush:
        session.refresh(ada, ["age"])
    assert (ada.name, ada.age) == ("kept", 36) and ada in session.dirty
    assert len(ada.loans) == 2
    behind(session, "DELETE FROM loan WHERE note = 'a'")
    session.refresh(ada, ["loans"])
    assert [loan.note for loan in ada.loans] == ["b"]


def test_refresh_without_a_row(session: Session, ada: Member) -> None:
    """Line 10.3: refresh without a row."""
    behind(session, "DELETE FROM loan")
    behind(session, "DELETE FROM member")
    with pytest.raises(InvalidRequestError, match="Could not refresh instance '<Member 1>'"):
        session.refresh(ada)


# ── lazy loads ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_lazy_many_to_one_in_the_identity_map_asks_nothing(session: Session, ada: Member) -> None:
    """Line 18.12: a lazy many to one in the identity map asks nothing."""
    loan = session.query(Loan).first()
    assert ada.name
    with expect_statements(session, 0):
        assert loan.member is ada


def test_a_lazy_many_to_one_with_a_null_key_asks_nothing(session: Session) -> None:
    """Line 18.12: a lazy many to one with a null key asks nothing."""
    session.add(Tool(name="loose"))
    session.commit()
    tool = session.query(Tool).one()
    with expect_statements(session, 0):
        assert tool.shelf is None


def test_a_lazy_load_is_done_once(session: Session, ada: Member) -> None:
    assert ada.name
    with expect_statements(session, 1):
        assert len(ada.loans) == 2
        assert len(ada.loans) == 2


def test_a_collection_comes_in_its_order(session: Session) -> None:
    node = Node(name="root", children=[Node(id=9, name="z"), Node(id=3, name="a")])
    session.add(node)
    session.commit()
    assert [n.id for n in node.children] == [3, 9]


def test_a_lazy_load_flushes_first(session: Session, ada: Member) -> None:
    """Line 9.11: a lazy load flushes first."""
    session.add(Loan(member_id=ada.id, note="c"))
    assert [loan.note for loan in ada.loans] == ["a", "b", "c"]


def test_a_foreign_key_that_was_set_by_hand_is_followed(session: Session, ada: Member) -> None:
    loan = Loan(member_id=ada.id)
    session.add(loan)
    session.flush()
    assert loan.member is ada


def test_pending_objects_load_nothing(session: Session, ada: Member) -> None:
    loan = Loan(member_id=ada.id)
    with session.no_autoflush:
        session.add(loan)
        with expect_statements(session, 0):
            assert loan.member is None


# ── execute, scalars, query ──────────────────────────────────────────────────────────────────────────────────────────
def test_execute_takes_text_plain_strings_and_parameters(session: Session, ada: Member) -> None:
    """Lines 7.2, 7.3, 7.5: text, plain strings, select(); scalar() gives one value."""
    assert session.execute(text("SELECT name FROM member WHERE id = :id"), {"id": 1}).scalar_one() == "Ada"
    assert session.scalar("SELECT count(*) FROM loan") == 2
    assert session.scalars(select(Loan.note).order_by(Loan.id)).all() == ["a", "b"]


def test_execute_flushes_first_whatever_it_executes(session: Session) -> None:
    """Line 7.4: execute flushes first whatever it executes."""
    for number, statement in enumerate(
        (text("SELECT count(*) FROM member"), "SELECT count(*) FROM member", select(func.count()).select_from(Member)),
        1,
    ):
        session.add(Member(name=f"m{number}"))
        assert session.scalar(statement) == number


def test_execute_of_bulk_statements(session: Session, ada: Member) -> None:
    session.execute(insert(Member).values(name="Bob", age=1))
    assert session.execute(update(Member).where(Member.name == "Bob").values(age=2)).rowcount == 1
    assert session.scalar(select(Member.age).where(Member.name == "Bob")) == 2
    assert session.execute(delete(Member).where(Member.name == "Bob")).rowcount == 1


@pytest.mark.parametrize("statement", [None, 3, Member, object()], ids=lambda each: type(each).__name__)
def test_execute_of_no_statement(session: Session, statement: Any) -> None:
    with pytest.raises(ArgumentError, match="Not an executable object"):
        session.execute(statement)


def test_rows_of_entities_and_columns_together(session: Session, ada: Member) -> None:
    row = session.execute(select(Loan, Member.name, Member, Loan.note).join(Loan.member).order_by(Loan.id)).first()
    assert (row[0].note, row[1], row[2] is ada, row[3]) == ("a", "Ada", True, "a")
    assert row.Member is ada and row.name == "Ada"


def test_an_outer_join_gives_none_for_a_missing_object(session: Session, ada: Member) -> None:
    session.add(Member(name="Bob"))
    rows = session.execute(select(Member, Loan).outerjoin(Member.loans).order_by(Member.name, Loan.id)).all()
    assert [(m.name, loan and loan.note) for m, loan in rows] == [("Ada", "a"), ("Ada", "b"), ("Bob", None)]


def test_query_one_and_friends(session: Session, ada: Member) -> None:
    """Line 8.9: query one and friends."""
    query = session.query(Loan)
    with pytest.raises(MultipleResultsFound, match=r"Multiple rows returned for one\(\)"):
        query.one()
    with pytest.raises(NoResultFound, match=r"No rows returned for one\(\)"):
        query.filter_by(note="z").one()
    assert query.filter_by(note="z").one_or_none() is None and query.filter_by(note="z").first() is None
    assert query.filter(Loan.note == "a").one().note == "a" and query.count() == 2
    assert query.get(1).note == "a" and query.order_by(Loan.id.desc()).first().note == "b"
    assert [tuple(r) for r in session.query(Loan.note, Member.name).join(Member).order_by(Loan.note).limit(1)] == [
        ("a", "Ada")
    ]


def test_a_query_of_a_join_gives_each_object_once(session: Session, ada: Member) -> None:
    assert session.query(Member).join(Member.loans).all() == [ada]
    assert len(session.scalars(select(Member).join(Member.loans)).all()) == 2


def test_autoflush_off_for_the_session(tables: Engine) -> None:
    """Line 5.2: autoflush off for the session."""
    with Session(tables, autoflush=False) as session:
        session.add(Member(name="Ada"))
        assert session.query(Member).all() == []
        session.flush()
        assert len(session.query(Member).all()) == 1


def test_a_failing_autoflush_tells_that_it_was_one(session: Session) -> None:
    """Line 9.13: a failing autoflush tells that it was one."""
    session.add(Member())
    with pytest.raises(Exception) as failed, statements_of(session):
        session.query(Member).all()
    assert any("Query-invoked autoflush" in note for note in failed.value.__notes__)
    session.rollback()


def test_looking_sends_nothing_loads_nothing_and_begins_nothing(session: Session, ada: Member) -> None:
    session.rollback()
    assert not session.in_transaction()
    with expect_statements(session, 0), expect_moves(session, []):
        state = inspect(ada)
        repr(ada), repr(state), repr(session), state.attrs.name.history, state.unloaded, state.expired, state.key
        session.new, session.dirty, session.deleted, len(session.identity_map), session.is_modified(ada), ada in session
        list(session), session.flush_plan(), str(session.flush_plan()), [a.loaded_value for a in state.attrs]
    assert not session.in_transaction() and inspect(ada).expired


@pytest.mark.parametrize("allowed", [True, False])
def test_a_composite_key_of_which_a_part_is_null(engine: Engine, allowed: bool) -> None:
    """Line 8.4: looked up and loaded, unless the mapping says that no part may be NULL."""

    class Base(DeclarativeBase):
        pass

    class Spot(Base):
        __table__ = Table("spot", Base.metadata, Column("x", Integer), Column("y", Integer), Column("n", Integer))
        __mapper_args__ = {"allow_partial_pks": allowed, "primary_key": [__table__.c.x, __table__.c.y]}

    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.connection().exec_driver_sql("INSERT INTO spot VALUES (1, NULL, 5), (NULL, NULL, 6)")
        with expect_statements(session, int(allowed)):
            found = session.get(Spot, (1, None))
        assert found.n == 5 if allowed else found is None
        assert len([one for one in session.scalars(select(Spot)) if one is not None]) == int(allowed)
        with expect_statements(session, 0):
            assert session.get(Spot, (None, None)) is None
        session.expunge_all()
        with expect_statements(session, int(allowed)):
            merged = session.merge(Spot(x=1, y=None))
        assert (merged in session.new) is not allowed
        session.expunge_all()
