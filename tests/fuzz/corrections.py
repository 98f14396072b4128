"""Where SQLAlchemy is brought to do as nbsession does, so that programs can go on behind it. Each has a name and a reason.

Three reasons: SQLAlchemy errs (section 22 of the semantics); the semantics decide otherwise; or it asks the database for what
is known already, and then only what lies on objects differs, never a row, a state, or a value that is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import attributes, dependency, persistence, session, sync, unitofwork
from sqlalchemy.orm.state import InstanceState

CORRECTIONS: dict[str, list[Callable[[], None]]] = {}
"""what puts each in place, by name"""


def apply() -> None:
    """Corrects SQLAlchemy in this process."""
    for steps in CORRECTIONS.values():
        for put in steps:
            put()


def correction(owner: Any, attr: str, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Names a correction: a function that is called in place of another, with that one as its first argument."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        def put() -> None:
            plain = getattr(owner, attr)
            setattr(owner, attr, lambda *args, **options: function(plain, *args, **options))

        CORRECTIONS.setdefault(name, []).append(put)
        return function

    return register


def key_attributes(state: Any) -> list[str]:
    return [state.mapper._columntoproperty[column].key for column in state.mapper.primary_key]


@contextmanager
def lent_keys(states: Iterable[Any]) -> Iterator[None]:
    """The keys of expired objects lie on them for a while: nobody loads an object to learn its key."""
    lent = []
    for state in states:
        for key, value in zip(key_attributes(state), state.key[1] if state.key else (), strict=False):
            if key not in state.dict and key not in state.committed_state:
                state.dict[key] = value
                lent.append((state, key, key in state.expired_attributes))
    try:
        yield
    finally:
        for state, key, expired in lent:
            state.dict.pop(key, None)
            if expired:
                state.expired_attributes.add(key)


# ── what is known is not loaded ──────────────────────────────────────────────────────────────────────────────────────
KNOWN_KEY = "a key is known without loading the object"


@correction(persistence, "_collect_update_commands", KNOWN_KEY)
def updates(plain: Any, flush: Any, table: Any, objects: Iterable[Any], **options: Any) -> Any:
    found = list(objects)
    with lent_keys(state for state, *_ in found):
        return list(plain(flush, table, found, **options))


@correction(persistence, "_collect_delete_commands", KNOWN_KEY)
def deletes(plain: Any, base: Any, flush: Any, table: Any, objects: Iterable[Any]) -> Any:
    found = list(objects)
    with lent_keys(state for state, *_ in found):
        return list(plain(base, flush, table, found))


@correction(sync, "_populate", KNOWN_KEY)
def populate(plain: Any, source: Any, *rest: Any) -> Any:
    expired = source.expired
    with lent_keys([source]):
        result = plain(source, *rest)
    source.expired = expired
    return result


@correction(sync, "_populate_dict", KNOWN_KEY)
def populate_association(plain: Any, source: Any, *rest: Any) -> Any:
    with lent_keys([source]):
        return plain(source, *rest)


@correction(session.Session, "_register_persistent", KNOWN_KEY)
def register_persistent(plain: Any, self: Any, states: Iterable[Any]) -> Any:
    found = set(states)
    expired = [state for state in found if state.expired and state.dict.keys().isdisjoint(state.mapper.columns.keys())]
    with lent_keys(found):
        plain(self, found)
    for state in expired:
        state.expired = True


@correction(unitofwork.UOWTransaction, "was_already_deleted", "who holds the key of a new row is not loaded for it")
def was_already_deleted(plain: Any, self: Any, state: Any) -> bool:
    return False


@correction(persistence, "_postfetch", "a NULL that was written is known")
def after_statement(
    plain: Any, mapper: Any, flush: Any, table: Any, state: Any, values: Any, *rest: Any, **options: Any
) -> Any:
    result = plain(mapper, flush, table, state, values, *rest, **options)
    if state.key is None:  # it was an INSERT
        for column in mapper.columns:
            key = mapper._columntoproperty[column].key
            if key not in state.expired_attributes:
                values.setdefault(key, None)
    return result


# ── decided by the semantics ─────────────────────────────────────────────────────────────────────────────────────────
@correction(
    session.SessionTransaction,
    "_remove_snapshot",
    "14.8: what was deleted is detached by the commit, whatever expire_on_commit says",
)
def remove_snapshot(plain: Any, self: Any) -> None:
    gone = [] if self.nested or self.session.expire_on_commit else list(self._deleted)
    plain(self)
    if gone:
        InstanceState._detach_states(gone, self.session)
        self._deleted.clear()


@correction(session.Session, "expunge_all", "12.1: expunge_all() and close() take deleted objects along")
def expunge_all(plain: Any, self: Any) -> None:
    gone, transaction = [], self._transaction
    while transaction is not None:
        gone += [state for state in transaction._deleted if state._deleted and state.session_id == self.hash_key]
        transaction = transaction.parent
    plain(self)
    InstanceState._detach_states(gone, self)


TRANSIENT = "6.5: who was inserted is transient after the rollback, though deleted or given another key in between"


@correction(session.Session, "_expunge_states", TRANSIENT)
def expunge_states(plain: Any, self: Any, states: Iterable[Any], to_transient: bool = False) -> None:
    found = list(states)
    plain(self, found, to_transient)
    if to_transient:
        for state in found:
            state._deleted = False


@correction(session.SessionTransaction, "_restore_snapshot", TRANSIENT)
def restore_snapshot(plain: Any, self: Any, dirty_only: bool = False) -> None:
    new = [state for state in self._key_switches if state in self._new]
    plain(self, dirty_only=dirty_only)
    for state in new:
        state.key = None


@correction(session.Session, "_expire_state", "10.15: changes that expire() and refresh() discard make nobody dirty")
def expire_state(plain: Any, self: Any, state: Any, names: Any) -> None:
    plain(self, state, names)
    if state.modified and not state.committed_state and not state._pending_mutations:
        state.modified = False
        self.identity_map._modified.discard(state)


# ── errors of SQLAlchemy ─────────────────────────────────────────────────────────────────────────────────────────────
@correction(session.Session, "_delete_impl", "14.1: a cascade does not delete what is deleted")
def delete_impl(plain: Any, self: Any, state: Any, obj: Any, head: bool) -> None:
    if head or not state._deleted:
        plain(self, state, obj, head)


@correction(unitofwork.UOWTransaction, "register_object", "22.14: a child given to a new parent leaves session.deleted")
def register_object(plain: Any, self: Any, state: Any, *args: Any, **options: Any) -> Any:
    if options.get("cancel_delete"):
        self.session._deleted.pop(state, None)
    return plain(self, state, *args, **options)


@correction(
    persistence,
    "_collect_update_commands",
    "22.17: who takes over a row writes every column of it, an unset one as NULL",
)
def switching_updates(plain: Any, flush: Any, table: Any, objects: Iterable[Any], **options: Any) -> Any:
    found = list(objects)
    for state, values, mapper, *_ in found:
        if state.key is None:
            for column in set(mapper.columns) - set(mapper.primary_key):
                key = mapper._columntoproperty[column].key
                values.setdefault(key, None)
                state.committed_state.setdefault(key, attributes.NO_VALUE)
    return plain(flush, table, found, **options)


@correction(dependency._DependencyProcessor, "prop_has_changes", "22.5: a flush loads no reference of a deleted object")
def prop_has_changes(plain: Any, self: Any, flush: Any, states: Any, isdelete: bool) -> Any:
    if not isdelete or self.direction.name != "MANYTOONE":
        return plain(self, flush, states, isdelete)
    before, self.passive_deletes = self.passive_deletes, True
    self._passive_delete_flag = attributes.PASSIVE_NO_INITIALIZE
    try:
        return plain(self, flush, states, isdelete)
    finally:
        self.passive_deletes = before


class Corrected:
    """Steps that are corrected where they begin or end; mixed into the world of SQLAlchemy."""

    session: Any

    def set_attr(self, obj: Any, attr: str, value: Any) -> None:
        """A key is known without loading the object, also to say what it was."""
        state = inspect(obj)
        keys = key_attributes(state)
        if attr in keys and attr not in state.dict and state.key and state.session_id:
            state.dict[attr] = state.key[1][keys.index(attr)]
            state.expired_attributes.discard(attr)
        setattr(obj, attr, value)

    def remove(self, obj: Any, attr: str, other: Any) -> None:
        """22.15: a removal that fails leaves nothing behind."""
        held = getattr(obj, attr)
        if all(member is not other for member in held):
            raise ValueError("no member")
        held.remove(other)

    def del_attr(self, obj: Any, attr: str) -> None:
        """22.2: ``del obj.reference`` is as set to None."""
        state = inspect(obj)
        if attr not in state.dict and state.key is None:
            raise AttributeError(attr)
        setattr(obj, attr, None)

    def delete(self, obj: Any) -> None:
        """14.1: what is deleted cannot be deleted again: in its session nothing happens, elsewhere it is an error."""
        state = inspect(obj)
        if not (state._deleted and state.key):
            self.session.delete(obj)
        elif state.session_id != self.session.hash_key:
            self.session._autobegin_t()
            raise InvalidRequestError("has been deleted")
