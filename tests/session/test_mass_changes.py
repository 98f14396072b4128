"""INSERT, UPDATE and DELETE of entities by one statement, and the objects that follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nbsession import (
    ArgumentError,
    Engine,
    InvalidRequestError,
    ObjectDeletedError,
    Session,
    StaleDataError,
    aliased,
    bindparam,
    delete,
    func,
    insert,
    inspect,
    select,
    update,
)
from tests.session.hierarchy import Director, Engineer, Manager, Person, staffed
from tests.session.models import City, Loan, Member, Node
from tests.support import expect_moves, expect_statements

Rows = Callable[[str], list[tuple[Any, ...]]]
STRATEGIES = ["auto", "evaluate", "fetch"]


@pytest.fixture
def members(session: Session) -> list[Member]:
    """Ada (36), Bob (20), Eve (None), loaded."""
    members = [Member(name="Ada", age=36), Member(name="Bob", age=20), Member(name="Eve")]
    session.add_all(members)
    session.commit()
    session.scalars(select(Member)).all()
    return members


def by(strategy: Any) -> dict[str, Any]:
    return {"synchronize_session": strategy}


# ── UPDATE ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_objects_follow_an_update(session: Session, members: list[Member], strategy: str) -> None:
    statement = update(Member).where(Member.age > 18).values(age=Member.age + 1, name="x" + Member.name)
    result = session.execute(statement, execution_options=by(strategy))
    assert result.rowcount == 2
    with expect_statements(session, 0):
        assert [(m.name, m.age) for m in members] == [("xAda", 37), ("xBob", 21), ("Eve", None)]
    assert not session.dirty


def test_objects_do_not_follow_where_nobody_asks(session: Session, members: list[Member]) -> None:
    session.execute(update(Member).values(age=1), execution_options=by(False))
    assert members[0].age == 36
    session.refresh(members[0])
    assert members[0].age == 1


@pytest.mark.parametrize("strategy", ["auto", "fetch"])
def test_what_only_the_database_can_tell_expires(session: Session, members: list[Member], strategy: str) -> None:
    session.execute(update(Member).where(func.lower(Member.name) == "ada").values(name=func.upper(Member.name)))
    assert "name" not in members[0].__dict__ and members[0].__dict__["age"] == 36
    assert "name" in members[1].__dict__
    assert members[0].name == "ADA"


def test_evaluate_refuses_what_it_cannot_work_out(session: Session, members: list[Member]) -> None:
    statement = update(Member).where(func.lower(Member.name) == "ada").values(age=1)
    with pytest.raises(InvalidRequestError, match="Could not evaluate current criteria in Python"):
        session.execute(statement, execution_options=by("evaluate"))
    with pytest.raises(ArgumentError, match="Valid strategies for session synchronization are"):
        session.execute(statement, execution_options=by("always"))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_pending_change_is_flushed_first_or_lost(session: Session, members: list[Member], strategy: str) -> None:
    members[0].age = 50
    session.execute(update(Member).where(Member.age == 50).values(age=51), execution_options=by(strategy))
    assert members[0].age == 51
    with session.no_autoflush:
        members[0].age = 99
        members[0].name = "pending"
        session.execute(update(Member).where(Member.id == 1).values(age=52), execution_options=by(strategy))
        assert "age" not in members[0].__dict__, "what was pending and is written past it expires"
        assert members[0].age == 52 and members[0].name == "pending"


def test_expired_objects_are_not_loaded_for_it(session: Session, members: list[Member]) -> None:
    session.expire(members[0])
    session.expire(members[1], ["age"])
    with expect_statements(session, 2):
        session.execute(update(Member).where(Member.name != "Eve").values(age=1))
        session.execute(update(Member).where(Member.age == 1).values(name="new" + Member.name))
    assert "name" not in members[1].__dict__, "its age is not known: perhaps it was meant"
    assert [m.name for m in members] == ["newAda", "newBob", "Eve"]


def test_what_was_loaded_after_an_update_goes_with_the_savepoint(session: Session, members: list[Member]) -> None:
    session.expire(members[0])
    savepoint = session.begin_nested()
    session.execute(update(Member).values(age=1))
    assert members[0].age == 1
    savepoint.rollback()
    assert members[0].age == 36


def test_a_rollback_to_a_savepoint_takes_the_values_back(session: Session, members: list[Member]) -> None:
    savepoint = session.begin_nested()
    session.execute(update(Member).where(Member.id == 1).values(age=1))
    assert members[0].age == 1
    savepoint.rollback()
    assert members[0].age == 36


def test_a_rollback_takes_the_values_back(session: Session, members: list[Member]) -> None:
    session.execute(update(Member).values(age=1))
    session.rollback()
    assert members[0].age == 36


def test_parameters_of_the_execution(session: Session, members: list[Member]) -> None:
    session.execute(update(Member).where(Member.name == bindparam("who")), {"who": "Ada", "age": 5})
    with expect_statements(session, 0):
        assert members[0].age == 5 and members[1].age == 20


def test_criteria_worked_out_in_python(session: Session, members: list[Member]) -> None:
    """Unknown is neither true nor false, as in SQL."""
    for criterion, wanted in [
        (Member.age != 36, ["Bob"]),
        (~(Member.age == 36), ["Bob"]),
        (Member.age.in_([20, 36]), ["Ada", "Bob"]),
        (Member.age.not_in([20]), ["Ada"]),
        (Member.age == None, ["Eve"]),  # noqa: E711
        (Member.age.is_not(None) & (Member.name != "Ada"), ["Bob"]),
        ((Member.age < 30) | (Member.name == "Eve"), ["Bob", "Eve"]),
        (-Member.age < -30, ["Ada"]),
        (Member.age - 1 + Member.id * 2 >= 37, ["Ada"]),
        (Member.name + "!" == "Bob!", ["Bob"]),
    ]:
        session.execute(update(Member).values(age=Member.age), execution_options=by("evaluate"))
        with session.begin_nested() as savepoint:
            session.execute(
                update(Member).where(criterion).values(name=Member.name + "?"), execution_options=by("evaluate")
            )
            in_memory = [m.name for m in members]
            session.expire_all()
            assert [m.name for m in members] == in_memory
            assert [name[:-1] for name in in_memory if name.endswith("?")] == wanted
            savepoint.rollback()


def test_update_with_returning_gives_the_objects(session: Session, members: list[Member]) -> None:
    statement = update(Member).where(Member.age == 36).values(age=37).returning(Member)
    assert session.scalars(statement).one() is members[0] and members[0].age == 37
    statement = update(Member).where(Member.age == 37).values(age=38).returning(Member.id, Member.age)
    assert [tuple(row) for row in session.execute(statement)] == [(1, 38)]


def test_update_by_primary_key(session: Session, members: list[Member], rows: Rows) -> None:
    session.execute(update(Member), [{"id": 1, "age": 1}, {"id": 2, "age": 2, "name": "Rob"}])
    with expect_statements(session, 0):
        assert [(m.name, m.age) for m in members[:2]] == [("Ada", 1), ("Rob", 2)]
    assert rows("SELECT name, age FROM member ORDER BY id") == [("Ada", 1), ("Rob", 2), ("Eve", None)]
    assert not session.dirty


def test_update_by_primary_key_refuses(session: Session, members: list[Member]) -> None:
    with pytest.raises(InvalidRequestError, match="with additional WHERE criteria right now"):
        session.execute(update(Member).where(Member.id == 1), [{"id": 1, "age": 1}])
    with pytest.raises(InvalidRequestError, match=r"No primary key value supplied for column\(s\) member\.id"):
        session.execute(update(Member), [{"age": 1}])
    with pytest.raises(InvalidRequestError, match="no column attribute nothing"):
        session.execute(update(Member), [{"id": 1, "nothing": 1}])
    with pytest.raises(StaleDataError, match=r"expected to update 1 row\(s\); 0 were matched"):
        session.execute(update(Member), [{"id": 77, "age": 1}])


# ── DELETE ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_deleted_objects_leave_and_come_back_with_a_rollback(
    session: Session, members: list[Member], strategy: str
) -> None:
    with expect_moves(session, ["Member persistent → deleted by delete ×2"]):
        result = session.execute(delete(Member).where(Member.age > 18), execution_options=by(strategy))
    assert result.rowcount == 2 and members[0] not in session and inspect(members[0]).deleted
    assert session.get(Member, 1) is None and session.get(Member, 3) is members[2]
    session.rollback()
    assert inspect(members[0]).persistent and members[0].name == "Ada"
    assert members[1].name == "Bob"
    session.execute(delete(Member).where(Member.id == 2), execution_options=by(strategy))
    session.commit()
    assert inspect(members[1]).detached


def test_deleted_rows_that_nobody_tells_of(session: Session, members: list[Member]) -> None:
    session.execute(delete(Member).where(Member.id == 1), execution_options=by(False))
    assert members[0] in session
    session.expire(members[0])
    with pytest.raises(ObjectDeletedError):
        members[0].name


def test_an_object_that_is_perhaps_deleted_is_asked_for_anew(session: Session, members: list[Member]) -> None:
    session.expire(members[0], ["age"])
    session.execute(delete(Member).where(Member.age == 36), execution_options=by("evaluate"))
    assert members[0] in session and "name" not in members[0].__dict__
    assert session.get(Member, 1) is None


def test_delete_of_marked_objects(session: Session, members: list[Member]) -> None:
    with session.no_autoflush:
        session.delete(members[0])
        session.execute(delete(Member).where(Member.id == 1))
    assert not session.deleted
    session.commit()


def test_delete_with_a_subquery(session: Session, members: list[Member]) -> None:
    session.add(Loan(member=members[1], note="saw"))
    session.flush()
    session.execute(delete(Member).where(~Member.loans.any()))
    assert [m in session for m in members] == [False, True, False]


def test_composite_keys(session: Session) -> None:
    session.execute(insert(City.__table__.metadata.tables["country"]), {"code": "DE"})
    cities = [City(code="DE", number=n, name=str(n)) for n in (1, 2)]
    session.add_all(cities)
    session.flush()
    session.execute(update(City).where(func.lower(City.name) == "2").values(name="two"))
    assert [city.name for city in cities] == ["1", "two"]
    session.execute(update(City), [{"code": "DE", "number": 1, "name": "one"}])
    assert cities[0].name == "one"
    session.execute(delete(City).where(func.lower(City.name) == "two"))
    assert cities[1] not in session and cities[0] in session


def test_bulk_delete_is_refused(session: Session) -> None:
    with pytest.raises(InvalidRequestError, match="Bulk ORM DELETE not supported"):
        session.execute(delete(Member), [{"id": 1}])


# ── in the older style ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("strategy", [*STRATEGIES, False])
def test_query_update_and_delete(session: Session, members: list[Member], strategy: Any) -> None:
    query = session.query(Member).filter(Member.age > 18)
    assert query.update({Member.age: Member.age + 1, "name": "same" + Member.name}, synchronize_session=strategy) == 2
    session.refresh(members[0])
    assert (members[0].name, members[0].age) == ("sameAda", 37)
    assert session.query(Member).filter_by(id=1).update([("age", 1)], synchronize_session=strategy) == 1
    assert session.query(Member).filter_by(age=1).delete(synchronize_session=strategy) == 1
    assert session.query(Member).count() == 2


def test_query_update_of_a_limited_query_is_refused(session: Session) -> None:
    for query in (
        session.query(Member).limit(1),
        session.query(Member).order_by(Member.id),
        session.query(Member).join(Member.loans),
        session.query(Member).distinct(),
    ):
        with pytest.raises(InvalidRequestError, match=r"Can't call Query\.update\(\) or Query\.delete\(\)"):
            query.update({"age": 1})
        with pytest.raises(InvalidRequestError, match=r"Can't call Query\.update\(\) or Query\.delete\(\)"):
            query.delete()


def test_query_update_is_about_one_class(session: Session, members: list[Member]) -> None:
    twin = aliased(Member)
    assert session.query(twin).filter(twin.name == "Bob").update({"age": 1}) == 1 and members[1].age == 1
    for query in (session.query(Member.id), session.query(Member, Loan)):
        with pytest.raises(ArgumentError, match="subject table for an INSERT, UPDATE or DELETE expected"):
            query.update({"age": 1})


# ── INSERT ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_insert_of_an_entity(session: Session, rows: Rows) -> None:
    session.execute(insert(Member).values(name="Ada", age=36))
    session.execute(insert(Member).values([{"name": "Bob"}, {"name": "Eve"}]))
    session.execute(insert(Member), [{"name": "Tom", "age": 1}, {"name": "Ann"}, {"name": "Zoe", "age": 3}])
    assert rows("SELECT name, age FROM member ORDER BY id") == [
        ("Ada", 36),
        ("Bob", None),
        ("Eve", None),
        ("Tom", 1),
        ("Ann", None),
        ("Zoe", 3),
    ]


def test_insert_with_returning_gives_objects(session: Session) -> None:
    made = session.scalars(insert(Member).returning(Member), [{"name": "Ada"}, {"name": "Bob"}]).all()
    assert [m.name for m in made] == ["Ada", "Bob"] and all(inspect(m).persistent for m in made)
    with expect_statements(session, 0):
        assert session.get(Member, made[0].id) is made[0]
    row = session.execute(insert(Member).values(name="Eve").returning(Member.id, Member.name)).one()
    assert row.name == "Eve" and row.id == made[1].id + 1
    mixed = session.scalars(insert(Member).returning(Member), [{"name": "Tom"}, {"name": "Ann", "age": 2}]).all()
    assert [(m.name, m.age) for m in mixed] == [("Tom", None), ("Ann", 2)]


def test_insert_from_a_select(session: Session, members: list[Member]) -> None:
    source = select(Member.name, Member.age).where(Member.age > 18)
    session.execute(insert(Node).from_select(["name"], select(source.subquery().c.name)))
    assert sorted(session.scalars(select(Node.name))) == ["Ada", "Bob"]
    statement = select(Member).from_statement(insert(Member).values(name="New").returning(Member))
    assert session.scalars(statement).one().name == "New"


# ── hierarchies ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_classes_in_several_tables(engine: Engine) -> None:
    staffed(engine)
    with Session(engine) as session:
        eve = session.get(Engineer, 2)
        assert eve is not None and eve.tool == "saw"
        session.execute(update(Engineer).where(Person.name == "Eve").values(tool="drill"))
        session.execute(update(Person).where(Person.name == "Eve").values(name="Eva"))
        assert (eve.name, eve.tool) == ("Eva", "drill")
        session.execute(update(Engineer), [{"id": 2, "name": "Evi", "tool": "axe"}])
        session.refresh(eve)
        assert (eve.name, eve.tool) == ("Evi", "axe")
        session.execute(insert(Engineer), [{"name": "New", "tool": "lathe"}, {"id": 9, "name": "Nine"}])
        found = session.scalars(select(Engineer).where(Engineer.name.like("N%")).order_by(Engineer.name)).all()
        assert [(one.name, one.tool, one.kind) for one in found] == [
            ("New", "lathe", "engineer"),
            ("Nine", None, "engineer"),
        ]
        session.execute(insert(Person).values(name="Plain"))
        assert type(session.scalars(select(Person).where(Person.name == "Plain")).one()) is Person
        with pytest.raises(InvalidRequestError, match="writes to 2 tables"):
            session.execute(insert(Engineer).values(name="x"))


def test_a_class_without_a_table_of_its_own_changes_its_rows_only(engine: Engine) -> None:
    staffed(engine)
    with Session(engine) as session:
        session.execute(update(Director).values(budget=1))
        assert session.scalars(select(Manager.budget).order_by(Manager.id)).all() == [10, 1]
