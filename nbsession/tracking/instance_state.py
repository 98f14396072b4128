"""The state behind every mapped object. Knows what changed on it; does not know how it is loaded or written.

Three forms, because most objects never change, and of those that do, many change alike. All unchanged objects of one
mapper, in one session, in one :class:`~nbsession.states.ObjectState` share a single :class:`CommonState`; an object that is
modified owns an :class:`OwnState` that remembers old values; but those on which nothing was done than to set the same
columns share an :class:`~nbsession.tracking.alike_state.AlikeState` until somebody asks. They are sets, or a dict, of names
whose writes need no note: ``__setattr__`` asks ``name in state`` and, mostly, is done.

Only ``session/unit_of_work.py`` moves an object from one ``ObjectState`` to another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from nbsession.exc import UnmappedInstanceError
from nbsession.states import ObjectState
from nbsession.tracking.alike_state import AlikeState, Changed, Licence, WatchedAlike

if TYPE_CHECKING:
    from nbsession.events import FactBus


class Absent(Enum):
    """What stands for "not loaded", and among old values for "never set": None is a value like any other."""

    NO_VALUE = "not loaded"
    NEVER_SET = "never set"

    def __bool__(self) -> bool:
        return False


NO_VALUE = Absent.NO_VALUE
NEVER_SET = Absent.NEVER_SET


class Owner(Protocol):
    """What an object asks of its session. Declared here so that tracking and mapping need not know the session."""

    bus: FactBus

    def note_modified(self, obj: Any) -> Licence | None:
        """The object has its first unflushed change: hold it until the flush. May others be changed without telling of it?"""

    def change_begins(self, obj: Any) -> None:
        """An object that the session does not hold, displaced or deleted, has its first change."""

    def load_missing(self, obj: Any, key: str) -> Any:
        """Loads the column values that the object lacks, and returns one of them."""

    def load_related(self, obj: Any, key: str) -> Any:
        """Loads a relationship of the object."""

    def note_given(self, obj: Any) -> None:
        """A parent took the object."""

    def is_kept(self, obj: Any, along: Any, giver: Any) -> bool:
        """Does an object that a parent lets go of belong to another one, by a reference that was expired?"""

    def given_before(self, members: Collection[Any], along: Any) -> set[int]:
        """``id`` of those members of a list that were given to its owner and written since, and not only read with it."""

    def note_left(self, obj: Any, along: Any) -> None:
        """The unchanged object was taken out of a list that holds it still."""

    def find(self, mapper: Any, ident: Any) -> Any:
        """The object of an identity if it is in the session, else None. No SQL."""

    def enter(self, obj: Any, cause: str) -> None:
        """A save-update cascade brings the object into the session, if it is not there."""

    def leave(self, obj: Any, cause: str, at_once: bool = True) -> None:
        """A pending object lost its parent under delete-orphan: it leaves the session."""


_UNNOTED = (ObjectState.TRANSIENT, ObjectState.PENDING)


class CommonState(set[str]):
    """What all unchanged objects of one mapper, session and object state share.

    :ivar mapper: their mapper.
    :ivar status: their ObjectState.
    :ivar session_ref: a weak reference to the session, or a function that returns None.
    :ivar noting: are changes noted? Not of a new object: all that it has is to be written. Once it was flushed, they are,
        and stay so when a rollback makes it new again.
    :ivar held: does the session hold an object that is changed? Not one that is displaced.
    :ivar after: key to the state of those on which that alone was set.
    :ivar quick: of these, those that may be given without telling the session.
    """

    __slots__ = ("after", "held", "mapper", "noting", "quick", "session_ref", "status")
    owned = False
    alike = False
    old: Mapping[str, Any] = MappingProxyType({})
    changed_keys: Collection[str] = ()
    """no value was changed: so that both forms answer"""

    def __init__(
        self, mapper: Any, status: ObjectState, session_ref: Callable[[], Any], noting: bool | None = None
    ) -> None:
        self.mapper = mapper
        self.status = status
        self.session_ref = session_ref
        self.noting = status not in _UNNOTED if noting is None else noting
        self.held = status is ObjectState.PERSISTENT
        self.after: dict[str, AlikeState] = {}
        self.quick: dict[str, AlikeState] = {}

    @property
    def noted(self) -> Notes:
        """Nothing is noted of changes."""
        return _NOTHING_NOTED

    @property
    def common(self) -> CommonState:
        """Itself: so that both forms answer."""
        return self

    def write(self, obj: Any, name: str, value: Any) -> None:
        """Sets an attribute that needs a note, an event, or is none of ours."""
        values = obj.__dict__
        after = self.quick.get(name)
        if after is not None and name in values:  # mostly
            address = id(obj)
            after.before[address] = values[name]
            after.held[address] = obj
            self.mapper.give_state(obj, after)
            values[name] = value
        else:
            self._write_first(obj, name, value)

    def _write_first(self, obj: Any, name: str, value: Any) -> None:
        """:meth:`write` of an object that the session is to be told of, or of what others are told of, too."""
        mapper, values = self.mapper, obj.__dict__
        session = self.session_ref() if self.held and name in values and name in mapper.quiet_keys else None
        if session is None:
            return self.hand_on(obj, name, value)
        observed, old, after = bool(session.bus.observers), values[name], self.after.get(name)
        if after is None:
            after = self.after[name] = WatchedAlike(self, name) if observed else AlikeState(self, name)
        address = id(obj)
        after.before[address] = old
        mapper.give_state(obj, after)
        if after.licensed:
            after.held[address] = obj
        elif (licence := session.note_modified(obj)) is not None:
            licence.give(after)
            if not observed:
                self.quick[name] = after
        values[name] = value
        if observed:
            mapper.attributes[name].announce(obj, self, old, value)

    def hand_on(self, obj: Any, name: str, value: Any) -> None:
        """Gives a value to the attribute of a name, or, if it is none of ours, to the object."""
        mapper = self.mapper
        attribute = mapper.attributes.get(name)
        if attribute is None and not mapper.configured:
            mapper.configure()  # it may be a relationship that nobody has used yet
            attribute = mapper.attributes.get(name)
        if attribute is None:
            object.__setattr__(obj, name, value)
        else:
            attribute.set(obj, value)

    def __repr__(self) -> str:
        return f"<CommonState {self.mapper!r} {self.status.value}>"


class Notes:
    """What is noted of few objects besides the old values of columns.

    :ivar related: key to what a relationship held before the first change: an object, None, NO_VALUE, NEVER_SET, or a list.
    :ivar queued: key to (added, removed) for a collection that is changed through its back reference while not loaded.
    :ivar given_up: relationships of other objects that the object was taken out of.
    :ivar left: (relationship, owner, how often it is in the list still) for each list that it was taken out of but once.
    :ivar adrift: so it was while it was new, and its owner in no session with it.
    :ivar untold: key to ``id`` of those that had said they were in a collection, and went by an assignment that was refused.
    """

    __slots__ = ("adrift", "given_up", "left", "queued", "related", "untold")

    def __init__(self) -> None:
        self.related: dict[str, Any] = {}
        self.queued: dict[str, tuple[list[Any], list[Any]]] = {}
        self.given_up: tuple[Any, ...] = ()
        self.left: tuple[tuple[Any, Any, int], ...] = ()
        self.adrift = False
        self.untold: dict[str, set[int]] = {}


_NOTHING_NOTED = Notes()
_NOTHING_NOTED.related = _NOTHING_NOTED.queued = _NOTHING_NOTED.untold = MappingProxyType({})  # type: ignore[assignment]


class OwnState(dict[str, Any], Changed):
    """The state of one object that has unflushed changes: key to the column value before the first change, or NO_VALUE.

    It is made by the thousand, so it is one dict, and what few objects have is apart. Whether a name is *in* the state
    says how a write goes; whoever wants to know whether there is an old value asks :attr:`changed_keys`.

    :ivar common: the CommonState it came from and returns to.
    :ivar notes: what is noted besides; None while there is nothing.
    """

    __slots__ = ("common", "notes")
    alike = False
    notes: Notes | None

    @property
    def old(self) -> dict[str, Any]:
        """Key to the column value before the first change, or NO_VALUE."""
        return self

    @property
    def changed_keys(self) -> Collection[str]:
        """The columns of which there is an old value."""
        return self.keys()

    @property
    def noted(self) -> Notes:
        """What is noted besides, to be looked at only."""
        return self.notes or _NOTHING_NOTED

    def noting_more(self) -> Notes:
        """What is noted besides, to be added to."""
        if self.notes is None:
            self.notes = Notes()
        return self.notes

    @property
    def related(self) -> dict[str, Any]:
        """:attr:`Notes.related`, to be looked at only."""
        return self.noted.related

    @property
    def queued(self) -> dict[str, tuple[list[Any], list[Any]]]:
        """:attr:`Notes.queued`, to be looked at only."""
        return self.noted.queued

    def forget(self, key: str) -> None:
        """Nothing is noted of an attribute any more."""
        self.old.pop(key, None)
        if self.notes is not None:
            self.notes.related.pop(key, None)
            self.notes.queued.pop(key, None)

    def write(self, obj: Any, name: str, value: Any) -> None:
        """As :meth:`CommonState.write`."""
        common, values = self.common, obj.__dict__
        if common.held and name in values and name in common.mapper.quiet_keys:
            session = common.session_ref()
            if session is not None and not session.bus.observers:
                self[name] = values[name]
                values[name] = value
                return
        common.hand_on(obj, name, value)

    def __repr__(self) -> str:
        return f"<OwnState {self.common.mapper!r} {self.common.status.value} changed: {sorted({*self.old, *self.related})}>"


class WatchedState(OwnState):
    """The own state of an object of which every write is to pass by its attribute: no name is *in* it.

    While a dashboard is open all of them are such, so a flush finds in it what it finds in the other form, and as quickly.
    """

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        """Never: a write that found its name here would pass by nobody."""
        return False

    def write(self, obj: Any, name: str, value: Any) -> None:
        """Every write passes by."""
        self.common.hand_on(obj, name, value)


AnyState: TypeAlias = CommonState | OwnState

STATE_KEY = "_nbs_state"
"""the attribute under which an object carries its state: a slot of declarative classes, a key of plain ones"""
IDENT_KEY = "_nbs_ident"
"""the attribute under which an object carries its primary key as the database knows it"""
OPTIONS_KEY = "_nbs_options"
"""the attribute under which an object carries what loader options asked for when it was loaded; absent where none did"""


def no_session() -> None:
    """The session of objects that are in none."""


def state_of(obj: Any) -> AnyState:
    """The state of a mapped object; a new object is given its transient one, and one that changed like others its own.

    :raises UnmappedInstanceError: it is no instance of a mapped class.
    """
    try:
        state: AnyState = obj._nbs_state
    except AttributeError:
        pass
    else:
        if not isinstance(obj, type):
            return own_state(obj, state) if state.alike else state
    cls = type(obj)
    mapper = cls.__dict__.get("__mapper__")
    if mapper is None:
        raise UnmappedInstanceError(obj)
    mapper.configure()
    mapper.give_state(obj, mapper.transient)
    return mapper.transient  # type: ignore[no-any-return]


def ident_of(obj: Any) -> Any:
    """The primary key of the object's row: a value, a tuple if composite, or None if it never had a row."""
    return getattr(obj, IDENT_KEY, None)


def own_state(obj: Any, state: AnyState | AlikeState) -> OwnState:
    """The object's own state, made at its first change; its session then holds the object until the flush."""
    if state.owned and not state.alike:
        return state  # type: ignore[return-value]
    own = WatchedState() if isinstance(state, WatchedAlike) else OwnState()
    own.common, own.notes = state.common, None
    if isinstance(state, AlikeState):  # the session holds it already
        own.update(state.old_of(obj))
        state.forget((obj,))
        state.mapper.give_state(obj, own)
        return own
    state.mapper.give_state(obj, own)
    _tell_session(obj, state.common)
    return own


def _tell_session(obj: Any, common: CommonState) -> None:
    session = None if common.status in _UNNOTED else common.session_ref()
    if session is not None:
        (session.note_modified if common.held else session.change_begins)(obj)


def watched_state(obj: Any, state: AnyState) -> WatchedState:
    """The object's own state from which on every write passes by its attribute; what is noted already stays so."""
    if isinstance(state, WatchedState):
        return state
    own = WatchedState()
    own.common, own.notes = state.common, state.notes if isinstance(state, OwnState) else None
    own.update(state.old)
    own.common.mapper.give_state(obj, own)
    if not state.owned:
        _tell_session(obj, own.common)
    return own


def forget_changes_of(objects: Sequence[Any]) -> Any:
    """The same for objects that have states: the values of all are those of their rows.

    :return: their mapper, if they were changed alike, so that nobody need look at each; else None.
    """
    states = [obj._nbs_state for obj in objects]
    first = states[0]
    if first.alike and states.count(first) == len(states):  # mostly, of thousands
        first.forget(objects)
        deque(map(first.mapper.give_state, objects, repeat(first.common)), 0)
        return first.mapper
    for shared in {state for state in states if state.alike}:
        shared.forget([obj for obj, state in zip(objects, states, strict=True) if state is shared])
    commons = [state.common for state in states if state.owned]
    for common in dict(zip(map(id, commons), commons, strict=True)).values():
        its = [obj for obj, state in zip(objects, states, strict=True) if state.owned and state.common is common]
        deque(map(common.mapper.give_state, its, repeat(common)), 0)
    return None


def forget_changes(obj: Any) -> None:
    """The object's values are those of its row: it shares the common state again."""
    state = obj._nbs_state
    if state.alike:
        state.forget((obj,))
    if state.owned:
        state.common.mapper.give_state(obj, state.common)
