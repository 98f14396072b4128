"""What users ask of a mapper: ``inspect(User).attrs``, ``.relationships``, ``.c``, its keys and identities. Loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.inheritance import Hierarchy
from nbsession.sql.columns import bare
from nbsession.sql.elements import clause_of
from nbsession.sql.selectable import ColumnCollection
from nbsession.tracking.instance_state import ident_of

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper


class Keyed(tuple[Any, ...]):
    """Attributes or relationships, in order; also found by key: ``found["name"]``, ``found.name``, ``"name" in found``."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        if not isinstance(key, str):
            return super().__getitem__(key)
        try:
            return next(one for one in self if one.key == key)
        except StopIteration:
            raise KeyError(key) from None

    def __getattr__(self, key: str) -> Any:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"There is no {key!r}: there is {', '.join(self.keys()) or 'none'}.") from None

    def __contains__(self, key: object) -> bool:
        return key in self.keys() if isinstance(key, str) else super().__contains__(key)

    def keys(self) -> list[str]:
        """Their keys."""
        return [one.key for one in self]

    def values(self) -> list[Any]:
        """They themselves."""
        return list(self)

    def items(self) -> list[tuple[str, Any]]:
        """Pairs of key and attribute."""
        return [(one.key, one) for one in self]

    def get(self, key: str, default: Any = None) -> Any:
        """The one of a key, or the default."""
        return next((one for one in self if one.key == key), default)


class Described(Hierarchy):
    """What a mapper tells of itself by SQLAlchemy's names; a base of :class:`~nbsession.mapping.mapper.Mapper`."""

    is_mapper = True
    further: tuple[Any, ...] = ()
    """columns of subclasses that are selected along: none, unless ``with_polymorphic()`` says so"""
    attributes: dict[str, Any]
    pk_keys: tuple[str, ...]

    @cached_property
    def column_keys(self) -> tuple[str, ...]:
        """Keys of the column attributes, in order."""
        return tuple(self.columns)

    def configure(self) -> None:
        """Resolves the relationships."""
        raise NotImplementedError

    def identity_key(self, ident: Any) -> tuple[type, tuple[Any, ...], str | None]:
        """How an identity map names an object."""
        raise NotImplementedError

    @property
    def attrs(self) -> Keyed:
        """All attributes, columns first."""
        self.configure()
        return Keyed(self.attributes.values())

    @property
    def column_attrs(self) -> Keyed:
        """The column attributes."""
        return Keyed(self.attributes[key] for key in self.column_keys)

    @property
    def c(self) -> ColumnCollection:
        """The columns, by attribute: ``inspect(User).c.name``."""
        return ColumnCollection(self.columns.items())

    @property
    def persist_selectable(self) -> Any:
        """The table, or the join of tables, that its rows lie in."""
        return self.selectable

    mapped_table = persist_selectable

    @property
    def iterate_properties(self) -> Iterator[Any]:
        """All attributes, one after the other."""
        return iter(self.attrs)

    def has_property(self, key: str) -> bool:
        """Is there an attribute of this name?"""
        return key in self.attrs

    def get_property(self, key: str) -> Any:
        """An attribute by name.

        :raises InvalidRequestError: there is none.
        """
        if not self.has_property(key):
            raise InvalidRequestError(
                f"Mapper '{self!r}' has no property '{key}'. It has: {', '.join(self.attributes)}."
            )
        return self.attributes[key]

    def get_property_by_column(self, column: Any) -> Any:
        """The attribute that a column is mapped to.

        :raises InvalidRequestError: it is mapped to none.
        """
        return self.attributes[self.key_of(bare(clause_of(column)))]

    def polymorphic_iterator(self) -> Iterable[Mapper]:
        """Itself, then the mappers of its subclasses."""
        return iter(self.self_and_descendants)

    def common_parent(self, other: Mapper) -> bool:
        """Is the other mapper of the same hierarchy?"""
        return self.base_mapper is other.base_mapper

    def primary_key_from_instance(self, instance: Any) -> list[Any]:
        """The values of an object's primary key attributes; None for what is not set."""
        ident = ident_of(instance)
        known = self.identity_key(ident)[1] if ident is not None else (None,) * len(self.pk_keys)
        return [instance.__dict__.get(key, value) for key, value in zip(self.pk_keys, known, strict=True)]

    def identity_key_from_instance(self, instance: Any) -> tuple[type, tuple[Any, ...], str | None]:
        """The identity key that an object has by its primary key attributes."""
        return self.identity_key_from_primary_key(self.primary_key_from_instance(instance))

    def identity_key_from_primary_key(self, primary_key: Any) -> tuple[type, tuple[Any, ...], str | None]:
        """The identity key of a primary key, given as a sequence of values."""
        values = tuple(primary_key)
        return self.identity_key(values if len(self.pk_keys) > 1 else values[0])
