"""Several columns as one thing of a row: ``select(Bundle("who", User.id, User.name))``. Knows expressions only."""

from __future__ import annotations

from typing import Any

from nbsession.sql.elements import clause_of
from nbsession.sql.selectable import ColumnCollection


class Bundle:
    """Columns that come together, as a row of their own under one name.

    :param name: the name.
    :param exprs: attributes, columns, or bundles.
    :param single_entity: selected alone, the bundle's rows come bare, not in a row of one.

    >>> row = session.execute(select(Bundle("who", User.id, User.name))).first()
    >>> row.who.name
    """

    def __init__(self, name: str, *exprs: Any, single_entity: bool = False) -> None:
        self.name = name
        self.exprs = exprs
        self.single_entity = single_entity
        self.c = ColumnCollection([(_key(one), one) for one in exprs])
        self.columns = self.c

    def __column_elements__(self) -> tuple[Any, ...]:
        """The columns it stands for, those of bundles within it too."""
        return tuple(
            column
            for one in self.exprs
            for column in (one.__column_elements__() if isinstance(one, Bundle) else (clause_of(one),))
        )

    def keys(self) -> tuple[str, ...]:
        """The names of what it holds."""
        return tuple(map(_key, self.exprs))

    def label(self, name: str) -> Bundle:
        """The same under another name."""
        return Bundle(name, *self.exprs, single_entity=self.single_entity)

    def __repr__(self) -> str:
        return f"<Bundle {self.name}: {', '.join(self.keys())}>"


def _key(one: Any) -> str:
    return str(getattr(one, "key", None) or getattr(one, "name", None) or "anon")
