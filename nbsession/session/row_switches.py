"""New objects that take over the row of one deleted in the same flush: one UPDATE instead of DELETE and INSERT."""

from __future__ import annotations

from typing import Any

from nbsession.exc import FlushError
from nbsession.mapping.attributes import describe
from nbsession.session.workload import Workload, row_key
from nbsession.tracking.instance_state import ident_of, state_of


def row_switches(work: Workload) -> dict[int, Any]:
    """By ``id`` of the new object, the one whose row it takes over.

    :raises FlushError: two new objects want one row.
    """
    if not work.deletes:
        return {}
    leaving = {row_key(obj): obj for obj in work.deletes}
    switched: dict[int, Any] = {}
    taken: set[int] = set()
    for obj in work.inserts:
        mapper = state_of(obj).mapper
        old = leaving.get((mapper.base_mapper, mapper.ident_of_values(obj.__dict__)))
        if old is None or state_of(old).mapper is not mapper:
            continue
        if id(old) in taken:
            raise FlushError(
                f"New instance {describe(obj)} with identity key {mapper.identity_key(ident_of(old))} conflicts with "
                "another new instance of this flush: both take the place of a deleted one. Add one of them only."
            )
        taken.add(id(old))
        switched[id(obj)] = old
    return switched
