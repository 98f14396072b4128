"""What a column holds: pure descriptions of values.

Knows Python types and how types compare. Knows no database: the words of DDL and the conversion of values are a
dialect's business (``dialect.type_ddl``, ``dialect.bind_processor``).
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from typing import Any, ClassVar, Literal, Self

from nbsession.exc import ArgumentError
from nbsession.sql.base import refuse_options


class TypeEngine:
    """The root of the types. A type is given as a class or as an instance: ``Column("id", Integer)``."""

    __slots__ = ("_declared", "_key")
    _declared: tuple[str, str]
    python_type: Any = object
    parameters: ClassVar[tuple[str, ...]] = ()
    affinity: ClassVar[str] = "null"
    """Types of one affinity compare without converting a literal: an Integer column with an int."""

    @property
    def key(self) -> tuple[Any, ...]:
        """The type as a hashable value: equal for types that mean the same."""
        try:
            return self._key
        except AttributeError:
            told = [getattr(self, name) for name in self.parameters]
            declared = self.declared
            self._key: tuple[Any, ...] = (type(self), *told) if declared is None else (type(self), *told, declared)
            return self._key

    @property
    def declared(self) -> tuple[str, str] | None:
        """The database and its very words, if the type was read from a table and only they say it exactly."""
        try:
            declared: tuple[str, str] = self._declared
        except AttributeError:
            return None
        return declared

    def declared_as(self, database: str, words: str) -> Self:
        """The same type, which CREATE TABLE on this database is to write in these words: ``UTINYINT``, ``STRUCT(...)``.

        :param database: ``'sqlite'`` or ``'duckdb'``.
        """
        twin = copy(self)
        twin._declared = (database, words)
        with suppress(AttributeError):
            del twin._key
        return twin

    def words_on(self, database: str) -> str | None:
        """Those words, where they are this database's."""
        declared = self.declared
        return declared[1] if declared is not None and declared[0] == database else None

    def __repr__(self) -> str:
        told = [f"{name}={value!r}" for name in self.parameters if (value := getattr(self, name)) not in (None, False)]
        declared = self.declared
        told += [f"declared={declared[1]!r}"] if declared is not None and declared[1] else []
        return f"{type(self).__name__}({', '.join(told)})"


class NullType(TypeEngine):
    """The type of an expression whose type is not known: values pass through."""

    __slots__ = ()


class Integer(TypeEngine):
    """A whole number."""

    __slots__ = ()
    python_type = int
    affinity = "integer"


class SmallInteger(Integer):
    """A whole number of 16 bits."""

    __slots__ = ()


class BigInteger(Integer):
    """A whole number of 64 bits."""

    __slots__ = ()


class Numeric(TypeEngine):
    """An exact decimal number.

    :param precision: digits in all.
    :param scale: digits after the point.
    :param asdecimal: results are ``Decimal`` (else ``float``).
    """

    __slots__ = ("asdecimal", "precision", "scale")
    parameters: ClassVar[tuple[str, ...]] = ("precision", "scale", "asdecimal")
    affinity = "numeric"

    def __init__(self, precision: int | None = None, scale: int | None = None, asdecimal: bool = True) -> None:
        self.precision = precision
        self.scale = scale
        self.asdecimal = asdecimal

    @property
    def python_type(self) -> Any:
        """``Decimal``, or ``float`` where ``asdecimal`` is off."""
        return decimal.Decimal if self.asdecimal else float


class Float(Numeric):
    """A binary floating-point number."""

    __slots__ = ()

    def __init__(self, precision: int | None = None, asdecimal: bool = False) -> None:
        super().__init__(precision, None, asdecimal)


class Double(Float):
    """A floating-point number of 64 bits."""

    __slots__ = ()


class String(TypeEngine):
    """Text, at most ``length`` characters where a length is given."""

    __slots__ = ("length",)
    python_type: Any = str
    parameters: ClassVar[tuple[str, ...]] = ("length",)
    affinity = "string"

    def __init__(self, length: int | None = None) -> None:
        self.length = length


class Text(String):
    """Text of any length."""

    __slots__ = ()


class Enum(String):
    """One of a fixed list of words, or a member of a Python ``enum``.

    :param values: the words, or one ``enum.Enum`` class (its members' *names* are stored, as SQLAlchemy does).
    :param name: a name for the type, where a database wants one.
    :param values_callable: what is stored instead of the names: ``lambda cls: [member.value for member in cls]``.
    :param native_enum: use the database's own type: neither of ours is asked for one, either way.
    :param validate_strings: refuse words that are not on the list; they always are refused.
    :raises TypeError: another option; ``create_constraint=True`` is a CheckConstraint of the table here.
    """

    __slots__ = ("enum_class", "enums", "members", "name")
    parameters: ClassVar[tuple[str, ...]] = ("enums", "enum_class", "name")
    affinity = "enum"

    def __init__(
        self,
        *values: Any,
        name: str | None = None,
        length: int | None = None,
        values_callable: Callable[[Any], Sequence[str]] | None = None,
        native_enum: bool = True,
        validate_strings: bool = False,
        create_constraint: Literal[False] = False,
        **options: Any,
    ) -> None:
        refuse_options("Enum()", {**options, **({"create_constraint": True} if create_constraint else {})})
        self.enum_class: type[enum.Enum] | None = None
        self.members: dict[str, Any] = {}
        if len(values) == 1 and isinstance(values[0], type) and issubclass(values[0], enum.Enum):
            self.enum_class = values[0]
            named = self.enum_class.__members__
            if values_callable is None:
                self.members = dict(named)
            else:
                self.members = dict(zip(values_callable(self.enum_class), self.enum_class, strict=True))
            self.enums: tuple[str, ...] = tuple(self.members)
            name = name or self.enum_class.__name__.lower()
        else:
            self.enums = tuple(values)
        super().__init__(length or max(map(len, self.enums), default=0))
        self.name = name

    @property
    def python_type(self) -> Any:
        """The ``enum.Enum`` class, or ``str``."""
        return self.enum_class or str


class Boolean(TypeEngine):
    """True or false."""

    __slots__ = ()
    python_type = bool
    affinity = "boolean"


class Date(TypeEngine):
    """A day."""

    __slots__ = ()
    python_type = dt.date
    affinity = "date"


class DateTime(TypeEngine):
    """A day and a time of day; with its time zone if ``timezone``."""

    __slots__ = ("timezone",)
    python_type = dt.datetime
    parameters: ClassVar[tuple[str, ...]] = ("timezone",)
    affinity = "datetime"

    def __init__(self, timezone: bool = False) -> None:
        self.timezone = timezone


class Time(TypeEngine):
    """A time of day; with its time zone if ``timezone``."""

    __slots__ = ("timezone",)
    python_type = dt.time
    parameters: ClassVar[tuple[str, ...]] = ("timezone",)
    affinity = "time"

    def __init__(self, timezone: bool = False) -> None:
        self.timezone = timezone


class Interval(TypeEngine):
    """A span of time."""

    __slots__ = ()
    python_type = dt.timedelta
    affinity = "interval"

    def __init__(self, native: bool = True) -> None:
        """:param native: use the database's own type, if it has one."""


class LargeBinary(TypeEngine):
    """Bytes."""

    __slots__ = ("length",)
    python_type = bytes
    parameters: ClassVar[tuple[str, ...]] = ("length",)
    affinity = "binary"

    def __init__(self, length: int | None = None) -> None:
        self.length = length


class JsonNull:
    """What ``JSON.NULL`` is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "JSON.NULL"


class JSON(TypeEngine):
    """Anything that JSON can say. None is JSON's ``null``, unless ``none_as_null`` says that it is stored as NULL; an
    attribute that was never set is NULL.
    """

    __slots__ = ("none_as_null",)
    NULL: ClassVar[Any] = JsonNull()
    """JSON's ``null`` as a value, whatever ``none_as_null`` says; ``null()`` is SQL's NULL"""
    python_type = dict
    parameters: ClassVar[tuple[str, ...]] = ("none_as_null",)
    affinity = "json"

    def __init__(self, none_as_null: bool = False) -> None:
        self.none_as_null = none_as_null


class Uuid(TypeEngine):
    """A UUID; as ``uuid.UUID``, or as a string if not ``as_uuid``."""

    __slots__ = ("as_uuid", "native_uuid")
    parameters: ClassVar[tuple[str, ...]] = ("as_uuid", "native_uuid")
    affinity = "uuid"

    def __init__(self, as_uuid: bool = True, native_uuid: bool = True) -> None:
        self.as_uuid = as_uuid
        self.native_uuid = native_uuid

    @property
    def python_type(self) -> Any:
        """``uuid.UUID`` or ``str``."""
        if not self.as_uuid:
            return str
        import uuid

        return uuid.UUID


TypeArgument = TypeEngine | type[TypeEngine]

NULLTYPE = NullType()
INTEGER = Integer()
STRING = String()
BOOLEAN = Boolean()
FLOAT = Float()
NUMERIC = Numeric()

_BY_PYTHON_TYPE: dict[type, TypeEngine] = {
    int: INTEGER,
    str: STRING,
    float: FLOAT,
    bool: BOOLEAN,
    decimal.Decimal: NUMERIC,
    dt.datetime: DateTime(),
    dt.date: Date(),
    dt.time: Time(),
    dt.timedelta: Interval(),
    bytes: LargeBinary(),
    bytearray: LargeBinary(),
    dict: JSON(),
    list: JSON(),
}


def to_type(given: TypeArgument | None) -> TypeEngine:
    """The type as an instance: a class is called, None is the unknown type.

    :raises ArgumentError: for anything that is not a type.
    """
    if isinstance(given, TypeEngine):
        return given
    if given is None:
        return NULLTYPE
    if isinstance(given, type) and issubclass(given, TypeEngine):
        return given()
    raise ArgumentError(f"Object {given!r} is not a type of nbsession: give a class or instance such as Integer.")


def type_for(python_type: Any) -> TypeEngine | None:
    """The type for values of a Python type, or None: ``type_for(int)`` is an ``Integer``."""
    found = _BY_PYTHON_TYPE.get(python_type)
    if found is None and isinstance(python_type, type):
        if issubclass(python_type, enum.Enum):
            return Enum(python_type)
        if python_type.__module__ == "uuid" and python_type.__name__ == "UUID":
            return Uuid()
        for base in python_type.__mro__[1:]:
            if base in _BY_PYTHON_TYPE:
                return _BY_PYTHON_TYPE[base]
    return found


def type_of_value(value: Any) -> TypeEngine:
    """The type that a literal value has by itself; the unknown type where it has none."""
    return _BY_PYTHON_TYPE.get(type(value)) or type_for(type(value)) or NULLTYPE
