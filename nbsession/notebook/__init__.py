"""What a person sees and types: ``%session``, the views, the dashboard. Below this package nothing knows of notebooks.

The verbs of ``%session`` as Python functions, for where there are no magics (marimo, scripts)::

    from nbsession import notebook

    session = notebook.open("sqlite:///toolshed.db")
    print(notebook.flush())
    print(notebook.plan())

Everything is imported at first use, so that importing this package imports neither IPython nor widgets.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsession.notebook import views
    from nbsession.notebook.commands.reflected import reflect
    from nbsession.notebook.commands.showing import (
        diff,
        export,
        graph,
        identity,
        list,
        log,
        outside,
        plan,
        schema,
        stack,
        state,
        timeline,
        why,
    )
    from nbsession.notebook.commands.verbs import (
        add,
        begin,
        checkpoint,
        close,
        commit,
        delete,
        dock,
        expire,
        expunge,
        flush,
        forget,
        merge,
        open,
        receipt,
        refresh,
        release,
        remap,
        rollback,
        savepoint,
        show,
        undo,
        watch,
    )
    from nbsession.notebook.page.widget import Dashboard
    from nbsession.notebook.views import View

__all__ = [
    "Dashboard",
    "View",
    "add",
    "begin",
    "checkpoint",
    "close",
    "commit",
    "delete",
    "diff",
    "dock",
    "expire",
    "export",
    "expunge",
    "flush",
    "forget",
    "graph",
    "identity",
    "list",
    "log",
    "merge",
    "open",
    "outside",
    "plan",
    "receipt",
    "reflect",
    "refresh",
    "release",
    "remap",
    "rollback",
    "savepoint",
    "schema",
    "show",
    "stack",
    "state",
    "timeline",
    "undo",
    "views",
    "watch",
    "why",
]


_SHOWING = frozenset(
    [
        "diff",
        "export",
        "graph",
        "identity",
        "list",
        "log",
        "outside",
        "plan",
        "schema",
        "stack",
        "state",
        "timeline",
        "why",
    ]
)


def __getattr__(name: str) -> Any:
    if name == "views":
        return import_module("nbsession.notebook.views")
    if name not in __all__:
        raise AttributeError(f"module 'nbsession.notebook' has no attribute {name!r}")
    home = {"Dashboard": "page.widget", "View": "views", "reflect": "commands.reflected"}.get(name)
    home = home or ("commands.showing" if name in _SHOWING else "commands.verbs")
    return getattr(import_module(f"nbsession.notebook.{home}"), name)


def __dir__() -> Iterable[str]:
    return sorted(__all__)
