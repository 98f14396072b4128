"""Relationships in memory: whatever is done to one side shows on the other, at once and without SQL."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    DetachedInstanceError,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    backref,
    class_mapper,
    exc,
    inspect,
    mapped_column,
    object_session,
    relation,
    relationship,
    select,
    validates,
)
from tests.session.models import Base, Loan, Member, Node, Shelf, Tool
from tests.support import expect_statements


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


@pytest.fixture(autouse=True)
def configured() -> None:
    """The relationships are resolved, as after any first use; what a first use does has tests of its own."""
    class_mapper(Member)


def in_step(*shelves: Shelf) -> None:
    """Each tool is in the list of its shelf, once, and in no other."""
    for shelf in shelves:
        assert len({id(t) for t in shelf.tools}) == len(shelf.tools)
        assert all(tool.shelf is shelf for tool in shelf.tools)


A, B, C, D, E = (f"tool {c}" for c in "abcde")
Deed = Callable[[list[Any], list[Tool]], Any]
LIST_METHODS: dict[str, tuple[Deed, str]] = {
    # what is done to [a, b, c] with spare d, e; and what is there afterwards
    "append": (lambda tools, spare: tools.append(spare[0]), "abcd"),
    "insert": (lambda tools, spare: tools.insert(1, spare[0]), "adbc"),
    "insert far out": (lambda tools, spare: tools.insert(-99, spare[0]), "dabc"),
    "extend": (lambda tools, spare: tools.extend(spare), "abcde"),
    "extend with an iterator": (lambda tools, spare: tools.extend(iter(spare)), "abcde"),
    "+=": (lambda tools, spare: tools.__iadd__(spare), "abcde"),
    "remove": (lambda tools, spare: tools.remove(tools[1]), "ac"),
    "pop": (lambda tools, spare: tools.pop(), "ab"),
    "pop at an index": (lambda tools, spare: tools.pop(0), "bc"),
    "pop from behind": (lambda tools, spare: tools.pop(-2), "ac"),
    "clear": (lambda tools, spare: tools.clear(), ""),
    "del index": (lambda tools, spare: tools.__delitem__(0), "bc"),
    "del slice": (lambda tools, spare: tools.__delitem__(slice(0, 2)), "c"),
    "set index": (lambda tools, spare: tools.__setitem__(1, spare[0]), "adc"),
    "set slice": (lambda tools, spare: tools.__setitem__(slice(0, 2), spare), "dec"),
    "set slice keeping one": (lambda tools, spare: tools.__setitem__(slice(0, 2), [tools[1], spare[0]]), "bdc"),
    "set every second": (lambda tools, spare: tools.__setitem__(slice(None, None, 2), spare), "dbe"),
    "set nothing": (lambda tools, spare: tools.__setitem__(slice(1, 1), spare), "adebc"),
    "reverse": (lambda tools, spare: tools.reverse(), "cba"),
    "sort": (lambda tools, spare: tools.sort(key=lambda t: t.name, reverse=True), "cba"),
    "set itself": (lambda tools, spare: tools.__setitem__(0, tools[0]), "abc"),
}


@pytest.mark.parametrize("persistent", [False, True], ids=["new", "loaded"])
@pytest.mark.parametrize("method", LIST_METHODS)
def test_every_list_method_keeps_both_sides_in_step(session: Session, method: str, persistent: bool) -> None:
    tools = {c: Tool(name=c) for c in "abcde"}
    shelf = Shelf(label="s", tools=[tools[c] for c in "abc"])
    if persistent:
        session.add_all([shelf, *tools.values()])
        session.commit()
        assert [t.name for t in shelf.tools] == ["a", "b", "c"]
        for tool in tools.values():
            tool.shelf
    deed, after = LIST_METHODS[method]
    with expect_statements(session, 0):
        deed(shelf.tools, [tools["d"], tools["e"]])
    assert "".join(t.name for t in shelf.tools) == after
    in_step(shelf)
    assert {c for c, t in tools.items() if t.shelf is shelf} == set(after)
    if persistent:
        session.flush()
        rows = session.connection().exec_driver_sql("SELECT name, shelf_id FROM tool ORDER BY name").all()
        assert [tuple(row) for row in rows] == [(c, shelf.id if c in after else None) for c in "abcde"]


def test_multiplying_a_collection_is_refused() -> None:
    shelf = Shelf(tools=[Tool(name="a")])
    with pytest.raises(TypeError, match="cannot be repeated"):
        shelf.tools *= 2


def test_removing_a_stranger_raises_and_changes_nothing(session: Session) -> None:
    """Line 22.15: a failed remove() leaves nothing queued on the other side."""
    shelf, other, tool = Shelf(), Shelf(), Tool()
    other.tools.append(tool)
    session.add_all([shelf, other])
    session.commit()
    shelf.tools, other.tools
    with pytest.raises(ValueError):
        shelf.tools.remove(tool)
    assert tool.shelf is other
    session.commit()
    assert tool.shelf is other and other.tools == [tool]


def test_setting_the_one_side_moves_it_between_lists() -> None:
    """Line 18.10: both sides change at once."""
    one, two, tool = Shelf(), Shelf(), Tool()
    tool.shelf = one
    assert one.tools == [tool] and two.tools == []
    tool.shelf = two
    assert one.tools == [] and two.tools == [tool]
    tool.shelf = None
    assert two.tools == []


def test_appending_moves_it_from_the_other_list() -> None:
    """Line 18.10: appending moves it from the other list."""
    one, two, tool = Shelf(), Shelf(), Tool()
    one.tools.append(tool)
    two.tools.append(tool)
    assert tool.shelf is two and one.tools == []


def test_deleting_an_attribute_is_setting_it_to_nothing(session: Session) -> None:
    """Line 22.2: deleting an attribute is setting it to nothing."""
    tool = Tool(name="a", shelf=Shelf())
    session.add(tool)
    session.commit()
    shelf = tool.shelf
    del tool.shelf, tool.name
    assert tool.shelf is None and tool.name is None and shelf.tools == []
    session.commit()
    assert (tool.name, tool.shelf_id) == (None, None)
    shelf.tools = [tool]
    del shelf.tools
    assert shelf.tools == [] and tool.shelf is None


def test_deleting_an_attribute_that_a_new_object_does_not_have() -> None:
    with pytest.raises(AttributeError, match="has no value for 'name' to delete"):
        del Tool().name


def test_assigning_a_list_tells_only_the_difference() -> None:
    """Line 18.11: assigning a list tells only the difference."""
    seen: list[tuple[str, str]] = []

    class Bs(DeclarativeBase):
        pass

    class Parent(Bs):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        children: Mapped[list[Child]] = relationship(back_populates="parent")

        @validates("children")
        def new_member(self, key: str, child: Child) -> Child:
            seen.append((key, child.name))
            return child

    class Child(Bs):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        p_id: Mapped[int | None] = mapped_column(ForeignKey("p.id"))
        parent: Mapped[Parent | None] = relationship(back_populates="children")

    globals().update(Parent=Parent, Child=Child)
    class_mapper(Parent)
    a, b, c = (Child(name=n) for n in "abc")
    parent = Parent(children=[a, b])
    assert seen == [("children", "a"), ("children", "b")]
    seen.clear()
    parent.children = [b, c]
    assert seen == [("children", "c")]
    assert a.parent is None and b.parent is parent and c.parent is parent
    del globals()["Parent"], globals()["Child"]


@pytest.mark.parametrize("value", [None, 3, Tool()], ids=["None", "a number", "one object"])
def test_assigning_what_is_no_list_is_refused(value: Any) -> None:
    shelf = Shelf(tools=[Tool()])
    with pytest.raises(TypeError, match="Incompatible collection type"):
        shelf.tools = value
    assert len(shelf.tools) == 1


@pytest.mark.parametrize("stranger", [Member(), "a string"], ids=["another class", "a string"])
def test_members_of_another_class_are_refused_and_nothing_changes(stranger: Any) -> None:
    """Line 18.8: members of another class are refused and nothing changes."""
    shelf = Shelf(tools=[Tool()])
    with pytest.raises((AssertionError, exc.UnmappedInstanceError)):
        shelf.tools.append(stranger)
    with pytest.raises((AssertionError, exc.UnmappedInstanceError)):
        shelf.tools = [Tool(), stranger]
    assert len(shelf.tools) == 1


def test_a_reference_to_another_class_is_refused() -> None:
    tool = Tool(shelf=Shelf())
    with pytest.raises(
        AssertionError, match="Attribute 'shelf' on class 'Tool' doesn't handle objects of type 'Member'"
    ):
        tool.shelf = Member()
    assert isinstance(tool.shelf, Shelf)


def test_a_list_that_was_replaced_is_an_ordinary_list() -> None:
    shelf, tool = Shelf(tools=[Tool()]), Tool()
    before = shelf.tools
    shelf.tools = []
    before.append(tool)
    assert tool.shelf is None and shelf.tools == []


def test_a_change_on_an_unloaded_list_is_queued_and_joined_at_the_load(session: Session) -> None:
    """Line 18.10: a change on an unloaded list is queued and joined at the load."""
    one, two = Shelf(label="1"), Shelf(label="2")
    a, b = Tool(name="a", shelf=one), Tool(name="b", shelf=one)
    session.add_all([a, b, two])
    session.commit()
    assert a.shelf is one and one.label
    new = Tool(name="n")
    with expect_statements(session, 0):
        a.shelf = two
        new.shelf = one
        assert "tools" not in vars(one) and "tools" not in vars(two)
        history = inspect(one).attrs.tools.history
        assert history.added == [new] and history.deleted == [a]
    with session.no_autoflush:
        assert one.tools == [b, new]


# ── self-referential ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_tree_keeps_both_sides_in_step() -> None:
    root, leaf = Node(name="root"), Node(name="leaf")
    leaf.parent = root
    assert root.children == [leaf] and root.parent is None and leaf.children == []
    branch = Node(name="branch", parent=root, children=[leaf])
    assert root.children == [branch] and leaf.parent is branch


def test_directions_of_a_self_referential_pair() -> None:
    by_key = {r.key: (r.direction.value, r.uselist, r.pairs) for r in class_mapper(Node).relationships}
    assert by_key == {
        "children": ("one-to-many", True, (("id", "parent_id"),)),
        "parent": ("many-to-one", False, (("parent_id", "id"),)),
    }


# ── the first use of a model ─────────────────────────────────────────────────────────────────────────────────────────


def test_first_use_in_a_constructor() -> None:
    parent_class, child_class = with_backref(backref="parent")
    child = child_class()
    parent = parent_class(children=[child])
    assert child.parent is parent


def test_first_use_by_reading() -> None:
    parent_class, child_class = with_backref(backref="parent")
    parent, child = parent_class(), child_class()
    parent.children.append(child)
    assert child.parent is parent


def test_first_use_by_assigning() -> None:
    parent_class, child_class = with_backref(backref="parent")
    parent, child = parent_class(), child_class()
    child.parent = parent
    assert parent.children == [child]


def test_first_use_in_an_expression() -> None:
    parent_class, _ = with_backref(backref="parent")
    assert "JOIN" in str(select(parent_class).join(parent_class.children))


# ── backref ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def with_backref(**options: Any) -> tuple[type, type]:
    class Bs(DeclarativeBase):
        pass

    class Parent(Bs):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        children = relationship("Child", **options)

    class Child(Bs):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        p_id: Mapped[int | None] = mapped_column(ForeignKey("p.id"))

    return Parent, Child


def test_backref_makes_the_other_side() -> None:
    parent_class, child_class = with_backref(backref="parent")
    class_mapper(parent_class)
    child = child_class()
    parent = parent_class(children=[child])
    assert child.parent is parent
    other = child_class(parent=parent)
    assert parent.children == [child, other]


def test_backref_with_options() -> None:
    parent_class, child_class = with_backref(backref=backref("parent", cascade="all"))
    relationships = {r.key: r for r in class_mapper(child_class).relationships}
    assert relationships["parent"].cascade.delete
    assert relationships["parent"].reverse is parent_class.children


def test_backref_reaches_a_constructor_that_was_generated_before() -> None:
    parent_class, child_class = with_backref(backref="parent")
    parent = parent_class()
    class_mapper(parent_class)
    assert child_class(parent=parent).parent is parent
    with pytest.raises(TypeError, match="'perent' is an invalid"):
        child_class(perent=parent)


def test_backref_on_a_tree() -> None:
    class Bs(DeclarativeBase):
        pass

    class Part(Bs):
        __tablename__ = "part"
        id: Mapped[int] = mapped_column(primary_key=True)
        whole_id: Mapped[int | None] = mapped_column(ForeignKey("part.id"))
        parts = relation("Part", backref="whole")

    whole, part = Part(), Part()
    class_mapper(Part)
    part.whole = whole
    assert whole.parts == [part]


def test_without_a_back_reference_the_other_side_does_not_know() -> None:
    parent_class, child_class = with_backref()
    class_mapper(parent_class)
    parent = parent_class(children=[child_class()])
    (only,) = class_mapper(parent_class).relationships
    assert only.reverse is None and parent.children[0].p_id is None


# ── cascade on events ────────────────────────────────────────────────────────────────────────────────────────────────
def test_appending_to_an_object_in_a_session_brings_the_child_in(session: Session) -> None:
    """Line 13.10: appending to an object in a session brings the child in."""
    shelf = Shelf()
    session.add(shelf)
    tool = Tool()
    shelf.tools.append(tool)
    assert tool in session.new


def test_the_back_reference_alone_does_not_bring_the_parents_new_child_in(session: Session) -> None:
    """Line 13.10: modern default: ``a.user = u`` with u in a session does not save a."""
    shelf, tool = Shelf(), Tool()
    session.add(shelf)
    tool.shelf = shelf
    assert object_session(tool) is None and tool in shelf.tools


def test_an_object_of_another_session_is_not_pulled_over(session: Session) -> None:
    """Line 13.7: an object of another session is not pulled over."""
    tool = Tool()
    with Session(session.bind) as other:
        other.add(tool)
        shelf = Shelf()
        session.add(shelf)
        with pytest.raises(exc.InvalidRequestError, match="is already attached to session"):
            shelf.tools.append(tool)
        other.expunge(tool)


def test_a_pending_child_that_loses_its_only_parent_leaves(session: Session) -> None:
    """Line 18.2: with delete-orphan; without it the child stays."""
    member, loan, shelf, tool = Member(name="Ada"), Loan(), Shelf(), Tool()
    member.loans.append(loan)
    shelf.tools.append(tool)
    session.add_all([member, shelf])
    member.loans.remove(loan)
    shelf.tools.remove(tool)
    assert inspect(loan).transient and inspect(tool).pending


def test_a_pending_child_that_moves_leaves_the_session_with_its_old_parent(session: Session) -> None:
    """Line 18.2: it is to be added again, as in 2.1."""
    one, two, loan = Member(name="1"), Member(name="2"), Loan()
    one.loans.append(loan)
    session.add_all([one, two])
    two.loans.append(loan)
    assert inspect(loan).transient and loan.member is two and one.loans == [] and two.loans == [loan]
    session.add(loan)
    session.flush()
    assert inspect(loan).persistent and loan.member_id == two.id


# ── looking, copying ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_repr_never_loads_and_tells_what_is_not_loaded(session: Session) -> None:
    session.add(Member(name="Ada", age=36))
    session.commit()
    member = session.query(Member).one()
    session.expire(member, ["age"])
    with expect_statements(session, 0):
        assert repr(member) == f"Member(id={member.id}, name='Ada', age=<not loaded>)"
    session.expire(member)
    session.expunge(member)
    assert repr(member) == "Member(id=<not loaded>, name=<not loaded>, age=<not loaded>)"
    assert repr(Member(name="x")) == "Member(name='x')"


def test_a_detached_object_says_what_it_cannot_load(session: Session) -> None:
    """Lines 10.13, 21.22, 22.8, 23.10: neither columns nor relationships; the key cannot be assigned, other columns can."""
    member = Member(name="Ada", loans=[Loan()])
    session.add(member)
    session.commit()
    session.expunge(member)
    with pytest.raises(
        DetachedInstanceError, match=r"<Member 1> is not bound to a Session; attribute refresh operation"
    ):
        member.name
    with pytest.raises(DetachedInstanceError, match="lazy load operation of attribute 'loans' cannot proceed"):
        member.loans
    with pytest.raises(DetachedInstanceError):
        member.id = 7
    member.name = "settable"
    assert member.name == "settable"


def test_a_transient_object_reads_as_empty() -> None:
    """Line 21.22: a transient object reads as empty."""
    member = Member()
    assert (member.id, member.name, member.loans) == (None, None, [])
    assert Loan().member is None
    assert "name" not in vars(member)


def test_pickling_keeps_values_and_lists_and_drops_the_session(session: Session) -> None:
    """Line 21.18: lists come along; the object is detached, or transient if it was never in a session."""
    member = Member(name="Ada", loans=[Loan(note="a"), Loan(note="b")])
    fresh = pickle.loads(pickle.dumps(member))
    assert inspect(fresh).transient and [loan.note for loan in fresh.loans] == ["a", "b"]
    session.add(member)
    session.commit()
    member.name, [loan.note for loan in member.loans]
    twin = pickle.loads(pickle.dumps(member))
    assert inspect(twin).detached and inspect(twin).identity == (member.id,) and object_session(twin) is None
    assert [loan.note for loan in twin.loans] == ["a", "b"]
    session.expunge_all()
    session.add(twin)
    twin.loans.append(Loan(note="c"))
    session.commit()
    assert [loan.note for loan in twin.loans] == ["a", "b", "c"]


def test_a_copy_of_a_collection_is_a_plain_list() -> None:
    shelf = Shelf(tools=[Tool()])
    for copied in (copy.copy(shelf.tools), shelf.tools[:], list(shelf.tools), [*shelf.tools]):
        assert type(copied) is list or copied._attribute is None
        copied.clear()
    assert len(shelf.tools) == 1


# ── the options that 18 lists ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", ["save-update", "merge", "refresh-expire", "expunge", "delete"]),
        ("all, delete-orphan", ["save-update", "merge", "refresh-expire", "expunge", "delete", "delete-orphan"]),
        ("none", []),
        ("", []),
        (False, []),
        (None, ["save-update", "merge"]),
        (" merge ,delete", ["merge", "delete"]),
    ],
)
def test_cascade_options(text: Any, names: list[str]) -> None:
    """Line 18.1: cascade options."""
    cascade = relationship("X", cascade=text).cascade
    assert cascade.names() == names
    assert str(cascade) == (", ".join(names) or "none")


# ── added later ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_relationship_assigned_after_the_class_body_counts() -> None:
    class Base(DeclarativeBase):
        pass

    class Road(Base):
        __tablename__ = "road"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Lamp(Base):
        __tablename__ = "lamp"
        id: Mapped[int] = mapped_column(primary_key=True)
        road_id: Mapped[int | None] = mapped_column(ForeignKey("road.id"))

    assert Road().id is None  # in use already
    Road.lamps = relationship(Lamp, back_populates="road")
    Lamp.road = relationship(Road, back_populates="lamps")
    lamp = Lamp()
    road = Road(lamps=[lamp])
    assert lamp.road is road and {r.key for r in class_mapper(Road).relationships} == {"lamps"}


def test_a_column_assigned_after_the_class_body_is_refused() -> None:
    class Base(DeclarativeBase):
        pass

    class Road(Base):
        __tablename__ = "road"
        id: Mapped[int] = mapped_column(primary_key=True)

    with pytest.raises(exc.ArgumentError, match="put it into the class body"):
        Road.name = mapped_column()
