"""Primary keys as people write them, and as the identity map names objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.registry import class_mapper
from nbsession.tracking.instance_state import ident_of, state_of


def normal_ident(mapper: Mapper, ident: Any) -> Any:
    """The form in which objects carry their key; None if it is None, or a part that may not be.

    :param ident: a value, a sequence in the order of the primary key, or a dict by attribute name.
    :raises InvalidRequestError: it has the wrong number of values.
    """
    keys = mapper.pk_keys
    if isinstance(ident, Mapping):
        if set(ident) != set(keys):
            raise _misfit(mapper, ident, "names")
        values = [ident[k] for k in keys]
    elif isinstance(ident, (tuple, list)):
        values = list(ident)
    else:
        values = [ident]
    if len(values) != len(keys):
        raise _misfit(mapper, ident, "number")
    if None in values and (not mapper.allow_partial_pks or all(v is None for v in values)):
        return None
    return mapper.ident_from_values(values)


def _misfit(mapper: Mapper, ident: Any, what: str) -> InvalidRequestError:
    names = ", ".join(f"'{mapper.local_table.name}.{c.name}'" for c in mapper.primary_key)
    return InvalidRequestError(
        f"Incorrect {what} of values in identifier to formulate primary key for session.get(): {ident!r}; primary key columns "
        f"are {names}"
    )


def identity_key(*args: Any, **given: Any) -> tuple[type, tuple[Any, ...], str | None]:
    """The key under which the identity map files an object.

    Three ways to call it: ``identity_key(cls, ident)``, perhaps with an entity name,
     ``identity_key(instance=obj)``, ``identity_key(cls, row=row)``.

    :raises ArgumentError: the arguments make none of the three.
    """
    instance, row = given.pop("instance", None), given.pop("row", None)
    given.pop("identity_token", None)
    entity_name = args[2] if len(args) == 3 else given.pop("entity_name", None)
    cls = args[0] if args else given.pop("class_", None)
    ident = args[1] if len(args) > 1 else given.pop("ident", None)
    if len(args) > 3:
        raise ArgumentError(f"expected up to three positional arguments, got {len(args)}")
    if given:
        raise ArgumentError(f"unknown keyword arguments: {', '.join(sorted(given))}")
    if instance is not None:
        mapper = state_of(instance).mapper
        known = ident_of(instance)  # of what is expired the key is known all the same
        values = {**(mapper.key_values(known) if known is not None else {}), **instance.__dict__}
        return mapper.identity_key(mapper.ident_of_values(values))  # type: ignore[no-any-return]
    if cls is None:
        raise ArgumentError("class or instance is required")
    mapper = class_mapper(cls, entity_name)
    if row is not None:
        return mapper.identity_key(mapper.ident_from_values([row._mapping[c.name] for c in mapper.primary_key]))
    if ident is None:
        raise ArgumentError("ident or row is required: the primary key whose identity is asked for")
    return mapper.identity_key(normal_ident(mapper, ident))
