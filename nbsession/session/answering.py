"""What objects ask of their session: to be held, to be let in, and to be given what is not loaded.

The protocol is :class:`~nbsession.tracking.instance_state.Owner`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast
from weakref import ref

from nbsession.exc import ObjectDeletedError
from nbsession.mapping.mapper import Mapper
from nbsession.session import attaching
from nbsession.session.cascades import reached
from nbsession.session.flushing import Flushing
from nbsession.session.kept_parents import given_before, is_kept
from nbsession.session.load import lazy, loading, refreshing
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.alike_state import Licence
from nbsession.tracking.instance_state import OwnState, state_of
from nbsession.tracking.unset import is_expired


class Answering(Flushing):
    """A session's answers to its objects."""

    def enter(self, obj: Any, cause: str) -> None:
        """A save-update cascade reaches an object: it comes in, unless it is here."""
        if obj in self:
            return
        attaching.attach(cast(Any, self), obj, cause)
        self._pull_in_family(obj)

    def leave(self, obj: Any, cause: str, at_once: bool = True) -> None:
        """A pending orphan goes.

        One whose parent is no object of this session goes at the next flush, unless it is added again.
        """
        if at_once:
            self.unit_of_work.move_each((obj,), Trigger.EXPUNGE, cause)
        else:
            self.unit_of_work.leaving[id(obj)] = obj

    def note_modified(self, obj: Any) -> Licence | None:
        """An object has its first unflushed change. Until a flush, or until something happens to the transaction, so may others."""
        if (self.transaction is None or self.block is not None or self.flushing_thread is not None) and self.autobegin:
            self.work_begins()
        self.unit_of_work.modified[id(obj)] = obj
        return None if self.transaction is None or self.flushing_thread is not None else self.unit_of_work.licence

    def change_begins(self, obj: Any) -> None:
        """An object that the session does not hold, displaced or deleted, has its first change."""
        if self.autobegin:
            self.work_begins()

    def note_given(self, obj: Any) -> None:
        """A parent took an object; if that is marked to be deleted, it is not deleted."""
        if self.unit_of_work.kept:
            self.unit_of_work.kept.pop(id(obj), None)
        if self.unit_of_work.homeless:
            self.unit_of_work.homeless.pop(id(obj), None)
        if id(obj) in self.unit_of_work.marked:
            self.unit_of_work.given.add(id(obj))

    def note_left(self, obj: Any, along: Any) -> None:
        """An unchanged object was taken out of a list that holds it still, under delete-orphan: with its next change it goes."""
        unit = self.unit_of_work
        _, lost = unit.homeless.get(id(obj), (None, ()))
        unit.homeless[id(obj)] = ref(obj), (*lost, along)

    def is_kept(self, obj: Any, along: Any, giver: Any) -> bool:
        """Does an object that a parent lets go of belong to another one, by a reference that was expired?"""
        return bool(self.unit_of_work.kept) and is_kept(self.unit_of_work, obj, along, giver)

    def given_before(self, members: Collection[Any], along: Any) -> set[int]:
        """``id`` of those members of a list that were given to its owner and written since."""
        return given_before(self.unit_of_work, members, along)

    def find(self, mapper: Mapper, ident: Any) -> Any:
        """The object of a key if it is here, else None."""
        return self.identity_map.of(mapper.base_mapper).find(ident)

    def load_missing(self, obj: Any, key: str) -> Any:
        """Loads the column values an object lacks; returns one.

        :raises ObjectDeletedError: its row is gone.
        """
        cause = f"load of {type(obj).__name__}.{key}"
        session: Any = self
        asked = refreshing.Asked.of(obj, key) if self._flushes_itself else None
        self.autoflush_before(cause)
        if asked is not None and asked.lost_its_row(obj):
            with self.bus.because(cause):
                asked.load(session, obj)
        elif key not in obj.__dict__:  # else the flush has loaded it
            with self.bus.because(cause):
                if not refreshing.load_touched(session, obj, key):
                    raise loading.row_is_gone(obj)
        return obj.__dict__[key]

    def load_related(self, obj: Any, key: str, raising: bool = True) -> Any:
        """Loads a relationship.

        :param raising: False: also one that is an error to touch.
        """
        with self.bus.because(f"lazy load of {type(obj).__name__}.{key}"):
            return lazy.load_relationship(cast(Any, self), obj, key, raising)

    def still_there(self, obj: Any) -> bool:
        """An expired object is loaded; one whose row is gone leaves the identity map.

        One that lost its row to a new object, by the flush before, is still the one that was asked for.
        """
        if not is_expired(obj):
            return True
        try:
            self.autoflush_before("session.get")
        except ObjectDeletedError:  # that of another object, too, is taken for its own
            self.found_gone(obj)
            self.ensure_begun().require_active()
            return False
        status, mapper = state_of(obj).status, state_of(obj).mapper
        if status is ObjectState.DELETED:
            before = {key: obj.__dict__.pop(key) for key in mapper.selected_keys if key in obj.__dict__}
            with self.bus.because("session.get"):
                if loading.load_columns(cast(Any, self), obj, mapper.selected_keys):
                    return True
            obj.__dict__.update(before)
        if status is ObjectState.PERSISTENT:
            with self.bus.because("session.get"):
                if refreshing.load_expired(cast(Any, self), obj):
                    return True
        self.found_gone(obj)
        return False

    def found_gone(self, obj: Any) -> None:
        """The row of an object is not there any more: it is deleted. Hooks are told even if a flush did that just before."""
        if state_of(obj).status is ObjectState.PERSISTENT:
            self.unit_of_work.move_each((obj,), Trigger.DELETE, "row not found")
        else:
            self.unit_of_work.tell("persistent_to_deleted", (obj,))

    def _pull_in_family(self, obj: Any) -> None:
        """The save-update cascade: who is here already stays as it is, marked to be deleted or not."""
        session: Any = self
        told = bool(self.bus.observers)
        for member, along in reached(obj, "save_update", removed=True, halt=self.__contains__):
            cause = f"cascade save-update over {along}" if told else "cascade save-update"
            attaching.attach(session, member, cause, behind=True)
            state = state_of(member)
            if isinstance(state, OwnState) and state.noted.adrift:
                self.unit_of_work.leaving[id(member)] = member
