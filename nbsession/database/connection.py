"""A connection: where statements are run, inside a transaction that begins by itself. Knows links, not drivers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self

from nbsession.database import tables
from nbsession.database.errors import wrapped
from nbsession.database.link import Link, Rows
from nbsession.database.observing import observed, publish
from nbsession.database.raw import run_raw
from nbsession.database.result import Result, ScalarResult
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.database.statements import run_statement
from nbsession.database.transaction import NestedTransaction, RootTransaction, Transaction, no_two_phase
from nbsession.exc import InvalidRequestError, ReplayDivergence, ResourceClosedError, SerializationError

if TYPE_CHECKING:
    from nbsession.database.engine import Engine
    from nbsession.events import FactBus
    from nbsession.sql.schema import MetaData, Table


class Connection:
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

    __slots__ = (
        "__weakref__",
        "_after",
        "_before",
        "_block",
        "_link",
        "_nested",
        "_options",
        "_savepoints",
        "_transaction",
        "dialect",
        "engine",
        "facts",
        "info",
    )

    def __init__(self, engine: Engine, link: Link) -> None:
        self.engine = engine
        self.dialect = engine.dialect
        self.facts: FactBus | None = None
        self.info: dict[Any, Any] = {}
        self._link: Link | None = link
        self._transaction: RootTransaction | None = None
        self._nested: NestedTransaction | None = None
        self._block: Transaction | None = None
        self._savepoints = 0
        self._options: dict[str, Any] = {}
        self._before = engine._hooks["before_cursor_execute"]
        self._after = engine._hooks["after_cursor_execute"]

    # ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────
    def execute(
        self, statement: Any, parameters: Any = None, *, execution_options: Mapping[str, Any] | None = None
    ) -> Result:
        """Runs a statement made with select(), insert(), update(), delete() or text().

        :param parameters: values for its named parameters: a mapping, or a list of mappings to run it once for each.
        :raises ArgumentError: it is no such statement; a string goes into text() first.
        :raises DBAPIError: the database refused; the driver's error is its ``.orig``.
        """
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
    def fetch(self, sql: str, params: Sequence[Any] = ()) -> Rows:
        """Rows of a SELECT as the driver gives them. ``params`` are bind-processed already; so is what the doors below take."""
        link = self._ready()
        try:
            if self._watched:
                return observed(self, sql, (params,), lambda: link.fetch(sql, params), len)
            return link.fetch(sql, params)
        except BaseException as error:
            self.fail(error, sql, params)

    def insert_rows(self, write: RowInsert, rows: Rows) -> Sequence[Any] | None:
        """Inserts rows, all of them or none.

        :return: the generated keys in the order of the rows, if ``write.generated``.
        """
        if not rows:
            return None if write.generated is None else []
        link = self._ready()
        try:
            if self._watched:
                return self._observed_insert(link, write, rows)
            return link.insert_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.insert_text(write), rows if len(rows) > 1 else rows[0])

    def update_rows(self, write: RowUpdate, rows: Rows) -> int:
        """Updates rows, all of them or none; each gives the values to set, then those to match. Returns how many matched."""
        if not rows:
            return 0
        link = self._ready()
        try:
            if self._watched:
                return observed(self, self.dialect.update_text(write), rows, lambda: link.update_rows(write, rows), int)
            return link.update_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.update_text(write), rows if len(rows) > 1 else rows[0])

    def delete_rows(self, write: RowDelete, rows: Rows) -> int:
        """Deletes rows, all of them or none. Returns how many matched."""
        if not rows:
            return 0
        link = self._ready()
        try:
            if self._watched:
                return observed(self, self.dialect.delete_text(write), rows, lambda: link.delete_rows(write, rows), int)
            return link.delete_rows(write, rows)
        except BaseException as error:
            self.fail(error, self.dialect.delete_text(write), rows if len(rows) > 1 else rows[0])

    def _observed_insert(self, link: Link, write: RowInsert, rows: Rows) -> Sequence[Any] | None:
        first: Callable[[Sequence[Any] | None], Sequence[Any]] | None = None
        if write.generated is not None and self.dialect.draws_keys:
            first = lambda keys: (keys[0], *rows[0]) if keys else rows[0]  # noqa: E731
        count = len(rows)
        return observed(
            self, self.dialect.insert_text(write), rows, lambda: link.insert_rows(write, rows), lambda _: count, first
        )

    # ── transactions ─────────────────────────────────────────────────────────────────────────────────────────────────
    def begin(self) -> RootTransaction:
        """Begins a transaction. What is sent to the database is sent with the first statement.

        :raises InvalidRequestError: one is begun already.
        """
        self._open_link()
        if self._transaction is not None:
            raise InvalidRequestError(
                "a transaction is already begun on this Connection (by begin(), or by its first statement): can't call begin() "
                "here unless commit() or rollback() is called first. For a savepoint inside it call begin_nested()."
            )
        return self._begin()

    def begin_nested(self, name: str | None = None) -> NestedTransaction:
        """Sets a savepoint; begins the transaction first if there is none.

        :param name: a name for people; the one in SQL is made here and unique.
        """
        link = self._ready()
        self._savepoints += 1
        savepoint = f"sp_{self._savepoints}"
        self._hook("savepoint", savepoint)
        try:
            link.savepoint(savepoint)
        except BaseException as error:
            self.fail(error, f"SAVEPOINT {savepoint}")
        self._tell(f"SAVEPOINT {savepoint}")
        self._nested = NestedTransaction(self, savepoint, name, self._nested)
        return self._nested

    def begin_twophase(self, xid: Any = None) -> RootTransaction:
        """Would begin a two-phase transaction.

        :raises NotSupportedError: always: neither SQLite nor DuckDB has it.
        """
        self._open_link()
        raise no_two_phase(self.dialect.name)

    def begin_writing(self) -> None:
        """Begins a transaction if none is begun, and takes SQLite's write lock at once, not with the first write."""
        link = self._ready()
        try:
            if link.attention:
                link.start(True)
        except BaseException as error:
            self.fail(error, "BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commits the transaction with all its savepoints; nothing happens if none is begun."""
        self._open_link()
        if self._transaction is not None:
            self._transaction.commit()

    def rollback(self) -> None:
        """Rolls the transaction back with all its savepoints; nothing happens if none is begun."""
        self._open_link()
        if self._transaction is not None:
            self._transaction.rollback()

    def close(self) -> None:
        """Gives the connection back; a transaction that was not committed is rolled back."""
        link = self._link
        if link is None:
            return
        try:
            if self._transaction is not None:
                self._transaction.rollback()
        finally:
            self._end_root()
            self._link = None
            self._block = None
            self.engine._source.checkin(link)

    @property
    def closed(self) -> bool:
        """Was it closed?"""
        return self._link is None

    def in_transaction(self) -> bool:
        """Is a transaction begun?"""
        return self._transaction is not None

    def in_nested_transaction(self) -> bool:
        """Is a savepoint set?"""
        return self._nested is not None

    def get_transaction(self) -> RootTransaction | None:
        """The transaction, or None."""
        return self._transaction

    def get_nested_transaction(self) -> NestedTransaction | None:
        """The innermost savepoint, or None."""
        return self._nested

    @property
    def transaction_aborted(self) -> bool:
        """Did an error end the transaction's life, so that only a rollback helps?"""
        return self._link is not None and self._link.failure is not None

    # ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def create_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Creates tables, in the connection's transaction. What ``MetaData.create_all`` calls."""
        tables.create_tables(self, metadata, only, checkfirst)

    def drop_tables(self, metadata: MetaData, only: Iterable[Table] | None = None, checkfirst: bool = True) -> None:
        """Drops tables, in the connection's transaction. What ``MetaData.drop_all`` calls."""
        tables.drop_tables(self, metadata, only, checkfirst)

    def reflect_tables(self, metadata: MetaData, only: Iterable[str] | None = None) -> None:
        """Reads tables from the database into metadata. What ``MetaData.reflect`` calls."""
        tables.reflect_tables(self, metadata, only)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def _watched(self) -> bool:
        facts = self.facts
        return bool(self._before or self._after or (facts is not None and facts.observers))

    def _open_link(self) -> Link:
        if self._link is None:
            raise ResourceClosedError("This Connection is closed. Open another one with engine.connect().")
        return self._link

    def _ready(self) -> Link:
        """The link, inside a transaction."""
        link = self._link
        if link is None:
            link = self._open_link()
        if self._block is not None and not self._block.is_active:
            self._check_block()
        if self._transaction is None:
            self._begin()
        return link

    def _begin(self) -> RootTransaction:
        link = self._open_link()
        self._check_block()
        self._hook("begin")
        try:
            link.begin(self, self._tell)
        except BaseException as error:
            self.fail(error, "BEGIN")
        self._transaction = RootTransaction(self)
        self._tell("BEGIN")
        return self._transaction

    def _check_block(self) -> None:
        if self._block is not None and not self._block.is_active:
            raise InvalidRequestError(
                "Can't operate on closed transaction inside context manager: it was committed or rolled back inside its "
                "'with' block. Leave the block before the next statement."
            )

    def _commit_root(self, root: RootTransaction) -> None:
        self._hook("commit")
        link = self._open_link()
        try:
            link.commit()
        except BaseException as error:
            try:
                link.rollback()
            except Exception as second:
                error.add_note(f"The ROLLBACK after it failed too: {second}")
            self._end_root()
            self._publish("COMMIT", error)
            self.fail(error, "COMMIT")
        self._end_root()
        self._tell("COMMIT")

    def _rollback_root(self, root: RootTransaction) -> None:
        link = self._open_link()
        try:
            self._hook("rollback")
            link.rollback()
        except BaseException as error:
            self.fail(error, "ROLLBACK")
        finally:
            self._end_root()
        self._tell("ROLLBACK")

    def _release(self, nested: NestedTransaction) -> None:
        self._hook("release_savepoint", nested.savepoint, None)
        try:
            self._open_link().release(nested.savepoint)
        except BaseException as error:  # it stays: a rollback to it may still help
            self.fail(error, f"RELEASE SAVEPOINT {nested.savepoint}")
        self._end_nested(nested)
        self._tell(f"RELEASE SAVEPOINT {nested.savepoint}")

    def _rollback_nested(self, nested: NestedTransaction) -> None:
        self._hook("rollback_savepoint", nested.savepoint, None)
        self._end_nested(nested)
        try:
            link = self._open_link()
            link.rollback_to(nested.savepoint)
            link.release(nested.savepoint)
        except BaseException as error:
            self.fail(error, f"ROLLBACK TO SAVEPOINT {nested.savepoint}")
        self._tell(f"ROLLBACK TO SAVEPOINT {nested.savepoint}")

    def _end_nested(self, nested: NestedTransaction | None) -> None:
        """Ends a savepoint and those inside it."""
        while self._nested is not None:
            ended, self._nested = self._nested, self._nested._outer
            ended.is_active = False
            if ended is nested:
                break

    def _end_root(self) -> None:
        self._end_nested(None)
        if self._transaction is not None:
            self._transaction.is_active = False
            self._transaction = None
        self._savepoints = 0

    def fail(self, error: BaseException, sql: str, params: Any = None) -> NoReturn:
        """Raises our error for a driver's, after noting what it did to the transaction."""
        link = self._link
        if isinstance(error, SerializationError | ReplayDivergence):
            self._end_root()  # the whole transaction was rolled back
        elif link is not None and self._transaction is not None:
            link.failed(error)
        ours = wrapped(error, sql, params, self.dialect.advice(error))
        if ours is error:
            raise error
        raise ours from error

    def _cursor(self) -> Any:
        return self._open_link().cursor()

    def _hook(self, name: str, *args: Any) -> None:
        for hook in tuple(self.engine._hooks[name]):
            hook(self, *args)

    def _tell(self, sql: str, params: Sequence[Any] = (), rows: int | None = None) -> None:
        if self.facts is not None and self.facts.observers:
            publish(self, sql, params, 1, rows, internal=True)

    def _publish(self, sql: str, error: BaseException) -> None:
        publish(self, sql, (), 1, None, error, internal=True)

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
