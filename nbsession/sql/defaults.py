"""The value of a column's default on the Python side: ``Column("made", DateTime, default=datetime.now)``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.sql.base import ClauseElement
from nbsession.sql.columns import Sequence


class DefaultContext:
    """What a default's function is called with if it takes an argument: the other values of its row.

    :ivar current_parameters: column key to value, as far as they are known.

    >>> Column("twice", Integer, default=lambda context: 2 * context.get_current_parameters()["once"])
    """

    __slots__ = ("current_parameters",)

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.current_parameters = parameters

    def get_current_parameters(self, isolate_multiinsert_groups: bool = True) -> dict[str, Any]:
        """The values of the row that is written; of an INSERT of several rows, those of this one."""
        return self.current_parameters


def is_sql_default(default: Any) -> bool:
    """Whether the database works it out (an expression or a sequence)."""
    return isinstance(default, ClauseElement | Sequence)


def default_value(default: Any, context: Any = None) -> Any:
    """The value: the default itself, or what it returns when called (with the context, if it takes an argument)."""
    if not callable(default) or isinstance(default, ClauseElement):
        return default
    return default(context) if _wants_context(default) else default()


def default_in_row(default: Any, values: Mapping[str, Any], columns: Mapping[str, Any]) -> Any:
    """:func:`default_value` for a row, of which a default that takes an argument may see the other values.

    :param values: attribute key to value.
    :param columns: attribute key to column.
    """
    if not callable(default) or not _wants_context(default):
        return default_value(default)
    return default(DefaultContext({column.key: values.get(key) for key, column in columns.items()}))


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
