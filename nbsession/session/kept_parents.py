"""Parents that objects were given to and forgot, under delete-orphan: whoever else lets go of such an object makes no orphan of it.

Expiring the reference alone forgets what was set on it, while the parent's collection holds the object still; so does a
SELECT that overwrites the object. Expiring the whole object forgets the parent.

Also who was given to its parent, rather than read with it, in a flush before: an assignment that is refused tells nobody
that it went, so who was given stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from weakref import ref

from nbsession.tracking.instance_state import OwnState, ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.flush.steps import Link
    from nbsession.session.unit_of_work import UnitOfWork


PURGE_AT = 100
"""what is kept of objects that are gone is forgotten whenever there is twice as much, and not below this"""


class KeptParents(dict[int, tuple["ref[Any]", Any, "ref[Any]"]]):
    """(object, relationship, parent) of objects that were given to a parent and forgot it, by ``id``.

    :ivar written: by the name of a reference, those on which it was set when a flush wrote them, by ``id``.
    """

    __slots__ = ("_purge_at", "written")

    def __init__(self) -> None:
        self._purge_at = PURGE_AT
        self.written: dict[str, dict[int, ref[Any]]] = {}

    def note_written(self, objects: Iterable[Any], links: Mapping[int, Sequence[Link]]) -> None:
        """A flush has filled foreign keys of objects that had rows before.

        :param links: by ``id`` of the child.
        """
        for obj in objects:
            for link in links.get(id(obj), ()):
                if link.parent is not None:
                    self.written.setdefault(link.along, {})[id(obj)] = ref(obj)
        for along, known in self.written.items():
            if len(known) > self._purge_at:
                self.written[along] = known = {address: one for address, one in known.items() if one() is not None}
                self._purge_at = max(PURGE_AT, 2 * len(known))

    def keep(self, obj: Any, declared: Any, parent: Any) -> None:
        """Keeps the parent of an object along a relationship in mind."""
        self[id(obj)] = ref(obj), declared, ref(parent)
        if len(self) > self._purge_at:
            for address in [address for address, one in self.items() if one[0]() is None]:
                del self[address]
            self._purge_at = max(PURGE_AT, 2 * len(self))


def keep_parent(unit: UnitOfWork, obj: Any, name: str, parent: Any) -> None:
    """A reference that was set is expired: the parent is kept in mind."""
    declared = getattr(state_of(obj).mapper.attributes[name], "relationship", None)
    back = None if declared is None or declared.reverse is None else declared.reverse.relationship
    if back is not None and back.cascade.delete_orphan:
        unit.kept.keep(obj, back, parent)


def forget_parents(unit: UnitOfWork, obj: Any) -> None:
    """An object is expired, and with it whom it was given to and who let go of it."""
    unit.homeless.pop(id(obj), None), unit.kept.pop(id(obj), None)
    for known in unit.kept.written.values():
        known.pop(id(obj), None)


def forget_but_parents(unit: UnitOfWork, objects: Sequence[Any], cause: str) -> None:
    """Objects are about to be overwritten by what their rows say: what is known of their parents stays."""
    homeless = {id(obj): unit.homeless[id(obj)] for obj in objects if id(obj) in unit.homeless}
    kept = {id(obj): unit.kept[id(obj)] for obj in objects if id(obj) in unit.kept}
    written = [(known, obj) for known in unit.kept.written.values() for obj in objects if id(obj) in known]
    given: list[tuple[Any, str, Any]] = []
    for obj in objects:
        state = obj._nbs_state
        for name in state.related if isinstance(state, OwnState) else ():
            declared = state.common.mapper.attributes[name].relationship
            if not declared.uselist and obj.__dict__.get(name) is not None:
                given.append((obj, name, obj.__dict__[name]))
    unit.expire(objects, cause)
    unit.homeless.update(homeless)
    unit.kept.update(kept)
    for known, obj in written:
        known[id(obj)] = ref(obj)
    for one in given:
        keep_parent(unit, *one)


def is_kept(unit: UnitOfWork, obj: Any, along: Any, giver: Any) -> bool:
    """Does an object that a parent lets go of belong to another one? Another object of its row is no other."""
    known, declared, parent_ref = unit.kept.get(id(obj), (None, None, None))
    parent = None if parent_ref is None else parent_ref()
    if known is None or known() is not obj or declared is not along or parent is None:
        return False
    if parent is giver or (giver is not None and ident_of(parent) == ident_of(giver)):
        del unit.kept[id(obj)]
        return False
    return True


def given_before(unit: UnitOfWork, members: Collection[Any], along: Any) -> set[int]:
    """``id`` of those members that were given to their parent and written since: they were not only read with it.

    An object that was inserted and refers to its parent was mostly given to it.
    """
    back = along.reverse
    known = {} if back is None else unit.kept.written.get(str(back.relationship), {})
    found = {id(obj) for obj in members if id(obj) in known and known[id(obj)]() is obj}
    frame = unit.frame
    while frame is not None:
        inserted = {id(obj) for reference in frame.inserted if (obj := reference()) is not None}
        found.update(id(obj) for obj in members if id(obj) in inserted)
        frame = frame.parent
    return found
