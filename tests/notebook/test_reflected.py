"""``%session open FILE --reflect``: the tables of an existing file as classes in the notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbsession import Engine, Session, create_engine, exc, notebook
from nbsession.notebook.commands.reflected import url_of
from tests.notebook.conftest import Shell

SHOP = """
create table customer (id integer primary key, name varchar);
create table "order" (id integer primary key, customer_id int references customer (id));
create table "order line" (order_id int references "order" (id), line int, "list" varchar, primary key (order_id, line));
create table tag (name varchar primary key);
create table tagged (customer_id int references customer (id), tag varchar references tag (name));
create table list (id integer primary key);
create table session (id integer primary key);
create table log (said varchar);
create view named as select id, name from customer where name is not null
"""


@pytest.fixture
def shop(file_database_url: str) -> str:
    """The URL of a file with tables."""
    engine = create_engine(file_database_url)
    with engine.begin() as connection:
        for statement in SHOP.strip().split(";\n"):
            connection.exec_driver_sql(statement)
    engine.dispose()
    return file_database_url


def test_the_classes_are_variables_and_one_table_tells_them(shell: Shell, shop: str) -> None:
    text = shell.run(f"%session open {shop} --reflect")
    file = shop.rpartition("/")[2]
    assert text.partition("\nsession ·")[0].splitlines()[:12] == [
        f"mapped 7 of 9 tables and views of {file}",
        "  class                      key             leads to",
        f"  {'─' * 25}  {'─' * 14}  {'─' * 35}",
        "  customer                   id              order_collection → [order], tag_co…",
        "  list                       id",
        "  named                      id              (a view: read only)",
        "  order                      id              customer → customer, order_line_co…",
        '  order_line ("order line")  order_id, line  order → order',
        "  session                    id",
        "  tag                        name            customer_collection → [customer]",
        "not mapped:",
        "  log: no primary key: nothing tells its rows apart",
    ]
    assert "  tagged: a link table: customer and tag have each other as many" in text
    assert "session · " in text  # the dashboard follows


def test_names_that_are_taken_stay_and_it_is_said_how_to_reach_the_class(shell: Shell, shop: str) -> None:
    shell.run("tag = 'mine'")
    text = shell.run(f"%session open {shop} --reflect")
    assert "  list: it would hide Python's own; the class is Base.classes.list" in text
    assert "  session: you have a variable of this name; the class is Base.classes.session" in text
    assert "  tag: you have a variable of this name; the class is Base.classes.tag" in text
    assert shell["tag"] == "mine" and isinstance(shell["session"], Session) and shell.run("list('ab')") != ""
    assert shell["Base"].classes.tag.__name__ == "tag"


def test_a_learner_works_with_the_classes_at_once(shell: Shell, shop: str) -> None:
    shell.run(f"%session open {shop} --reflect")
    shell.run("ada = customer(name='Ada', order_collection=[order()]); session.add(ada)")
    assert "pending → persistent" in shell.run("%session commit")
    assert shell.run("print(session.query(named).one().name, ada.order_collection[0].customer is ada)") == "Ada True"


def test_opening_again_replaces_the_classes_of_the_time_before(shell: Shell, shop: str) -> None:
    shell.run(f"%session open {shop} --reflect")
    first = shell["customer"]
    text = shell.run(f"%session open {shop} --reflect")
    assert "customer: you have" not in text
    assert shell["customer"] is not first and shell["customer"] is shell["Base"].classes.customer
    shell.run("class Base: pass")
    assert "Reflected.classes.list" in shell.run(f"%session open {shop} --reflect")
    assert not hasattr(shell["Base"], "classes") and shell["Reflected"].classes.customer is shell["customer"]


def test_a_file_needs_no_url(shell: Shell, shop: str, tmp_path: Path) -> None:
    path = shop.partition(":///")[2]
    assert url_of(path) == shop and url_of(shop) == shop
    assert "mapped 7 of 9 tables" in shell.run(f"%session open {path} --reflect")
    missing = shell.run(f"%session open {tmp_path / 'none.db'} --reflect")
    assert "ArgumentError" in missing and "no file" in missing and not (tmp_path / "none.db").exists()
    (tmp_path / "note.txt").write_text("this is a text and no database")
    with pytest.raises(exc.ArgumentError, match="neither of SQLite nor of DuckDB"):
        url_of(str(tmp_path / "note.txt"))


def test_the_same_as_a_function(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("create table thing (id integer primary key)")
    found = notebook.reflect(Session(engine))
    assert found.classes.keys() == ["thing"]
    assert repr(found).splitlines()[0] == f"mapped 1 of 1 tables and views of the {engine.name} database in memory"


def test_of_many_tables_the_first_are_shown_and_the_rest_counted(engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(23):
            connection.exec_driver_sql(f"create table t{number:02} (id integer primary key)")
            connection.exec_driver_sql(f"create table u{number:02} (id integer)")
    lines = repr(notebook.reflect(Session(engine))).splitlines()
    assert "  … 3 more: Base.classes" in lines and "  … 3 more: Base.unmapped" in lines
    assert max(map(len, lines)) <= 80
