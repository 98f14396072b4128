"""What a rollback must undo, of one transaction or savepoint. Holds objects weakly; moves none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from weakref import ref

from nbsession.tracking.instance_state import NO_VALUE, OwnState, state_of


class Frame:
    """The undo log of one transaction or savepoint.

    :ivar nested: is it a savepoint's?
    :ivar parent: the frame of the level above.
    :ivar inserted: objects inserted since.
    :ivar deleted: objects deleted since.
    :ivar touched: objects updated since; kept for savepoints only, since a whole rollback expires everything.
    :ivar rekeyed: (object, key before) of primary keys changed since.
    """

    __slots__ = ("_heir", "_known", "_saved", "deleted", "inserted", "nested", "parent", "rekeyed", "touched")

    def __init__(self, parent: Frame | None, nested: bool) -> None:
        self.parent = parent
        self.nested = nested
        self.inserted: list[ref[Any]] = []
        self.deleted: list[ref[Any]] = []
        self.touched: list[ref[Any]] = []
        self.rekeyed: list[tuple[ref[Any], Any]] = []
        self._saved: dict[int, tuple[ref[Any], dict[str, Any], Frame]] = {}
        self._heir: Frame | None = None
        self._known: tuple[int, dict[int, ref[Any]]] = 0, {}

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

    def _is_open(self, innermost: Frame) -> bool:
        """Is the savepoint, or one that it was released into, one of those set now?"""
        frame, level = self, innermost
        while frame._heir is not None:
            frame = frame._heir
        while level is not frame and level.parent is not None:
            level = level.parent
        return level is frame and frame.nested

    def remember(self, objects: Iterable[Any], innermost: Frame, undone: bool = False) -> None:
        """Keeps the values of objects inserted here that are about to be expired: once transient, nothing could load them.

        Of an unflushed change, or one that a savepoint may undo, the value before is kept: the first in each savepoint.

        :param innermost: the frame of the innermost savepoint.
        :param undone: is it a savepoint that undoes them? What is known of before it counts then.
        """
        count, known = self._known
        if count != len(self.inserted):
            known = {id(obj): reference for reference in self.inserted if (obj := reference()) is not None}
            self._known = len(self.inserted), known
        for obj in objects:
            reference = known.get(id(obj))
            if reference is not None and reference() is obj:
                state = state_of(obj)
                keys = state.mapper.column_keys
                values = obj.__dict__
                old = state.old if isinstance(state, OwnState) else {}
                counted = state.mapper.version_key  # if it changed, an UPDATE was sent that is undone as well
                before = {k: v for k, v in old.items() if v is not NO_VALUE and k != counted}
                now = {k: values[k] for k in keys if k in values and k not in before and old.get(k) is not NO_VALUE}
                if counted in state.changed_keys:
                    now.pop(counted, None)
                _, earlier, since = self._saved.get(id(obj), (None, {}, innermost))
                if not earlier or not since._is_open(innermost):
                    self._saved[id(obj)] = (
                        reference,
                        {**earlier, **now, **before, **(earlier if undone else {})},
                        innermost,
                    )
                else:
                    self._saved[id(obj)] = reference, {**now, **before, **earlier}, since

    def give_back_values(self, objects: Iterable[Any]) -> None:
        """Puts remembered values back where they are missing."""
        for obj in objects:
            reference, values, _ = self._saved.get(id(obj), (None, {}, self))
            if reference is not None and reference() is obj:
                for key, value in values.items():
                    obj.__dict__.setdefault(key, value)

    def rekeyed_objects(self) -> Iterator[tuple[Any, Any]]:
        """(object, key before), the latest change first."""
        for reference, ident in reversed(self.rekeyed):
            obj = reference()
            if obj is not None:
                yield obj, ident
