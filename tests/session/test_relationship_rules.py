"""Options of relationships that forbid or allow something: types, single parents, back references, looking only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    FlushError,
    ForeignKey,
    Mapped,
    Session,
    exc,
    inspect,
    mapped_column,
    relationship,
)


def model(children: dict[str, Any], parent: dict[str, Any] | None = None, legacy: bool = False) -> SimpleNamespace:
    """Parent 1-* Child with these options; Child.parent only if it has options."""

    class Base(DeclarativeBase):
        pass

    class Child(Base):
        __tablename__ = "child"
        if legacy:
            __mapper_args__ = {"legacy_is_orphan": True}
        id: Mapped[int] = mapped_column(primary_key=True)
        parent_id: Mapped[int | None] = mapped_column(ForeignKey("parent.id"))
        page_id: Mapped[int | None] = mapped_column(ForeignKey("page.id"))

    class Special(Child):
        pass

    class Parent(Base):
        __tablename__ = "parent"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Page(Base):
        __tablename__ = "page"
        id: Mapped[int] = mapped_column(primary_key=True)
        children = relationship("Child", cascade="all, delete-orphan" if legacy else "save-update, merge")

    Parent.children = relationship(Child, **children, **({"back_populates": "parent"} if parent is not None else {}))
    if parent is not None:
        Child.parent = relationship(Parent, back_populates="children", **parent)
    return SimpleNamespace(metadata=Base.metadata, Child=Child, Parent=Parent, Page=Page, Special=Special)


def opened(engine: Engine, m: SimpleNamespace) -> Session:
    m.metadata.create_all(engine)
    return Session(engine, autoflush=False)


def test_a_wrong_class_without_another_side_is_refused_by_the_cascade_or_by_the_flush(engine: Engine) -> None:
    """Lines 18.7, 18.8: as measured on 2.1, the collection itself takes it."""
    m = model({})
    with opened(engine, m) as session:
        parent = m.Parent(id=1, children=[m.Page(id=1)])
        with pytest.raises(
            AssertionError, match=r"Attribute 'children' on class .* doesn't handle objects of type .*Page"
        ):
            session.add(parent)
        session.expunge_all()
    m = model({"cascade": "none"})
    with opened(engine, m) as session:
        page = m.Page(id=1)
        session.add_all([page, m.Parent(id=1, children=[page])])
        with pytest.raises(FlushError, match=r"Attempting to flush an item of type .*Page.* as a member of collection"):
            session.flush()


def test_a_wrong_class_is_refused_at_once_where_it_would_have_to_know_its_parent() -> None:
    """Line 18.8: 2.1 raises a bare KeyError here."""
    m = model({}, {})
    parent, page = m.Parent(), m.Page()
    with pytest.raises(AssertionError, match="doesn't handle objects of type 'Page'"):
        parent.children.append(page)
    assert parent.children == []


@pytest.mark.parametrize("checked", [True, False])
def test_enable_typechecks_is_about_subclasses_that_are_not_polymorphic(engine: Engine, checked: bool) -> None:
    """Line 18.7"""
    m = model({"enable_typechecks": checked})
    with opened(engine, m) as session:
        session.add(m.Parent(id=1, children=[m.Special(id=1)]))
        if checked:
            with pytest.raises(FlushError, match=r"Special is a subclass of Child: .* enable_typechecks=False"):
                session.flush()
        else:
            session.flush()


def test_single_parent_refuses_a_second_one() -> None:
    """Line 18.5: and allows the handing over in two steps."""
    m = model({}, {"single_parent": True, "cascade": "all, delete-orphan"})
    parent, one, two = m.Parent(), m.Child(), m.Child()
    one.parent = parent
    with pytest.raises(exc.InvalidRequestError, match=r"is already associated with an instance of .* single parent"):
        two.parent = parent
    assert two.parent is None and one.parent is parent
    one.parent = None
    two.parent = parent
    assert two.parent is parent


def test_a_child_given_a_parent_enters_its_session_only_under_cascade_backrefs(engine: Engine) -> None:
    """Line 13.10"""
    for option in (False, True):
        m = model({"cascade_backrefs": option}, {})
        with opened(engine, m) as session:
            parent, child = m.Parent(), m.Child()
            session.add(parent)
            child.parent = parent
            assert (child in session) is option


def test_what_is_only_looked_at_is_neither_noted_nor_kept_in_step(engine: Engine) -> None:
    """Line 18.7: a change of a viewonly collection stays in memory."""
    m = model({"viewonly": True}, {})
    with opened(engine, m) as session:
        parent = m.Parent(id=1)
        session.add(parent)
        session.commit()
        child = m.Child(id=1)
        parent.children.append(child)
        assert child.parent is None and child not in session
        assert parent not in session.dirty and not session.is_modified(parent)
        history = inspect(parent).attrs.children.history
        assert (list(history.added), history.unchanged, list(history.deleted)) == ([], [child], [])
        session.commit()
        assert parent.children == []


def test_viewonly_and_sync_backref_exclude_each_other() -> None:
    with pytest.raises(exc.ArgumentError, match="sync_backref and viewonly cannot both be True"):
        relationship("X", viewonly=True, sync_backref=True)
    m = model({"viewonly": True}, {"sync_backref": True})
    with pytest.raises(
        exc.InvalidRequestError, match=r"cannot specify sync_backref=True since .* includes viewonly=True"
    ):
        m.Parent()
    m = model({}, {"sync_backref": False})
    parent, child = m.Parent(), m.Child()
    child.parent = parent
    assert parent.children == []


@pytest.mark.parametrize("legacy", [False, True])
def test_a_pending_child_of_two_parents_leaves_with_the_first_or_under_legacy_with_the_last(
    engine: Engine, legacy: bool
) -> None:
    """Line 18.4"""
    m = model({"cascade": "all, delete-orphan"}, legacy=legacy)
    with opened(engine, m) as session:
        child = m.Child()
        parent, page = m.Parent(children=[child]), m.Page(children=[child])
        session.add_all([parent, page])
        parent.children.remove(child)
        assert (child in session) is legacy
        page.children.remove(child)
        assert (child in session) is False
