"""What a rollback must undo, of one transaction or savepoint. Holds objects weakly; moves none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import ref

from nbsession.tracking.instance_state import NO_VALUE, ident_of, state_of


class Frame:
    """The undo log of one transaction or savepoint.

    :ivar nested: is it a savepoint's?
    :ivar parent: the frame of the level above.
    :ivar inserted: objects inserted since.
    :ivar deleted: objects deleted since.
    :ivar touched: objects updated since; kept for savepoints only, since a whole rollback expires everything.
    :ivar rekeyed: (object, key before, who had the new key in the map or None) of primary keys changed since.
    """

    __slots__ = ("_heir", "_known", "_saved", "deleted", "inserted", "nested", "parent", "rekeyed", "touched")

    def __init__(self, parent: Frame | None, nested: bool) -> None:
        self.parent = parent
        self.nested = nested
        self.inserted: list[ref[Any]] = []
        self.deleted: list[ref[Any]] = []
        self.touched: list[ref[Any]] = []
        self.rekeyed: list[tuple[ref[Any], Any, ref[Any] | None]] = []
        self._saved: dict[int, tuple[ref[Any], dict[str, Any], Frame]] = {}
        self._heir: Frame | None = None
        self._known: tuple[int, dict[int, ref[Any]]] = 0, {}

    def forget_deleted(self, objects: Iterable[Any]) -> None:
        """Objects that were deleted leave: of the levels above, one in which they were deleted still tells of them at its end."""
        left = set(map(id, objects))
        self.deleted = [reference for reference in self.deleted if id(reference()) not in left]

    def hand_over(self) -> None:
        """A released savepoint: from now on it is the level above that would undo it."""
        if self.parent is None:
            return
        self._heir = self.parent
        self.parent.inserted += self.inserted
        self.parent.deleted += self.deleted
        self.parent.touched += self.touched
        self.parent.rekeyed += self.rekeyed
        self.parent._saved.update(self._saved)

    def _is_open(self, innermost: Frame, around: Frame) -> bool:
        """Is the savepoint, or one that it was released into, one of those set now?

        :param around: a frame that they are to lie in.
        """
        frame, level = self, innermost
        while frame._heir is not None:
            frame = frame._heir
        while level is not frame and level is not around and level.parent is not None:
            level = level.parent
        return level is frame and frame is not around

    def remember_inserted(self, objects: Iterable[Any]) -> None:
        """:meth:`remember` here and at each level above, of what was inserted there."""
        level: Frame | None = self
        while level is not None:
            if level.inserted:
                level.remember(objects, self)
            level = level.parent

    def remember(self, objects: Iterable[Any], innermost: Frame) -> None:
        """Keeps the values of objects inserted here that are about to be expired: once transient, nothing could load them.

        Of an unflushed change, or one that a savepoint may undo, the value before is kept, or that none is known: the first
        in each savepoint.

        :param innermost: the frame of the innermost savepoint.
        """
        count, known = self._known
        if count != len(self.inserted):
            known = {id(obj): reference for reference in self.inserted if (obj := reference()) is not None}
            self._known = len(self.inserted), known
        for obj in objects:
            reference = known.get(id(obj))
            if reference is not None and reference() is obj:
                _, earlier, since = self._saved.get(id(obj), (None, {}, innermost))
                saved = _values_before(obj)
                if earlier and since._is_open(innermost, self):
                    self._saved[id(obj)] = reference, {**saved, **earlier}, since
                else:
                    known_now = {key: value for key, value in saved.items() if value is not NO_VALUE}
                    self._saved[id(obj)] = reference, {**saved, **earlier, **known_now}, innermost

    def give_back_values(self, objects: Iterable[Any]) -> None:
        """Puts remembered values back where they are missing."""
        for obj in objects:
            reference, values, _ = self._saved.get(id(obj), (None, {}, self))
            if reference is not None and reference() is obj:
                for key, value in values.items():
                    if value is not NO_VALUE:
                        obj.__dict__.setdefault(key, value)

    def note_rekeyed(self, obj: Any, holder: Any) -> None:
        """The key of an object is about to be changed.

        :param holder: who has the new key in the identity map; or None.
        """
        self.rekeyed.append((ref(obj), ident_of(obj), None if holder is None else ref(holder)))

    def rekeyed_objects(self) -> Iterator[tuple[Any, Any]]:
        """(object, key before), the latest change first."""
        for reference, ident, _ in reversed(self.rekeyed):
            obj = reference()
            if obj is not None:
                yield obj, ident


def _values_before(obj: Any) -> dict[str, Any]:
    """The values of an object before its unflushed changes, as far as they are known."""
    state, values = state_of(obj), obj.__dict__
    changed, counted = state.changed_keys, state.mapper.version_key
    now = {key: values[key] for key in state.mapper.column_keys if key in values and key not in changed}
    # an UPDATE that counted is undone as well
    before = {key: value for key, value in state.old.items() if key != counted}
    return {**now, **before}
