"""Tables read from databases that others made: odd names and types, constraints, views, foreign keys that lead nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from nbsession import (
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    NbsessionWarning,
    NoSuchTableError,
    String,
    Table,
    create_engine,
    exc,
    inspect,
    select,
    text,
)
from nbsession.sql import types

ODD = """
create table "p q" (a integer not null, b varchar(20) default 'x', "class" int, constraint pkk primary key (a, b));
create table kid (id integer primary key, a int, b varchar, up int references kid (id), n numeric(10,2) default (1+2) not null,
  g int generated always as (a + 1), constraint fk1 foreign key (a, b) references "p q", -- a comment, (with a bracket
  constraint uu unique (a, b), check (a > 1), constraint ck check (b <> ')('), unique (n));
create index i1 on kid (a, b);
create unique index i2 on kid (lower(b), a);
create table nopk (x int, y text unique);
create view vv as select id, a from kid;
"""


def run(engine, script):
    with engine.begin() as connection:
        for statement in script.split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


@pytest.fixture
def odd(database_url):
    engine = create_engine(database_url)
    run(engine, ODD)
    yield engine
    engine.dispose()


def test_the_inspector_tells_names_kinds_and_places(odd):
    looking = inspect(odd)
    assert looking.get_table_names() == ["kid", "nopk", "p q"]
    assert looking.get_view_names() == ["vv"]
    assert looking.get_schema_names() == [looking.default_schema_name] == ["main"]
    assert looking.get_temp_table_names() == looking.get_temp_view_names() == looking.get_sequence_names() == []
    assert [looking.has_table(name) for name in ("kid", "KID", "vv", "no")] == [True, True, True, False]
    assert looking.has_index("kid", "i1") and not looking.has_index("kid", "i9")
    assert looking.has_schema("main") and not looking.has_schema("elsewhere")
    assert "select id, a from kid" in looking.get_view_definition("vv").lower()
    assert looking.get_sorted_table_and_fkc_names() == [
        ("nopk", []), ("p q", []), ("kid", [("kid", None)]), (None, []),
    ]  # fmt: skip
    assert list(looking.get_multi_columns(filter_names=["nopk"])) == [(None, "nopk")]


def test_the_inspector_tells_all_of_a_table(odd):
    looking = inspect(odd)
    lite = odd.name == "sqlite"
    columns = {column["name"]: column for column in looking.get_columns("kid")}
    assert list(columns) == ["id", "a", "b", "up", "n", "g"]
    assert columns["n"]["default"].strip("()") == ("1+2" if lite else "1 + 2") and not columns["n"]["nullable"]
    assert columns["g"]["computed"] == {"sqltext": "a + 1", "persisted": False} and columns["g"]["default"] is None
    assert [c["primary_key"] for c in looking.get_columns("p q")] == [1, 2, 0]
    assert looking.get_pk_constraint("p q") == {"constrained_columns": ["a", "b"], "name": "pkk" if lite else None}
    assert looking.get_foreign_keys("kid") == [
        {"name": None, "constrained_columns": ["up"], "referred_schema": None, "referred_table": "kid",
         "referred_columns": ["id"], "options": {}},
        {"name": "fk1" if lite else None, "constrained_columns": ["a", "b"], "referred_schema": None,
         "referred_table": "p q", "referred_columns": ["a", "b"], "options": {}},
    ]  # fmt: skip
    assert looking.get_unique_constraints("kid") == [
        {"name": "uu" if lite else None, "column_names": ["a", "b"]}, {"name": None, "column_names": ["n"]},
    ]  # fmt: skip
    checks = [
        (check["name"], check["sqltext"].strip("()").replace("!=", "<>"))
        for check in looking.get_check_constraints("kid")
    ]
    assert [sqltext.replace(" ", "") for _, sqltext in checks] == ["a>1", "b<>')('"]
    assert [name for name, _ in checks] == ([None, "ck"] if lite else [None, None])
    plain, expression = looking.get_indexes("kid")
    assert (plain["name"], plain["column_names"], plain["unique"]) == ("i1", ["a", "b"], False)
    assert expression["column_names"] == [None, "a"] and expression["expressions"] == ["lower(b)", "a"]
    assert expression["unique"] and "expressions" not in plain


def test_what_is_not_there_is_an_error_that_says_what_is(odd):
    looking = inspect(odd)
    for ask in (looking.get_columns, looking.get_foreign_keys, looking.get_indexes, looking.get_view_definition):
        with pytest.raises(NoSuchTableError, match="zork"):
            ask("zork")
    with pytest.raises(NoSuchTableError, match="It has: kid, nopk, p q"):
        Table("zork", MetaData(), autoload_with=odd)
    with pytest.raises(exc.InvalidRequestError, match=r"not available in Engine\(.*\): \(vv\)"):
        MetaData().reflect(odd, only=["vv"])


def test_reflect_takes_names_or_a_function_views_or_not_and_follows_foreign_keys_or_not(odd):
    def names(**options):
        metadata = MetaData()
        metadata.reflect(odd, **options)
        return sorted(metadata.tables)

    assert names() == ["kid", "nopk", "p q"]
    assert names(views=True) == ["kid", "nopk", "p q", "vv"]
    assert names(only=["kid"]) == ["kid", "p q"]
    assert names(only=["kid"], resolve_fks=False) == ["kid"]
    assert names(only=lambda name, metadata: name != "kid") == ["nopk", "p q"]
    with pytest.raises(TypeError, match="'ony'"):
        names(ony=["kid"])


def test_tables_that_are_there_stay_or_are_extended(odd):
    def columns(**options):
        metadata = MetaData()
        table = Table("nopk", metadata, Column("y", String(3)), Column("z", Integer))
        metadata.reflect(odd, only=["nopk"], **options)
        return {column.name: getattr(column.type, "length", None) for column in table.c}

    assert columns() == {"y": 3, "z": None}
    assert columns(extend_existing=True) == {"y": None, "z": None, "x": None}
    assert columns(extend_existing=True, autoload_replace=False) == {"y": 3, "z": None, "x": None}
    mine = Table("nopk", MetaData(), Column("z", Integer), Column("y", String(3)), autoload_with=odd)
    assert mine.c.keys() == ["x", "y", "z"] and mine.c.y.type.length == 3
    some = Table("kid", MetaData(), autoload_with=odd, include_columns=["id", "up"], resolve_fks=False)
    assert some.c.keys() == ["id", "up"] and not some.indexes
    assert [key.columns[0].name for key in some.foreign_key_constraints] == ["up"]


def test_a_view_is_neither_created_nor_dropped(odd):
    metadata = MetaData()
    metadata.reflect(odd, views=True)
    view = metadata.tables["vv"]
    assert view.is_view and not metadata.tables["kid"].is_view and view.c.keys() == ["id", "a"]
    metadata.create_all(odd)
    with odd.connect() as connection:
        assert connection.execute(select(view)).all() == []
    run(odd, "drop view vv")
    metadata.create_all(odd)
    assert not inspect(odd).has_table("vv")
    metadata.drop_all(odd)
    assert inspect(odd).get_table_names() == []


def test_a_foreign_key_that_leads_nowhere_is_left_out_with_a_warning():
    engine = create_engine("sqlite://")
    run(engine, "create table t (id integer primary key, a int references gone (id), b int references t (none))")
    metadata = MetaData()
    with pytest.warns(NbsessionWarning) as caught:
        metadata.reflect(engine)
    assert sorted(str(one.message).partition(" left out")[0] for one in caught) == [
        "Foreign key of 't' (a) to 'gone' (id)", "Foreign key of 't' (b) to 't' (none)",
    ]  # fmt: skip
    assert metadata.sorted_tables and not metadata.tables["t"].foreign_keys
    engine.dispose()


def test_names_of_tables_and_columns_are_matched_as_the_database_does():
    engine = create_engine("sqlite://")
    run(engine, 'create table "A.b" ("x.y" integer primary key)')
    run(engine, 'create table t (id integer primary key, r references "a.B" ("X.Y"))')
    metadata = MetaData()
    metadata.reflect(engine, only=["t"])
    assert metadata.tables["t"].c.r.references(metadata.tables["A.b"].c["x.y"])
    engine.dispose()


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("", types.NullType), ("UNSIGNED BIG INT", types.Integer), ("NVARCHAR(100)", types.String),
        ("character varying(20)", types.String), ("MONEY", types.Numeric), ("DOUBLE PRECISION", types.Double),
        ("decimal(10,5)", types.Numeric), ("TIMESTAMP", types.DateTime), ("FLOATING", types.Float), ("LONGTEXT", types.Text),
    ],
)  # fmt: skip
def test_sqlite_takes_any_words_for_a_type_and_they_are_written_again(declared, expected):
    engine = create_engine("sqlite://")
    run(engine, f"create table t (id integer primary key, c {declared})")
    metadata = MetaData()
    metadata.reflect(engine)
    column = metadata.tables["t"].c.c
    assert type(column.type) is expected
    metadata.drop_all(engine)
    metadata.create_all(engine)
    with engine.connect() as connection:
        told = connection.exec_driver_sql("select type from pragma_table_info('t') where name = 'c'").scalar()
    assert "".join(told.upper().split()) == "".join(declared.upper().split())
    engine.dispose()


def test_only_an_integer_primary_key_of_a_table_with_rowids_is_numbered_by_sqlite():
    engine = create_engine("sqlite://")
    run(engine, "create table a (id integer primary key);\ncreate table b (id int primary key);\n"
                "create table c (id integer primary key, v) without rowid")  # fmt: skip
    metadata = MetaData()
    metadata.reflect(engine)
    assert {name: table.autoincrement_column is not None for name, table in metadata.tables.items()} == {
        "a": True, "b": False, "c": False,
    }  # fmt: skip
    engine.dispose()


MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=timezone(timedelta(hours=5)))
DUCK_VALUES = [
    ("INTEGER[]", [1, None, 3], [1, None, 3]),
    ("VARCHAR[][]", [["a"], []], [["a"], []]),
    ("INTEGER[3]", (1, 2, 3), (1, 2, 3)),
    ('STRUCT(a INTEGER, "b c" VARCHAR)', {"a": 1, "b c": "x"}, {"a": 1, "b c": "x"}),
    ("STRUCT(x INTEGER)[]", [{"x": 1}, {"x": 2}], [{"x": 1}, {"x": 2}]),
    ("MAP(VARCHAR, INTEGER)", {"k": 1}, {"k": 1}),
    ("ENUM('ok', 'it''s, odd')", "it's, odd", "it's, odd"),
    ("HUGEINT", 10**30, 10**30),
    ("UHUGEINT", 2**128 - 1, 2**128 - 1),
    ("UBIGINT", 2**64 - 1, 2**64 - 1),
    ("UTINYINT", 255, 255),
    ("TIMESTAMP WITH TIME ZONE", MOMENT, MOMENT.astimezone(UTC)),
    ("TIMESTAMP_S", datetime(2024, 1, 2), datetime(2024, 1, 2)),
    ("BIT", "101", "101"),
    ("UNION(x INTEGER, y VARCHAR)", "a", "a"),
    ("FLOAT", 1.5, 1.5),
]


@pytest.mark.parametrize(("declared", "given", "expected"), DUCK_VALUES, ids=[value[0] for value in DUCK_VALUES])
def test_duckdb_s_own_types_are_read_written_and_created_again(declared, given, expected):
    engine = create_engine("duckdb://")
    run(engine, f"create table t (id integer primary key, c {declared})")
    metadata = MetaData()
    metadata.reflect(engine)
    table = metadata.tables["t"]
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"id": 1, "c": given}])
        connection.execute(table.insert(), [{"id": 2, "c": None}, {"id": 3, "c": given}])
        assert connection.execute(select(table.c.c).order_by(table.c.id)).scalars().all() == [expected, None, expected]
    metadata.drop_all(engine)
    metadata.create_all(engine)
    assert inspect(engine).get_columns("t")[1]["type"].key == table.c.c.type.key
    engine.dispose()


def test_maps_with_different_keys_do_not_mix():
    engine = create_engine("duckdb://")
    run(engine, "create table t (id integer primary key, c map(varchar, integer))")
    table = Table("t", MetaData(), autoload_with=engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"id": 1, "c": {"a": 1}}, {"id": 2, "c": {"b": 2, "c": 3}}])
        assert connection.execute(select(table.c.c).order_by(table.c.id)).scalars().all() == [
            {"a": 1},
            {"b": 2, "c": 3},
        ]
    engine.dispose()


def test_a_default_that_draws_from_a_sequence_is_one_again():
    engine = create_engine("duckdb://")
    run(
        engine,
        "create sequence numbers start 5 increment 2;\ncreate table t (id integer primary key default nextval('numbers'))",
    )
    metadata = MetaData()
    metadata.reflect(engine)
    default = metadata.tables["t"].c.id.default
    assert (default.name, default.start, default.increment) == ("numbers", 5, 2)
    other = create_engine("duckdb://")
    metadata.create_all(other)
    assert inspect(other).get_sequence_names() == ["numbers"]
    engine.dispose()
    other.dispose()


def test_the_foreign_keys_of_our_duckdb_files_are_remembered_with_what_they_do():
    engine = create_engine("duckdb://")
    metadata = MetaData()
    Table("parent", metadata, Column("id", Integer, primary_key=True), comment="mine")
    Table("child", metadata, Column("id", Integer, primary_key=True),
          Column("p", ForeignKey("parent.id", ondelete="CASCADE", name="fk_p")))  # fmt: skip
    metadata.create_all(engine)
    (key,) = inspect(engine).get_foreign_keys("child")
    assert (key["name"], key["options"], key["referred_table"]) == ("fk_p", {"ondelete": "CASCADE"}, "parent")
    assert inspect(engine).get_table_comment("child") == {"text": None}
    back = MetaData()
    back.reflect(engine)
    (constraint,) = back.tables["child"].foreign_key_constraints
    assert (constraint.ondelete, constraint.name, back.tables["parent"].comment) == ("CASCADE", "fk_p", "mine")
    engine.dispose()


def test_schemas_of_duckdb_and_attached_files_of_sqlite(odd):
    run(odd, "attach ':memory:' as s2" if odd.name == "sqlite" else "create schema s2")
    with odd.connect() as connection:
        if odd.name == "sqlite":
            connection.exec_driver_sql("attach ':memory:' as s3")
        schema = "s3" if odd.name == "sqlite" else "s2"
        connection.exec_driver_sql(f"create table {schema}.other (id int primary key)")
        reference = "other" if odd.name == "sqlite" else "s2.other"
        connection.exec_driver_sql(
            f"create table {schema}.more (id int primary key, o int references {reference} (id))"
        )
        looking = inspect(connection)
        assert looking.get_table_names(schema) == ["more", "other"] and looking.has_table("other", schema)
        assert not looking.has_table("other") and schema in looking.get_schema_names()
        metadata = MetaData()
        metadata.reflect(connection, schema=schema)
        assert sorted(metadata.tables) == [f"{schema}.more", f"{schema}.other"]
        assert metadata.tables[f"{schema}.more"].c.o.references(metadata.tables[f"{schema}.other"].c.id)
        assert connection.execute(select(metadata.tables[f"{schema}.other"])).all() == []


def test_temporary_tables_are_told_apart(odd):
    with odd.connect() as connection:
        connection.exec_driver_sql("create temp table tt (id integer primary key)")
        connection.exec_driver_sql("create temp view tv as select 1 as one")
        looking = inspect(connection)
        assert (looking.get_temp_table_names(), looking.get_temp_view_names()) == (["tt"], ["tv"])
        assert "tt" not in looking.get_table_names() and "tv" not in looking.get_view_names()
        assert looking.has_table("tt") and looking.get_columns("tt")[0]["name"] == "id"
        metadata = MetaData()
        metadata.reflect(connection)
        assert "tt" not in metadata.tables


def test_computed_columns_are_created_never_written_and_read_back(engine):
    metadata = MetaData()
    table = Table("box", metadata, Column("id", Integer, primary_key=True), Column("w", Integer),
                  Column("area", Integer, Computed("w * w")))  # fmt: skip
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"w": 3}, {"w": 4}])
        assert connection.execute(select(table.c.area).order_by(table.c.w)).scalars().all() == [9, 16]
    back = Table("box", MetaData(), autoload_with=engine)
    assert back.c.area.computed is not None and back.c.area.server_default is back.c.area.computed


def test_an_index_of_some_rows_stays_one():
    engine = create_engine("sqlite://")
    metadata = MetaData()
    table = Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", Integer))
    Index("some", table.c.a, unique=True, sqlite_where=table.c.a > 5)
    metadata.create_all(engine)
    back = MetaData()
    back.reflect(engine)
    (index,) = back.tables["t"].indexes
    assert index.where == "a > 5" and index.unique
    back.drop_all(engine)
    back.create_all(engine)
    with engine.begin() as connection:
        connection.execute(text("insert into t (a) values (1), (1), (6)"))
        with pytest.raises(exc.IntegrityError):
            connection.execute(text("insert into t (a) values (6)"))
    engine.dispose()
