"""Who is asked when values come and go: validators, and functions that listen to an attribute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    Mapped,
    Session,
    class_mapper,
    exc,
    inspect,
    mapped_column,
    relationship,
    validates,
)
from nbsession.mapping.attribute_events import is_listening, listen, unlisten

calls: list[Any] = []


class Base(DeclarativeBase):
    pass


class Pen(Base):
    __tablename__ = "pen"
    id: Mapped[int] = mapped_column(primary_key=True)
    color: Mapped[str | None]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("case.id"))
    case: Mapped[Case | None] = relationship(back_populates="pens")

    @validates("case", include_backrefs=False)
    def _case(self, key: str, value: Any) -> Any:
        calls.append((key, value))
        return value


class Case(Base):
    __tablename__ = "case"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    pens: Mapped[list[Pen]] = relationship(back_populates="case")

    @validates("pens", include_removes=True)
    def _pens(self, key: str, value: Any, is_remove: bool) -> Any:
        calls.append((key, value, is_remove))
        if value.color == "forbidden":
            raise ValueError(value.color)
        return value


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    class_mapper(Pen)
    calls.clear()
    yield
    for mapper in (class_mapper(Pen), class_mapper(Case)):
        for attribute in mapper.attributes.values():
            for known in (*attribute.validators, *attribute.occasional):
                if hasattr(known, "event"):
                    unlisten(attribute, known.event, known.function)


def test_validators_of_removals_and_of_back_references() -> None:
    """Line 23.1: include_removes and include_backrefs are obeyed."""
    case, pen = Case(), Pen()
    case.pens.append(pen)
    assert calls == [("pens", pen, False)]
    case.pens.remove(pen)
    assert calls[1:] == [("pens", pen, True)]
    calls.clear()
    pen.case = case
    assert calls == [("case", case), ("pens", pen, False)]
    calls.clear()
    pen.case = None
    assert calls == [("case", None), ("pens", pen, True)]


def test_a_validator_that_refuses_leaves_both_sides_as_they_were() -> None:
    case, pen, bad = Case(), Pen(), Pen(color="forbidden")
    case.pens = [pen]
    for change in (
        lambda: case.pens.append(bad),
        lambda: setattr(case, "pens", [bad]),
        lambda: setattr(bad, "case", case),
    ):
        with pytest.raises(ValueError, match="forbidden"):
            change()
        assert case.pens == [pen] and bad.case is None and pen.case is case


def test_listeners_hear_of_set_append_and_remove() -> None:
    heard: list[Any] = []
    listen(Case.name, "set", lambda case, value, old, initiator: heard.append((value, old, initiator.key)))
    listen(Case.pens, "append", lambda case, pen, initiator: heard.append((pen, initiator.op, initiator.backref)))
    listen(Case.pens, "remove", lambda case, pen, initiator: heard.append((pen, initiator.op, initiator.backref)))
    case, pen = Case(name="a"), Pen()
    case.name = "b"
    assert [h[0] for h in heard] == ["a", "b"] and heard[1][1:] == ("a", "name")
    heard.clear()
    case.pens.append(pen)
    pen.case = None
    assert heard == [(pen, "append", False), (pen, "remove", True)]


def test_what_a_listener_returns_is_stored_if_it_says_so() -> None:
    def upper(target: Any, value: Any, *rest: Any) -> Any:
        return value.upper()

    listen(Case.name, "set", upper)
    assert Case(name="a").name == "a"
    listen(Case.name, "set", upper, retval=True)
    assert Case(name="a").name == "A" and is_listening(class_mapper(Case).attributes["name"], "set", upper)
    assert unlisten(Case.name, "set", upper) and Case(name="a").name == "a"
    assert not unlisten(Case.name, "set", upper)
    white = Pen(color="white")
    listen(Case.pens, "append", lambda case, pen, initiator: white, retval=True)
    case = Case(pens=[Pen()])
    assert case.pens == [white] and white.case is case


def test_listening_starts_at_once_for_objects_that_are_there(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        pending, stored = Case(name="p"), Case(name="s")
        session.add(stored)
        session.flush()
        stored.name = "changed"
        session.add(pending)
        heard: list[Any] = []
        listen(Case.name, "set", lambda case, value, old, initiator: heard.append((value, old)))
        pending.name, stored.name = "P", "S"
        assert heard == [("P", "p"), ("S", "changed")]


def test_active_history_loads_the_old_value_first(engine: Engine) -> None:
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        case = Case(id=1, name="a")
        session.add(case)
        session.commit()
        heard: list[Any] = []
        listen(Case.name, "set", lambda case, value, old, initiator: heard.append(old), active_history=True)
        try:
            case.name = "b"
            assert heard == ["a"] and inspect(case).attrs.name.history.deleted == ["a"]
        finally:
            class_mapper(Case).attributes["name"].active_history = False


def test_occasional_events_and_raw_targets() -> None:
    heard: list[Any] = []
    listen(Case.pens, "bulk_replace", lambda case, pens, initiator: heard.append(("bulk", list(pens))))
    listen(Case.name, "init_scalar", lambda case, value, values: "unnamed", retval=True)
    listen(Case.name, "set", lambda state, value, *rest: heard.append(state.object), raw=True)
    case, pen = Case(), Pen()
    case.pens = [pen]
    assert heard == [("bulk", [pen])] and case.name == "unnamed"
    case.name = "x"
    assert heard[1:] == [case]
    with pytest.raises(exc.InvalidRequestError, match="No such event 'gone' for target"):
        listen(Case.name, "gone", lambda: None)


def test_a_subclass_inherits_what_is_passed_on() -> None:
    class Own(DeclarativeBase):
        pass

    class Top(Own):
        __tablename__ = "top"
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str | None]

    heard: list[Any] = []

    class Before(Top):
        pass

    listen(Top.name, "set", lambda target, value, *rest: heard.append(value), propagate=True)

    class After(Top):
        pass

    Before(name="b"), After(name="a"), Top(name="t")
    assert heard == ["b", "a", "t"]


def test_a_refused_assignment_to_a_new_object_leaves_a_collection_that_works() -> None:
    case, pen = Case(), Pen()
    with pytest.raises(ValueError, match="forbidden"):
        case.pens = [pen, Pen(color="forbidden")]
    assert case.pens == [] and pen.case is None
    case.pens.append(pen)
    assert pen.case is case
