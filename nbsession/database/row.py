"""One row of a result: a named tuple. Knows keys and values, not where they came from."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from functools import lru_cache
from operator import itemgetter
from typing import Any, ClassVar

from nbsession.exc import InvalidRequestError


class Row(tuple[Any, ...]):
    """A row: a tuple whose values also have names.

    Each set of keys has a subclass of its own, made once by :func:`row_class`.

    >>> row = row_class(("id", "name"))((1, "Ada"))
    >>> row.name, row[0], row._mapping["id"], row == (1, "Ada")
    ('Ada', 1, 1, True)
    """

    __slots__ = ()
    _fields: ClassVar[tuple[str, ...]] = ()
    _positions: ClassVar[Mapping[str, int]] = {}
    _ambiguous: ClassVar[frozenset[str]] = frozenset()

    @property
    def _mapping(self) -> RowMapping:
        """The row as a mapping of keys to values."""
        return RowMapping(self)

    def _asdict(self) -> dict[str, Any]:
        """The row as a new dictionary."""
        return dict(zip(self._fields, self, strict=True))

    def _tuple(self) -> tuple[Any, ...]:
        """The row itself, typed as a plain tuple."""
        return self

    @property
    def _t(self) -> tuple[Any, ...]:
        return self

    def __getattr__(self, name: str) -> Any:
        if name in self._ambiguous:
            raise InvalidRequestError(
                f"Ambiguous column name {name!r} in the row: several columns have it. Give them labels: column.label('…')."
            )
        raise AttributeError(
            f"Could not locate column in row for column {name!r}. The row has: {', '.join(self._fields)}."
        )

    def __reduce__(self) -> tuple[Callable[..., Row], tuple[tuple[str, ...], tuple[Any, ...]]]:
        return _restored, (self._fields, tuple(self))


def _restored(fields: tuple[str, ...], values: tuple[Any, ...]) -> Row:
    return row_class(fields)(values)


@lru_cache(maxsize=1000)
def row_class(keys: tuple[str, ...]) -> type[Row]:
    """The class of the rows that have these keys, in this order. A key that comes twice has no attribute."""
    twice = frozenset(key for key in keys if keys.count(key) > 1)
    body: dict[str, Any] = {
        key: property(itemgetter(position))
        for position, key in enumerate(keys)
        if key not in twice and not key.startswith("__") and (not hasattr(Row, key) or key in ("count", "index"))
    }
    body |= {
        "__slots__": (),
        "__module__": __name__,
        "_fields": keys,
        "_positions": {key: position for position, key in reversed(tuple(enumerate(keys)))},
        "_ambiguous": twice,
    }
    return type("Row", (Row,), body)


class RowMapping(Mapping[str, Any]):
    """A row seen as a mapping. A column object is accepted as a key too: its name is looked up."""

    __slots__ = ("_row",)

    def __init__(self, row: Row) -> None:
        self._row = row

    def __getitem__(self, key: Any) -> Any:
        return self._row[position_of(key, self._row._positions, self._row._fields)]

    def __contains__(self, key: object) -> bool:
        return name_of(key) in self._row._positions

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._row._fields))

    def __len__(self) -> int:
        return len(self._row._positions)

    def keys(self) -> KeysView[str]:
        """The keys, in order."""
        return KeysView(self)

    def values(self) -> ValuesView[Any]:
        """The values, in order."""
        return ValuesView(self)

    def items(self) -> ItemsView[str, Any]:
        """Pairs of key and value, in order."""
        return ItemsView(self)

    def __repr__(self) -> str:
        return repr(dict(self))


def name_of(key: object) -> str:
    """The name under which a key is found: itself, or a column's label, key or name."""
    if isinstance(key, str):
        return key
    for attribute in ("key", "name"):
        name = getattr(key, attribute, None)
        if isinstance(name, str):
            return name
    return ""


def position_of(key: object, positions: Mapping[str, int], fields: Sequence[str]) -> int:
    """The position of a column given by key, column object or number.

    :raises KeyError: there is none.
    """
    if isinstance(key, int):
        return key
    try:
        return positions[name_of(key)]
    except KeyError:
        shown = name_of(key) or repr(key)
        raise KeyError(
            f"Could not locate column in row for column {shown!r}. The row has: {', '.join(fields)}."
        ) from None
