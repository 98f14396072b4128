"""Every statement has the text it had, and the rows that SQLAlchemy gives for the same program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nbsession.sql import compile_statement
from tests.sql import changes, statements
from tests.sql.drivers import RENDERINGS, connect, rows

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


def golden_text(name, rendering):
    entry = GOLDEN[name]
    return entry.get(rendering, entry["sqlite"])


@pytest.fixture(scope="module", params=RENDERINGS)
def library(request):
    connection = connect(request.param, statements.SCRIPT)
    yield request.param, connection
    connection.close()


@pytest.mark.parametrize("name", statements.SELECTS)
def test_select_keeps_its_text_and_gives_the_rows_that_sqlalchemy_gives(library, name):
    rendering, connection = library
    statement = statements.SELECTS[name]()
    compiled = compile_statement(statement, rendering)
    assert compiled.sql == golden_text(name, rendering)
    values = compiled.bind(statement)
    assert list(values) == GOLDEN[name]["values"]
    assert len(compiled.bind_types) == len(values) == compiled.sql.count("?") - compiled.sql.count("'?'")
    found, expected = rows(connection, compiled.sql, values), GOLDEN[name]["rows"]
    if "ORDER BY" not in compiled.sql:
        found, expected = sorted(found, key=str), sorted(expected, key=str)
    assert found == [pytest.approx(row) if any(isinstance(one, float) for one in row) else row for row in expected]


@pytest.mark.parametrize("rendering", RENDERINGS)
@pytest.mark.parametrize("name", changes.CHANGES)
def test_change_keeps_its_text_and_does_what_sqlalchemy_does(rendering, name):
    build, parameters = changes.CHANGES[name]
    golden = GOLDEN["change " + name]
    statement = build()
    compiled = compile_statement(statement, rendering, parameters)
    assert compiled.sql == golden_text("change " + name, rendering)
    connection = connect(rendering, changes.SCRIPT)
    found = rows(connection, compiled.sql, compiled.bind(statement, parameters))
    if compiled.returns_rows:
        assert found == golden["rows"]
    for table, expected in golden["after"].items():
        assert sorted(rows(connection, f"select * from {table}"), key=str) == expected


def test_columns_of_the_result_are_named_as_sqlalchemy_names_them():
    u, b = statements.u, statements.b
    names = {
        q_names: [name for name, _ in compile_statement(statement, "sqlite").columns]
        for q_names, statement in {
            "two ids": statements.q.select(u.c.id, b.c.id),
            "same twice": statements.q.select(u.c.id, u.c.id),
            "functions": statements.q.select(statements.q.func.max(u.c.id), statements.q.func.max(b.c.id)),
            "expressions": statements.q.select(u.c.id + 1, -u.c.id, u.c.id.cast(statements.q.String)),
            "label": statements.q.select((u.c.id + 1).label("more")),
        }.items()
    }
    assert names == {
        "two ids": ["id", "id_1"],
        "same twice": ["id", "id__1"],
        "functions": ["max_1", "max_2"],
        "expressions": ["anon_1", "id", "id_1"],
        "label": ["more"],
    }
