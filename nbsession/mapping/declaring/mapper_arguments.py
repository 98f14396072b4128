"""What ``__mapper_args__`` and ``mapper()`` may say beside class, table and properties. Knows no mapper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nbsession.exc import ArgumentError


class MapperArguments(NamedTuple):
    """The options of a mapping, by SQLAlchemy's names.

    :ivar polymorphic_on: the discriminator: an attribute's name, a column, or what ``mapped_column()`` returned.
    :ivar polymorphic_identity: its value in the rows of this class.
    :ivar polymorphic_abstract: there are no rows of this class itself, only of its subclasses.
    :ivar with_polymorphic: subclasses (or ``"*"``) whose columns a query of this class brings along, by one SELECT.
    :ivar polymorphic_load: ``"inline"``: queries of the parent class bring this class's columns along.
    :ivar primary_key: the columns that tell rows apart, where the table has no primary key of its own, or another.
    :ivar inherit_condition: how the subclass's table joins the inherited one, where several foreign keys could.
    :ivar version_id_col: the column that counts a row's versions: a column or an attribute's name.
    :ivar version_id_generator: function (version or None) -> next version; False: the database makes it.
    :ivar eager_defaults: does an object learn at once what the database put into its row by default? True: after INSERT and
        UPDATE; "auto": after INSERT only; False: when the attribute is touched.
    :ivar allow_partial_pks: may part of a composite primary key be NULL?
    :ivar legacy_is_orphan: a pending object with one parent of several is no orphan.
    :ivar entity_name: the name of a second mapping of one class (2007).
    """

    polymorphic_on: Any = None
    polymorphic_identity: Any = None
    polymorphic_abstract: bool = False
    with_polymorphic: Any = None
    polymorphic_load: str | None = None
    primary_key: Any = ()
    inherit_condition: Any = None
    version_id_col: Any = None
    version_id_generator: Callable[[Any], Any] | bool | None = None
    eager_defaults: bool | str = "auto"
    allow_partial_pks: bool = True
    legacy_is_orphan: bool = False
    entity_name: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any], mapped: type) -> MapperArguments:
        """From keywords.

        :param mapped: the class, for the message.
        :raises ArgumentError: one is not known.
        """
        unknown = sorted(set(given) - set(cls._fields))
        if unknown:
            raise ArgumentError(
                f"Mapper of '{mapped.__name__}' got an unexpected keyword argument {', '.join(map(repr, unknown))}. "
                f"Known are: {', '.join(cls._fields)}."
            )
        made = cls(**given)
        if made.polymorphic_load not in (None, "inline"):
            raise ArgumentError(
                f"Invalid argument for polymorphic_load: {made.polymorphic_load!r} on '{mapped.__name__}'. It is 'inline' or "
                "left out: the columns then load together when one of them is touched."
            )
        if made.eager_defaults not in (True, False, "auto"):
            raise ArgumentError(
                f"Invalid argument for eager_defaults: {made.eager_defaults!r} on '{mapped.__name__}'. It is True, False or "
                "'auto'."
            )
        return made


def next_number(version: Any) -> int:
    """The version after this one, where nobody says otherwise: 1, 2, 3, ..."""
    return (version or 0) + 1
