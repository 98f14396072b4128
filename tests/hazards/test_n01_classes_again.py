"""N1, N15: a class cell is run again, changed or not; by hand, by %run, by %autoreload."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels import Kernel

BASE = "class Base(DeclarativeBase):\n    pass"
A = """class A(Base):
    __tablename__ = "a"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    bs: Mapped[list["B"]] = relationship(back_populates="a")
    def hello(self):
        return "hello"
"""
B = """class B(Base):
    __tablename__ = "b"
    id: Mapped[int] = mapped_column(primary_key=True)
    a_id: Mapped[int | None] = mapped_column(ForeignKey("a.id"))
    a: Mapped["A | None"] = relationship(back_populates="bs")
"""
START = (
    "%load_ext nbsession",
    "from nbsession import *\nfrom nbsession import Column, Integer, Table, func, inspect",
    "%session open sqlite://",
)
INSERT = """Base.metadata.create_all(session.connection())
made.append(A(name='x', bs=[B(), B()]))
session.add(made[-1]); session.flush()"""


@pytest.fixture
def notebook(kernel: Kernel) -> Kernel:
    """A notebook with A and B, their tables, one saved A with a B, one pending, one transient."""
    kernel.anew(*START, BASE)
    kernel.run(A, "cell-a")
    kernel.run(B, "cell-b")
    kernel.run("Base.metadata.create_all(engine)\nask = select(A).order_by(A.id)")
    kernel.run("kept = A(name='kept', bs=[B()]); session.add(kept); session.commit()")
    return kernel


def test_n01_without_the_cure_the_second_run_is_an_error(kernel: Kernel) -> None:
    kernel.anew("from nbsession import *", BASE, A)
    assert "Table 'a' is already defined" in kernel.text(A)


def test_n01_the_same_class_again_keeps_objects_states_and_statements(notebook: Kernel) -> None:
    notebook.run("pending, alone = A(name='p'), A(name='t'); session.add(pending)\nkept.name = 'changed'")
    notebook.run("alone")
    said = notebook.text(A.replace('"hello"', '"hello again"'), "cell-a")
    assert said == "A defined again: its 3 objects went along, with state"
    notebook.run(B, "cell-b")
    notebook.run(BASE)
    assert (
        notebook.value("type(kept) is A, isinstance(alone, A), isinstance(_, A), kept.hello()")
        == "True True True hello again"
    )
    assert notebook.value("pending in session.new, kept in session.dirty, inspect(alone).transient") == "True True True"
    assert notebook.value("kept.name, kept.bs[0].a is kept, type(kept.bs[0]) is B") == "changed True True"
    notebook.run("session.commit()")
    assert notebook.value("[one.name for one in session.scalars(ask)]") == "['changed', 'p']"
    assert notebook.value("session.scalars(ask).all()[0] is kept") == "True"


def test_n01_a_new_column_is_not_loaded_and_can_be_added_to_the_table(notebook: Kernel) -> None:
    said = notebook.text(A.replace("    bs:", "    email: Mapped[str | None]\n    bs:"), "cell-a")
    assert "A has new columns: email, not loaded on it yet" in said
    assert "its table lacks email, and queries of A will fail: %session remap --alter adds it" in said
    assert notebook.value("'email' in vars(kept), repr(kept)").startswith("False A(id=<not loaded>")
    assert "no such column: a.email" in notebook.text("session.scalars(ask).all()")
    notebook.run("session.rollback()")
    assert "column email added" in notebook.text("%session remap --alter")
    notebook.run("kept.email = 'k@x'; session.commit()")
    assert notebook.value("[(one.name, one.email) for one in session.scalars(ask)]") == "[('kept', 'k@x')]"
    assert notebook.text("%session schema").strip() == "classes and tables agree"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (A.replace("name: Mapped[str | None]", "name: Mapped[int | None]"), "name: another type, String → Integer"),
        (A.replace("    name: Mapped[str | None]\n", ""), "name: the column is gone"),
    ],
    ids=["type", "removed"],
)
def test_n01_what_would_lose_something_waits_for_commit_or_rollback(notebook: Kernel, changed: str, why: str) -> None:
    notebook.run("before = A; session.add(A(name='unsaved'))")
    refused = notebook.text(changed, "cell-a")
    assert f"Class 'A' cannot become another one now ({why}): a session holds what is not saved (1 new)" in refused
    assert notebook.value("A is before, kept.name, type(kept) is A") == "True kept True"
    notebook.run("session.rollback()")
    said = notebook.text(changed, "cell-a")
    assert f"A is another class now: {why}" in said
    assert notebook.value("A is before, isinstance(kept, A), inspect(kept).detached") == "False False True"
    assert "DetachedInstanceError" in (touched := notebook.text("kept.name")) and "class redefined in In[" in touched
    assert "is used no longer: class redefined in In[" in notebook.text("session.add(kept)")
    notebook.run("session.rollback(); fresh = session.get(A, 1)")
    assert notebook.value("type(fresh) is A, fresh is kept, type(fresh.bs[0]) is B, fresh.bs[0].a is fresh") == (
        "True False True True"
    )


def test_n01_a_relationship_that_differs_is_linked_anew(notebook: Kernel) -> None:
    notebook.run("kept.bs")
    again = A.replace('back_populates="a"', 'back_populates="a", cascade="all, delete-orphan"')
    assert "Traceback" not in notebook.text(again, "cell-a")
    notebook.run("orphan = kept.bs.pop(); session.commit()")
    assert notebook.value("session.scalars(select(B)).all(), inspect(orphan).detached") == "[] True"


def test_n01_one_name_in_two_cells_is_said(notebook: Kernel) -> None:
    assert "two places" not in notebook.text(A, "cell-a")
    said = notebook.text(A, "cell-of-another-chapter")
    assert "! A is defined in two places, In[9] and In[10]: the one run last counts." in said
    assert notebook.value("type(kept) is A") == "True"


def test_n01_an_association_table_and_its_classes_in_one_cell(kernel: Kernel) -> None:
    kernel.anew(*START, BASE)
    cell = (
        'tagging = Table("tagging", Base.metadata, Column("x_id", ForeignKey("x.id"), primary_key=True),\n'
        '                Column("tag_id", ForeignKey("tag.id"), primary_key=True))\n'
        'class Tag(Base):\n    __tablename__ = "tag"\n    id: Mapped[int] = mapped_column(primary_key=True)\n'
        'class X(Base):\n    __tablename__ = "x"\n    id: Mapped[int] = mapped_column(primary_key=True)\n'
        '    tags: Mapped[list[Tag]] = relationship(secondary=tagging, backref="xs")\n'
    )
    kernel.run(cell)
    kernel.run("Base.metadata.create_all(engine); x = X(tags=[Tag()]); session.add(x); session.commit()")
    assert "Traceback" not in kernel.text(cell)
    assert kernel.value("x.tags[0].xs == [x], type(x.tags[0]) is Tag") == "True True"
    assert "already defined" in kernel.text(
        'Table("tagging", Base.metadata, Column("other", Integer, primary_key=True))'
    )


def test_n01_inheritance_and_super_hold(kernel: Kernel) -> None:
    item = (
        'class Item(Base):\n    __tablename__ = "item"\n    id: Mapped[int] = mapped_column(primary_key=True)\n'
        '    kind: Mapped[str]\n    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}\n'
        "    def name(self):\n        return 'item'\n"
    )
    book = (
        'class Book(Item):\n    __tablename__ = "book"\n'
        '    id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)\n    pages: Mapped[int | None]\n'
        '    __mapper_args__ = {"polymorphic_identity": "book"}\n'
        "    def name(self):\n        return 'book, ' + super().name()\n"
    )
    film = (
        'class Film(Item):\n    minutes: Mapped[int | None]\n    __mapper_args__ = {"polymorphic_identity": "film"}\n'
    )
    kernel.anew(*START, BASE, item, book, film, "Base.metadata.create_all(engine)")
    kernel.run("both = [Book(pages=3), Film(minutes=9)]; session.add_all(both); session.commit()")
    for cell in (item.replace("'item'\n", "'an item'\n"), film, book, film, item.replace("'item'\n", "'an item'\n")):
        assert "Traceback" not in (said := kernel.text(cell)), said
    assert kernel.value("both[0].name(), isinstance(both[0], Item), [one.kind for one in both]") == (
        "book, an item True ['book', 'film']"
    )
    kernel.run("session.add_all([Book(pages=4), Film(minutes=8)]); session.commit()")
    assert kernel.value("[type(one).__name__ for one in session.scalars(select(Item).order_by(Item.id))]") == (
        "['Book', 'Film', 'Book', 'Film']"
    )


# ── every order ──────────────────────────────────────────────────────────────────────────────────────────────────────
CELLS = {"Base": BASE, "A": A, "B": B, "insert": INSERT}
REPORT = (
    "print(sorted((type(a) is A, a.name, inspect(a).persistent, [(type(b) is B, b.a is a) for b in a.bs]) for a in made),"
    " len(session.new), len(session.dirty), session.scalar(select(func.count()).select_from(A)),"
    " session.scalar(select(func.count()).select_from(B)), len(session.identity_map), sorted(Base.metadata.tables))"
)


def orders(count: int) -> Iterator[list[str]]:
    """Orders in which each cell runs one to three times, each first after those it needs."""
    chance = random.Random(1)
    needs = {"Base": set[str](), "A": {"Base"}, "B": {"Base"}, "insert": {"A", "B"}}
    while count:
        cells = [name for name in CELLS for _ in range(chance.randint(1, 3))]
        chance.shuffle(cells)
        if all(needs[name] <= set(cells[:place]) for place, name in enumerate(cells)):
            count -= 1
            yield cells


def test_n01_every_order_of_cells_ends_as_a_clean_run_does(kernel: Kernel) -> None:
    clean: dict[int, str] = {}
    for order in (*(["Base", "A", "B", *["insert"] * times] for times in (1, 2, 3)), *orders(20)):
        kernel.anew(*START, "made = []")
        for name in order:
            said = kernel.text(CELLS[name], name)
            assert "Traceback" not in said, (order, said)
        ended = kernel.text(REPORT)
        assert ended == clean.setdefault(order.count("insert"), ended), order
        assert "[(True, 'x', True, [(True, True), (True, True)])" in ended


# ── N15 ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
HEAD = "from nbsession import *\n"


def test_n15_run_of_a_model_file(kernel: Kernel, tmp_path: Path) -> None:
    file = tmp_path / "shop_models.py"
    file.write_text(f"{HEAD}{BASE}\n\n{A}\n{B}")
    kernel.anew("%load_ext nbsession", f"%run {file}", "%session open sqlite://", "Base.metadata.create_all(engine)")
    kernel.run("kept = A(name='kept', bs=[B()]); session.add(kept); session.flush()")
    file.write_text(f"{HEAD}{BASE}\n\n{A.replace(chr(34) + 'hello' + chr(34), chr(34) + 'edited' + chr(34))}\n{B}")
    said = kernel.text(f"%run {file}")
    assert "A defined again: its 1 object went along" in said and "two places" not in said
    assert (
        kernel.value("type(kept) is A, kept.hello(), kept in session, kept.bs[0].a is kept") == "True edited True True"
    )


def test_n15_autoreload_of_a_model_module(kernel: Kernel, tmp_path: Path) -> None:
    file = tmp_path / "club_models.py"
    file.write_text(f"{HEAD}{BASE}\n\n{A}\n{B}")
    kernel.anew(
        "%load_ext nbsession",
        "%load_ext autoreload",
        "%autoreload 2",
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})",
    )
    kernel.run("sys.dont_write_bytecode = True\nfrom club_models import *\nfrom club_models import Base")
    kernel.run("%session open sqlite://")
    kernel.run("Base.metadata.create_all(engine); kept = A(name='kept', bs=[B()]); session.add(kept); session.flush()")
    edited = A.replace('"hello"', '"edited, and longer"').replace("    bs:", "    email: Mapped[str | None]\n    bs:")
    file.write_text(f"{HEAD}{BASE}\n\n{edited}\n{B}")
    said = kernel.text("print(kept.hello(), type(kept) is A, kept in session, kept.bs[0].a is kept)")
    assert "edited, and longer True True True" in said and "A has new columns: email" in said
    kernel.run("%autoreload 0")
