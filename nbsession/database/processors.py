"""Values on their way into a database and back. Knows the types of ``sql/types.py`` and plain Python values.

A processor takes one value that is not None. A dialect picks the ones it needs; None stands for "pass it through".
"""

from __future__ import annotations

import datetime as dt
import enum
import json
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeAlias

from nbsession.sql import types
from nbsession.sql.types import JSON

Processor: TypeAlias = Callable[[Any], Any]

_EPOCH = dt.datetime(1970, 1, 1)


def boolean_bind(value: Any) -> bool:
    """True or False; 1 and 0 are accepted."""
    if value is True or value is False:
        return bool(value)
    if not isinstance(value, int):
        raise TypeError(f"Not a boolean value: {value!r}. Give True, False or None.")
    if value not in (0, 1):
        raise ValueError(f"Value {value!r} is not None, True, or False.")
    return bool(value)


def naive_utc(value: Any) -> Any:
    """A moment with a time zone as its UTC without one; a moment without one as it is."""
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def aware_utc(value: Any) -> Any:
    """A moment without a time zone, as one in UTC."""
    moment = datetime_from_text(value)
    if not isinstance(moment, dt.datetime):
        return moment
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


def datetime_to_text(value: Any) -> str:
    """A moment as text that sorts by time: always with microseconds, always in UTC where it had a time zone."""
    if not isinstance(value, dt.datetime):
        if not isinstance(value, dt.date):
            raise TypeError(f"a DateTime column takes datetime.datetime or datetime.date, not {value!r}")
        value = dt.datetime(value.year, value.month, value.day)
    return str(naive_utc(value).isoformat(" ", "microseconds"))


def datetime_from_text(value: Any) -> Any:
    """A moment from text."""
    return dt.datetime.fromisoformat(value) if isinstance(value, str) else value


def date_to_text(value: Any) -> str:
    """A day as text."""
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if not isinstance(value, dt.date):
        raise TypeError(f"a Date column takes datetime.date, not {value!r}")
    return value.isoformat()


def date_from_text(value: Any) -> Any:
    """A day from text."""
    return dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value


def time_to_text(value: Any) -> str:
    """A time of day as text."""
    if not isinstance(value, dt.time):
        raise TypeError(f"a Time column takes datetime.time, not {value!r}")
    return value.isoformat("microseconds")


def time_from_text(value: Any) -> Any:
    """A time of day from text."""
    return dt.time.fromisoformat(value) if isinstance(value, str) else value


def interval_to_microseconds(value: Any) -> int:
    """A span of time as a whole number, so that it sorts and adds up."""
    if not isinstance(value, dt.timedelta):
        raise TypeError(f"an Interval column takes datetime.timedelta, not {value!r}")
    return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds


def interval_from_microseconds(value: Any) -> Any:
    """A span of time from a whole number, or from the moment since 1970 that other tools store."""
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value) - _EPOCH
    return dt.timedelta(microseconds=value) if isinstance(value, (int, float)) else value


def number_to_float(value: Any) -> Any:
    """An exact decimal as the float that SQLite stores."""
    return float(value) if isinstance(value, Decimal) else value


def decimal_result(scale: int | None) -> Processor:
    """Numbers as ``Decimal`` with so many digits after the point."""
    if scale is None:
        return lambda value: value if isinstance(value, Decimal) else Decimal(str(value))
    form = f"%.{scale}f"
    return lambda value: value if isinstance(value, Decimal) else Decimal(form % value)


def each(processor: Processor | None, dimensions: int) -> Processor | None:
    """What is to be done with a list, by what is to be done with each of its values."""
    if processor is None:
        return None
    inner = processor if dimensions == 1 else each(processor, dimensions - 1)
    assert inner is not None
    return lambda values: [None if value is None else inner(value) for value in values]


def map_bind(value: Any) -> Any:
    """A dictionary as the two lists by which DuckDB knows a MAP: several plain ones become one STRUCT with all their keys."""
    return {"key": list(value), "value": list(value.values())} if isinstance(value, dict) else value


def bytes_bind(value: Any) -> bytes:
    """Bytes; text is refused: which encoding would it be?"""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError(f"a LargeBinary column takes bytes, not {value!r}")
    return bytes(value)


def json_bind(value: Any) -> str:
    """A value as JSON text."""
    return "null" if value is JSON.NULL else json.dumps(value)


def json_bind_none_too(value: Any) -> str:
    """A value as JSON text: None, too, is one. Only what was never given is NULL."""
    return json_bind(value)


def takes_none(processor: Processor | None) -> bool:
    """Is None a value to a processor, so that it is not kept from it?"""
    return processor is json_bind_none_too


def json_result(value: Any) -> Any:
    """JSON text as a value."""
    return json.loads(value) if isinstance(value, (str, bytes)) else value


def uuid_to_text(value: Any) -> str:
    """A UUID as 32 digits."""
    return (value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))).hex


def uuid_result(as_uuid: bool) -> Processor:
    """A UUID from its digits, or as text."""
    if as_uuid:
        return lambda value: value if isinstance(value, uuid.UUID) else uuid.UUID(str(value))
    return lambda value: str(value if isinstance(value, uuid.UUID) else uuid.UUID(str(value)))


def enum_bind(type_: types.Enum) -> Processor:
    """The word stored for a member; refuses what is not on the list."""
    words, enum_class = set(type_.enums), type_.enum_class
    word_of = {member.name: word for word, member in reversed(type_.members.items())}

    def bind(value: Any) -> str:
        word = word_of[value.name] if enum_class is not None and isinstance(value, enum_class) else value
        if isinstance(word, enum.Enum) or word not in words:
            raise LookupError(f"{value!r} is not among the defined enum values: {', '.join(type_.enums)}")
        return str(word)

    return bind


def enum_result(type_: types.Enum) -> Processor | None:
    """The member for a stored word; None where words are the values."""
    enum_class = type_.enum_class
    if enum_class is None:
        return None
    members = type_.members

    def result(value: Any) -> Any:
        try:
            return members[value]
        except KeyError:
            raise LookupError(
                f"{value!r} is stored in the database, but is not among the defined enum values: {', '.join(members)}"
            ) from None

    return result
