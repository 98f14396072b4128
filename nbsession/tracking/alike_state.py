"""The state that objects share on which the same attributes were set. Knows what each held before; makes no state of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsession.states import ObjectState
    from nbsession.tracking.instance_state import CommonState

DEEPEST = 4
"""attributes set one after another, until an object gets a state of its own"""


class Changed:
    """What the states of changed objects have in common: what they do not note, the CommonState answers that they return to."""

    __slots__ = ()
    owned = True
    common: CommonState

    @property
    def mapper(self) -> Any:
        """Its mapper."""
        return self.common.mapper

    @property
    def status(self) -> ObjectState:
        """Its object state."""
        return self.common.status

    @property
    def session_ref(self) -> Callable[[], Any]:
        """The weak reference to its session."""
        return self.common.session_ref

    @property
    def noting(self) -> bool:
        """Are changes noted?"""
        return self.common.noting


class AlikeState(set[str], Changed):
    """What objects of one :class:`~nbsession.tracking.instance_state.CommonState` share after the same columns were set on them.

    Loops that change thousands make no state for each. It is the set of those columns: to set one again needs no note.
    Whoever asks :func:`~nbsession.tracking.instance_state.state_of` finds a state of the object's own, made of this one.

    :ivar common: the CommonState they come from and return to.
    :ivar changed_keys: the columns, in the order in which they were set.
    :ivar before: ``id`` of an object to what it held under the last of them. Of whoever has this state it is known.
    :ivar earlier: the state they had when they held that; None: the common one.
    :ivar after: key to the state that follows when that is set, too.
    :ivar held: where the session holds objects that were changed, as its :class:`Licence` says.
    :ivar licensed: may objects be given this state, and put there, without telling the session?
    """

    __slots__ = ("after", "before", "changed_keys", "common", "earlier", "held", "licensed")
    alike = True
    watched = False
    notes = None
    __eq__ = object.__eq__  # one is not another because the same was set
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __init__(self, common: CommonState, key: str, earlier: AlikeState | None = None) -> None:
        self.common = common
        self.changed_keys: tuple[str, ...] = (key,) if earlier is None else (*earlier.changed_keys, key)
        self.before: dict[int, Any] = {}
        self.earlier = earlier
        self.after: dict[str, AlikeState] = {}
        self.held: dict[int, Any] = {} if earlier is None else earlier.held
        self.licensed = False
        super().__init__(self.changed_keys)

    def write(self, obj: Any, name: str, value: Any) -> None:
        """As :meth:`CommonState.write <nbsession.tracking.instance_state.CommonState.write>`."""
        common, values = self.common, obj.__dict__
        if name in values and name in common.mapper.quiet_keys and len(self) < DEEPEST:
            session = common.session_ref()
            if session is not None and not session.bus.observers:
                self._follow(obj, name, values[name])
                values[name] = value
                return
        common.hand_on(obj, name, value)

    def _follow(self, obj: Any, name: str, old: Any) -> None:
        """The object is given the state that follows when a column is set, too."""
        after = self.after.get(name)
        if after is None:
            common = self.common
            after = WatchedAlike(common, name, self) if self.watched else AlikeState(common, name, self)
            self.after[name] = after
        after.before[id(obj)] = old
        self.common.mapper.give_state(obj, after)

    def line(self) -> list[AlikeState]:
        """The states that led here, the first one first, and itself."""
        return [self] if self.earlier is None else [*self.earlier.line(), self]

    def olds_of(self, objects: Sequence[Any]) -> list[list[Any]]:
        """What objects held before: for each of :attr:`changed_keys` a list. All have this state."""
        # mostly all: then their ids need not be made, nor looked at, to be compared
        addresses = list(self.held if are_all_of(objects, self.held) else map(id, objects))
        befores = [state.before for state in self.line()]
        return [
            list(before.values()) if list(before) == addresses else list(map(before.__getitem__, addresses))
            for before in befores
        ]

    def old_of(self, obj: Any) -> dict[str, Any]:
        """What one object held before, by key."""
        return {key: old for key, (old,) in zip(self.changed_keys, self.olds_of((obj,)), strict=True)}

    def forget(self, objects: Sequence[Any]) -> None:
        """Objects have this state no longer."""
        for state in self.line():
            if len(state.before) == len(objects):  # nobody else has it, nor one that follows from it
                state.before.clear()
                continue
            for obj in objects:
                state.before.pop(id(obj), None)

    @property
    def noted(self) -> Any:
        """Nothing is noted besides."""
        return self.common.noted

    @property
    def related(self) -> Mapping[str, Any]:
        """Nothing is noted besides."""
        return self.common.noted.related

    queued = related

    def __repr__(self) -> str:
        return f"<AlikeState {self.common.mapper!r} {self.common.status.value} changed: {sorted(self)}>"


class WatchedAlike(AlikeState):
    """The same while somebody listens: no name is *in* it, so that every write passes by, and is told.

    A flush finds in it what it finds in the other form, and as quickly.
    """

    __slots__ = ()
    watched = True

    def __contains__(self, name: object) -> bool:
        """Never: a write that found its name here would be told to nobody."""
        return False

    def write(self, obj: Any, name: str, value: Any) -> None:
        """As :meth:`AlikeState.write`; told."""
        common, values = self.common, obj.__dict__
        known = name in self.changed_keys
        if name in values and name in common.mapper.quiet_keys and (known or len(self) < DEEPEST):
            session = common.session_ref()
            if session is not None and session.bus.observers:
                old = values[name]
                if not known:
                    self._follow(obj, name, old)
                values[name] = value
                common.mapper.attributes[name].announce(obj, common, old, value)
                return
        common.hand_on(obj, name, value)


KINDS = frozenset({AlikeState, WatchedAlike})
"""the two forms"""


class Licence:
    """What a session gives whose transaction is begun: objects may be changed without telling it of each, until it withdraws that.

    :param held: where it holds objects that were changed, by ``id``.
    """

    def __init__(self, held: dict[int, Any]) -> None:
        self._held = held
        self._given: list[AlikeState] = []

    def give(self, state: AlikeState) -> None:
        """From now on an object may be given a state, once it is put where the session holds those that were changed."""
        state.held, state.licensed = self._held, True
        self._given.append(state)

    def withdraw(self) -> None:
        """The session is to be told again."""
        for state in self._given:
            state.licensed = False
            state.common.quick.clear()
        self._given.clear()


def are_all_of(objects: Sequence[Any], room: Mapping[int, Any]) -> bool:
    """Are objects those that a room holds by ``id``, in its order? No id is made to know that."""
    return len(objects) == len(room) and all(map(is_, objects, room.values()))
