"""A class that is declared again: in a notebook a cell is run twice, and its objects should not be strangers afterwards.

Nothing happens here unless somebody watches, as a notebook does: then a class statement that names a class its registry
knows changes that class in place, where the two mappings fit together, and its objects stay what and where they are.
Where they do not, the class that was there is retired and a new one takes its name. Knows no session: who watches is
asked before anything is lost.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from weakref import WeakValueDictionary

from nbsession.mapping.declaring.differences import Differences, same_table
from nbsession.sql.schema import Table

Make = Callable[[], type]


class Watcher(Protocol):
    """Who wants classes to be redefined, and hears of it."""

    def defined(self, cls: type) -> None:
        """A class is there that was not there before."""

    def asked(self, cls: type, differences: Differences) -> None:
        """A class is about to change. May raise, and then nothing has changed."""

    def changed(self, cls: type, differences: Differences) -> None:
        """A class was changed in place: its objects are what they were."""

    def replaced(self, cls: type, former: list[type], differences: Differences) -> None:
        """A class took the place of another, which is retired together with its subclasses."""


class Redefinitions:
    """The classes without a table that were declared, and who watches.

    :ivar watcher: None: a class statement makes a class, as everywhere.
    """

    def __init__(self) -> None:
        self.watcher: Watcher | None = None
        self.drafting = False
        """is a class being made only to be compared?"""
        self._tableless: WeakValueDictionary[tuple[str, str], type] = WeakValueDictionary()

    def watch(self, watcher: Watcher | None) -> None:
        """From now on this one watches; None: nobody."""
        self.watcher = watcher
        Table.is_the_same = None if watcher is None else staticmethod(same_table)

    def note(self, cls: type) -> None:
        """A base or abstract class was declared."""
        self._tableless[cls.__module__, cls.__qualname__] = cls

    def define(self, make: Make, bases: tuple[type, ...], body: dict[str, Any]) -> type:
        """The class of a class statement: the one that is there, changed, or a new one.

        :param make: makes the class and maps it; while ``drafting`` it only makes it.
        :param body: what the class statement's body left.
        """
        watcher = self.watcher
        earlier = self._earlier(bases, body) if watcher is not None and not self.drafting else None
        if watcher is None or earlier is None:
            made = make()
            if watcher is not None and not self.drafting:
                watcher.defined(made)
            return made
        from nbsession.mapping.declaring.remapping import redefine

        with self._draft():
            draft = make()
        cls = redefine(watcher, earlier, draft, make)
        cell = body.get("__classcell__")
        if cell is not None:
            cell.cell_contents = cls  # what super() means in its methods
        return cls

    @contextmanager
    def _draft(self) -> Iterator[None]:
        self.drafting = True
        try:
            yield
        finally:
            self.drafting = False

    def _earlier(self, bases: tuple[type, ...], body: dict[str, Any]) -> type | None:
        """The class that a class statement at the top of a module has made before; of classes made by calls, none."""
        module, name = body.get("__module__"), body.get("__qualname__")
        if module is None or name is None or "." in name or any(hasattr(base, "prepare") for base in bases):
            return None
        owner = next((registry for base in bases if (registry := getattr(base, "registry", None)) is not None), None)
        if owner is None or body.get("__abstract__"):
            return self._tableless.get((module, name))
        found: type | None = owner.known_class(name)
        same = found is not None and (found.__module__, found.__qualname__) == (module, name)
        return found if same and hasattr(getattr(found, "__mapper__", None), "said") else None


redefinitions = Redefinitions()
"""those of this process"""


def objects_of(classes: Iterable[type]) -> list[Any]:
    """All living objects of some classes, subclasses left out: those in no session too."""
    wanted = set(classes)
    return [obj for obj in gc.get_objects() if type(obj) in wanted]
