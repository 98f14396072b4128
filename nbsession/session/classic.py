"""The names of 2007: thin layers over the modern ones, with the checks and messages of their day."""

from __future__ import annotations

from typing import Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.entity_names import name_entity
from nbsession.session import attaching
from nbsession.session.asking import Asking
from nbsession.session.core import close_all_sessions
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import ident_of, state_of


class ClassicNames(Asking):
    """What the sessions of 2007 could do under other names."""

    def save(self, obj: Any, entity_name: str | None = None) -> None:
        """:meth:`add`, for new objects only.

        :param entity_name: of a class with several mappings, the name of the one that the object is to be of.
        :raises InvalidRequestError: it has a row.
        """
        session: Any = self
        if entity_name is not None:
            name_entity(obj, entity_name)
        state = state_of(obj)
        if state.status not in (ObjectState.TRANSIENT, ObjectState.PENDING):
            raise InvalidRequestError(f"Instance '{describe(obj)}' is already persistent: use update() or add().")
        session.add(obj)

    def update(self, obj: Any, entity_name: str | None = None) -> None:
        """:meth:`add`, for objects that have a row.

        :param entity_name: the name of the mapping that the object is of.
        :raises InvalidRequestError: it has none, or another object has its key here.
        """
        session: Any = self
        if entity_name is not None:
            name_entity(obj, entity_name)
        state = state_of(obj)
        if state.status in (ObjectState.TRANSIENT, ObjectState.PENDING):
            raise InvalidRequestError(f"Instance '{describe(obj)}' is not persisted: use save() or add().")
        holder = self.find(state.mapper, ident_of(obj))
        if state.status is ObjectState.DETACHED and holder is not None and holder is not obj:
            raise InvalidRequestError(
                f"Could not update instance '{describe(obj)}', identity key {state.mapper.identity_key(ident_of(obj))}; a "
                "different instance with the same identity key already exists in this session. Use merge()."
            )
        session.add(obj)

    def save_or_update(self, obj: Any, entity_name: str | None = None) -> None:
        """:meth:`save` for an object without a row, :meth:`update` for one that has one."""
        new = state_of(obj).status in (ObjectState.TRANSIENT, ObjectState.PENDING)
        (self.save if new else self.update)(obj, entity_name)

    def clear(self) -> None:
        """:meth:`expunge_all`."""
        self.unit_of_work.let_all_go("session.clear")

    def load(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The object of a primary key, by a SELECT in any case: its unflushed changes are lost. Nothing is flushed first.

        :param entity: a mapped class.
        :param ident: the key, as for :meth:`get`.
        :param options: as for :meth:`get`.
        :raises InvalidRequestError: there is no such row.
        """
        session: Any = self
        with self.no_autoflush:
            found = session.get(entity, ident, populate_existing=True, **options)
        if found is None:
            raise InvalidRequestError(f"No instance found for identity {attaching.identity_text(entity, ident)}")
        return found

    def prune(self) -> int:
        """With ``weak_identity_map=False``: lets go of unchanged objects that nobody else holds.

        :return: how many went; 0 with a weak identity map, which lets go by itself.
        """
        return self.unit_of_work.prune()

    @classmethod
    def close_all(cls) -> None:
        """Closes every session that is alive, of whatever class."""
        close_all_sessions()

    @staticmethod
    def object_session(instance: Any) -> Any:
        """The session an object is in, or None.

        :raises UnmappedInstanceError: its class is not mapped.
        """
        return attaching.object_session(instance)
