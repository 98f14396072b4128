"""The identity map and the identity set: found by key, held weakly, compared by ``is``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nbsession import Engine, Session, exc
from nbsession.tracking.identity import PURGE_AT, IdentityMap, IdentitySet, KeyedObjects
from tests.session.models import Base, City, Country, Member


class Odd:
    """Equal to everything, and without a hash."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    session.close()


def test_identity_set_compares_by_is_and_keeps_the_order() -> None:
    """Line 17.9: identity set compares by is and keeps the order."""
    a, b, c = Odd(), Odd(), Odd()
    some = IdentitySet([b, a, b])
    assert [x is y for x, y in zip(some, [b, a], strict=True)] == [True, True]
    assert a in some and c not in some and len(some) == 2
    assert repr(IdentitySet([1, 1])) == "IdentitySet([1])"
    assert not IdentitySet() and IdentitySet([a])


def test_keyed_objects_skip_the_dead_and_purge_when_doubled() -> None:
    known = KeyedObjects()
    alive = [Member() for _ in range(10)]
    for number in range(PURGE_AT):
        known.put(number, alive[number] if number < 10 else Member())
    assert len(known) == PURGE_AT and known.alive() == alive
    assert known.find(3) is alive[3] and known.find(500) is None and known.find("no such") is None
    known.purge()
    assert len(known) == 10 and known.purge_at == PURGE_AT
    known.purge()
    assert len(known) == 10


def test_purging_a_map_of_living_objects_drops_nothing_and_waits_longer() -> None:
    known = KeyedObjects()
    alive = [Member() for _ in range(PURGE_AT)]
    for number, obj in enumerate(alive):
        known.put(number, obj)
    known.purge()
    assert known.alive() == alive and known.purge_at == 2 * PURGE_AT


def test_discarding_takes_only_the_object_that_is_meant() -> None:
    known, one, two = KeyedObjects(), Member(), Member()
    known.put(1, one)
    known.discard(1, two)
    assert known.find(1) is one
    known.discard(1, one)
    known.discard(1, one)
    assert known.find(1) is None


def test_the_map_is_a_mapping_from_identity_keys(session: Session) -> None:
    """Line 21.11: the map is a mapping from identity keys."""
    ada, land, city = Member(id=1, name="Ada"), Country(code="DE"), City(code="DE", number=7)
    session.add_all([ada, land, city])
    session.flush()
    keys = [(Member, (1,), None), (Country, ("DE",), None), (City, ("DE", 7), None)]
    assert sorted(session.identity_map, key=str) == sorted(keys, key=str)
    assert [session.identity_map[key] for key in keys] == [ada, land, city]
    assert dict(session.identity_map.items()) == dict(zip(keys, [ada, land, city], strict=True))
    assert len(session.identity_map) == 3 and set(session.identity_map.keys()) == set(keys)
    assert list(session.identity_map.values()) == session.identity_map.all()


@pytest.mark.parametrize("key", [(Member, (2,), None), (City, ("DE", 1), None), "nonsense", 3, (), (1, 2)])
def test_a_key_that_is_not_there(session: Session, key: object) -> None:
    session.add(Member(id=1, name="Ada"))
    session.flush()
    assert session.identity_map.get(key) is None and key not in session.identity_map
    with pytest.raises(KeyError):
        session.identity_map[key]


def test_a_key_of_an_unmapped_class_says_so(session: Session) -> None:
    with pytest.raises(exc.UnmappedClassError):
        session.identity_map[int, (1,), None]


def test_dead_entries_are_never_shown(session: Session) -> None:
    """Line 5.7: dead entries are never shown."""
    session.add_all([Member(id=n, name=f"m{n}") for n in range(5)])
    session.flush()
    assert len(session.identity_map) == 0 and list(session.identity_map) == []
    assert list(session.identity_map.values()) == [] and repr(session.identity_map) == "<IdentityMap of 0>"
    assert session.identity_map.get((Member, (1,), None)) is None


def test_clearing_empties_the_map_in_place(session: Session) -> None:
    """Lines 5.10, 6.14: the map is one object for life."""
    kept, ada = session.identity_map, Member(name="Ada")
    session.add(ada)
    session.flush()
    session.expunge_all()
    assert kept is session.identity_map and len(kept) == 0
    session.add(ada)
    assert len(kept) == 1


def test_iterating_survives_loads_meanwhile(session: Session) -> None:
    session.add_all([Member(id=n, name=f"m{n}") for n in range(5)])
    session.flush()
    held = [session.get(Member, n) for n in range(2)]
    for _ in session.identity_map:
        held.append(session.get(Member, len(held)))
    for _ in session:
        held.append(session.get(Member, 4))
    assert len(held) > 3


def test_an_empty_map_contains_nothing() -> None:
    assert not IdentityMap().contains_object(Member())
