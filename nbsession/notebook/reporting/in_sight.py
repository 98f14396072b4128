"""Which mapped classes a notebook works with: those its variables name, those of a session's objects, and their kin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nbsession.mapping.registry import registries
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.reporting.readings import maps
from nbsession.tracking.seeing import seen


def mappers_in_sight(session: Any) -> Iterator[Any]:
    """The mappers of every registry in sight; of all registries, if none is: scripts have no notebook's variables.

    :param session: a Session; its objects' classes are in sight.
    """
    named = [value for value in tuple(clock.namespace.values()) if isinstance(value, type)]
    found = [vars(cls)["__mapper__"] for cls in named if maps(cls)]
    found += {mapper: None for obj in session for mapper in [seen(obj).mapper]}
    known = dict.fromkeys(mapper.registry for mapper in found)
    for registry in known or tuple(registries):
        yield from registry.mappers
