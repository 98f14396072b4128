"""Writes rows of association tables: keys out of the two objects. Knows connections and steps."""

from __future__ import annotations

from typing import Any

from nbsession.database.connection import Connection
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.exc import FlushError, StaleDataError
from nbsession.mapping.attributes import describe
from nbsession.session.flush.steps import Step, committed_value
from nbsession.sql.defaults import default_value, is_sql_default
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import NO_VALUE, ident_of, state_of


def write_links(connection: Connection, step: Step) -> None:
    """Inserts, updates or deletes the rows that relate pairs of objects.

    :raises FlushError: an object has no key to refer to.
    :raises StaleDataError: a row is not there any more.
    """
    declared = step.relationship
    assert declared is not None
    sides = [(0, key, column) for key, column in declared.secondary_pairs]
    sides += [(1, key, column) for key, column in declared.target_pairs]
    places = list({id(column): (side, key, column) for side, key, column in sides}.values())
    columns = tuple(column for _, _, column in places)
    process = [connection.dialect.bind_processor(column.type) for column in columns]

    def values(pair: tuple[Any, Any], before: bool) -> tuple[Any, ...]:
        found = [_value(declared, pair[side], key, before, step.verb == "DELETE") for side, key, _ in places]
        return tuple(v if p is None else p(v) for p, v in zip(process, found, strict=True))

    pairs, passive, table = step.links_between, declared.passive_updates, declared.secondary
    if step.verb == "INSERT":
        made = [c for c in table.c if c.default is not None and not is_sql_default(c.default) and c not in set(columns)]
        rows = [(*values(pair, False), *(default_value(c.default) for c in made)) for pair in pairs]
        connection.insert_rows(RowInsert(table, (*columns, *made)), rows)
        return
    if step.verb == "DELETE":
        matched = connection.delete_rows(RowDelete(table, columns), [values(pair, not passive) for pair in pairs])
    else:
        rows = [(*values(pair, False), *values(pair, True)) for pair in pairs]
        matched = connection.update_rows(RowUpdate(table, columns, columns), rows)
    if matched != len(pairs):
        raise StaleDataError(
            f"{step.verb} statement on table '{table.name}' expected to {step.verb.lower()} {len(pairs)} row(s); Only "
            f"{matched} were matched. Somebody changed the association rows meanwhile: roll back, load '{declared}' again."
        )


def _value(declared: Any, obj: Any, key: str, before: bool, goes: bool) -> Any:
    """A key of one side: as it is now, or as the rows had it before this flush.

    :param goes: is it for a row that is to go? There is none of an object that has no key yet.
    """
    value = committed_value(obj, key) if before else obj.__dict__.get(key)
    if value is None and state_of(obj).status is ObjectState.PERSISTENT:
        value = getattr(obj, key)  # an expired object is loaded
    if value is None or value is NO_VALUE:
        mapper, ident = state_of(obj).mapper, ident_of(obj)
        value = mapper.key_values(ident)[key] if ident is not None and key in mapper.pk_keys else getattr(obj, key)
    if value is None and not goes:
        raise FlushError(
            f"Can't execute sync rule for '{declared}': {describe(obj)} has no '{key}' that a row of the association table "
            "could refer to. Flush it first, or set it."
        )
    return value
