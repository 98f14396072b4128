"""Of which class a row is: what its discriminator says. Knows mappers; knows no statement and no session."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper


def classes_by_identity(mapper: Mapper) -> dict[Any, type]:
    """The discriminator's value to class, of the rows that are instances of a mapper's class."""
    return {
        identity: one.class_ for identity, one in mapper.polymorphic_map.items() if one in mapper.self_and_descendants
    }


def refusal(mapper: Mapper) -> Callable[[Any, Any], Any]:
    """A function (primary key, discriminator) that raises: the row is no instance of the mapper's class."""

    def refuse(ident: Any, said: Any) -> Any:
        column = mapper.columns[str(mapper.polymorphic_on)]
        start = f"Row with identity key {mapper.identity_key(ident)} can't be loaded into an object; the polymorphic "
        if said is None:
            raise InvalidRequestError(
                f"{start}discriminator column '{column}' is NULL. Write one of {list(mapper.polymorphic_map)} into the row."
            )
        other = mapper.polymorphic_map.get(said)
        if other is None:
            raise AssertionError(
                f"No such polymorphic_identity {said!r} is defined: '{column}' of the row with key {ident!r} has it. Map a "
                f"class with it (known are {list(mapper.polymorphic_map)}), or import the module that does."
            )
        raise InvalidRequestError(
            f"{start}discriminator column '{column}' refers to {other}, which is not a sub-mapper of the requested {mapper}: "
            "the row lies in a table that is not its class's."
        )

    return refuse
