"""Attributes by name, flags of modification, and values that are changed in place."""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nbsession import (
    JSON,
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Mutable,
    MutableDict,
    MutableList,
    MutableSet,
    Session,
    attributes,
    exc,
    inspect,
    mapped_column,
    relationship,
)
from tests.support import expect_statements, statements_of


class Base(DeclarativeBase):
    pass


class Box(Base):
    __tablename__ = "box"
    id: Mapped[int] = mapped_column(primary_key=True)
    plain = mapped_column(JSON)
    data = mapped_column(MutableDict.as_mutable(JSON))
    items = mapped_column(MutableList.as_mutable(JSON))
    parts: Mapped[list[Part]] = relationship(back_populates="box")


class Part(Base):
    __tablename__ = "part"
    id: Mapped[int] = mapped_column(primary_key=True)
    box_id: Mapped[int | None] = mapped_column(ForeignKey("box.id"))
    box: Mapped[Box | None] = relationship(back_populates="parts")


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Box(id=1, plain={"a": [1]}, data={"a": 1}, items=[3, 1, 2], parts=[Part(id=1)]))
        session.commit()
        yield session


DICT_CHANGES: list[Callable[[Any], Any]] = [
    lambda d: d.__setitem__("b", 2),
    lambda d: d.__delitem__("a"),
    lambda d: d.pop("a"),
    lambda d: d.popitem(),
    lambda d: d.clear(),
    lambda d: d.update(c=3),
    lambda d: d.setdefault("z", 1),
    lambda d: d.__ior__({"y": 2}),
]
LIST_CHANGES: list[Callable[[Any], Any]] = [
    lambda x: x.append(4),
    lambda x: x.extend([5]),
    lambda x: x.insert(0, 9),
    lambda x: x.pop(),
    lambda x: x.remove(1),
    lambda x: x.clear(),
    lambda x: x.sort(),
    lambda x: x.reverse(),
    lambda x: x.__setitem__(0, 7),
    lambda x: x.__delitem__(0),
    lambda x: x.__iadd__([1]),
    lambda x: x.__imul__(2),
]


@pytest.mark.parametrize("key, change", [*(("data", c) for c in DICT_CHANGES), *(("items", c) for c in LIST_CHANGES)])
def test_a_change_in_place_is_written(session: Session, key: str, change: Callable[[Any], Any]) -> None:
    """Line 21.19: as the ordinary dict or list would be changed."""
    box = session.get_one(Box, 1)
    expected = dict(box.data) if key == "data" else list(box.items)
    change(expected)
    assert box not in session.dirty
    change(getattr(box, key))
    assert box in session.dirty and session.is_modified(box)
    session.commit()
    assert getattr(box, key) == expected and box not in session.dirty


def test_a_value_tells_whoever_holds_it_now(session: Session) -> None:
    """Line 21.19: one that was replaced or expired tells nobody."""
    box = session.get_one(Box, 1)
    old = box.data
    box.data = {"new": 1}
    session.commit()
    old["a"] = 2
    assert box not in session.dirty and isinstance(box.data, MutableDict)
    box.data = None
    assert box.data is None
    shared = MutableDict(x=1)
    two = Box(id=2, data=shared)
    session.add(two)
    box.data = shared
    session.commit()
    with pytest.raises(ValueError, match="Attribute 'data' does not accept objects of type <class 'int'>"):
        box.data = 5
    del two
    gc.collect()
    assert type(pickle.loads(pickle.dumps(MutableList([1])))) is MutableList
    assert pickle.loads(pickle.dumps(box.data)) == {"x": 1}


def test_values_of_ones_own_class_and_of_every_column_of_a_type() -> None:
    class Point(Mutable):
        def __init__(self, x: int) -> None:
            self.x = x

        def move(self) -> None:
            self.x += 1
            self.changed()

        @classmethod
        def coerce(cls, key: str, value: Any) -> Any:
            return cls(value) if isinstance(value, int) else super().coerce(key, value)

    class Odd(JSON):
        pass

    MutableSet.associate_with(Odd)

    class Own(DeclarativeBase):
        pass

    class Thing(Own):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        place = mapped_column(Point.as_mutable(JSON))
        marks = mapped_column(Odd)
        late = mapped_column(JSON)

    MutableDict.associate_with_attribute(Thing.late)
    thing = Thing(place=3, marks={1}, late={"a": 1})
    assert thing.place.x == 3 and type(thing.marks) is MutableSet and type(thing.late) is MutableDict
    inspect(thing)
    thing.place.move()
    thing.marks.add(2)
    assert thing.place.x == 4 and thing.marks == {1, 2} and not pickle.loads(pickle.dumps(thing.marks)) - {1, 2}


def test_flag_modified_declares_a_change_by_hand(session: Session) -> None:
    """Line 21.19"""
    box = session.get_one(Box, 1)
    box.plain["a"].append(2)
    assert not session.is_modified(box)
    attributes.flag_modified(box, "plain")
    assert box in session.dirty
    assert inspect(box).attrs.plain.history == ([{"a": [1, 2]}], (), ())
    with statements_of(session) as sent:
        session.flush()
    assert [s.split()[0] for s in sent] == ["UPDATE"]
    session.expire(box)
    with pytest.raises(
        exc.InvalidRequestError, match="Can't flag attribute 'plain' modified; it's not present in the object"
    ):
        attributes.flag_modified(box, "plain")
    with pytest.raises(exc.InvalidRequestError, match="has no mapped attribute 'plane'"):
        attributes.flag_modified(box, "plane")


def test_flag_dirty_marks_an_object_without_a_change(session: Session) -> None:
    """Line 17.6"""
    box = session.get_one(Box, 1)
    attributes.flag_dirty(box)
    assert box in session.dirty and not session.is_modified(box)
    with expect_statements(session, 0):
        session.flush()
    assert box not in session.dirty


def test_a_committed_value_leaves_no_trace(session: Session) -> None:
    """Line 21.16: neither history nor events, and it takes back what was noted."""
    box, part = session.get_one(Box, 1), Part(id=2)
    attributes.set_committed_value(box, "parts", [part])
    box.plain = {"changed": 1}
    attributes.set_committed_value(box, "plain", {"said": 1})
    attributes.set_committed_value(part, "box", box)
    assert box.parts == [part] and part.box is box and part not in session
    assert not session.is_modified(box) and inspect(box).attrs.parts.history == ((), [part], ())
    attributes.init_collection(box, "parts").append_without_event(part)
    assert box.parts == [part] and not session.is_modified(box)


def test_attributes_by_name(session: Session) -> None:
    """Line 17.7: get_history may load; attrs.<name>.history never does."""
    box = session.get_one(Box, 1)
    with expect_statements(session, 0):
        assert attributes.get_history(box, "parts", attributes.PASSIVE_NO_INITIALIZE).empty()
    with expect_statements(session, 1):
        assert [p.id for p in attributes.get_history(box, "parts").unchanged] == [1]
    attributes.set_attribute(box, "plain", 1)
    assert attributes.get_attribute(box, "plain") == 1 == attributes.instance_dict(box)["plain"]
    attributes.del_attribute(box, "plain")
    assert box.plain is None and attributes.instance_state(box).object is box
