"""How a session forgets loaded values, and loads them anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from nbsession.mapping.attributes import NEW
from nbsession.session import attaching
from nbsession.session.answering import Answering
from nbsession.session.cascades import reached
from nbsession.session.load import refreshing
from nbsession.states import Trigger
from nbsession.tracking.instance_state import state_of
from nbsession.tracking.unset import note_there


class Expiring(Answering):
    """A session's expire and refresh."""

    def expire(self, obj: Any, attribute_names: Iterable[str] | None = None) -> None:
        """Forgets loaded values and unflushed changes: the next touch loads them.

        :param attribute_names: only these.
        :raises InvalidRequestError: the object is not persistent here, or has no such attribute.
        """
        attaching.require_persistent(cast(Any, self), obj)
        names = list(attribute_names or ())
        if names:
            attaching.expire_names(self.unit_of_work, obj, names)
            return
        expired, left = [obj], []
        for member, _ in reached(obj, "refresh_expire"):
            if state_of(member).status not in NEW:  # here or elsewhere, deleted or not
                expired.append(member)
            elif member in self:
                left.append(member)
        self.unit_of_work.expire(expired, "session.expire")
        self.unit_of_work.move_each(left, Trigger.EXPUNGE, "session.expire")

    def expire_all(self) -> None:
        """:meth:`expire` for every persistent object."""
        self.unit_of_work.expire_all("session.expire_all")

    def refresh(self, obj: Any, attribute_names: Iterable[str] | None = None, with_for_update: Any = None) -> None:
        """Loads an object anew, by one SELECT and what its eager relationships need; its own unflushed changes are lost.

        :param attribute_names: only these columns and relationships; the others keep their changes.
        :param with_for_update: lock the row where the database can.
        :raises InvalidRequestError: the object is not persistent here, or its row is gone.
        """
        names = list(attribute_names or ()) or None
        self.expire(obj, names)
        self.autoflush_before("session.refresh")
        self.work_begins()
        session, locked = cast(Any, self), with_for_update not in (None, False)
        with self.bus.because("session.refresh"):
            if names is not None:
                attaching.check_keys_flushed(obj, names)
            if names is None:
                found = refreshing.load_anew(session, obj, locked)
            else:
                found = refreshing.refresh_names(session, obj, names, locked)
                if found and state_of(obj).mapper.pk_keys[0] not in obj.__dict__:
                    note_there(obj)  # though nothing else was loaded, it is not expired as a whole any more
        refreshing.require_found(obj, found)
