"""What a statement says: types, tables, expressions, statements, and their text. Knows no database and no object."""

from __future__ import annotations

from nbsession.sql.base import ClauseElement, Executable, shape_key
from nbsession.sql.columns import Column, Sequence
from nbsession.sql.compile import Compiled, compile_statement, readable
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
    exists,
    false,
    insert,
    intersect,
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
