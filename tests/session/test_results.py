"""What a session's statements give: objects, rows, mappings, bundles; read from statements of one's own too."""

from __future__ import annotations

import pytest

from nbsession import (
    ArgumentError,
    Bundle,
    InvalidRequestError,
    Session,
    aliased,
    bindparam,
    exists,
    func,
    inspect,
    literal_column,
    select,
    selectinload,
    text,
    union_all,
)
from tests.session.models import Loan, Member
from tests.support import expect_statements


@pytest.fixture
def members(session: Session) -> list[Member]:
    """Ada with two loans, Bob with one."""
    members = [
        Member(name="Ada", age=36, loans=[Loan(note="saw"), Loan(note="drill")]),
        Member(name="Bob", age=20, loans=[Loan(note="saw")]),
    ]
    session.add_all(members)
    session.commit()
    return members


# ── forms of a result ────────────────────────────────────────────────────────────────────────────────────────────────
def test_rows_scalars_mappings_tuples(session: Session, members: list[Member]) -> None:
    statement = select(Member, Loan.note).join(Member.loans).order_by(Loan.id)
    assert next((row.Member.name, row.note) for row in session.execute(statement)) == ("Ada", "saw")
    assert dict(session.execute(statement).mappings().all()[0]) == {"Member": members[0], "note": "saw"}
    assert session.scalars(statement).all() == [members[0], members[0], members[1]]
    assert session.scalars(statement).unique().all() == members
    assert session.execute(statement).scalars("note").all() == ["saw", "drill", "saw"]
    assert session.execute(statement).tuples().first() == (members[0], "saw")
    assert session.execute(select(Member.id, Member.name).order_by(Member.id)).columns("name").all() == [
        ("Ada",),
        ("Bob",),
    ]
    assert session.scalar(select(func.count()).select_from(Loan)) == 3


def test_tables_for_other_packages(session: Session, members: list[Member]) -> None:
    statement = (
        select(Member.name, func.count(Loan.id).label("n")).join(Loan).group_by(Member.name).order_by(Member.name)
    )
    pytest.importorskip("pandas")
    frame = session.execute(statement).df()
    assert list(frame.columns) == ["name", "n"] and frame["n"].tolist() == [2, 1]
    pytest.importorskip("pyarrow")
    assert session.execute(statement).arrow().to_pydict() == {"name": ["Ada", "Bob"], "n": [2, 1]}


def test_a_union_gives_rows_and_not_objects(session: Session, members: list[Member]) -> None:
    """As in SQLAlchemy; ``from_statement()`` or an alias of its subquery makes objects of them."""
    both = union_all(select(Member).where(Member.id == 1), select(Member).where(Member.id == 2)).order_by("id")
    assert [tuple(row) for row in session.execute(both)] == [(1, "Ada", 36), (2, "Bob", 20)]
    assert session.scalars(select(Member).from_statement(both)).all() == members


def test_columns_beside_an_entity_keep_their_names(session: Session, members: list[Member]) -> None:
    row = session.execute(select(Member, Member.name, Loan.id).join(Member.loans).order_by(Loan.id)).first()
    assert row is not None and row._fields == ("Member", "name", "id") and row.name == "Ada"
    row = session.execute(select(text("'x'"), Member, Member.age).order_by(Member.id)).first()
    assert row is not None and row[0] == "x" and row.Member is members[0] and row.age == 36


# ── bundles ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_bundle_is_a_row_within_the_row(session: Session, members: list[Member]) -> None:
    who = Bundle("who", Member.id, Member.name)
    row = session.execute(select(who, Member.age).where(who.c.name == "Ada")).one()
    assert row.who == (1, "Ada") and row.who.name == "Ada" and row.age == 36
    nested = Bundle("outer", who, Member.age)
    assert session.execute(select(nested).order_by(Member.id)).first().outer.who.id == 1
    alone = Bundle("who", Member.id, Member.name, single_entity=True)
    assert session.query(alone).order_by(Member.id).all() == [(1, "Ada"), (2, "Bob")]
    assert session.execute(select(alone).order_by(Member.id)).first() == ((1, "Ada"),)
    assert session.query(who).filter(Member.id == 2).one().who == (2, "Bob")
    assert session.execute(select(who.label("x")).where(Member.id < 0)).all() == []


# ── from statements of one's own ─────────────────────────────────────────────────────────────────────────────────────
def test_objects_of_text(session: Session, members: list[Member]) -> None:
    """Columns are found by name, in any order; more of them do not hurt."""
    statement = select(Member).from_statement(text("SELECT age, 7 AS more, name, id FROM member ORDER BY id DESC"))
    assert session.scalars(statement).all() == members[::-1]
    typed = text("SELECT id, name, age FROM member WHERE id = :id").columns(Member.id, Member.name, Member.age)
    assert session.scalars(select(Member).from_statement(typed), {"id": 2}).one() is members[1]
    assert session.scalars(select(Member).from_statement(typed.element), {"id": 1}).one() is members[0]


def test_columns_that_a_statement_lacks_are_loaded_later(session: Session, members: list[Member]) -> None:
    session.expunge_all()
    ada = session.scalars(select(Member).from_statement(text("SELECT id, name FROM member WHERE id = 1"))).one()
    assert inspect(ada).unloaded >= {"age"} and "name" in ada.__dict__
    with expect_statements(session, 1):
        assert ada.age == 36


def test_a_statement_without_the_key_is_refused(session: Session, members: list[Member]) -> None:
    with pytest.raises(InvalidRequestError, match="Could not locate column 'id' of Member's primary key"):
        session.scalars(select(Member).from_statement(text("SELECT name FROM member"))).all()
    with pytest.raises(ArgumentError, match="takes a statement"):
        select(Member).from_statement("SELECT 1")


def test_several_things_of_one_statement(session: Session, members: list[Member]) -> None:
    sql = "SELECT member.id, member.name, member.age, 2 * age AS twice FROM member ORDER BY member.id"
    statement = select(Member, literal_column("twice")).from_statement(text(sql))
    assert [tuple(row) for row in session.execute(statement)] == [(members[0], 72), (members[1], 40)]
    columns = select(Member.name, Member.id).from_statement(text("SELECT id, name FROM member ORDER BY id"))
    assert [tuple(row) for row in session.execute(columns)] == [("Ada", 1), ("Bob", 2)]


def test_loader_options_of_a_statement_of_ones_own(session: Session, members: list[Member]) -> None:
    session.expunge_all()
    statement = (
        select(Member).from_statement(text("SELECT * FROM member ORDER BY id")).options(selectinload(Member.loans))
    )
    found = session.scalars(statement).all()
    with expect_statements(session, 0):
        assert [len(member.loans) for member in found] == [2, 1]


# ── execution ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_options_of_an_execution(session: Session, members: list[Member]) -> None:
    members[0].name = "pending"
    with session.no_autoflush:
        options = {"populate_existing": True}
        assert session.scalars(select(Member).where(Member.id == 1), execution_options=options).one().name == "Ada"
    session.add(Member(name="Zoe"))
    counted = select(func.count()).select_from(Member)
    assert session.scalar(counted, execution_options={"autoflush": False}) == 2
    assert session.scalar(counted.execution_options(autoflush=False)) == 2
    assert session.execute(counted).scalar_one() == 3


def test_arguments_that_choose_the_bind(session: Session, members: list[Member]) -> None:
    with session.bind.connect() as connection:
        connection.rollback()
        found = session.execute(text("SELECT 1"), bind_arguments={"mapper": Member}).scalar()
        assert found == 1
        assert session.scalar(text("SELECT 2"), bind_arguments={"bind": session.bind}) == 2
        assert session.scalars(text("SELECT 3"), bind_arguments={"clause": Member.__table__}).all() == [3]


def test_conditions_as_values(session: Session, members: list[Member]) -> None:
    assert session.scalar(select(exists().where(Member.name == "Ada"))) in (True, 1)
    older = aliased(Member)
    is_oldest = ~exists().where(older.age > Member.age)
    assert session.scalars(select(Member.name).where(is_oldest)).all() == ["Ada"]
    oldest = session.query(func.max(Member.age))
    assert session.scalars(select(Member.name).where(Member.age == oldest)).all() == ["Ada"]
    assert session.scalars(select(Member).where(Member.id == bindparam("i")), [{"i": 2}]).one() is members[1]
