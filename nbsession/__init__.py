"""nbsession: a session engine you can see into.

The public names, found at their first use, so that ``import nbsession`` costs almost nothing. In a notebook:
``%load_ext nbsession``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbsession import exc as exc
    from nbsession.database import Connection as Connection
    from nbsession.database import Engine as Engine
    from nbsession.database import Result as Result
    from nbsession.database import Row as Row
    from nbsession.database import create_engine as create_engine
    from nbsession.mapping import attribute_functions as attributes  # noqa: F401
    from nbsession.mapping import mutable as mutable
    from nbsession.mapping.aliased import aliased as aliased
    from nbsession.mapping.attribute_functions import flag_dirty as flag_dirty
    from nbsession.mapping.attribute_functions import flag_modified as flag_modified
    from nbsession.mapping.attribute_functions import set_committed_value as set_committed_value
    from nbsession.mapping.collecting.collections import collection as collection
    from nbsession.mapping.collecting.keyed_collections import KeyFuncDict as KeyFuncDict
    from nbsession.mapping.collecting.keyed_collections import MappedCollection as MappedCollection
    from nbsession.mapping.collecting.keyed_collections import attribute_keyed_dict as attribute_keyed_dict
    from nbsession.mapping.collecting.keyed_collections import (
        attribute_mapped_collection as attribute_mapped_collection,
    )
    from nbsession.mapping.collecting.keyed_collections import column_keyed_dict as column_keyed_dict
    from nbsession.mapping.collecting.keyed_collections import column_mapped_collection as column_mapped_collection
    from nbsession.mapping.collecting.keyed_collections import keyfunc_mapping as keyfunc_mapping
    from nbsession.mapping.collecting.keyed_collections import mapped_collection as mapped_collection
    from nbsession.mapping.declaring import automap as automap
    from nbsession.mapping.declaring.automap import AutomapBase as AutomapBase
    from nbsession.mapping.declaring.automap import automap_base as automap_base
    from nbsession.mapping.declaring.declarative import DeclarativeBase as DeclarativeBase
    from nbsession.mapping.declaring.declarative import Mapped as Mapped
    from nbsession.mapping.declaring.declarative import mapped_column as mapped_column
    from nbsession.mapping.declaring.imperative import clear_mappers as clear_mappers
    from nbsession.mapping.declaring.imperative import mapper as mapper
    from nbsession.mapping.declaring.imperative import object_mapper as object_mapper
    from nbsession.mapping.declaring.properties import deferred as deferred
    from nbsession.mapping.instrumentation import validates as validates
    from nbsession.mapping.mutable import Mutable as Mutable
    from nbsession.mapping.mutable import MutableDict as MutableDict
    from nbsession.mapping.mutable import MutableList as MutableList
    from nbsession.mapping.mutable import MutableSet as MutableSet
    from nbsession.mapping.polymorphic_entity import with_polymorphic as with_polymorphic
    from nbsession.mapping.registry import class_mapper as class_mapper
    from nbsession.mapping.registry import registry as registry
    from nbsession.mapping.relating.join_marks import foreign as foreign
    from nbsession.mapping.relating.join_marks import remote as remote
    from nbsession.mapping.relating.relationship_operators import with_parent as with_parent
    from nbsession.mapping.relating.relationships import backref as backref
    from nbsession.mapping.relating.relationships import relation as relation
    from nbsession.mapping.relating.relationships import relationship as relationship
    from nbsession.notebook.page.widget import Dashboard as Dashboard
    from nbsession.session.extension import SessionExtension as SessionExtension
    from nbsession.session.factory import close_all_sessions as close_all_sessions
    from nbsession.session.factory import create_session as create_session
    from nbsession.session.factory import expire_instance as expire_instance
    from nbsession.session.factory import inspect as inspect
    from nbsession.session.factory import make_transient as make_transient
    from nbsession.session.factory import make_transient_to_detached as make_transient_to_detached
    from nbsession.session.factory import object_session as object_session
    from nbsession.session.factory import sessionmaker as sessionmaker
    from nbsession.session.flush.flush_plan import FlushPlan as FlushPlan
    from nbsession.session.hooks import event as event
    from nbsession.session.load.load_option import Load as Load
    from nbsession.session.load.loader_options import contains_eager as contains_eager
    from nbsession.session.load.loader_options import defaultload as defaultload
    from nbsession.session.load.loader_options import defer as defer
    from nbsession.session.load.loader_options import immediateload as immediateload
    from nbsession.session.load.loader_options import joinedload as joinedload
    from nbsession.session.load.loader_options import lazyload as lazyload
    from nbsession.session.load.loader_options import load_only as load_only
    from nbsession.session.load.loader_options import noload as noload
    from nbsession.session.load.loader_options import raiseload as raiseload
    from nbsession.session.load.loader_options import selectinload as selectinload
    from nbsession.session.load.loader_options import subqueryload as subqueryload
    from nbsession.session.load.loader_options import undefer as undefer
    from nbsession.session.load.loader_options import undefer_group as undefer_group
    from nbsession.session.querying.orm_execute import ORMExecuteState as ORMExecuteState
    from nbsession.session.querying.query import Query as Query
    from nbsession.session.scoped import scoped_session as scoped_session
    from nbsession.session.session import Session as Session
    from nbsession.session.sharding import ShardedSession as ShardedSession
    from nbsession.session.sharding import set_shard_id as set_shard_id
    from nbsession.session.transaction import SessionTransaction as SessionTransaction
    from nbsession.sql import *  # noqa: F403
    from nbsession.sql import Column as Column
    from nbsession.sql import ForeignKey as ForeignKey
    from nbsession.sql import select as select
    from nbsession.sql.bundle import Bundle as Bundle
    from nbsession.states import ObjectState as ObjectState
    from nbsession.states import SessionTransactionOrigin as SessionTransactionOrigin
    from nbsession.states import TransactionState as TransactionState

_SQL = """
    alias and_ ARRAY asc between bindparam BigInteger Boolean case cast CheckConstraint collate Column column Computed Date
    DateTime delete desc distinct Double Enum except_ except_all exists false FetchedValue Float ForeignKey
    ForeignKeyConstraint func Index insert Integer intersect intersect_all Interval
    join JSON label LargeBinary literal literal_column MetaData NativeType not_ null nulls_first nulls_last
    nullsfirst nullslast Numeric or_ outerjoin over
    PrimaryKeyConstraint select Sequence SmallInteger String Table Text text Time true tuple_ type_coerce union
    union_all UniqueConstraint update Uuid
"""
_ERRORS = """
    AmbiguousForeignKeysError ArgumentError CircularDependencyError CompileError DatabaseError DataError DBAPIError
    DetachedInstanceError FlushError IllegalTransition IntegrityError InterfaceError InternalError
    InvalidRequestError MultipleResultsFound NbsessionError NbsessionWarning NoForeignKeysError
    NoInspectionAvailable NoReferencedColumnError NoReferencedTableError NoResultFound NoSuchTableError NotSupportedError
    ObjectDeletedError OperationalError PendingRollbackError ProgrammingError ReplayDivergence ResourceClosedError
    SavepointError SAWarning SerializationError SQLAlchemyError StaleDataError StatementError UnboundExecutionError
    UnmappedClassError UnmappedError UnmappedInstanceError
"""
_HOMES = {
    "sql": _SQL,
    "exc": _ERRORS,
    "sql.bundle": "Bundle",
    "states": "ObjectState SessionTransactionOrigin TransactionState",
    "database": "Connection create_engine Engine Result Row",
    "mapping.aliased": "aliased",
    "mapping.declaring.automap": "automap_base AutomapBase",
    "mapping.declaring.declarative": "DeclarativeBase Mapped mapped_column",
    "mapping.instrumentation": "validates",
    "mapping.declaring.imperative": "clear_mappers mapper object_mapper",
    "mapping.polymorphic_entity": "with_polymorphic",
    "mapping.declaring.properties": "deferred",
    "mapping.registry": "class_mapper registry",
    "mapping.attribute_functions": "flag_dirty flag_modified set_committed_value",
    "mapping.collecting.collections": "collection",
    "mapping.mutable": "Mutable MutableDict MutableList MutableSet",
    "mapping.collecting.keyed_collections": """attribute_keyed_dict attribute_mapped_collection column_keyed_dict
        column_mapped_collection keyfunc_mapping KeyFuncDict mapped_collection MappedCollection""",
    "mapping.relating.join_marks": "foreign remote",
    "mapping.relating.relationship_operators": "with_parent",
    "mapping.relating.relationships": "backref relation relationship",
    "session.extension": "SessionExtension",
    "session.factory": """
        close_all_sessions create_session expire_instance inspect make_transient make_transient_to_detached object_session
        sessionmaker
    """,
    "session.flush.flush_plan": "FlushPlan",
    "session.hooks": "event",
    "session.querying.query": "Query",
    "session.load.load_option": "Load",
    "session.load.loader_options": """
        contains_eager defaultload defer immediateload joinedload lazyload load_only noload raiseload selectinload
        subqueryload undefer undefer_group
    """,
    "session.scoped": "scoped_session",
    "session.session": "Session",
    "session.sharding": "set_shard_id ShardedSession",
    "session.querying.orm_execute": "ORMExecuteState",
    "session.transaction": "SessionTransaction",
    "notebook.page.widget": "Dashboard",
}
_MODULES = {
    "exc": "exc",
    "attributes": "mapping.attribute_functions",
    "mutable": "mapping.mutable",
    "automap": "mapping.declaring.automap",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [  # what the cell with the model needs; the rest is imported by name, so that nothing of yours is shadowed
    "Column",
    "DeclarativeBase",
    "ForeignKey",
    "Mapped",
    "Session",
    "backref",
    "create_engine",
    "mapped_column",
    "relationship",
    "select",
]


def __getattr__(name: str) -> Any:
    """A public name, at its first use."""
    if name == "__version__":
        from importlib.metadata import version

        return version("nbsession")
    if name in _MODULES:
        return import_module(f"nbsession.{_MODULES[name]}")
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'nbsession' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"nbsession.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*_HOME_OF, *_MODULES})


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext nbsession``: the ``%session`` magics, and those of the course."""
    from nbsession.notebook.commands.magics import load
    from nbsession.teaching.magics import load as load_teaching

    load(shell)
    load_teaching(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext nbsession``."""
    from nbsession.notebook.commands.magics import unload
    from nbsession.teaching.magics import unload as unload_teaching

    unload_teaching(shell)
    unload(shell)
