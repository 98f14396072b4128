"""Fetches what the database put into rows by itself: server defaults, and expressions that it worked out (``eager_defaults``).

Knows connections and shapes. One SELECT for all rows of a group; what comes back by RETURNING is not asked for again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from nbsession.sql.ddl import server_default_sql
from nbsession.sql.expression import and_, or_
from nbsession.sql.select import Select
from nbsession.tracking.instance_state import NO_VALUE, ident_of, state_of
from nbsession.tracking.unset import forget_unset

if TYPE_CHECKING:
    from nbsession.database.connection import Connection
    from nbsession.session.flush.row_shape import RowShape

AT_ONCE = 500
"""keys in one SELECT"""


def fetch_made(connection: Connection, shape: RowShape, objects: Sequence[Any], keys: Iterable[str]) -> None:
    """Gives objects those values of their rows that they lack, where their mapping wants them right away.

    :param keys: the attributes that the database may have filled.
    """
    lacking: dict[Any, list[Any]] = {}
    for obj in objects:
        mapper = state_of(obj).mapper
        own = shape.own_keys[mapper]
        missing = tuple(key for key in keys if key in own and key not in obj.__dict__)
        if missing and mapper.eager_defaults:
            lacking.setdefault(missing, []).append(obj)
    for missing, alike in lacking.items():
        for start in range(0, len(alike), AT_ONCE):
            _fetch(connection, shape, alike[start : start + AT_ONCE], missing)


@contextmanager
def given_values(objects: Sequence[Any], keys: Sequence[str], keyed: bool) -> Iterator[None]:
    """If its row is refused, a new object holds again what it held before: no default, no first version.

    :param keys: the attributes that a flush fills.
    :param keyed: has an object its key once its row is sent? Those that have keep what was filled.
    """
    held = [[obj.__dict__.get(key, NO_VALUE) for obj in objects] for key in keys]
    try:
        yield
    except BaseException:
        for key, values in zip(keys, held, strict=True):
            for obj, value in zip(objects, values, strict=True):
                if keyed and ident_of(obj) is not None:
                    continue
                if value is NO_VALUE:
                    obj.__dict__.pop(key, None)
                else:
                    obj.__dict__[key] = value
        raise


def expire_made(objects: Sequence[Any], keys: Sequence[str]) -> None:
    """What the database made anew is not known any more.

    :param keys: the attributes.
    """
    for key in keys:
        for obj in objects:
            obj.__dict__.pop(key, None)
            forget_unset(obj, (key,))


def ask_for_server_defaults(shape: RowShape, objects: Sequence[Any], keys: Iterable[str], rendering: str) -> None:
    """Objects that take over rows get the server's defaults where nothing was set: as expressions, to be written over the rows.

    :param keys: the attributes that are written.
    :param rendering: the dialect's name.
    """
    for key in keys:
        column = shape.fields[key]
        default = None if column.server_default is None else server_default_sql(column, rendering)
        if default is not None:
            for obj in objects:
                if obj.__dict__.get(key) is None:
                    obj.__dict__[key] = default


def _fetch(connection: Connection, shape: RowShape, objects: Sequence[Any], keys: tuple[str, ...]) -> None:
    wanted = {_key_of_row(shape, obj): obj.__dict__ for obj in objects}
    columns = shape.primary_key
    if len(columns) == 1:
        found = columns[0].in_([key for (key,) in wanted])
    else:
        found = or_(*(and_(*(c == v for c, v in zip(columns, key, strict=True))) for key in wanted))
    width = len(columns)
    for row in connection.execute(Select(*columns, *(shape.fields[key] for key in keys)).where(found)):
        wanted[tuple(row[:width])].update(zip(keys, row[width:], strict=True))


def _key_of_row(shape: RowShape, obj: Any) -> tuple[Any, ...]:
    """The primary key of the row as it is now."""
    values, ident = obj.__dict__, ident_of(obj)
    known = {} if ident is None else state_of(obj).mapper.key_values(ident)
    return tuple(values[key] if key in values else known[key] for key in shape.pk_keys)
