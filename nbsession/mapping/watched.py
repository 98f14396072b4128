"""Attributes of plain classes that have a ``__setattr__`` of their own: it stays, so the attributes themselves take writes.

Where the class's own ``__setattr__`` hands a value on (``super().__setattr__`` or ``object.__setattr__``), Python gives it to
the attribute, which notes it. Reading costs a call more than in other classes.
"""

from __future__ import annotations

from typing import Any

from nbsession.tracking.instance_state import state_of


def watched(attribute: Any) -> Any:
    """The attribute, made one that takes writes."""
    kind = type(attribute)
    if kind not in _kinds:
        _kinds[kind] = _watched_type(kind)
    attribute.__class__ = _kinds[kind]
    return attribute


_kinds: dict[Any, type] = {}


def _watched_type(kind: Any) -> type:
    def __get__(self: Any, obj: Any, owner: type | None = None) -> Any:
        if obj is not None and self.key in obj.__dict__:
            return obj.__dict__[self.key]
        return kind.__get__(self, obj, owner)

    def __set__(self: Any, obj: Any, value: Any) -> None:
        state_of(obj).mapper.configure()
        state = state_of(obj)
        if self.key in state:
            obj.__dict__[self.key] = value
        else:
            state.write(obj, self.key, value)

    def __delete__(self: Any, obj: Any) -> None:
        state_of(obj).mapper.attributes[self.key].delete(obj)

    return type(kind.__name__, (kind,), {"__get__": __get__, "__set__": __set__, "__delete__": __delete__})
