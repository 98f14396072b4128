"""Foreign keys checked before COMMIT: the rows of touched keys against the tables they refer to.

DuckDB's own foreign keys refuse what every unit of work does (delete child and parent in one transaction, re-point and delete), so
tables are created without them. Knows which key values a transaction touched; asks the database through a callable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from nbsession.database.duckdb.dialect import DuckDBDialect
from nbsession.database.duckdb.kept_keys import kept_foreign_keys
from nbsession.exc import IntegrityError, InvalidRequestError

if TYPE_CHECKING:
    from nbsession.database.duckdb.catalog import Ask
    from nbsession.database.rows import RowDelete, RowUpdate, Sets
    from nbsession.sql.constraints import ForeignKeyConstraint
    from nbsession.sql.schema import Table

Values: TypeAlias = set[tuple[Any, ...]]


class TouchedKeys:
    """Which foreign keys a transaction may have broken: by writing references, and by taking away what is referred to."""

    def __init__(self, dialect: DuckDBDialect) -> None:
        self.dialect = dialect
        self._touched: dict[ForeignKeyConstraint, Values | None] = {}
        """values of each constraint to check; None: all of them"""
        self._by_hand: set[str] | None = set()
        """tables that SQL written by hand may have written to; None: any"""
        self._around: dict[int, tuple[Any, _Around]] = {}

    def clear(self) -> None:
        """The transaction ended."""
        self._touched.clear()
        self._by_hand = set()

    def written_by_hand(self, tables: set[str] | None) -> None:
        """SQL was run that nobody looked into.

        :param tables: what it may have written to, in lower case; None if that is not known.
        """
        self._by_hand = None if tables is None or self._by_hand is None else self._by_hand | tables

    def inserted(self, table: Table, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> None:
        """Rows were inserted, given as columns."""
        for constraint in self._look(table).own:
            try:
                places = [names.index(column.name) for column in constraint.columns]
            except ValueError:
                if any(column.server_default is not None for column in constraint.columns):
                    self._touched[constraint] = None
                continue
            self._add(constraint, zip(*[columns[place] for place in places], strict=True))

    def updated(self, write: RowUpdate, rows: Sets) -> None:
        """Rows are updated: references that are set, and referred-to values that go away."""
        around = self._look(write.table)
        if not around.own and not around.others:
            return
        setting = [column.name for column in write.set_columns]
        matching = [column.name for column in write.match_columns]
        for constraint in around.own:
            self._pick(constraint, [column.name for column in constraint.columns], setting, rows, 0)
        for constraint in around.others:
            referred = [key.column.name for key in constraint.elements]
            if set(referred) & set(setting):
                self._pick(constraint, referred, matching, rows, len(setting), needed=True)

    def deleted(self, write: RowDelete, rows: Sets) -> None:
        """Rows are deleted: what referred to them is left over."""
        matching = [column.name for column in write.match_columns]
        for constraint in self._look(write.table).others:
            self._pick(constraint, [key.column.name for key in constraint.elements], matching, rows, 0, needed=True)

    def referring(self, table: Table) -> Sequence[ForeignKeyConstraint]:
        """The foreign keys that refer to a table and say what happens to them when it changes."""
        return self._look(table).acting if self.dialect.foreign_keys == "checked" else ()

    def known_constraints(self) -> Iterator[ForeignKeyConstraint]:
        """The foreign keys of all metadata that is known to be in the database."""
        for metadata in list(self.dialect.known):
            for table in metadata.tables.values():
                yield from self._look(table).own

    def check(self, ask: Ask) -> None:
        """Looks for a reference to nothing.

        :raises IntegrityError: there is one.
        """
        done: set[tuple[str, tuple[str, ...]]] = set()
        for constraint in self.known_constraints() if self._by_hand != set() else ():
            if constraint.table is not None and self._concerns(constraint.table.name, constraint.referred_table.name):
                self._touched[constraint] = None
        for constraint, values in self._touched.items():
            owner = constraint.table
            if owner is None or (values is not None and not values):
                continue
            columns = [column.name for column in constraint.columns]
            done.add((owner.name, tuple(columns)))
            types = [self.dialect.type_ddl(column.type) for column in constraint.columns]
            parent = self.dialect.table_name(constraint.referred_table)
            referred = [key.column.name for key in constraint.elements]
            self._check_one(ask, self.dialect.table_name(owner), columns, parent, referred, values, types)
        if self._by_hand != set():
            for child, own, parent, referred in kept_foreign_keys(ask):
                if (child, tuple(own)) not in done and self._concerns(child, parent):
                    self._check_one(ask, self.dialect.quote(child), own, self.dialect.quote(parent), referred)

    def _concerns(self, *tables: str) -> bool:
        """May one of the tables have been written to by hand?"""
        return self._by_hand is None or any(table.lower() in self._by_hand for table in tables)

    def _check_one(
        self,
        ask: Ask,
        child: str,
        own: Sequence[str],
        parent: str,
        referred: Sequence[str],
        values: Values | None = None,
        types: Sequence[str] = (),
    ) -> None:
        columns = [f"c.{self.dialect.quote(name)}" for name in own]
        pairs = [f"p.{self.dialect.quote(name)} = {column}" for name, column in zip(referred, columns, strict=True)]
        where = [f"{column} IS NOT NULL" for column in columns]
        params: list[Any] = []
        if values is not None:
            params = [list(column) for column in zip(*values, strict=True)]
            unnested = ", ".join(f"unnest(?::{type_}[])" for type_ in types)
            where.insert(0, f"({', '.join(columns)}) IN (SELECT {unnested})")
        where.append(f"NOT EXISTS (SELECT 1 FROM {parent} p WHERE {' AND '.join(pairs)})")
        try:
            found = ask(f"SELECT {', '.join(columns)} FROM {child} c WHERE {' AND '.join(where)} LIMIT 1", params)
        except Exception as error:
            if type(error).__name__ == "CatalogException":  # the table was dropped: it refers to nothing any more
                return
            raise
        if found:
            named = ", ".join(f"{name}={value!r}" for name, value in zip(own, found[0], strict=True))
            raise IntegrityError(
                f"FOREIGN KEY constraint failed at COMMIT: a row of {child} with {named} refers to a row of {parent} that "
                "does not exist. Insert or keep that one, or set NULL."
            )

    def _pick(
        self,
        constraint: ForeignKeyConstraint,
        wanted: list[str],
        given: list[str],
        rows: Sets,
        offset: int,
        needed: bool = False,
    ) -> None:
        """Notes the values of the wanted columns, if they are given; all values where that cannot be known."""
        if not needed and not set(wanted) & set(given):
            return
        if not set(wanted) <= set(given):
            self._touched[constraint] = None
            return
        places = [offset + given.index(name) for name in wanted]
        self._add(constraint, (tuple([row[place] for place in places]) for row in rows))

    def _add(self, constraint: ForeignKeyConstraint, values: Iterable[tuple[Any, ...]]) -> None:
        known = self._touched.setdefault(constraint, set())
        if known is not None:
            known.update(value for value in values if None not in value)

    def _look(self, table: Table) -> _Around:
        token = tuple([other.uid for other in table.metadata.tables.values()])
        known = self._around.get(table.uid)
        if known is None or known[0] != token:
            self.dialect.known.add(table.metadata)
            known = self._around[table.uid] = token, _Around(table)
        return known[1]


class _Around:
    """A table's own foreign keys, and those of all tables that refer to it."""

    __slots__ = ("acting", "others", "own")

    def __init__(self, table: Table) -> None:
        self.own = [constraint for constraint in table.foreign_key_constraints if _resolves(constraint)]
        self.others = [
            constraint
            for other in table.metadata.tables.values()
            for constraint in other.foreign_key_constraints
            if _resolves(constraint) and constraint.referred_table is table
        ]
        self.acting = [constraint for constraint in self.others if constraint.onupdate or constraint.ondelete]


def _resolves(constraint: ForeignKeyConstraint) -> bool:
    try:
        return constraint.referred_table is not None
    except InvalidRequestError:
        return False
