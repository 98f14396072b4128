"""A connection: where statements are run, inside a transaction that begins by itself. Knows links, not drivers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from nbsession.database import tables
from nbsession.database.link import Link, Rows
from nbsession.database.observing import observed
from nbsession.database.raw import run_raw
from nbsession.database.result import Result, ScalarResult
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate, Sets
from nbsession.database.statements import fetch_told, run_statement, run_told
from nbsession.database.telling import told_rows
from nbsession.database.transacting import Transacting

if TYPE_CHECKING:
    from nbsession.database.engine import Engine
    from nbsession.sql.schema import MetaData, Table


class Connection(Transacting):
    """A connection to a database; made by :meth:`Engine.connect`.

    The first statement begins a transaction; ``commit()`` or ``rollback()`` ends it, ``close()`` rolls back.

    :ivar engine: the engine it belongs to.
    :ivar dialect: the engine's dialect.
    :ivar facts: where its statements are told, or None.
    :ivar info: a place for your own notes.

    >>> with create_engine("sqlite://").connect() as connection:
    ...     connection.exec_driver_sql("SELECT 1 + ?", (1,)).scalar()
    2
    """

    __slots__ = ("__weakref__", "_after", "_before", "_executed", "_executing", "_options", "info")

    def __init__(self, engine: Engine, link: Link) -> None:
        super().__init__(engine, link)
        self.info: dict[Any, Any] = {}
        self._options: dict[str, Any] = {}
        self._before = engine._hooks["before_cursor_execute"]
        self._after = engine._hooks["after_cursor_execute"]
        self._executing = engine._hooks["before_execute"]
        self._executed = engine._hooks["after_execute"]

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────
    def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Mapping[str, Any] | None = None
    ) -> Result:
        """Runs a statement made with select(), insert(), update(), delete() or text().

        :param parameters: values for its named parameters: a mapping, or a list of mappings to run it once for each.
        :raises ArgumentError: it is no such statement; a string goes into text() first.
        :raises DBAPIError: the database refused; the driver's error is its ``.orig``.
        """
        if self._executing or self._executed:
            return run_told(self, statement, parameters)
        return run_statement(self, statement, parameters)

    def scalar(
        self, statement: Any, parameters: Any = None, *, execution_options: Mapping[str, Any] | None = None
    ) -> Any:
        """The first value of the first row, or None."""
        return self.execute(statement, parameters).scalar()

    def scalars(
        self, statement: Any, parameters: Any = None, *, execution_options: Mapping[str, Any] | None = None
    ) -> ScalarResult:
        """The first value of each row."""
        return self.execute(statement, parameters).scalars()

    def exec_driver_sql(self, statement: str, parameters: Any = None) -> Result:
        """Runs SQL text as the driver takes it, with ``?`` for parameters.

        :param parameters: a tuple, or a list of tuples to run it once for each.
        """
        return run_raw(self, statement, parameters)

    def execution_options(self, **options: Any) -> Self:
        """Notes options; the connection itself."""
        self._options.update(options)
        return self

    def get_execution_options(self) -> Mapping[str, Any]:
        """The options noted."""
        return dict(self._options)

    # ── the fast doors: SQL and values made by the engine ────────────────────────────────────────────────────────────
    def fetch(self, sql: str, params: Sequence[Any] = (), statement: Any = None, parameters: Any = None) -> Rows:
        """Rows of a SELECT as the driver gives them. ``params`` are bind-processed already; so is what the doors below take.

        :param statement: what the SQL was made of, for hooks; with its ``parameters``.
        """
        if self._executing or self._executed:
            return fetch_told(self, sql, params, statement, parameters)
        return self._fetch(sql, params)

    def _fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        link = self._ready()
        try:
            if self._watched:
                return observed(self, sql, (params,), lambda: link.fetch(sql, params), len)
            return link.fetch(sql, params)
        except BaseException as error:
            self.fail(error, sql, params)

    def peek(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Rows of a SELECT that no hook and no observer hears of, and that begins no transaction: for views.

        In a transaction it reads what the transaction sees. Errors are the driver's own.
        """
        return self._open_link().fetch(sql, params)

    def insert_rows(self, write: RowInsert, rows: Sets) -> Sequence[Any] | None:
        """Inserts rows, all of them or none.

        :return: the generated keys in the order of the rows, if ``write.generated``.
        """
        if not rows:
            return None if write.generated is None else []
        if self._executing or self._executed:
            return told_rows(self, write, rows, lambda: self._insert_rows(write, rows))
        return self._insert_rows(write, rows)

    def _insert_rows(self, write: RowInsert, rows: Sets) -> Sequence[Any] | None:
        link = self._ready()
        try:
            if self._watched:
                text = self.dialect.insert_text(write)
                return observed(self, text, rows, lambda: link.insert_rows(write, rows), lambda _: len(rows))
            return link.insert_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.insert_text(write), _told(rows))

    def update_rows(self, write: RowUpdate, rows: Sets) -> int:
        """Updates rows, all of them or none; each gives the values to set, then those to match. Returns how many matched."""
        if not rows:
            return 0
        if self._executing or self._executed:
            return told_rows(self, write, rows, lambda: self._update_rows(write, rows))
        return self._update_rows(write, rows)

    def _update_rows(self, write: RowUpdate, rows: Sets) -> int:
        link = self._ready()
        try:
            if self._watched:
                return observed(self, self.dialect.update_text(write), rows, lambda: link.update_rows(write, rows), int)
            return link.update_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.update_text(write), _told(rows))

    def delete_rows(self, write: RowDelete, rows: Sets) -> int:
        """Deletes rows, all of them or none. Returns how many matched."""
        if not rows:
            return 0
        if self._executing or self._executed:
            return told_rows(self, write, rows, lambda: self._delete_rows(write, rows))
        return self._delete_rows(write, rows)

    def _delete_rows(self, write: RowDelete, rows: Sets) -> int:
        link = self._ready()
        try:
            if self._watched:
                return observed(self, self.dialect.delete_text(write), rows, lambda: link.delete_rows(write, rows), int)
            return link.delete_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.delete_text(write), _told(rows))

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def create_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Creates tables, in the connection's transaction. What ``MetaData.create_all`` calls."""
        tables.create_tables(self, metadata, only, checkfirst)

    def drop_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Drops tables, in the connection's transaction. What ``MetaData.drop_all`` calls."""
        tables.drop_tables(self, metadata, only, checkfirst)

    def reflect_tables(self, metadata: MetaData, **options: Any) -> None:
        """Reads tables from the database into metadata. What ``MetaData.reflect`` calls, with what it was told."""
        from nbsession.database.reflection.reflecting import reflect_tables

        reflect_tables(self, metadata, **options)

    def reflect_table(self, table: Table, **options: Any) -> None:
        """Reads one table of the database into a Table. What ``Table(autoload_with=)`` calls."""
        from nbsession.database.reflection.reflecting import reflect_table

        reflect_table(self, table, **options)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def _watched(self) -> bool:
        facts = self.facts
        return bool(self._before or self._after or (facts is not None and facts.observers))

    def _cursor(self) -> Any:
        return self._open_link().cursor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # a connection that was dropped without close() must not keep its link, nor its transaction
        if getattr(self, "_link", None) is not None:
            try:
                self.close()
            except Exception:
                self._link = None

    def __repr__(self) -> str:
        state = "closed" if self.closed else "in a transaction" if self._transaction else "idle"
        return f"<Connection {self.engine.url} {state}>"


def _told(rows: Sets) -> Any:
    """Parameters as an error tells them: those of one row, or a list."""
    return list(rows) if len(rows) > 1 else rows[0]
