"""The value of a column's default on the Python side: ``Column("made", DateTime, default=datetime.now)``."""

from __future__ import annotations

from typing import Any

from nbsession.sql.base import ClauseElement
from nbsession.sql.columns import Sequence


def is_sql_default(default: Any) -> bool:
    """Whether the database works it out (an expression or a sequence)."""
    return isinstance(default, ClauseElement | Sequence)


def default_value(default: Any, context: Any = None) -> Any:
    """The value: the default itself, or what it returns when called (with the context, if it takes an argument)."""
    if not callable(default) or isinstance(default, ClauseElement):
        return default
    return default(context) if _wants_context(default) else default()


def _wants_context(function: Any) -> bool:
    """Whether a callable has a positional argument without default; builtins and classes are called without."""
    code = getattr(function, "__code__", None)
    bound = 0
    if code is None:
        method = getattr(function, "__func__", None)
        code, bound = getattr(method, "__code__", None), 1
        if code is None:
            return False
        function = method
    return int(code.co_argcount) - len(getattr(function, "__defaults__", None) or ()) - bound > 0
