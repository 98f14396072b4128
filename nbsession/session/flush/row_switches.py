"""New objects that take over the row of one deleted in the same flush: one UPDATE instead of DELETE and INSERT."""

from __future__ import annotations

from typing import Any

from nbsession.exc import FlushError
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.session.flush.steps import KeyOf, Link, known_value
from nbsession.session.flush.workload import Workload, row_key
from nbsession.tracking.instance_state import ident_of, state_of


def row_switches(work: Workload, links: dict[int, list[Link]]) -> dict[int, Any]:
    """By ``id`` of the new object, the one whose row it takes over.

    :param links: by ``id`` of the new object, the foreign keys to be filled: they may be part of its key.
    :raises FlushError: two new objects want one row.
    """
    if not work.deletes or not work.inserts:
        return {}
    leaving = {row_key(obj): obj for obj in work.deletes}
    switched: dict[int, Any] = {}
    taken: set[int] = set()
    for obj in work.inserts:
        mapper = state_of(obj).mapper
        values = obj.__dict__
        if id(obj) in links:
            values = {**values, **_filled(links[id(obj)], mapper)}
        old = leaving.get((mapper.base_mapper, mapper.ident_of_values(values)))
        if old is None:
            continue
        if id(old) in taken:
            raise FlushError(
                f"New instance {describe(obj)} with identity key {mapper.identity_key(ident_of(old))} conflicts with "
                "another new instance of this flush: both take the place of a deleted one. Add one of them only."
            )
        taken.add(id(old))
        switched[id(obj)] = old
    return switched


def _filled(links: list[Link], mapper: Mapper) -> dict[str, Any]:
    """The parts of a primary key that are known from related objects."""
    found: dict[str, Any] = {}
    for link in links:
        for key, source in link.keys:
            if key in mapper.pk_keys and link.parent is not None:
                value = known_value(link.parent, source)
                if not isinstance(value, KeyOf):
                    found[key] = value
    return found
