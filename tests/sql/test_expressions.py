"""Expressions: what they read as, what they refuse."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid

import pytest

from nbsession import exc
from nbsession.sql import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    compile_statement,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    type_for,
    union,
)
from tests.sql.drivers import RENDERINGS, connect, rows
from tests.sql.statements import b, u


class Colour(enum.Enum):
    RED = 1


def test_str_of_a_clause_is_readable():
    assert str(u.c.name == "ada") == "users.name = :name_1"
    assert str(u.c.id.in_([1, 2])) == "users.id IN (:id_1, :id_2)"
    assert str(select(u.c.id).where(u.c.id > 3).limit(2)) == (
        "SELECT users.id FROM users WHERE users.id > :id_1 LIMIT :param_1"
    )
    assert str(select(u.c.id).where(u.c.name == bindparam("who"))).endswith("users.name = :who")


def test_literal_binds_write_the_values():
    statement = select(u.c.id).where(u.c.name == "it's", u.c.id.in_([1, 2]))
    written = statement.compile(compile_kwargs={"literal_binds": True})
    assert written == "SELECT users.id FROM users WHERE users.name = 'it''s' AND users.id IN (1, 2)"


def test_a_comparison_has_the_truth_of_identity_so_that_columns_can_live_in_lists():
    assert u.c.id in [u.c.name, u.c.id]
    assert u.c.id not in [u.c.name]
    assert {u.c.id: 1}[u.c.id] == 1
    assert bool(u.c.id == u.c.name) is False
    assert u.c.id != u.c.name


@pytest.mark.parametrize("clause", [u.c.id > 3, u.c.id + 1, u.c.id, and_(u.c.id == 1, u.c.id == 2), func.count()])
def test_other_clauses_have_no_truth(clause):
    with pytest.raises(TypeError, match="Boolean value of this clause is not defined"):
        bool(clause)


def test_in_of_python_is_refused():
    with pytest.raises(NotImplementedError):
        "x" in u.c.name


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: select(u).where("id = 3"), r"should be explicitly declared as text\('id = 3'\)"),
        (lambda: select("users"), "Column expression, FROM clause"),
        (lambda: u.c.id.in_("abc"), "IN expression list"),
        (lambda: u.c.id.in_(3), "IN expression list"),
        (lambda: select(u).limit("3"), "LIMIT and OFFSET expect an integer"),
        (lambda: case(), "at least one condition"),
        (lambda: union(select(u.c.id), select(u.c.id, u.c.name)), "identical numbers of columns"),
        (lambda: select(select(u.c.id).subquery()).select_from(select(u)), r"call \.subquery\(\)"),
        (lambda: text("select :a").bindparams(b=1), "doesn't define a bound parameter named 'b'"),
        (lambda: cast(u.c.id, "integer"), "is not a type"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_written(attempt, message):
    with pytest.raises(exc.ArgumentError, match=message):
        attempt()


def test_joins_that_cannot_be_guessed_say_what_to_do():
    metadata = MetaData()
    lonely = Table("lonely", metadata, Column("id", Integer))
    both = Table("both", metadata, Column("u", ForeignKey(u.c.id)), Column("b", ForeignKey(b.c.id)))
    with pytest.raises(
        exc.NoForeignKeysError, match="Can't find any foreign key relationships between 'users' and 'lonely'"
    ):
        compile_statement(select(u).join(lonely), "sqlite")
    with pytest.raises(exc.InvalidRequestError, match="Can't determine which FROM clause to join from"):
        compile_statement(select(u.c.id).select_from(u, b).join(both), "sqlite")


def test_an_unknown_name_in_order_by_is_refused():
    with pytest.raises(exc.CompileError, match="Can't resolve label reference"):
        compile_statement(select(u.c.id).order_by("nothing"), "sqlite")


def test_a_missing_parameter_is_one_clear_error():
    statement = select(u.c.id).where(u.c.name == bindparam("who"))
    with pytest.raises(exc.StatementError, match="A value is required for bind parameter 'who'"):
        compile_statement(statement, "sqlite").bind(statement, {"other": 1})


def test_correlation_that_leaves_nothing_is_refused():
    with pytest.raises(exc.InvalidRequestError, match="returned no FROM clauses due to auto-correlation"):
        compile_statement(select(u, b).where(exists().where(u.c.id == b.c.user_id)), "sqlite")


def test_a_subquery_with_one_table_reads_that_table():
    statement = select(u.c.id).where(u.c.id.in_(select(u.c.id).where(u.c.id > 1)))
    assert str(statement).endswith("WHERE users.id IN (SELECT users.id FROM users WHERE users.id > :id_1)")


def test_empty_and_or_are_true_and_false():
    assert str(and_()) == "true"
    assert str(or_()) == "false"
    assert compile_statement(select(u.c.id).where(and_()), "sqlite").sql.endswith("WHERE 1")


def test_negation_turns_operators_round():
    assert str(not_(u.c.id == 1)) == "users.id != :id_1"
    assert str(~u.c.name.like("a%")) == "users.name NOT LIKE :name_1"
    assert str(~(u.c.id + 1 > 2)) == "users.id + :id_1 <= :param_1"
    assert str(~~func.lower(u.c.name)) == "lower(users.name)"


def test_types_of_expressions():
    assert isinstance((u.c.id + 1).type, Integer)
    assert isinstance((u.c.id / 2).type, Numeric)
    assert isinstance((u.c.score * 2).type, Float)
    assert isinstance((u.c.id == 1).type, Boolean)
    assert isinstance((u.c.name + "x").type, String)
    assert isinstance(func.max(u.c.id).type, Integer)
    assert isinstance(func.count().type, Integer)
    assert isinstance(select(u.c.name).scalar_subquery().type, String)
    assert isinstance(case((u.c.id > 1, "x"), else_="y").type, String)


def test_a_literal_takes_the_type_of_the_column_only_if_it_is_of_its_kind():
    when = Column("when", DateTime)
    colour = Column("colour", Enum(Colour))
    assert (when == dt.datetime(2024, 1, 1)).right.type is when.type
    assert isinstance((when == "2024").right.type, String)
    assert (colour == "RED").right.type is colour.type
    assert isinstance((u.c.id == 2.5).right.type, Float)
    assert isinstance((u.c.id == True).right.type, Boolean)  # noqa: E712


@pytest.mark.parametrize(
    ("python", "kind"),
    [
        (int, Integer),
        (str, String),
        (bool, Boolean),
        (decimal.Decimal, Numeric),
        (uuid.UUID, Uuid),
        (dict, JSON),
        (list, JSON),
    ],
)
def test_type_for_python_types(python, kind):
    assert type(type_for(python)) is kind


def test_type_for_enums_and_strangers():
    found = type_for(Colour)
    assert isinstance(found, Enum)
    assert found.enums == ("RED",)
    assert found.python_type is Colour
    assert type_for(object) is None


def test_types_of_the_same_meaning_have_the_same_key():
    assert String(30).key == String(30).key != String(31).key
    assert Enum("a", "b").key != Enum("a").key
    assert Integer().key != Boolean().key


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_values_with_question_marks_and_quotes_stay_values(rendering):
    statement = select(literal("what? it's :x"), text("'a ? :b ''' AS t"))
    compiled = compile_statement(statement, rendering)
    assert rows(connect(rendering), compiled.sql, compiled.bind(statement)) == [["what? it's :x", "a ? :b '"]]


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_text_finds_its_parameters_and_nothing_else(rendering):
    statement = text("select :a + :b, 'x:y', '12:30' /* :c */, \"t\".z from (select 1 as z) t -- :d").bindparams(b=2)
    compiled = compile_statement(statement, rendering)
    assert compiled.kind == "text"
    assert rows(connect(rendering), compiled.sql, compiled.bind(statement, {"a": 40})) == [[42, "x:y", "12:30", 1]]


def test_text_leaves_casts_and_escaped_colons_alone():
    compiled = compile_statement(text(r"select 1::int, 2 \:b, {a:b}, :p::text"), "duckdb")
    assert compiled.sql == "select 1::int, 2 :b, {a:b}, ?::text"


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_now_is_a_plain_timestamp(rendering):
    (row,) = rows(connect(rendering), compile_statement(select(func.now()), rendering).sql)
    assert str(row[0])[:2] == "20"


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_reserved_and_odd_names_are_quoted(rendering):
    table = Table("order", MetaData(), Column("select", Integer), Column("Mixed Case", Integer), Column('q"t', Integer))
    statement = select(table).where(table.c["Mixed Case"] == 1)
    sql = compile_statement(statement, rendering).sql
    assert sql == (
        'SELECT "order"."select", "order"."Mixed Case", "order"."q""t" FROM "order" WHERE "order"."Mixed Case" = ?'
    )
    connection = connect(rendering, 'create table "order" ("select" int, "Mixed Case" int, "q""t" int);')
    assert rows(connection, sql, (1,)) == []


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_a_label_that_hides_a_column_still_groups_by_the_expression(rendering):
    connection = connect(rendering, "create table users (id int, name text, town text, age int, score double);")
    connection.execute("insert into users (id, age) values (1, 10), (2, 12), (3, 25)")
    decade = (u.c.age // 10).label("age")
    statement = select(decade, func.count()).group_by(decade).order_by(decade)
    compiled = compile_statement(statement, rendering)
    assert rows(connection, compiled.sql, compiled.bind(statement)) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_unions_of_limited_selects(rendering):
    connection = connect(rendering, "create table users (id int); insert into users values (1), (2), (3);")
    first = select(u.c.id).order_by(u.c.id).limit(1)
    last = select(u.c.id).order_by(u.c.id.desc()).limit(1)
    statement = union(first, last).order_by("id")
    compiled = compile_statement(statement, rendering)
    assert rows(connection, compiled.sql, compiled.bind(statement)) == [[1], [3]]


def test_with_for_update_and_unknown_renderings():
    assert compile_statement(select(u.c.id).with_for_update(), "sqlite").sql == "SELECT users.id FROM users"
    with pytest.raises(exc.ArgumentError, match="No rendering 'oracle'"):
        compile_statement(select(u), "oracle")
    with pytest.raises(exc.ArgumentError, match="Not an executable object: 'select 1'"):
        compile_statement("select 1", "sqlite")
