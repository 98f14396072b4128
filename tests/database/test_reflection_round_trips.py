"""Schemas at random: created by us, read back, they say the same; and a database created from what was read says it again."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from nbsession import (
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    create_engine,
    text,
)
from nbsession.sql import types
from nbsession.sql.ddl import create_index, sorted_indexes

NAMES = st.sampled_from(
    [
        "id",
        "name",
        "first name",
        "class",
        "select",
        "2024",
        "metadata",
        "a.b",
        'quo"te',
        "Größe",
        "A",
        "self",
        "%",
        ":p",
    ]
)
TYPES = st.sampled_from(
    [
        types.Integer(), types.BigInteger(), types.SmallInteger(), types.String(), types.Double(), types.Boolean(), types.Date(),
        types.DateTime(), types.Time(), types.Interval(), types.LargeBinary(), types.JSON(), types.Uuid(), types.Numeric(12, 3),
    ]
)  # fmt: skip
DEFAULTS = st.sampled_from([None, None, None, text("7"), text("-7"), text("NULL")])


@st.composite
def schemas(draw):
    """Up to four tables with odd names, composite keys, constraints, indexes and foreign keys, to themselves and others."""
    metadata = MetaData()
    made = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.lower)):
        names = draw(st.lists(NAMES, min_size=1, max_size=6, unique_by=str.lower))
        keys = draw(st.integers(0, min(2, len(names))))
        columns = []
        for number, column in enumerate(names):
            numeric = number < keys or draw(st.booleans())
            type_ = types.Integer() if numeric else draw(TYPES)
            columns.append(
                Column(
                    column,
                    type_,
                    primary_key=number < keys,
                    nullable=False if number < keys else draw(st.booleans()),
                    server_default=draw(DEFAULTS) if numeric and number >= keys else None,
                )
            )
        table = Table(name, metadata, *columns)
        whole = [column for column in columns if isinstance(column.type, types.Integer)]
        if draw(st.booleans()):
            table.append_column(Column("made", types.Integer(), Computed("1 + 2")))
        if whole and draw(st.booleans()):
            table.append_constraint(CheckConstraint(whole[0] > 0))
        if len(whole) > 1 and draw(st.booleans()):
            table.append_constraint(UniqueConstraint(whole[-1], whole[0]))
        if whole and draw(st.booleans()):
            Index(f"ix_{len(made)}", *whole[:2], unique=draw(st.booleans()))
        for parent in draw(st.lists(st.sampled_from([*made, table]), max_size=2, unique_by=id)):
            key = list(parent.primary_key)
            if key and len(whole) >= len(key) and (parent is not table or len(whole) > len(key)):
                actions = st.sampled_from([None, "CASCADE", "SET NULL"])
                own = whole[-len(key) :]
                table.append_constraint(ForeignKeyConstraint(own, key, ondelete=draw(actions), onupdate=draw(actions)))
        made.append(table)
    return metadata


def told(metadata, dialect):
    """What a database is told of all tables, in words that do not depend on the order of reading."""
    lines = {}
    for name, table in metadata.tables.items():
        # DuckDB writes checks in its own way: what they say is compared without brackets, blanks and quotation marks
        created = dialect.create_table_text(table).replace("!=", "<>").upper().split(",\n\t")
        lines[name] = sorted(line.translate(str.maketrans("", "", ' ()"\n\t')) for line in created)
        lines[name] += [create_index(index, rendering=dialect.name) for index in sorted_indexes(table)]
        lines[name] += sorted(foreign_key(constraint) for constraint in table.foreign_key_constraints)
    return lines


def foreign_key(constraint):
    own = [column.name for column in constraint.columns]
    other = [(key.column.table.name, key.column.name) for key in constraint.elements]
    return f"{own} {other} {constraint.ondelete} {constraint.onupdate}"


@given(schemas())
@settings(derandomize=True, max_examples=40)
def test_what_we_create_is_read_back_the_same(database_url, schema):
    first, second = create_engine(database_url), create_engine(database_url)
    schema.create_all(first)
    back = MetaData()
    back.reflect(first)
    assert told(back, first.dialect) == told(schema, first.dialect)
    back.create_all(second)
    again = MetaData()
    again.reflect(second)
    assert told(again, first.dialect) == told(back, first.dialect)
    first.dispose()
    second.dispose()
