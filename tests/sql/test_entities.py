"""What the sql package knows of mapped classes: ``__mapper__``, ``__clause_element__`` and ``__join_target__``."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nbsession import exc
from nbsession.sql import ColumnOperators, compile_statement, delete, exists, func, insert, select, shape_key, update
from nbsession.sql.visitors import iterate, replace
from tests.sql.statements import b, bt, t, u


class Attribute(ColumnOperators):
    def __init__(self, column, key, parent_entity=None):
        self.column, self.key, self.parent_entity = column, key, parent_entity

    def __clause_element__(self):
        return self.column


class Relationship:
    def __init__(self, parent_entity, *target):
        self.parent_entity, self.target = parent_entity, target

    def __join_target__(self):
        return self.target

    def of_type(self, alias):
        onclause = replace(self.target[1], lambda part: alias.__mapper__.selectable.corresponding_column(part))
        return Relationship(self.parent_entity, alias, onclause)


def entity(called, table, **renamed):
    made = SimpleNamespace(
        __name__=called,
        __mapper__=SimpleNamespace(selectable=table, selected_columns=tuple(table.c), single_criterion=None),
    )
    for column in table.c:
        key = renamed.get(column.key, column.key)
        setattr(made, key, Attribute(column, key, made))
    return made


User = entity("User", u, name="full_name")
Book = entity("Book", b)
Tag = entity("Tag", t)
User.books = Relationship(User, Book, u.c.id == b.c.user_id)
Book.tags = Relationship(Book, Tag, b.c.id == bt.c.book_id, bt.join(t, bt.c.tag_id == t.c.id))


def sql(statement, parameters=None):
    return compile_statement(statement, "sqlite", parameters).sql


def test_an_entity_stands_for_its_columns_and_stays_raw():
    statement = select(User).where(User.full_name == "ann")
    assert sql(statement) == (
        "SELECT users.id, users.name, users.town, users.age, users.score FROM users WHERE users.name = ?"
    )
    assert statement.raw_columns == (User,)
    assert shape_key(statement) == shape_key(select(User).where(User.full_name == "bob"))
    assert statement.column_descriptions[0]["entity"] is User


def test_attributes_have_the_operators_of_columns():
    assert sql(select(User.full_name, (User.id + 1).label("more")).order_by(User.id.desc())) == (
        "SELECT users.name, users.id + ? AS more FROM users ORDER BY users.id DESC"
    )
    assert sql(select(func.count(User.id))) == "SELECT count(users.id) AS count_1 FROM users"
    assert str(User.id.in_([1]) & ~(User.full_name == None)) == "users.id IN (:id_1) AND users.name IS NOT NULL"  # noqa: E711


def test_columns_of_a_subquery_go_by_the_names_of_the_attributes():
    inner = select(User.id, User.full_name).subquery("inner_")
    assert inner.c.keys() == ["id", "full_name"]
    assert (
        sql(select(inner.c.full_name)) == "SELECT inner_.name FROM (SELECT users.id, users.name FROM users) AS inner_"
    )


def test_filter_by_looks_at_what_was_joined_last():
    assert sql(select(User.id).filter_by(full_name="x")).endswith("WHERE users.name = ?")
    assert sql(select(User.id).join(User.books).filter_by(title="x")).endswith("WHERE books.title = ?")
    with pytest.raises(exc.InvalidRequestError, match='Entity namespace for "User" has no property "name"'):
        select(User).filter_by(name="x")


def test_join_along_a_relationship():
    assert sql(select(User.id).join(User.books)) == "SELECT users.id FROM users JOIN books ON users.id = books.user_id"
    assert sql(select(User.id, Book.id).join(User.books)) == (
        "SELECT users.id, books.id AS id_1 FROM users JOIN books ON users.id = books.user_id"
    )
    assert sql(select(Book.id).select_from(User).join(User.books).where(Book.id == 1)) == (
        "SELECT books.id FROM users JOIN books ON users.id = books.user_id WHERE books.id = ?"
    )
    assert sql(select(User.id).join(Book, User.books)) == sql(select(User.id).join(User.books))
    assert sql(select(User.id).join(Book)) == sql(select(User.id).join(User.books))


def test_join_over_a_secondary_table():
    assert sql(select(Book.id).outerjoin(Book.tags)) == (
        "SELECT books.id FROM books LEFT OUTER JOIN (book_tags JOIN tags ON book_tags.tag_id = tags.id) "
        "ON books.id = book_tags.book_id"
    )


def test_join_to_an_alias_along_a_relationship():
    thick = entity("thick", b.alias("thick"))
    assert sql(select(User.id).join(thick, User.books)) == (
        "SELECT users.id FROM users JOIN books AS thick ON users.id = thick.user_id"
    )


def test_changes_of_entities():
    assert sql(insert(User).values(full_name="x")) == "INSERT INTO users (name) VALUES (?)"
    assert sql(insert(User), {"id": 1, "full_name": "x"}) == "INSERT INTO users (id, name) VALUES (?, ?)"
    assert sql(update(User).where(User.id == 1).values(full_name=User.full_name + "!")) == (
        "UPDATE users SET name = users.name || ? WHERE users.id = ?"
    )
    assert sql(delete(User).where(~exists().where(Book.user_id == User.id))) == (
        "DELETE FROM users WHERE NOT EXISTS (SELECT * FROM books WHERE books.user_id = users.id)"
    )
    with pytest.raises(exc.CompileError, match="Unconsumed column names: nothing"):
        update(User).values(nothing=1)


def test_an_insert_takes_names_from_the_parameters_and_values_from_each_execution():
    statement = insert(User)
    compiled = compile_statement(statement, "sqlite", {"full_name": "x", "id": 1})
    assert compiled.bind(statement, {"full_name": "y", "id": 2}) == (2, "y")
    assert [column.name for column in compiled.written] == ["id", "name"]
    assert compiled.table is u
    with pytest.raises(exc.StatementError, match="value is required for bind parameter 'full_name'"):
        compiled.bind(statement, {"id": 2})


def test_options_travel_with_the_statement_and_do_not_change_its_shape():
    statement = select(User)
    with_options = statement.options("a", "b").execution_options(stream=True)
    assert with_options.option_list == ("a", "b")
    assert with_options.get_execution_options() == {"stream": True}
    assert statement.option_list == ()
    assert shape_key(with_options) == shape_key(statement)


def test_clauses_can_be_walked_and_rewritten():
    other = u.alias("other")
    clause = (User.id == 5) & (b.c.user_id == u.c.id)
    moved = replace(clause, other.corresponding_column)
    assert str(moved) == "other.id = :id_1 AND books.user_id = other.id"
    assert str(clause) == "users.id = :id_1 AND books.user_id = users.id"
    assert [part for part in iterate(clause) if part is u.c.id] == [u.c.id, u.c.id]


def test_tables_read_and_written_are_named():
    assert compile_statement(select(User).join(User.books), "sqlite").tables == ("users", "books")
    assert compile_statement(select(func.count()).select_from(select(b).subquery()), "sqlite").tables == ("books",)
    assert compile_statement(delete(User), "sqlite").tables == ("users",)
