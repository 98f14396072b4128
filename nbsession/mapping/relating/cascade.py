"""Cascade options: which deeds on an object reach the related ones. Pure values."""

from __future__ import annotations

from typing import NamedTuple

from nbsession.exc import ArgumentError

_ALL = ("save-update", "merge", "refresh-expire", "expunge", "delete")
_KNOWN = (*_ALL, "delete-orphan")


class Cascade(NamedTuple):
    """The cascades of one relationship."""

    save_update: bool = False
    merge: bool = False
    refresh_expire: bool = False
    expunge: bool = False
    delete: bool = False
    delete_orphan: bool = False

    @classmethod
    def parse(cls, text: str | bool) -> Cascade:
        """Reads a cascade option.

        :param text: names separated by commas: ``"all, delete-orphan"``, ``"none"``; ``all`` is all but delete-orphan.
        :raises ArgumentError: a name is not known.

        >>> Cascade.parse("save-update, merge").save_update
        True
        """
        names = {n.strip() for n in str(text or "none").split(",")} - {"", "none"}
        if "all" in names:
            names = names - {"all"} | set(_ALL)
        for name in sorted(names):
            if name not in _KNOWN:
                raise ArgumentError(f"Invalid cascade option '{name}'. Known: all, none, {', '.join(_KNOWN)}.")
        return cls(*(name in names for name in _KNOWN))

    def names(self) -> list[str]:
        """The options that are on, in their usual order."""
        return [name for name, on in zip(_KNOWN, self, strict=True) if on]

    def __str__(self) -> str:
        return ", ".join(self.names()) or "none"


DEFAULT = Cascade(save_update=True, merge=True)
