"""How the rows of a statement are to be made into objects: what options ask for, as plain values. Knows no session and no SQL."""

from __future__ import annotations

from typing import NamedTuple


class EntityLoad(NamedTuple):
    """How the rows of one entity are taken.

    :ivar keys: the column attributes that the rows hold, in their order; None for all.
    :ivar populate_existing: objects that are here already take the rows' values, in place of their own.
    """

    keys: tuple[str, ...] | None = None
    populate_existing: bool = False


PLAIN = EntityLoad()
"""all columns; objects that are here keep what they have"""
