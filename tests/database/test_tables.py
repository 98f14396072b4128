"""Creating, dropping, reading and inspecting tables, on both databases."""

from __future__ import annotations

import pytest

from nbsession import exc
from nbsession.database import Inspector
from nbsession.sql.schema import Column, Index, MetaData, Table, UniqueConstraint
from nbsession.sql.types import Integer, String


def test_create_all_twice_and_drop_all_twice(engine, shop):
    shop.metadata.create_all(engine)
    assert Inspector(engine).get_table_names() == ["loan", "tool"]
    shop.metadata.drop_all(engine)
    shop.metadata.drop_all(engine)
    assert Inspector(engine).get_table_names() == []


def test_without_checkfirst_what_exists_is_an_error(engine, shop):
    with pytest.raises(exc.DatabaseError, match="already exists"):
        shop.metadata.create_all(engine, checkfirst=False)


def test_one_table_only_and_in_a_transaction(engine):
    metadata = MetaData()
    one = Table("one", metadata, Column("id", Integer, primary_key=True))
    Table("two", metadata, Column("id", Integer, primary_key=True))
    with engine.connect() as connection:
        metadata.create_all(connection, tables=[one])
        assert Inspector(connection).has_table("one") and not Inspector(connection).has_table("two")
        connection.rollback()
    assert not Inspector(engine).has_table("one")


def test_names_that_differ_in_case_only_are_one_table(engine):
    metadata = MetaData()
    Table("Tool", metadata, Column("id", Integer, primary_key=True))
    metadata.create_all(engine)
    assert Inspector(engine).get_table_names() == ["loan", "tool"]


def test_inspector(engine, shop):
    inspector = Inspector(engine)
    assert [(c["name"], c["primary_key"], c["nullable"]) for c in inspector.get_columns("tool")] == [
        ("id", True, False), ("name", False, True), ("price", False, True),
    ]  # fmt: skip
    assert inspector.get_pk_constraint("tool")["constrained_columns"] == ["id"]
    assert inspector.get_unique_constraints("tool")[0]["column_names"] == ["name"]
    (key,) = inspector.get_foreign_keys("loan")
    assert (key["constrained_columns"], key["referred_table"], key["referred_columns"]) == (["tool_id"], "tool", ["id"])
    with pytest.raises(exc.InvalidRequestError, match="no table named 'zork'"):
        inspector.get_columns("zork")


def test_reflection_follows_foreign_keys_and_names_what_is_missing(engine):
    metadata = MetaData()
    metadata.reflect(engine, only=["loan"])
    assert sorted(metadata.tables) == ["loan", "tool"]
    assert metadata.tables["loan"].c.tool_id.references(metadata.tables["tool"].c.id)
    with pytest.raises(exc.InvalidRequestError, match="zork"):
        metadata.reflect(engine, only=["zork"])


def test_indexes_and_constraints_are_created(engine):
    metadata = MetaData()
    table = Table(
        "t", metadata, Column("id", Integer, primary_key=True), Column("a", String, index=True), Column("b", Integer),
        UniqueConstraint("a", "b"), Index("ix_b", "b", unique=True),
    )  # fmt: skip
    metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(table.insert().values(a="x", b=1))
        with pytest.raises(exc.IntegrityError):
            connection.execute(table.insert().values(a="y", b=1))
