"""Who in the notebook holds an object: variables and outputs, by name. Reads the namespace; touches no object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

OUTPUTS_SEARCHED = 500
NAMES_SHOWN = 4
FRAMES_SEARCHED = 100


def holders_of(
    objects: Iterable[Any], namespace: Mapping[str, Any], traceback: tuple[str, Any] | None = None
) -> dict[int, list[str]]:
    """The names that hold each object.

    :param namespace: the notebook's variables; ``Out`` among them holds what cells displayed.
    :param traceback: one that the shell keeps, with a name for it: its functions' variables hold objects.
    :return: ``id(obj)`` to names such as ``ada`` and ``Out[5]``; nothing for objects that no name holds.
    """
    wanted = {id(obj) for obj in objects}
    found: dict[int, list[str]] = {}
    if not wanted:
        return found
    for name, value in tuple(namespace.items()):
        if id(value) in wanted and not name.startswith("_"):
            found.setdefault(id(value), []).append(name)
    outputs = namespace.get("Out")
    if isinstance(outputs, dict):
        for number, value in islice(reversed(tuple(outputs.items())), OUTPUTS_SEARCHED):
            if id(value) in wanted:
                found.setdefault(id(value), []).append(f"Out[{number}]")
    if traceback is not None:
        for value in _held_by(traceback[1]):
            if id(value) in wanted and traceback[0] not in found.setdefault(id(value), []):
                found[id(value)].append(traceback[0])
    return {address: names[:NAMES_SHOWN] for address, names in found.items()}


def _held_by(traceback: Any) -> Iterator[Any]:
    """The values of the variables of functions that an exception passed; those of the cell itself are the notebook's."""
    for _ in range(FRAMES_SEARCHED):
        if traceback is None:
            return
        if traceback.tb_frame.f_code.co_name != "<module>":
            yield from traceback.tb_frame.f_locals.values()
        traceback = traceback.tb_next


def name_of(obj: Any, namespace: Mapping[str, Any], default: str) -> str:
    """The variable that holds an object, the default if it does or if none does."""
    if namespace.get(default) is obj:
        return default
    names = holders_of([obj], {name: value for name, value in namespace.items() if name != "Out"})
    return next(iter(names.get(id(obj), [])), default)
