"""Collections of every kind: whatever changes one tells the other side, and an ordinary one's behaviour is kept."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Collection, Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    attribute_keyed_dict,
    class_mapper,
    collection,
    column_keyed_dict,
    exc,
    inspect,
    keyfunc_mapping,
    mapped_column,
    relationship,
)
from nbsession.mapping.collecting.collections import InstrumentedSet, members_of
from tests.support import expect_statements


class Ring:
    """A collection class like nothing: what its methods do must be said."""

    __emulates__ = list

    def __init__(self) -> None:
        self.parts: list[Any] = []

    @collection.appender
    def put(self, part: Any) -> None:
        self.parts.append(part)

    @collection.remover
    def take(self, part: Any) -> None:
        self.parts.remove(part)

    @collection.iterator
    def walk(self) -> Iterator[Any]:
        return iter(self.parts)

    @collection.removes_return()
    def last(self) -> Any:
        return self.parts.pop()

    @collection.replaces("part")
    def swap(self, place: int, part: Any) -> Any:
        old, self.parts[place] = self.parts[place], part
        return old


class Row(list[Any]):
    """A list whose own methods call each other: each member is told of once."""

    def append(self, part: Any) -> None:
        super().append(part)

    def extend(self, parts: Any) -> None:
        for part in parts:
            self.append(part)

    def twice(self, one: Any, other: Any) -> None:
        self.extend([one, other])


class Base(DeclarativeBase):
    pass


class Part(Base):
    __tablename__ = "part"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    kit_id: Mapped[int | None] = mapped_column(ForeignKey("kit.id"))
    in_list: Mapped[Kit | None] = relationship(back_populates="listed")
    in_set: Mapped[Kit | None] = relationship(back_populates="bag")
    in_dict: Mapped[Kit | None] = relationship(back_populates="named")
    in_ring: Mapped[Kit | None] = relationship(back_populates="ring")
    in_row: Mapped[Kit | None] = relationship(back_populates="row")

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Kit(Base):
    __tablename__ = "kit"
    id: Mapped[int] = mapped_column(primary_key=True)
    listed: Mapped[list[Part]] = relationship(back_populates="in_list")
    bag: Mapped[set[Part]] = relationship(back_populates="in_set")
    named: Mapped[dict[str, Part]] = relationship(
        back_populates="in_dict", collection_class=attribute_keyed_dict("name")
    )
    ring = relationship("Part", back_populates="in_ring", collection_class=Ring)
    row = relationship("Part", back_populates="in_row", collection_class=Row)


FIELDS = {"listed": "in_list", "bag": "in_set", "named": "in_dict", "ring": "in_ring", "row": "in_row"}


@pytest.fixture(autouse=True)
def configured() -> None:
    class_mapper(Kit)


def in_step(kit: Kit, key: str, parts: Collection[Part]) -> None:
    """The members say so themselves, and nobody else does."""
    members = {id(m) for m in members_of(getattr(kit, key))}
    assert {id(p) for p in parts if getattr(p, FIELDS[key]) is kit} == members


SET_METHODS: dict[str, Callable[[Any, list[Part]], Any]] = {
    # what is done to {a, b, c}, with spare d and e
    "add": lambda bag, p: bag.add(p[3]),
    "add a member": lambda bag, p: bag.add(p[0]),
    "remove": lambda bag, p: bag.remove(p[0]),
    "discard": lambda bag, p: bag.discard(p[0]),
    "discard a stranger": lambda bag, p: bag.discard(p[4]),
    "pop": lambda bag, p: bag.pop(),
    "clear": lambda bag, p: bag.clear(),
    "update": lambda bag, p: bag.update([p[0], p[3]], {p[4]}),
    "|=": lambda bag, p: bag.__ior__({p[3]}),
    "difference_update": lambda bag, p: bag.difference_update([p[0], p[4]]),
    "-=": lambda bag, p: bag.__isub__({p[0]}),
    "intersection_update": lambda bag, p: bag.intersection_update([p[0], p[4]]),
    "&=": lambda bag, p: bag.__iand__({p[1]}),
    "symmetric_difference_update": lambda bag, p: bag.symmetric_difference_update([p[0], p[4]]),
    "^=": lambda bag, p: bag.__ixor__({p[2], p[3]}),
    "remove a stranger": lambda bag, p: bag.remove(p[4]),
    "|= with a list": lambda bag, p: bag.__ior__([p[3]]),
}


@pytest.mark.parametrize("method", SET_METHODS)
def test_every_set_method_does_what_it_does_and_keeps_both_sides_in_step(method: str) -> None:
    """Line 18.11: against an ordinary set."""
    parts = [Part(name=c) for c in "abcde"]
    kit, plain = Kit(bag=set(parts[:3])), set(parts[:3])
    answers = []
    for bag in (kit.bag, plain):
        try:
            answers.append(SET_METHODS[method](bag, parts))
        except KeyError:
            answers.append(KeyError)
    if method == "pop":
        plain = set(parts[:3]) - {answers[0]}
    else:
        assert answers[0] == answers[1]
    assert kit.bag == plain
    in_step(kit, "bag", parts)


DICT_METHODS: dict[str, Callable[[Any, list[Part]], Any]] = {
    "set a key": lambda d, p: d.__setitem__("d", p[3]),
    "set the same": lambda d, p: d.__setitem__("a", p[0]),
    "replace": lambda d, p: d.__setitem__("a", p[3]),
    "del": lambda d, p: d.__delitem__("a"),
    "pop": lambda d, p: d.pop("a"),
    "pop with a default": lambda d, p: d.pop("x", None),
    "popitem": lambda d, p: d.popitem(),
    "setdefault": lambda d, p: d.setdefault("d", p[3]),
    "setdefault of a member": lambda d, p: d.setdefault("a", p[3]),
    "update": lambda d, p: d.update({"a": p[3]}, e=p[4]),
    "|=": lambda d, p: d.__ior__({"d": p[3]}) and None,
    "clear": lambda d, p: d.clear(),
    "del a stranger": lambda d, p: d.__delitem__("x"),
}


@pytest.mark.parametrize("method", DICT_METHODS)
def test_every_dict_method_does_what_it_does_and_keeps_both_sides_in_step(method: str) -> None:
    """Line 18.11: against an ordinary dict."""
    parts = [Part(name=c) for c in "abcde"]
    plain = {p.name: p for p in parts[:3]}
    kit = Kit(named=dict(plain))
    answers = []
    for named in (kit.named, plain):
        try:
            answers.append(DICT_METHODS[method](named, parts))
        except KeyError:
            answers.append(KeyError)
    assert answers[0] == answers[1]
    assert kit.named == plain
    in_step(kit, "named", parts)


def test_a_class_of_ones_own_tells_what_its_methods_do() -> None:
    """Line 18.11: appender, remover, iterator, and methods that replace or return a member."""
    a, b = Part(name="a"), Part(name="b")
    kit = Kit()
    kit.ring.put(a)
    assert a.in_ring is kit and list(kit.ring.walk()) == [a] == members_of(kit.ring)
    assert kit.ring.swap(0, part=b) is a
    assert (a.in_ring, b.in_ring) == (None, kit)
    assert kit.ring.last() is b and b.in_ring is None
    a.in_ring = kit
    assert members_of(kit.ring) == [a]
    kit.ring.take(a)
    assert a.in_ring is None


def test_methods_that_call_each_other_tell_of_a_member_once() -> None:
    a, b, kit = Part(name="a"), Part(name="b"), Kit()
    kit.row.twice(a, b)
    assert type(kit.row) is Row and kit.row == [a, b] and a.in_row is b.in_row is kit
    assert kit.row.pop() is b and b.in_row is None


@pytest.mark.parametrize("key", FIELDS)
def test_every_kind_is_loaded_changed_through_the_other_side_and_stored(engine: Engine, key: str) -> None:
    """Lines 18.10, 18.11: rows, then changes of both sides, then rows again."""
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        parts = [Part(id=i + 1, name=c) for i, c in enumerate("abc")]
        kit = Kit(id=1)
        session.add_all([kit, *parts])
        setattr(parts[0], FIELDS[key], kit)
        setattr(parts[1], FIELDS[key], kit)
        session.commit()
        with expect_statements(session, 2):
            assert {p.name for p in members_of(getattr(kit, key))} == {"a", "b"}
        setattr(parts[2], FIELDS[key], kit)
        setattr(parts[0], FIELDS[key], None)
        history = inspect(kit).attrs[key].history
        assert [[p.name for p in part] for part in history] == [["c"], ["b"], ["a"]]
        session.commit()
        rows = session.connection().exec_driver_sql("SELECT name FROM part WHERE kit_id = 1 ORDER BY name").all()
        assert [tuple(row) for row in rows] == [("b",), ("c",)]


def test_a_collection_is_replaced_by_one_of_its_form_only() -> None:
    """Line 18.11: the words of 2.1, and what it takes."""
    kit, part = Kit(), Part(name="a")
    wrong: dict[str, list[Any]] = {
        "listed": [(part,), {part}, {"a": part}, iter([part]), None, "text", 5],
        "bag": [[part], (part,), {"a": part}, frozenset([part]), None],
        "named": [[part], {part}, None],
    }
    for key, values in wrong.items():
        before = getattr(kit, key)
        for value in values:
            with pytest.raises(TypeError, match=r"Incompatible collection type: \w+ is not (list|set|dict)-like"):
                setattr(kit, key, value)
        assert getattr(kit, key) is before and part.in_list is part.in_set is part.in_dict is None


def test_assignment_tells_only_the_difference_and_frees_the_old_collection() -> None:
    """Line 18.11: what was replaced is an ordinary collection again."""
    a, b, c = (Part(name=n) for n in "abc")
    kit = Kit(bag={a, b}, named={"a": a})
    bag, named = kit.bag, kit.named
    kit.bag, kit.named = {b, c}, {}
    assert (a.in_set, b.in_set, c.in_set, a.in_dict) == (None, kit, kit, None)
    bag.add(c), bag.discard(b), named.update(b=b)
    assert b.in_set is kit and b.in_dict is None
    kit.bag |= {a}
    assert a.in_set is kit and isinstance(kit.bag, InstrumentedSet)


def test_a_member_that_takes_anothers_key_takes_its_place() -> None:
    """Line 18.11: through the back reference too."""
    first, second, kit = Part(name="a"), Part(name="a"), Kit()
    first.in_dict = kit
    second.in_dict = kit
    assert kit.named == {"a": second} and first.in_dict is None


def test_a_member_without_its_key_is_refused() -> None:
    kit = Kit()
    with pytest.raises(exc.InvalidRequestError, match=r"dictionary key derived from <Part at .* is not populated"):
        Part().in_dict = kit
    part = Part(name="a", in_dict=kit)
    part.name = "b"
    with pytest.raises(KeyError):
        kit.named.remove(part)
    kit.named["b"] = Part(name="b")
    with pytest.raises(exc.InvalidRequestError, match=r"Can not remove .* from collection; collection holds"):
        kit.named.remove(part)


def test_keys_by_function_by_columns_and_unknown_ones() -> None:
    columns = column_keyed_dict([Part.__table__.c.id, Part.__table__.c.name])()
    by_function = keyfunc_mapping(lambda part: part.name.upper())()
    lenient = attribute_keyed_dict("name", ignore_unpopulated_attribute=True)()
    part = Part(id=1, name="a")
    for keyed in (columns, by_function, lenient):
        keyed.set(part)
    lenient.set(Part())
    assert list(columns) == [(1, "a")] and list(by_function) == ["A"] and list(lenient) == ["a"]
    lenient.remove(Part())
    by_function.remove(part)
    assert not by_function and len(lenient) == 1


def test_an_unset_collection_of_a_new_object_is_not_part_of_it_until_it_is_changed() -> None:
    """As measured on 2.1: looking leaves no trace, and what was looked at is what is changed."""
    kit = Kit()
    seen = kit.listed
    assert kit.listed is seen and "listed" not in vars(kit) and "listed" in inspect(kit).unloaded
    assert not inspect(kit).attrs.listed.history.added
    part = Part(name="a")
    seen.append(part)
    assert vars(kit)["listed"] is seen and part.in_list is kit
    other = Kit()
    bag = other.bag
    part.in_set = other
    assert bag == {part} and other.bag is bag


@pytest.mark.parametrize("copied", [copy.copy, lambda o: pickle.loads(pickle.dumps(o))], ids=["copy", "pickle"])
def test_a_copy_has_collections_of_its_own(copied: Callable[[Any], Any]) -> None:
    kit = Kit(id=1)
    kit.listed, kit.bag, kit.named = [Part(name="a")], {Part(name="b")}, {"c": Part(name="c")}
    kit.ring.put(Part(name="d"))
    kit.row.append(Part(name="e"))
    twin = copied(kit)
    for key in FIELDS:
        mine, theirs = getattr(kit, key), getattr(twin, key)
        assert mine is not theirs and type(mine) is type(theirs)
        assert [p.name for p in members_of(mine)] == [p.name for p in members_of(theirs)]
    new = Part(name="z")
    twin.listed.append(new)
    assert new.in_list is twin and len(kit.listed) == 1
    assert type(pickle.loads(pickle.dumps(kit.bag))) is set and type(pickle.loads(pickle.dumps(kit.named))) is dict


@pytest.mark.parametrize("role, lacking", [("appender", "append"), ("remover", "remove"), ("iterator", "__iter__")])
def test_a_class_that_does_not_say_how_is_refused(role: str, lacking: str) -> None:
    body = {name: lambda self, *args: None for name in ("append", "remove", "__iter__") if name != lacking}

    class Own(DeclarativeBase):
        pass

    class P(Own):
        __tablename__ = "p"
        id: Mapped[int] = mapped_column(primary_key=True)
        cs = relationship("C", collection_class=type("Odd", (), {"__emulates__": list, **body}))

    class C(Own):
        __tablename__ = "c"
        id: Mapped[int] = mapped_column(primary_key=True)
        p_id: Mapped[int] = mapped_column(ForeignKey("p.id"))

    with pytest.raises(exc.ArgumentError, match=f"Type Odd must elect an? {role} method to be a collection class"):
        class_mapper(P)
