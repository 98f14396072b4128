"""What a statement says: types, tables, expressions, statements, and their text. Knows no database and no object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.sql.base import ClauseElement, Executable, shape_key
from nbsession.sql.columns import Column, Computed, FetchedValue, Sequence
from nbsession.sql.constraints import (
    CheckConstraint,
    Constraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
)
from nbsession.sql.defaults import default_value, is_sql_default
from nbsession.sql.dml import Delete, Insert, Update
from nbsession.sql.elements import BindParameter, ColumnClause, ColumnElement, Label
from nbsession.sql.expression import (
    alias,
    and_,
    asc,
    between,
    bindparam,
    case,
    cast,
    collate,
    column,
    delete,
    desc,
    distinct,
    except_,
    except_all,
    exists,
    false,
    insert,
    intersect,
    intersect_all,
    join,
    label,
    literal,
    literal_column,
    not_,
    null,
    nulls_first,
    nulls_last,
    nullsfirst,
    nullslast,
    or_,
    outerjoin,
    over,
    select,
    true,
    tuple_,
    type_coerce,
    union,
    union_all,
    update,
)
from nbsession.sql.functions import FunctionElement, func
from nbsession.sql.naming import quote_identifier
from nbsession.sql.native_types import ARRAY, NativeType
from nbsession.sql.operators import ColumnOperators
from nbsession.sql.schema import MetaData, Table, sort_tables
from nbsession.sql.select import Select
from nbsession.sql.selectable import CTE, Alias, ColumnCollection, FromClause, Join, Subquery
from nbsession.sql.subqueries import Exists, ScalarSelect
from nbsession.sql.textual import TextClause, text
from nbsession.sql.types import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Enum,
    Float,
    Integer,
    Interval,
    LargeBinary,
    NullType,
    Numeric,
    SmallInteger,
    String,
    Text,
    Time,
    TypeEngine,
    Uuid,
    to_type,
    type_for,
)

if TYPE_CHECKING:
    from nbsession.sql.compile import Compiled, compile_statement, readable

_AT_FIRST_USE = ("Compiled", "compile_statement", "readable")
"""The rendering is loaded with the first statement that is rendered."""


def __getattr__(name: str) -> Any:
    if name not in _AT_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from nbsession.sql import compile as compiling

    value = globals()[name] = getattr(compiling, name)
    return value


__all__ = [
    "ARRAY",
    "CTE",
    "JSON",
    "Alias",
    "BigInteger",
    "BindParameter",
    "Boolean",
    "CheckConstraint",
    "ClauseElement",
    "Column",
    "ColumnClause",
    "ColumnCollection",
    "ColumnElement",
    "ColumnOperators",
    "Compiled",
    "Computed",
    "Constraint",
    "Date",
    "DateTime",
    "Delete",
    "Double",
    "Enum",
    "Executable",
    "Exists",
    "FetchedValue",
    "Float",
    "ForeignKey",
    "ForeignKeyConstraint",
    "FromClause",
    "FunctionElement",
    "Index",
    "Insert",
    "Integer",
    "Interval",
    "Join",
    "Label",
    "LargeBinary",
    "MetaData",
    "NativeType",
    "NullType",
    "Numeric",
    "PrimaryKeyConstraint",
    "ScalarSelect",
    "Select",
    "Sequence",
    "SmallInteger",
    "String",
    "Subquery",
    "Table",
    "Text",
    "TextClause",
    "Time",
    "TypeEngine",
    "UniqueConstraint",
    "Update",
    "Uuid",
    "alias",
    "and_",
    "asc",
    "between",
    "bindparam",
    "case",
    "cast",
    "collate",
    "column",
    "compile_statement",
    "default_value",
    "delete",
    "desc",
    "distinct",
    "except_",
    "except_all",
    "exists",
    "false",
    "func",
    "insert",
    "intersect",
    "intersect_all",
    "is_sql_default",
    "join",
    "label",
    "literal",
    "literal_column",
    "not_",
    "null",
    "nulls_first",
    "nulls_last",
    "nullsfirst",
    "nullslast",
    "or_",
    "outerjoin",
    "over",
    "quote_identifier",
    "readable",
    "select",
    "shape_key",
    "sort_tables",
    "text",
    "to_type",
    "true",
    "tuple_",
    "type_coerce",
    "type_for",
    "union",
    "union_all",
    "update",
]
