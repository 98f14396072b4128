"""Which call of SQLAlchemy's interface made something happen, in the words of the API. Reads Python's stack, nothing else.

Events do not say what led to them. But they are told while it happens, so that the last SQLAlchemy function before the
caller's own code is the call that they wrote: ``session.commit``, ``User.addresses``, ``query.all``.
"""

from __future__ import annotations

import sys
from types import FrameType

SQLALCHEMY = ("sqlalchemy", "duckdb_engine")
PATIENCE = 12
"""frames of ours before the first of SQLAlchemy's"""
_OWNERS = {"Session": "session", "scoped_session": "session", "AsyncSession": "session", "Query": "query"}
_AUTOFLUSH = frozenset({"_autoflush", "autoflush"})
_LEVEL = {
    "begin_nested": "session.begin_nested",
    "commit": "savepoint released",
    "rollback": "rollback to savepoint",
}
_ATTRIBUTES = "sqlalchemy.orm.attributes"
_RELATED = frozenset({"_load_for_state", "_emit_lazyload"})


def cause_now() -> str:
    """What a fact that is being told was made by; empty if it was told from nowhere in SQLAlchemy."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(PATIENCE):
        if frame is None or _is_sqlalchemy(frame):
            break
        frame = frame.f_back
    if frame is None or not _is_sqlalchemy(frame):
        return ""
    passed: set[str] = set()
    entry = frame
    while frame is not None and _is_sqlalchemy(frame):
        passed.add(frame.f_code.co_name)
        entry, frame = frame, frame.f_back
    said = _said(entry, passed)
    return f"autoflush before {said}" if passed & _AUTOFLUSH else said


def _is_sqlalchemy(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0] in SQLALCHEMY


def _said(entry: FrameType, passed: set[str]) -> str:
    code = entry.f_code
    owner, _, method = code.co_qualname.rpartition(".")
    if entry.f_globals["__name__"].startswith(_ATTRIBUTES):
        return _attribute(entry, method, passed)
    if type(entry.f_locals.get("self")).__name__ == "SessionTransaction":
        return _level(entry, method)
    if owner in _OWNERS:
        return f"{_OWNERS[owner]}.{_method(method)}"
    if not method.isidentifier() or "<locals>" in code.co_qualname or method.startswith("__"):
        return _object(entry, method)
    return f"{owner.rpartition('.')[2].lower()}.{method}" if owner else method


def _method(name: str) -> str:
    return {"__exit__": "close"}.get(name, name)


def _level(entry: FrameType, method: str) -> str:
    """The end of a transaction or savepoint, by its handle or by the end of a ``with`` block."""
    level = entry.f_locals.get("self")
    if method == "__exit__":
        method = "commit" if entry.f_locals.get("type_") is None else "rollback"
    if getattr(level, "nested", False):
        return _LEVEL.get(method, f"savepoint.{method}")
    return f"session.{method}"


def _attribute(entry: FrameType, method: str, passed: set[str]) -> str:
    """An attribute was read or set."""
    attribute, obj = entry.f_locals.get("self"), entry.f_locals.get("instance")
    key, cls = getattr(attribute, "key", ""), type(obj).__name__
    if not key or obj is None:
        return ""
    if method == "__get__":
        return f"{'lazy load' if passed & _RELATED else 'load'} of {cls}.{key}"
    return f"{cls}.{key} = …"


def _object(entry: FrameType, method: str) -> str:
    """A mapped class was called, or a collection was changed."""
    collection = entry.f_locals.get("self")
    name = type(collection).__name__ if collection is not None else ""
    return f"{name}.{method}" if name else method
