"""Tables, columns, foreign keys, and the text of CREATE."""

from __future__ import annotations

import pytest

from nbsession import exc
from nbsession.sql import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    String,
    Table,
    UniqueConstraint,
    ddl,
    default_value,
    func,
    text,
)
from tests.sql.drivers import RENDERINGS, connect


def words(type_):
    return "VARCHAR" if isinstance(type_, String) else "INTEGER"


@pytest.fixture
def metadata():
    made = MetaData()
    Table(
        "child", made, Column("id", Integer, primary_key=True), Column("parent_id", ForeignKey("parent.id"), index=True)
    )
    Table("parent", made, Column("id", Integer, primary_key=True), Column("code", String(5), unique=True))
    return made


def test_tables_are_sorted_by_what_they_refer_to(metadata):
    assert [table.name for table in metadata.sorted_tables] == ["parent", "child"]
    assert list(metadata.tables) == ["child", "parent"]


def test_a_circle_of_references_can_be_sorted():
    made = MetaData()
    Table(
        "a",
        made,
        Column("id", Integer, primary_key=True),
        Column("b", ForeignKey("b.id")),
        Column("a", ForeignKey("a.id")),
    )
    Table("b", made, Column("id", Integer, primary_key=True), Column("a", ForeignKey("a.id")))
    assert {table.name for table in made.sorted_tables} == {"a", "b"}


def test_columns_are_found_by_name_key_and_place(metadata):
    child = metadata.tables["child"]
    assert child.c.id is child.columns["id"] is child.c[0]
    assert child.c.keys() == ["id", "parent_id"]
    assert "parent_id" in child.c
    assert child.c.id in child.c
    assert list(child.primary_key) == [child.c.id]
    with pytest.raises(AttributeError, match="No column 'name': there is id, parent_id"):
        child.c.name
    with pytest.raises(KeyError):
        child.c["name"]


def test_a_column_named_like_a_method_does_not_hide_it():
    table = Table("t", MetaData(), Column("keys", Integer), Column("items", Integer))
    assert table.c.keys() == ["keys", "items"]
    assert table.c["keys"].name == "keys"


def test_a_foreign_key_is_looked_up_when_asked(metadata):
    (key,) = metadata.tables["child"].foreign_keys
    parent = metadata.tables["parent"]
    assert key.column is parent.c.id
    assert key.parent is metadata.tables["child"].c.parent_id
    assert key.references(parent)
    assert isinstance(key.constraint, ForeignKeyConstraint)
    assert key.constraint.referred_table is parent
    assert metadata.tables["child"].c.parent_id.references(parent.c.id)


def test_a_foreign_key_to_nowhere_names_what_is_missing():
    made = MetaData()
    one = Table("one", made, Column("x", ForeignKey("two.id")), Column("y", ForeignKey("one.nothing")))
    with pytest.raises(exc.NoReferencedTableError, match="could not find table 'two'"):
        next(iter(one.c.x.foreign_keys)).column
    with pytest.raises(exc.NoReferencedColumnError, match="has no column named 'nothing'"):
        next(iter(one.c.y.foreign_keys)).column


def test_a_table_is_defined_once(metadata):
    again = Table("child", metadata)
    assert again is metadata.tables["child"]
    with pytest.raises(exc.InvalidRequestError, match="already defined for this MetaData instance"):
        Table("child", metadata, Column("id", Integer))
    Table("child", metadata, Column("more", Integer), extend_existing=True)
    assert "more" in again.c
    with pytest.raises(exc.ArgumentError, match="needs a MetaData"):
        Table("child")


def test_a_table_that_fails_is_not_left_behind():
    made = MetaData()
    with pytest.raises(exc.ArgumentError):
        Table("t", made, Column("id", Integer), "what")
    assert "t" not in made


def test_a_column_belongs_to_one_table_and_can_be_copied(metadata):
    column = metadata.tables["child"].c.parent_id
    with pytest.raises(exc.ArgumentError, match="already assigned to Table 'child'"):
        Table("other", MetaData(), column)
    copy = column._copy()
    other = Table("other", metadata, Column("id", Integer, primary_key=True), copy)
    (key,) = other.c.parent_id.foreign_keys
    assert key.column is metadata.tables["parent"].c.id
    assert copy.index
    assert copy.table is other
    assert column.table is metadata.tables["child"]


def test_name_and_type_may_come_later():
    column = Column(primary_key=True)
    column.name, column.type = "id", Integer()
    table = Table("t", MetaData(), column)
    assert table.c.id is column
    with pytest.raises(exc.ArgumentError, match="non-blank name"):
        Table("s", MetaData(), Column(Integer))


def test_the_column_that_the_database_numbers():
    def numbered(*columns):
        return Table("t", MetaData(), *columns).autoincrement_column

    assert numbered(Column("id", Integer, primary_key=True)) is not None
    assert numbered(Column("id", String, primary_key=True)) is None
    assert numbered(Column("id", Integer, primary_key=True, autoincrement=False)) is None
    assert numbered(Column("a", Integer, primary_key=True), Column("b", Integer, primary_key=True)) is None
    assert numbered(Column("id", Integer, ForeignKey("x.id"), primary_key=True)) is None


def test_create_and_drop_ask_the_bind_in_the_right_order(metadata):
    class Bind:
        def __init__(self):
            self.calls = []

        def create_tables(self, metadata, tables, checkfirst):
            self.calls.append(("create", [one.name for one in tables], checkfirst))

        def drop_tables(self, metadata, tables, checkfirst):
            self.calls.append(("drop", [one.name for one in tables], checkfirst))

        def reflect_table(self, table, include_columns, resolve_fks):
            self.calls.append(("reflect", table.name))
            if table.name == "missing":
                raise exc.NoSuchTableError("missing")
            table.append_column(Column("id", Integer))

    bind = Bind()
    metadata.create_all(bind)
    metadata.drop_all(bind, checkfirst=False)
    metadata.create_all(bind, [metadata.tables["child"]])
    assert Table("found", metadata, autoload_with=bind).c.keys() == ["id"]
    other = MetaData()
    with pytest.raises(exc.NoSuchTableError, match="missing"):
        Table("missing", other, autoload_with=bind)
    assert not other.tables
    assert bind.calls[:4] == [
        ("create", ["parent", "child"], True),
        ("drop", ["child", "parent"], False),
        ("create", ["child"], True),
        ("reflect", "found"),
    ]


@pytest.mark.parametrize(
    ("default", "expected"),
    [
        (3, 3),
        (lambda: 4, 4),
        (lambda context: context, None),
        (lambda x=5: x, 5),
        (dict, {}),
        (list, []),
        ("s".upper, "S"),
    ],
)
def test_defaults_are_values_or_callables(default, expected):
    assert default_value(default) == expected


def full_table():
    made = MetaData()
    Table("parent", made, Column("id", Integer, primary_key=True), Column("code", String(5), unique=True))
    return Table(
        "order",
        made,
        Column("id", Integer, primary_key=True),
        Column("parent_id", ForeignKey("parent.id", ondelete="CASCADE"), nullable=False),
        Column("a", Integer, server_default="0", index=True),
        Column("b", String(5), server_default=text("'x'")),
        Column("c", Integer, CheckConstraint("c > 0")),
        UniqueConstraint("a", "b", name="uq_ab"),
    )


def test_create_table_text():
    table = full_table()
    table.append_constraint(CheckConstraint(table.c.a < 10, name="small"))
    assert ddl.create_table(table, words) == (
        'CREATE TABLE "order" (\n'
        "\tid INTEGER NOT NULL,\n"
        "\tparent_id INTEGER NOT NULL,\n"
        "\ta INTEGER DEFAULT '0',\n"
        "\tb VARCHAR DEFAULT 'x',\n"
        "\tc INTEGER,\n"
        "\tPRIMARY KEY (id),\n"
        "\tCONSTRAINT uq_ab UNIQUE (a, b),\n"
        "\tCHECK (c > 0),\n"
        "\tCONSTRAINT small CHECK (a < 10),\n"
        "\tFOREIGN KEY(parent_id) REFERENCES parent (id) ON DELETE CASCADE\n"
        ")"
    )
    without = ddl.create_table(table, words, foreign_keys=False, if_not_exists=True)
    assert "FOREIGN KEY" not in without
    assert without.startswith('CREATE TABLE IF NOT EXISTS "order"')
    assert ddl.create_table(table, words, deferrable=True).endswith("CASCADE DEFERRABLE INITIALLY DEFERRED\n)")
    assert ddl.drop_table(table, if_exists=True) == 'DROP TABLE IF EXISTS "order"'


@pytest.mark.parametrize("rendering", RENDERINGS)
def test_what_is_created_can_be_created(rendering):
    table = full_table()
    Index("ix_two", table.c.a, table.c.b.desc(), unique=True)
    Index("ix_expr", func.lower(table.c.b), table.c.a)
    connection = connect(rendering)
    native = rendering == "sqlite"
    for one in table.metadata.sorted_tables:
        connection.execute(ddl.create_table(one, words, rendering=rendering, foreign_keys=native))
        for index in ddl.sorted_indexes(one):
            connection.execute(ddl.create_index(index, rendering=rendering))
    connection.execute(ddl.drop_index(next(one for one in table.indexes if one.name == "ix_order_a")))


def test_index_text():
    table = full_table()
    assert [ddl.create_index(one) for one in ddl.sorted_indexes(table)] == ['CREATE INDEX ix_order_a ON "order" (a)']
    two = Index("ix_two", table.c.a, table.c.b.desc(), unique=True)
    assert (
        ddl.create_index(two, if_not_exists=True) == 'CREATE UNIQUE INDEX IF NOT EXISTS ix_two ON "order" (a, b DESC)'
    )


def test_sequences():
    sequence = Sequence("ids", start=10)
    table = Table("t", MetaData(), Column("id", Integer, sequence, primary_key=True), Column("n", Numeric(4, 1)))
    assert ddl.create_sequence(sequence) == "CREATE SEQUENCE ids START WITH 10"
    assert "DEFAULT nextval('ids')" in ddl.create_table(table, words, sequences=True)
    assert "DEFAULT" not in ddl.create_table(table, words)
    connection = connect("duckdb")
    connection.execute(ddl.create_sequence(sequence))
    connection.execute(ddl.create_table(table, words, rendering="duckdb", sequences=True))
    connection.execute("insert into t (n) values (1)")
    assert connection.execute("select id from t").fetchall() == [(10,)]


def test_composite_keys():
    made = MetaData()
    Table("p", made, Column("a", Integer), Column("b", Integer), PrimaryKeyConstraint("a", "b", name="pk_p"))
    child = Table(
        "c", made, Column("x", Integer), Column("y", Integer), ForeignKeyConstraint(["x", "y"], ["p.a", "p.b"])
    )
    assert not made.tables["p"].c.a.nullable
    assert "CONSTRAINT pk_p PRIMARY KEY (a, b)" in ddl.create_table(made.tables["p"], words)
    assert "FOREIGN KEY(x, y) REFERENCES p (a, b)" in ddl.create_table(child, words)
    assert str(made.tables["p"].join(child)) == "p JOIN c ON p.a = c.x AND p.b = c.y"
    with pytest.raises(exc.ArgumentError, match="no column named 'z'"):
        Table("d", made, Column("x", Integer), UniqueConstraint("z"))
