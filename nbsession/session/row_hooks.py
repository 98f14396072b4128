"""Fires the hooks on mapped classes at the rows that a flush writes and a load reads. Nothing is done while nobody listens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.mapping.listening import class_hooks
from nbsession.tracking.instance_state import state_of

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.session.flush.flush_plan import FlushPlan, Step
    from nbsession.tracking.identity import KeyedObjects


class Loading(NamedTuple):
    """What a ``load`` or ``refresh`` hook is told beside the object.

    :ivar session: the session that loads.
    """

    session: Any


class WriteHooks:
    """The hooks about the rows of one flush: before an object's first row is written, and after its last.

    :param plan: the plan that is being executed.
    """

    def __init__(self, plan: FlushPlan) -> None:
        self._left = Counter(id(obj) for step in plan.steps for obj in step.objects)
        self._begun: set[int] = set()

    def before(self, step: Step, connection: Connection) -> None:
        """Fires ``before_insert``, ``before_update`` or ``before_delete``."""
        new = [obj for obj in step.objects if id(obj) not in self._begun]
        self._begun.update(map(id, new))
        _fire(f"before_{_verb(step)}", new, connection)

    def after(self, step: Step, connection: Connection) -> None:
        """Fires ``after_insert``, ``after_update`` or ``after_delete``."""
        self._left.subtract(map(id, step.objects))
        _fire(f"after_{_verb(step)}", [obj for obj in step.objects if not self._left[id(obj)]], connection)


def _verb(step: Step) -> str:
    return "insert" if step.replaces else step.verb.lower()


def _fire(name: str, objects: Sequence[Any], connection: Connection) -> None:
    hooks: dict[type, Any] = {}
    for obj in objects:
        cls = type(obj)
        if cls not in hooks:
            hooks[cls] = class_hooks.of(cls, name)
        for hook in hooks[cls]:
            hook(state_of(obj).mapper, connection, obj)


def gaps(objects: Iterable[Any]) -> list[tuple[Any, set[str]]]:
    """(object, columns that it lacks) of those whose class has ``refresh`` hooks."""
    found = []
    for obj in objects:
        missing = {key for key in state_of(obj).mapper.column_keys if key not in obj.__dict__}
        if missing and class_hooks.of(type(obj), "refresh"):
            found.append((obj, missing))
    return found


def stale(known: KeyedObjects) -> list[tuple[Any, set[str]]]:
    """:func:`gaps` of all the objects of a map, some of which a load may fill."""
    return gaps(known.alive()) if class_hooks.count else []


def tell_loaded(session: Any, born: Sequence[Any], before: Iterable[tuple[Any, set[str]]]) -> None:
    """Fires ``load`` for new objects, and ``refresh`` for those that lacked values before and hold them now."""
    context = Loading(session)
    class_hooks.fire("load", born, context)
    for obj, missing in before:
        filled = missing & obj.__dict__.keys()
        if filled:
            class_hooks.fire("refresh", (obj,), context, filled)
