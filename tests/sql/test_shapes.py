"""One compiled statement serves all statements of its shape, and none of another."""

from __future__ import annotations

import pytest

from nbsession.sql import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    compile_statement,
    func,
    insert,
    select,
    shape_key,
    update,
)
from tests.sql import changes, statements
from tests.sql.statements import b, u

PROGRAMS = {**{name: (build, None) for name, build in statements.SELECTS.items()}, **changes.CHANGES}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_statement_built_again_has_the_same_shape_and_is_served_by_the_first(name):
    build, parameters = PROGRAMS[name]
    first, second = build(), build()
    assert shape_key(first, parameters) == shape_key(second, parameters)
    assert hash(shape_key(first, parameters)) == hash(shape_key(second, parameters))
    compiled = compile_statement(first, "sqlite", parameters)
    again = compile_statement(second, "sqlite", parameters)
    assert compiled.sql == again.sql
    assert compiled.bind(second, parameters) == again.bind(second, parameters)


@pytest.mark.parametrize("rendering", ["sqlite", "duckdb"])
def test_equal_keys_mean_equal_text(rendering):
    texts = {}
    for build, parameters in PROGRAMS.values():
        statement = build()
        key = shape_key(statement, parameters)
        sql = compile_statement(statement, rendering, parameters).sql
        assert texts.setdefault(key, sql) == sql


def test_another_literal_is_the_same_shape_and_brings_its_own_value():
    five, six = select(u).where(u.c.id == 5), select(u).where(u.c.id == 6)
    assert shape_key(five) == shape_key(six)
    compiled = compile_statement(five, "sqlite")
    assert compiled.bind(five) == (5,)
    assert compiled.bind(six) == (6,)


@pytest.mark.parametrize(
    "other",
    [
        lambda: select(u).where(u.c.age == 5),
        lambda: select(u).where(u.c.id != 5),
        lambda: select(u).where(u.c.id == None),  # noqa: E711
        lambda: select(u).where(u.c.id == "5"),
        lambda: select(u.c.id).where(u.c.id == 5),
        lambda: select(u).where(u.c.id == 5).limit(1),
        lambda: select(u).where(u.c.id == 5).offset(1),
        lambda: select(u).where(u.c.id == 5).distinct(),
        lambda: select(u).where(u.c.id == 5).order_by(u.c.id),
        lambda: select(u).where(u.c.id == 5).group_by(u.c.id),
        lambda: select(u).where(u.c.id == 5).join(b),
        lambda: select(u).where(u.c.id == 5).outerjoin(b),
        lambda: select(u).where(u.c.id == 5).having(u.c.id == 5),
        lambda: select(u).having(u.c.id == 5),
        lambda: select(u).where(u.c.id == bindparam("id")),
        lambda: select(u).where(u.c.id == 5).select_from(b),
        lambda: select(u.alias()).where(u.c.id == 5),
        lambda: select(u).where(u.c.id.in_([5])),
    ],
)
def test_anything_but_a_literal_makes_another_shape(other):
    assert shape_key(select(u).where(u.c.id == 5)) != shape_key(other())


def test_aliases_are_told_apart_but_made_again_are_the_same():
    def pair(which):
        first, second = u.alias(), u.alias()
        return select(first.c.id, second.c.id).where((first, second)[which].c.age == 3)

    assert shape_key(pair(0)) != shape_key(pair(1))
    assert shape_key(pair(0)) == shape_key(pair(0))
    assert compile_statement(pair(1), "sqlite").sql.endswith("WHERE users_2.age = ?")


def test_the_columns_that_are_set_belong_to_the_shape():
    assert shape_key(update(u).values(name="x")) != shape_key(update(u).values(town="x"))
    assert shape_key(update(u).values(name="x")) == shape_key(update(u).values(name="y"))
    assert shape_key(insert(u).values(name="x")) != shape_key(insert(u).values(town="x"))
    assert shape_key(insert(u).values([{"id": 1}])) != shape_key(insert(u).values([{"id": 1}, {"id": 2}]))


def test_limit_and_offset_are_not_confused():
    assert shape_key(select(u).limit(1)) != shape_key(select(u).offset(1))
    assert shape_key(select(u).order_by(u.c.id)) != shape_key(select(u).group_by(u.c.id))


def test_lists_of_other_lengths_are_other_shapes():
    two, three = select(u).where(u.c.id.in_([1, 2])), select(u).where(u.c.id.in_([1, 2, 3]))
    assert shape_key(two) != shape_key(three)
    assert shape_key(two) == shape_key(select(u).where(u.c.id.in_([8, 9])))
    assert compile_statement(three, "sqlite").sql.endswith("IN (?, ?, ?)")


def test_an_expanding_parameter_takes_the_length_of_the_list_it_is_executed_with():
    statement = select(u.c.id).where(u.c.id.in_(bindparam("ids", expanding=True)))
    assert shape_key(statement, {"ids": [1]}) != shape_key(statement, {"ids": [1, 2]})
    compiled = compile_statement(statement, "sqlite", {"ids": [1, 2]})
    assert compiled.sql.endswith("IN (?, ?)")
    assert compiled.bind(statement, {"ids": [8, 9]}) == (8, 9)


def test_names_of_the_parameters_decide_the_columns_of_an_insert():
    assert shape_key(insert(u), {"id": 1}) != shape_key(insert(u), {"id": 1, "name": "x"})
    assert shape_key(insert(u), {"id": 1}) == shape_key(insert(u), {"id": 2})


def test_a_table_of_the_same_name_is_another_table():
    def table():
        return Table("users", MetaData(), Column("id", Integer))

    assert shape_key(select(table())) != shape_key(select(table()))


def test_a_table_that_gains_a_column_is_another_shape():
    table = Table("t", MetaData(), Column("id", Integer))
    before = shape_key(select(table))
    table.append_column(Column("name", String))
    assert shape_key(select(table)) != before
    assert compile_statement(select(table), "sqlite").sql == "SELECT t.id, t.name FROM t"


def test_grouping_by_an_equal_expression_depends_on_the_values():
    def grouped(by):
        return select(u.c.id % 2, func.count()).group_by(u.c.id % by)

    assert shape_key(grouped(2)) != shape_key(grouped(3))
    assert "GROUP BY anon_1" in compile_statement(grouped(2), "duckdb").sql
    assert "GROUP BY users.id % ?" in compile_statement(grouped(3), "duckdb").sql


def test_statements_do_not_change_when_others_are_made_of_them():
    base = select(u).where(u.c.id == 1)
    key = shape_key(base)
    base.where(u.c.age == 2).order_by(u.c.id).limit(3)
    assert shape_key(base) == key
    assert compile_statement(base, "sqlite").bind(base) == (1,)


def test_values_given_by_params_do_not_leak_into_the_statement():
    statement = select(u.c.id).where(u.c.name == bindparam("who"))
    compiled = compile_statement(statement, "sqlite")
    assert compiled.bind(statement.params(who="ann")) == ("ann",)
    assert compiled.bind(statement.params(who="ann"), {"who": "bob"}) == ("bob",)


def test_a_bind_used_twice_brings_its_value_twice():
    bind = bindparam("x", 3)
    statement = update(u).where(and_(u.c.id == bind, u.c.age == bind)).values(name="n")
    compiled = compile_statement(statement, "sqlite")
    assert compiled.bind(statement) == ("n", 3, 3)
    assert compiled.bind(statement, {"x": 4}) == ("n", 4, 4)
