"""Classes made of the tables that a database has: names, keys, relationships, views, and what cannot be mapped."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine as reference_engine
from sqlalchemy.ext.automap import automap_base as reference_base

from nbsession import (
    Column,
    DeclarativeBase,
    Integer,
    InvalidRequestError,
    Mapped,
    MetaData,
    Session,
    Table,
    automap,
    automap_base,
    create_engine,
    inspect,
    mapped_column,
    relationship,
    select,
)

LIBRARY = """
create table author (id integer primary key, name varchar not null);
create table book (id integer primary key, title varchar, author_id int not null references author (id),
  editor_id int references author (id));
create table tag (name varchar primary key);
create table book_tag (book_id int references book (id), tag varchar references tag (name));
create table node (id integer primary key, parent_id int references node (id));
create table edge (source int references node (id), target int references node (id), primary key (source, target));
create table seat (row int, number int, price int, primary key (row, number));
create table ticket (id integer primary key, row int, number int, foreign key (row, number) references seat (row, number));
create table log (moment int, what varchar);
create view titled as select id as number, title from book where title is not null;
create view counted as select author_id, count(*) as books from book group by author_id
"""
ODD = """
create table "order line" (id integer primary key, "first name" varchar, first_name varchar, "class" int, metadata varchar,
  registry int, "2024" int, "self" int, __mapper__ int, _nbs_state int, "ä-ö" int);
create table "2nd" (id integer primary key);
create table "class" (id integer primary key, "2nd" int references "2nd" (id))
"""  # fmt: skip


def run(engine, script):
    with engine.begin() as connection:
        for statement in script.strip().split(";\n"):
            connection.exec_driver_sql(statement)


def base_of(engine, **options):
    base = automap_base()
    base.prepare(autoload_with=engine, **options)
    base.registry.configure()
    return base


@pytest.fixture
def library(engine):
    run(engine, LIBRARY)
    return engine


def relations(cls):
    return {key: one.mapper.class_.__name__ for key, one in cls.__mapper__.declared.items()}


def test_every_table_with_a_key_has_a_class_and_the_others_are_told_with_the_reason(library):
    base = base_of(library)
    assert base.classes.keys() == ["author", "book", "node", "seat", "tag", "ticket"]
    assert base.unmapped == {
        "book_tag": "a link table: book and tag have each other as many",
        "edge": "a link table: node and node have each other as many",
        "log": "no primary key: nothing tells its rows apart",
    }
    assert base.classes["book"] is base.classes.book and "book" in base.classes and len(base.classes) == 6
    assert "log" not in base.classes and base.classes.get("log") is None and "book" in dir(base.classes)
    with pytest.raises(AttributeError):
        _ = base.classes.log


def test_names_are_those_of_sqlalchemy_where_it_has_one(tmp_path):
    script = (
        LIBRARY.replace(",\n  editor_id int references author (id)", "").partition("create table edge")[0].rstrip(";\n")
    )
    path = tmp_path / "library.db"
    engine = create_engine(f"sqlite:///{path}")
    run(engine, script)
    reference = reference_base()
    reference.prepare(autoload_with=reference_engine(f"sqlite:///{path}"))
    base = base_of(engine)
    assert sorted(base.classes.keys()) == sorted(reference.classes.keys())
    for name in base.classes.keys():  # noqa: SIM118  # it is no dictionary
        theirs = reference.classes[name].__mapper__
        ours = base.classes[name].__mapper__
        assert list(ours.columns) == list(theirs.columns.keys())
        assert relations(base.classes[name]) == {one.key: one.mapper.class_.__name__ for one in theirs.relationships}
        for key, declared in ours.declared.items():
            other = theirs.relationships[key]
            assert declared.direction.name == other.direction.name
            assert (declared.cascade.delete_orphan, declared.uselist) == (other.cascade.delete_orphan, other.uselist)
    engine.dispose()


def test_relationships_work_both_ways_through_composite_keys_self_references_and_link_tables(library):
    classes = base_of(library).classes
    with Session(library) as session:
        book = classes.book(title="Emma", author=classes.author(name="Jane"), tag_collection=[classes.tag(name="old")])
        ticket = classes.ticket(seat=classes.seat(row=1, number=2, price=3))
        root = classes.node(node_collection=[classes.node(), classes.node()])
        session.add_all([book, ticket, root])
        session.commit()
        assert (ticket.row, ticket.number) == (1, 2) and ticket.seat.ticket_collection == [ticket]
        assert book.author.book_collection == [book] and book.tag_collection[0].book_collection == [book]
        assert [child.node for child in root.node_collection] == [root, root]
        first, second = root.node_collection
        first.node_collection_by_source.append(second)
        session.commit()
        assert second.node_collection_by_target == [first]


def test_several_foreign_keys_to_one_table_are_told_apart_by_their_columns(library):
    classes = base_of(library).classes
    assert relations(classes.book) == {"author": "author", "author_by_editor_id": "author", "tag_collection": "tag"}
    assert list(relations(classes.author)) == ["book_collection", "book_collection_by_editor_id"]
    with Session(library) as session:
        book = classes.book(author=classes.author(name="a"), author_by_editor_id=classes.author(name="e"))
        session.add(book)
        session.commit()
        assert book.editor_id != book.author_id and book.author_by_editor_id.book_collection_by_editor_id == [book]


def test_children_that_cannot_be_without_a_parent_go_with_it(library, database_url):
    base = base_of(library)
    classes, ours = base.classes, create_engine(database_url)
    base.metadata.create_all(ours)  # DuckDB's own foreign keys would refuse to lose both in one transaction
    with Session(ours) as session:
        author, editor = classes.author(name="a"), classes.author(name="e")
        session.add(classes.book(author=author, author_by_editor_id=editor))
        session.commit()
        session.delete(editor)
        session.commit()
        (book,) = session.scalars(select(classes.book))
        assert book.editor_id is None
        session.delete(author)
        session.commit()
        assert session.scalars(select(classes.book)).all() == []
    ours.dispose()


def test_what_python_cannot_say_has_a_name_that_it_can(engine):
    run(engine, ODD)
    base = base_of(engine)
    assert base.classes.keys() == ["_2nd", "class_", "order_line"]
    assert base.classes["order line"] is base.classes.order_line
    line = base.classes.order_line
    assert list(line.__mapper__.columns) == [
        "id", "first_name_", "first_name", "class_", "metadata_", "registry_", "_2024", "self_", "mapper__", "nbs_state",
        "ä_ö",
    ]  # fmt: skip
    assert relations(base.classes.class_) == {"_2nd_by_2nd": "_2nd"}
    values = {
        key: 7 for key, column in line.__mapper__.columns.items() if isinstance(column.type, Integer) and key != "id"
    }
    with Session(engine) as session:
        session.add(line(first_name_="a", first_name="b", metadata_="c", **values))
        session.commit()
        assert session.execute(select(line.__table__)).one() == (1, "a", "b", 7, "c", 7, 7, 7, 7, 7, 7)
        found = session.scalars(select(line).where(line.class_ == 7, line.first_name_ == "a")).one()
        assert found.ä_ö == 7 and line.metadata is base.metadata


def test_a_view_is_mapped_where_its_key_is_certain_and_can_be_read_only(library):
    base = base_of(library, reflection_options={"views": True})
    titled = base.classes.titled
    assert [column.name for column in titled.__mapper__.primary_key] == ["number"]
    assert base.unmapped["counted"].startswith("a view: which columns tell its rows apart is not certain")
    with Session(library) as session:
        session.add(base.classes.book(title="Emma", author=base.classes.author(name="Jane")))
        session.commit()
        shown = session.scalars(select(titled)).one()
        assert (shown.number, shown.title) == (1, "Emma")
        for attempt in ("change", "delete", "insert"):
            shown = session.scalars(select(titled)).one()
            if attempt == "change":
                shown.title = "x"
            elif attempt == "delete":
                session.delete(shown)
            else:
                session.add(titled(number=2))
            with pytest.raises(
                InvalidRequestError, match="titled is mapped to the view 'titled', which can be read only"
            ):
                session.flush()
            session.rollback()


@pytest.mark.parametrize(
    ("definition", "key"),
    [
        ("select * from book", ["id"]),
        ("select title, id from book b where id > 3 order by title", ["id"]),
        ("select title from book", []),
        ("select id + 1 as id from book", []),
        ("select distinct id from book", []),
        ("select b.id from book b join author a on a.id = b.author_id", []),
        ("select b.id from book b, author a", []),
        ("select id from book union all select id from author", []),
        ("select id from (select id from book) b", []),
        ("select max(id) as id from book group by title", []),
        ("with b as (select 1 as id) select id from b", []),
        ("select what from log", []),
    ],
)
def test_the_key_of_a_view_is_taken_from_one_table_shown_row_by_row(library, definition, key):
    run(library, f"create view v as {definition}")
    view = Table("v", MetaData(), autoload_with=library)
    assert [column.name for column in view.primary_key] == key and view.is_view


def test_a_view_without_a_certain_key_can_be_declared(library):
    base = automap_base()

    class Counted(base):
        __tablename__ = "counted"
        author_id: Mapped[int] = mapped_column(primary_key=True)

    base.prepare(autoload_with=library, reflection_options={"views": True})
    with Session(library) as session:
        session.add(base.classes.book(author=base.classes.author(name="Jane")))
        session.commit()
        assert [(one.author_id, one.books) for one in session.scalars(select(Counted))] == [(1, 1)]


def test_classes_declared_on_the_base_are_completed_by_what_the_database_has(library):
    base = automap_base()

    class Writer(base):
        __tablename__ = "author"
        full_name: Mapped[str] = mapped_column("name")
        book_collection = relationship("book", order_by="book.title", foreign_keys="book.author_id")

        def __str__(self):
            return self.full_name

    assert not hasattr(Writer, "__mapper__")
    base.prepare(autoload_with=library)
    base.registry.configure()
    assert list(Writer.__mapper__.columns) == ["full_name", "id"] and "author" not in base.classes
    assert relations(base.classes.book)["writer"] == "Writer"
    with Session(library) as session:
        writer = Writer(full_name="Jane", book_collection=[base.classes.book(title="b"), base.classes.book(title="a")])
        session.add(writer)
        session.commit()
        assert [book.title for book in writer.book_collection] == ["a", "b"] and str(writer) == "Jane"
        assert writer.book_collection[0].writer is writer


def test_names_and_relationships_can_be_made_by_functions_of_ones_own(library):
    seen = []

    def generate(base, direction, return_fn, attrname, local_cls, referred_cls, **kw):
        seen.append((direction.name, attrname, local_cls.__name__, referred_cls.__name__))
        if attrname == "Node_list":
            return None
        return automap.generate_relationship(base, direction, return_fn, attrname, local_cls, referred_cls, **kw)

    base = automap_base(metadata=MetaData(), name="Model")
    base.prepare(
        autoload_with=library,
        classname_for_table=lambda base, name, table: name.capitalize(),
        name_for_scalar_relationship=lambda base, local, other, constraint: f"one_{other.__name__}",
        name_for_collection_relationship=lambda base, local, other, constraint: f"{other.__name__}_list",
        collection_class=set,
        generate_relationship=generate,
        modulename_for_table=lambda base, name, table: "shop" if name == "seat" else None,
    )
    base.registry.configure()
    assert base.__name__ == "Model" and "Seat" not in base.classes
    assert base.by_module["shop"].Seat.__module__ == "shop"
    assert relations(base.classes.Ticket) == {"one_Seat": "Seat"}
    assert base.classes.Author(name="x").Book_list == set()
    assert ("ONETOMANY", "Book_list", "Author", "Book") in seen
    assert "Node_list" not in relations(base.classes.Node) and "one_Node" in relations(base.classes.Node)


def test_prepare_again_maps_what_is_new(library):
    base = base_of(library, reflection_options={"only": ["author"]})
    assert base.classes.keys() == ["author"]
    author = base.classes.author
    base.prepare(autoload_with=library)
    base.registry.configure()
    assert base.classes.author is author and "book" in base.classes
    assert relations(author)["book_collection"] == "book"
    with pytest.raises(InvalidRequestError, match="needs an engine"):
        base.prepare(reflect=True)


def test_tables_that_are_in_the_metadata_need_no_database():
    metadata = MetaData()
    Table("thing", metadata, Column("id", Integer, primary_key=True))
    base = automap_base(metadata=metadata)
    base.prepare()
    assert base.classes.thing.__table__ is metadata.tables["thing"]


def test_an_existing_base_can_be_built_on(library):
    class Mine(DeclarativeBase):
        def shout(self):
            return type(self).__name__.upper()

    base = automap_base(Mine)
    base.prepare(autoload_with=library)
    assert base.metadata is Mine.metadata and base.classes.tag(name="x").shout() == "TAG"


def test_computed_columns_and_defaults_are_there_after_the_flush(engine):
    run(engine, "create table box (id integer primary key, w int default 5, area int generated always as (w * w))")
    box = base_of(engine).classes.box
    with Session(engine) as session:
        boxes = [box(w=3), box()]
        session.add_all(boxes)
        session.flush()
        assert [(one.w, one.area) for one in boxes] == [(3, 9), (5, 25)]
        boxes[0].w = 4
        session.flush()
        assert boxes[0].area == 16
        session.commit()
        assert [one.area for one in session.scalars(select(box).order_by(box.id))] == [16, 25]


def test_keys_drawn_from_a_sequence_of_the_database_are_used():
    engine = create_engine("duckdb://")
    run(
        engine,
        "create sequence numbers start 100;\ncreate table t (id integer primary key default nextval('numbers'), v int)",
    )
    t = base_of(engine).classes.t
    with Session(engine) as session:
        session.add_all([t(v=1), t(v=2)])
        session.commit()
        assert [one.id for one in session.scalars(select(t).order_by(t.v))] == [100, 101]
    engine.dispose()


def test_files_that_others_made_with_foreign_keys_of_duckdb_s_own(tmp_path):
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(path)) as raw:
        raw.execute("create table p (id integer primary key)")
        raw.execute("create table c (id integer primary key, p_id int references p (id), e enum ('a', 'b'), l int[])")
    engine = create_engine(f"duckdb:///{path}")
    classes = base_of(engine).classes
    with Session(engine) as session:
        session.add(classes.c(p=classes.p(), e="b", l=[1, 2]))
        session.commit()
        (child,) = session.scalars(select(classes.c))
        assert (child.p.c_collection, child.e, child.l) == ([child], "b", [1, 2])
    assert inspect(engine).get_foreign_keys("c")[0]["referred_table"] == "p"
    engine.dispose()
