"""A mapper's place among its parents and children: which tables its objects lie in, and which column goes where.

Knows joined-table and single-table inheritance. Knows no rows: what class a row belongs to, the generated loader tells.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, SAWarning
from nbsession.mapping.declaring.mapper_arguments import MapperArguments, next_number
from nbsession.mapping.declaring.properties import Properties
from nbsession.sql.columns import EntityColumn, bare
from nbsession.sql.elements import clause_of
from nbsession.sql.expression import and_
from nbsession.sql.selectable import Join
from nbsession.sql.types import BigInteger, Integer, SmallInteger
from nbsession.sql.visitors import iterate

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper
    from nbsession.sql.schema import Column, Table


class Hierarchy:
    """What a mapper is by its place in a hierarchy; the base of :class:`~nbsession.mapping.mapper.Mapper`.

    :ivar inherits: the mapper of the class it inherits from, or None.
    :ivar base_mapper: the root of the hierarchy, whose identities all its objects share.
    :ivar tables: the tables in which a row of it lies, the base table first.
    :ivar single: does it share its parent's table?
    :ivar columns: key to column of all column attributes, inherited ones first; of a key that lies in several tables,
        the base table's.
    :ivar deferred: the column attributes that are loaded only when touched, each with its group or None.
    :ivar raising: those of them that are not loaded even then: it is an error.
    :ivar polymorphic_on: the attribute that tells a row's class, or None.
    :ivar polymorphic_map: the discriminator's value to mapper; one dict for the whole hierarchy.
    :ivar version_key: the attribute that counts versions, or None.
    """

    class_: type
    memo: dict[Any, Any]
    inherits: Mapper | None
    base_mapper: Mapper
    tables: tuple[Any, ...]
    columns: dict[str, Column]
    local_table: Any
    deferred: dict[str, str | None]
    raising: set[str]
    polymorphic_map: dict[Any, Mapper]
    _keys_of: dict[int, str]
    _written: dict[Any, dict[str, Column]]
    lineage: tuple[Mapper, ...]
    generated: Any
    version_id_generator: Any

    def key_of(self, column: Any) -> str:
        """The attribute of a column."""
        raise NotImplementedError

    def _take_place(
        self, table: Any, properties: Properties, parent: Mapper | None, arguments: MapperArguments
    ) -> None:
        """Works out tables and columns."""
        me: Any = self
        self.inherits = parent
        self.local_table = table
        self.arguments = arguments
        self.children: list[Mapper] = []
        self.single = parent is not None and table is parent.local_table
        if parent is None:
            self.base_mapper, self.lineage = me, (me,)
            self.tables = tuple(table.parts())
            self.columns, self._keys_of, self._written = {}, {}, {}
            self.deferred, self.polymorphic_map = {}, {}
            self.raising = set()
        else:
            self.base_mapper, self.lineage = parent.base_mapper, (*parent.lineage, me)
            self.tables = parent.tables if self.single else (*parent.tables, table)
            self.columns, self._keys_of = dict(parent.columns), dict(parent._keys_of)
            self._written = {t: dict(columns) for t, columns in parent._written.items()}
            self.deferred, self.polymorphic_map = dict(parent.deferred), parent.polymorphic_map
            self.raising = set(parent.raising)
        for one in self.tables:
            self._written.setdefault(one, {})
        shared = self._join_parent(parent, table) if parent is not None and not self.single else {}
        for key, column in properties.columns.items():
            self.columns.setdefault(key, column)
            for each in (column, *properties.further.get(key, ())):
                written = shared.get(id(each), key)
                self._written[each.table][written] = each
                self._keys_of[id(each)] = written
        self.deferred.update(properties.deferred)
        self.raising |= properties.raising

    def _join_parent(self, parent: Mapper, table: Table) -> dict[int, str]:
        """Finds how its table joins its parent's: the inherited attribute of each column that it joins by."""
        given = self.arguments.inherit_condition
        pairs = [
            (fk.column, fk.parent)
            for fk in sorted(table.foreign_keys, key=lambda fk: fk.parent.uid)
            if fk.resolves() and id(fk.column) in parent._keys_of and (given is not None or fk.parent.primary_key)
        ]
        if given is not None:
            self.inherit_condition = bare(clause_of(given))
            read = {id(part) for part in iterate(self.inherit_condition)}
            pairs = [(theirs, mine) for theirs, mine in pairs if id(theirs) in read and id(mine) in read]
        if not pairs:
            raise ArgumentError(
                f"Can't find any foreign key relationships between '{parent.local_table.name}' and '{table.name}': the "
                f"table of '{self.class_.__name__}' needs a primary key that is a ForeignKey to that of "
                f"'{parent.class_.__name__}'. Without a table of its own, leave __tablename__ out."
            )
        if given is None:
            self.inherit_condition = and_(*(theirs == mine for theirs, mine in pairs))
        return {id(mine): parent._keys_of[id(theirs)] for theirs, mine in pairs}

    def _read_arguments(self) -> None:
        """What the arguments say, once the columns are known."""
        me: Any = self
        said, parent = self.arguments, self.inherits
        self.polymorphic_on: str | None = (
            self._key_said(said.polymorphic_on, "polymorphic_on")
            if said.polymorphic_on is not None
            else parent.polymorphic_on
            if parent is not None
            else None
        )
        self.polymorphic_identity = said.polymorphic_identity
        self.version_key: str | None = (
            self._key_said(said.version_id_col, "version_id_col")
            if said.version_id_col is not None
            else parent.version_key
            if parent is not None
            else None
        )
        generator = said.version_id_generator
        if generator is None or generator is True:
            generator = parent.version_id_generator if parent is not None else next_number
        self.version_id_generator = generator
        self.eager_defaults = said.eager_defaults
        self.legacy_is_orphan = said.legacy_is_orphan
        self.allow_partial_pks: bool = said.allow_partial_pks and (parent is None or parent.allow_partial_pks)
        self.entity_name = said.entity_name
        if parent is not None:
            parent.children.append(me)
        if said.polymorphic_identity is not None and not said.polymorphic_abstract:
            other = self.polymorphic_map.get(said.polymorphic_identity)
            if other is not None and other.class_.__qualname__ != self.class_.__qualname__:
                warnings.warn(
                    f"Reassigning polymorphic association for identity {said.polymorphic_identity!r} from {other!r} to "
                    f"{self!r}: Check for duplicate use of {said.polymorphic_identity!r} as value for polymorphic_identity.",
                    SAWarning,
                    stacklevel=6,
                )
            if other is not None and other.inherits is parent and parent is not None:
                parent.children.remove(other)  # a cell was run again
            self.polymorphic_map[said.polymorphic_identity] = me
        for mapper in self.base_mapper.self_and_descendants if parent is not None else ():
            mapper.forget_children()

    def leave_hierarchy(self) -> None:
        """Its class is used no longer: no row is of it, and its parent does not count it."""
        me: Any = self
        if self.inherits is not None and me in self.inherits.children:
            self.inherits.children.remove(me)
        for identity in [identity for identity, one in self.polymorphic_map.items() if one is me]:
            if self.inherits is not None:
                del self.polymorphic_map[identity]
        for mapper in self.base_mapper.self_and_descendants if self.inherits is not None else ():
            mapper.forget_children()

    def join_hierarchy(self) -> None:
        """The contrary of :meth:`leave_hierarchy`."""
        me: Any = self
        if self.inherits is None:
            return
        self.inherits.children.append(me)
        if self.polymorphic_identity is not None and not self.arguments.polymorphic_abstract:
            self.polymorphic_map[self.polymorphic_identity] = me
        for mapper in self.base_mapper.self_and_descendants:
            mapper.forget_children()

    def take_column(self, table: Table, key: str, column: Column) -> None:
        """A column comes to one of its tables, and is an attribute."""
        self.columns[key] = column
        self._keys_of[id(column)] = key
        self._written[table][key] = column

    def generated_again(self) -> Any:
        """The column whose values the database makes, worked out anew."""
        me: Any = self
        return generated_among(self.tables[0].primary_key if self.inherits is None else me.primary_key)

    def _key_said(self, said: Any, option: str) -> str:
        """The attribute that an argument means."""
        if isinstance(said, str):
            if said in self.columns:
                return said
            found = next((key for key, c in self.columns.items() if c.name == said), None)
            if found is None:
                raise ArgumentError(
                    f"Can't determine {option} value {said!r} - no attribute is mapped to this name on "
                    f"'{self.class_.__name__}'."
                )
            return found
        return self.key_of(bare(clause_of(said)))

    def forget_children(self) -> None:
        """A subclass was mapped: what was derived from them, and what others keep by this mapper, is worked out again."""
        for name in ("self_and_descendants", "single_criterion", "polymorphic", "along"):
            vars(self).pop(name, None)
        self.forget_memo()

    def forget_memo(self) -> None:
        """What others keep by this mapper is worked out again. That objects have attributes that were never set stays known."""
        noted = "unset" in self.memo
        self.memo.clear()
        if noted:
            self.memo["unset"] = True

    # ------------------------------------------------------------------------------------------ answering

    @cached_property
    def self_and_descendants(self) -> tuple[Mapper, ...]:
        """Itself, then the mappers of its subclasses."""
        me: Any = self
        return (me, *(one for child in self.children for one in child.self_and_descendants))

    def isa(self, other: Mapper) -> bool:
        """Is it the other mapper, or does it inherit from it?"""
        return other in self.lineage

    def columns_of(self, table: Any) -> dict[str, Column]:
        """Key to column of what is written to one of its tables; the key that joins the tables is in each of them."""
        return self._written[table]

    def table_keys(self, table: Any) -> tuple[str, ...]:
        """The attributes that are a table's primary key, in its order."""
        said = self.base_mapper.arguments.primary_key
        return tuple(self._keys_of[id(c)] for c in (self._primary_columns() if said else table.primary_key))

    def generated_of(self, table: Any) -> Any:
        """The column of one of its tables whose values the database makes, or None."""
        if table is self.tables[0]:
            return self.generated
        return None if self.inherits is not None else generated_among(table.primary_key)

    def _primary_columns(self) -> list[Column]:
        """The columns of the primary key, as the base class's table or arguments say; joined ones may be in it twice."""
        base = self.base_mapper
        return [bare(clause_of(c)) for c in base.arguments.primary_key] or list(base.local_table.primary_key)

    @cached_property
    def deferred_keys(self) -> frozenset[str]:
        """The column attributes that are left out of SELECTs."""
        return frozenset(self.deferred)

    @cached_property
    def deferred_groups(self) -> dict[str, tuple[str, ...]]:
        """Each group of deferred attributes; they are loaded together."""
        groups: dict[str, tuple[str, ...]] = {}
        for key, group in self.deferred.items():
            if group is not None:
                groups[group] = (*groups.get(group, ()), key)
        return groups

    @cached_property
    def selected_keys(self) -> tuple[str, ...]:
        """Keys of the column attributes that a SELECT of this entity asks for: all that are not deferred."""
        return tuple(key for key in self.columns if key not in self.deferred)

    def loaded_with(self, key: str | None) -> tuple[str, ...]:
        """The column attributes that are loaded when one of them is touched and missing."""
        group = self.deferred.get(key) if key is not None else None
        if group is not None:
            return self.deferred_groups[group]
        return (key,) if key is not None and key in self.deferred else self.selected_keys

    @cached_property
    def along(self) -> tuple[Mapper, ...]:
        """The subclasses whose columns a query of this class brings along, as its arguments and theirs say."""
        said, children = self.arguments.with_polymorphic, self.self_and_descendants[1:]
        if said == "*":
            return children
        named = [one if hasattr(one, "lineage") else one.__mapper__ for one in said or ()]
        return tuple(one for one in children if one in named or one.arguments.polymorphic_load == "inline")

    @cached_property
    def selectable(self) -> Any:
        """What a SELECT of this entity selects from: its table, or the join of its tables."""
        if self.inherits is None:
            return self.local_table
        if self.single:
            return self.inherits.selectable
        return Join(self.inherits.selectable, self.local_table, self.inherit_condition)

    @cached_property
    def single_criterion(self) -> Any:
        """The condition that rows of its table are of this class, for a class without a table of its own; or None."""
        if not self.single or self.polymorphic_on is None:
            return None
        return self.columns[self.polymorphic_on].in_(self.identities)

    def seen_column(self, column: Column) -> Any:
        """A column as an attribute of this class stands for it in a statement: it brings the class's tables along."""
        seen = self.memo.get(("seen", column.uid))
        if seen is None:
            seen = self.memo["seen", column.uid] = EntityColumn(column, self.selectable, self.single_criterion)
        return seen

    @property
    def identities(self) -> list[Any]:
        """The discriminator's values in rows of this class and its subclasses."""
        mine = self.self_and_descendants
        return [identity for identity, mapper in self.polymorphic_map.items() if mapper in mine]

    @cached_property
    def polymorphic(self) -> bool:
        """Does the discriminator of a row tell its class?"""
        return self.polymorphic_on is not None and bool(self.polymorphic_map)


def generated_among(primary: Iterable[Any]) -> Any:
    """The column the database numbers: the only primary key column, an integer that is no foreign key."""
    columns = list(primary)
    explicit = [c for c in columns if c.autoincrement is True]
    if explicit:
        return explicit[0]
    if len(columns) != 1:
        return None
    (column,) = columns
    if column.autoincrement is False or column.foreign_keys or not isinstance(column.type, _INTEGERS):
        return None
    if column.server_default is not None:
        return column
    return column if column.default is None or hasattr(column.default, "start") else None


_INTEGERS = (Integer, BigInteger, SmallInteger)
