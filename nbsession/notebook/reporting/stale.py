"""Does an object show what its row no longer says? Compares what was noted when the row was changed; asks nobody."""

from __future__ import annotations

from typing import Any

from nbsession.tracking.instance_state import NO_VALUE
from nbsession.tracking.seeing import old_values


def is_behind(obj: Any, noted: Any) -> bool:
    """Does an object still show what its row no longer says?

    :param noted: the cell, and attribute to the row's value; None for values: the row is gone.
    """
    if noted is None:
        return False
    values = noted[1]
    return values is None or any(
        known is not NO_VALUE and known != value for key, value in values.items() for known in [believed(obj, key)]
    )


def believed(obj: Any, key: str) -> Any:
    """What the session believes to be in the row."""
    return old_values(obj).get(key, obj.__dict__.get(key, NO_VALUE))
