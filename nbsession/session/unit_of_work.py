"""The unit of work: which objects a session holds, and the only place where an object's state moves.

:meth:`UnitOfWork.move` asks the table in :mod:`nbsession.states`, files the object, notes what a rollback must undo, and
publishes the fact. Moves come in batches of one class, because a flush moves thousands. Runs no SQL.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import Any
from weakref import ref

from nbsession.events import FactBus
from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.session.announcing import Added, announce_mark, announce_move
from nbsession.session.batches import expire_everything, expire_values, grouped, in_runs, note_what_was_set, taken_out
from nbsession.session.displacing import displace, take_back
from nbsession.session.hook_points import HookPoints, hook_of
from nbsession.session.kept_parents import KeptParents, forget_parents
from nbsession.session.undo import Frame
from nbsession.states import OBJECT_MOVES, ObjectState, Trigger
from nbsession.tracking.alike_state import Licence
from nbsession.tracking.identity import IdentityMap
from nbsession.tracking.instance_state import (
    CommonState,
    forget_changes,
    forget_changes_of,
    ident_of,
    own_state,
    state_of,
    watched_state,
)

_CLEAN = frozenset({Trigger.INSERT, Trigger.LOAD})
"""after these an object has no unflushed change; the others keep what it has"""
_ADDED = OBJECT_MOVES.step("a new object", ObjectState.TRANSIENT, Trigger.ADD)


class UnitOfWork:
    """The objects of one session.

    :ivar new: pending objects by ``id``, in the order they were added.
    :ivar modified: persistent objects with unflushed changes by ``id``: held until the flush.
    :ivar marked: persistent objects to be deleted by the next flush, by ``id``.
    :ivar given: ``id`` of those that a parent took since.
    :ivar leaving: pending objects by ``id`` that lost a parent of another session: unless they find one, the next flush drops them.
    :ivar undeleted: objects that are called deleted, by a transaction that was closed, so that their rows are there.
    :ivar homeless: (object, relationships) of objects that were inserted after they had lost their parents, by ``id``.
    :ivar kept: (object, relationship, parent) of objects that were given to a parent and forgot it, by ``id``.
    :ivar identity_map: persistent objects by key, weakly.
    :ivar frame: what a rollback must undo, of the innermost transaction; None outside of one.
    """

    def __init__(
        self, session_ref: Callable[[], Any], bus: FactBus, weak: bool = True, hooks: HookPoints | None = None
    ) -> None:
        self.new: dict[int, Any] = {}
        self.modified: dict[int, Any] = {}
        self.licence = Licence(self.modified)
        self.marked: dict[int, Any] = {}
        self.given: set[int] = set()
        self.leaving: dict[int, Any] = {}
        self.undeleted: list[ref[Any]] = []
        self.homeless: dict[int, tuple[ref[Any], Any]] = {}
        self.kept = KeptParents()
        self.identity_map = IdentityMap()
        self.frame: Frame | None = None
        self.session = session_ref
        self._bus = bus
        self._hooks = hooks or HookPoints()
        self._commons: dict[tuple[Mapper, ObjectState], CommonState] = {}
        self._again: dict[Mapper, CommonState] = {}
        self._held: dict[int, Any] | None = None if weak else {}
        self._order: dict[int, None] = {}
        self._added: Added | None = None

    @property
    def has_work(self) -> bool:
        """Is there anything to flush?"""
        return bool(self.new or self.modified or self.marked)

    def common(self, mapper: Mapper, status: ObjectState) -> CommonState:
        """The state that unchanged objects of a class share in this session."""
        try:
            return self._commons[mapper, status]
        except KeyError:
            mapper.configure()
        if status is ObjectState.TRANSIENT:
            return mapper.transient
        if status is ObjectState.DETACHED:
            return mapper.detached
        if mapper.retired:
            raise InvalidRequestError(mapper.retirement)
        common = CommonState(mapper, status, self.session)
        if status is ObjectState.PENDING and not self._bus.observers:
            common.update(mapper.plain_keys)
        self._commons[mapper, status] = common
        return common

    def forget_class(self, mapper: Mapper) -> None:
        """A class is used no longer; none of its objects is here."""
        self.identity_map.by_mapper.pop(mapper, None)
        self._commons = {key: common for key, common in self._commons.items() if key[0] is not mapper}

    def _noting(self, mapper: Mapper, status: ObjectState) -> CommonState:
        """The state of new objects that were flushed before, and undone: changes since then are noted."""
        if status is ObjectState.TRANSIENT:
            return mapper.undone
        if mapper not in self._again:
            self._again[mapper] = CommonState(mapper, status, self.session, noting=True)
        return self._again[mapper]

    def observe(self, on: bool) -> None:
        """While somebody listens, every write passes by the attribute, which publishes it."""
        self.licence.withdraw()
        for (mapper, status), common in self._commons.items():
            common.after.clear()
            if status is ObjectState.PENDING:
                common.clear()
                if not on:
                    common.update(mapper.plain_keys)
        for obj in (*self.modified.values(), *self.new.values()):
            if (state := obj._nbs_state).owned:
                watched_state(obj, own_state(obj, state))

    # ---------------------------------------------------------------------------------------------- moving

    def admit(self, mapper: Mapper, obj: Any, cause: str) -> None:
        """Moves one transient object to pending: what :meth:`move` does, for the one move that comes a single object a time."""
        hooked = bool(HookPoints.about_objects)
        if hooked:
            self.tell("before_attach", (obj,))
        mapper.give_state(obj, self._commons.get((mapper, _ADDED)) or self.common(mapper, _ADDED))
        self.new[id(obj)] = obj
        if self._bus.observers:
            if self._added is not None:
                self._added.take(mapper, obj, cause)
            else:
                announce_move(self._bus, mapper, (obj,), ObjectState.TRANSIENT, Trigger.ADD, _ADDED, cause)
        if hooked:
            self.tell("after_attach", (obj,))
            self.tell("transient_to_pending", (obj,))

    def move(
        self, mapper: Mapper, objects: Sequence[Any], before: ObjectState, trigger: Trigger, cause: str = ""
    ) -> None:
        """Moves objects of one class from one state to the next.

        :param objects: the objects, all in state ``before``.
        :raises IllegalTransition: the table holds no such move; nothing has moved then.
        """
        after = OBJECT_MOVES.moves.get((before, trigger))
        if after is None:
            after = OBJECT_MOVES.step(describe(objects[0]), before, trigger)
        hooked = bool(HookPoints.about_objects)
        gone = hooked and mapper.deleted_before(state_of(objects[0]))
        if hooked and trigger is Trigger.ADD:
            self.tell("before_attach", objects)
        self._unfile(objects, before, trigger)
        self._settle(mapper, objects, before, after, trigger)
        if hooked and after is ObjectState.PERSISTENT:
            self._came(objects)
        if trigger is not Trigger.LOAD:
            self._file(mapper, objects, after, trigger)
        elif self._held is not None:
            self._held.update(zip(map(id, objects), objects, strict=True))
        if self._bus.observers:
            announce_move(self._bus, mapper, objects, before, trigger, after, cause)
        if hooked:
            if trigger is Trigger.ADD:
                self.tell("after_attach", objects)
            self.tell(hook_of(before, after, trigger, gone), objects)

    def tell(self, hook: str | None, objects: Sequence[Any]) -> None:
        """Calls the hooks about single objects: (session, object). Outside of all sessions there are none."""
        if hook is not None and self._hooks.listens(hook):
            session = self.session()
            for obj in objects:
                self._hooks.fire(hook, session, obj)

    def _settle(
        self, mapper: Mapper, objects: Sequence[Any], before: ObjectState, after: ObjectState, trigger: Trigger
    ) -> None:
        common = self.common(mapper, after)
        if before is ObjectState.DELETED and after is ObjectState.DETACHED:
            common = mapper.gone if trigger is Trigger.COMMIT else mapper.left
        if trigger in _CLEAN:
            deque(map(mapper.give_state, objects, repeat(common)), 0)
            return
        shared, becomes, give = None, common, mapper.give_state
        if trigger is Trigger.UNDO_ADD:
            for obj in [one for one in objects if ident_of(one) is not None and not state_of(one).noting]:
                own_state(obj, state_of(obj)).common = self._noting(mapper, before)
                note_what_was_set(obj)
        for obj in objects:  # thousands may share one state
            state = obj._nbs_state
            if state is not shared:
                target = common if common.noting or not state.noting else self._noting(mapper, after)
                if state.owned:
                    own_state(obj, state).common = target
                    continue
                shared, becomes = state, target
            give(obj, becomes)

    def _unfile(self, objects: Sequence[Any], before: ObjectState, trigger: Trigger) -> None:
        if before is ObjectState.PENDING:
            if len(objects) == len(self.new):
                self.new.clear()
            else:
                for obj in objects:
                    self.new.pop(id(obj), None)
        elif before is ObjectState.DELETED and trigger is Trigger.EXPUNGE and self.frame is not None:
            self.frame.forget_deleted(objects)
        elif before is ObjectState.PERSISTENT:
            places = self.identity_map.of(state_of(objects[0]).mapper.base_mapper)
            for obj in objects:
                self.marked.pop(id(obj), None)
                places.discard(ident_of(obj), obj)
                self.let_go(obj)

    def _file(self, mapper: Mapper, objects: Sequence[Any], after: ObjectState, trigger: Trigger) -> None:
        if after is ObjectState.PENDING:
            self.new.update(zip(map(id, objects), objects, strict=True))
        elif after is ObjectState.PERSISTENT:
            known = self.identity_map.of(mapper.base_mapper)
            if trigger is Trigger.INSERT:
                references, idents = list(map(ref, objects)), list(map(ident_of, objects))
                if not known.keys().isdisjoint(idents):
                    for obj, ident in zip(objects, idents, strict=True):
                        displace(self, obj, ident, "its key was given to a new row")
                known.update(zip(idents, references, strict=True))
                if self.frame is not None:
                    self.frame.inserted.extend(references)
            else:
                for obj in objects:
                    known.put(ident_of(obj), obj)
                    if state_of(obj).owned:
                        self.modified[id(obj)] = obj
            known.purge()
            if self._held is not None:
                self._held.update(zip(map(id, objects), objects, strict=True))
        elif after is ObjectState.DELETED and self.frame is not None:
            self.frame.deleted.extend(map(ref, objects))
        elif after is ObjectState.TRANSIENT:
            for obj in objects:
                mapper.give_ident(obj, None)

    def _came(self, objects: Iterable[Any]) -> None:
        """Objects enter the map: hooks that are told when all leave it are told in this order."""
        for obj in objects:
            self._order.pop(id(obj), None)
            self._order[id(obj)] = None

    def let_all_go(self, cause: str) -> None:
        """Every object leaves the session: persistent ones first, in the order they came."""
        objects = self.identity_map.all()
        if self._order:
            places = {address: place for place, address in enumerate(self._order)}
            objects.sort(key=lambda obj: places.get(id(obj), -1))
            self._order.clear()
        self.move_each([*objects, *self.new.values()], Trigger.EXPUNGE, cause)
        self.identity_map.clear()

    def move_each(self, objects: Iterable[Any], trigger: Trigger, cause: str = "") -> None:
        """Moves objects of any classes and states, in batches of one class and state."""
        batches = in_runs(objects) if HookPoints.about_objects else grouped(objects).items()
        for (mapper, before), batch in batches:
            self.move(mapper, batch, before, trigger, cause)

    @contextmanager
    def adding_many(self) -> Iterator[None]:
        """What is admitted inside is told as few facts."""
        if self._added is not None:
            yield
            return
        self._added = Added(self._bus)
        try:
            yield
        finally:
            added, self._added = self._added, None
            added.tell()

    # --------------------------------------------------------------------------------------------- marking

    def mark(self, objects: Sequence[Any], mark: str, cause: str = "", mapper: Mapper | None = None) -> None:
        """Publishes that objects were marked; :class:`~nbsession.events.Marked` has the words."""
        if self._bus.observers:
            announce_mark(self._bus, objects, mark, cause, mapper)

    def mark_deleted(self, obj: Any, cause: str = "") -> None:
        """The next flush deletes it; one that was given to a parent before, the flush after that, as in SQLAlchemy."""
        self.marked[id(obj)] = obj
        if self._bus.observers:
            self.mark((obj,), "to delete", cause)

    def unmark_deleted(self, obj: Any, cause: str = "") -> None:
        """The next flush does not delete it."""
        self.given.discard(id(obj))
        if self.marked.pop(id(obj), None) is not None:
            self.mark((obj,), "not to delete", cause)

    def clean(self, objects: Iterable[Any]) -> None:
        """Their changes are written: they share the common state again."""
        done = taken_out(self.modified, objects)
        if not done:
            return
        if self.frame is not None and self.frame.nested:
            self.frame.touched.extend(map(ref, done))
            self.remember_inserted(done)
        self.mark(done, "clean", mapper=forget_changes_of(done))

    def take_as_loaded(self, obj: Any) -> None:
        """What it holds is taken for the row's: its changes are forgotten, and nothing is written."""
        if self.modified.pop(id(obj), None) is not None:
            forget_changes(obj)
            self.mark((obj,), "clean")

    def row_changed(self, obj: Any) -> None:
        """The row of an object is changed past it, by a statement: a rollback to a savepoint expires it."""
        self.remember_inserted((obj,))
        if self.frame is not None and self.frame.nested:
            self.frame.touched.append(ref(obj))

    # -------------------------------------------------------------------------------------------- expiring

    def expire(self, objects: Iterable[Any], cause: str = "", ending: bool = False) -> None:
        """Forgets loaded values and unflushed changes: the next touch loads them.

        :param ending: the transaction is over, so that nothing of it can be rolled back any more.
        """
        for (mapper, status), batch in grouped(objects).items():
            if not ending:
                self.remember_inserted(batch)
            left = status is not ObjectState.PERSISTENT
            for obj in batch if self.modified or left else ():
                if left or self.modified.pop(id(obj), None) is not None:
                    forget_changes(obj)
            for obj in batch if self.homeless or self.kept or self.kept.written else ():
                forget_parents(self, obj)
            expire_values(mapper, batch)
            if class_hooks.count:
                class_hooks.fire("expire", batch, None)
            self.mark(batch, "expired", cause)

    def expire_all(self, cause: str = "", ending: bool = False) -> None:
        """Expires every persistent object."""
        if self.modified or not ending or self._bus.observers or class_hooks.count:
            self.expire(self.identity_map.all(), cause, ending)
        else:
            self.homeless, self.kept = {}, KeptParents()
            expire_everything(self.identity_map)

    def remember_inserted(self, objects: Iterable[Any]) -> None:
        """An object inserted in this transaction gets its values back if the transaction is rolled back."""
        if self.frame is not None:
            self.frame.remember_inserted(objects)

    # ------------------------------------------------------------------------------------------------ keys

    def rekey(self, obj: Any, ident: Any) -> None:
        """The primary key of its row was changed by a flush."""
        if self.frame is not None:
            self.frame.note_rekeyed(obj, self.identity_map.of(state_of(obj).mapper.base_mapper).find(ident))
        self.give_key(obj, ident)

    def give_key(self, obj: Any, ident: Any) -> None:
        """An object has another key, under which it is filed."""
        mapper = state_of(obj).mapper
        if state_of(obj).status is not ObjectState.PERSISTENT:
            mapper.give_ident(obj, ident if state_of(obj).status is not ObjectState.TRANSIENT else None)
            return
        known = self.identity_map.of(mapper.base_mapper)
        known.discard(ident_of(obj), obj)
        mapper.give_ident(obj, ident)
        known.put(ident, obj)
        if HookPoints.about_objects:
            self._came((obj,))
        if not state_of(obj).common.held:
            take_back(self, obj)

    def prune(self) -> int:
        """With a strong identity map: lets go of unchanged objects that nobody else holds. Returns how many went."""
        if self._held is None:
            return 0
        before = len(self.identity_map)
        self._held.clear()
        self._held.update((id(obj), obj) for obj in self.identity_map.all())
        return before - len(self.identity_map)

    def let_go(self, obj: Any) -> None:
        """It is held no more."""
        self.modified.pop(id(obj), None)
        if self._held is not None:
            self._held.pop(id(obj), None)
