"""Writes the rows of one class: values out of objects, generated keys back into them. Knows connections, no plan."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from nbsession.database.connection import Connection
from nbsession.database.rows import RowDelete, RowInsert, RowUpdate
from nbsession.exc import FlushError, NbsessionWarning, StaleDataError
from nbsession.mapping.attributes import describe
from nbsession.mapping.codegen import parameter_extractor
from nbsession.mapping.mapper import Mapper
from nbsession.session.flush_plan import changed_columns
from nbsession.sql.defaults import default_value, is_sql_default
from nbsession.tracking.instance_state import ident_of, own_state, state_of


class RowWriter:
    """Writes objects of one mapper by one dialect; kept for both.

    :param mapper: the mapper.
    :param dialect: the dialect, for its value processors.
    """

    def __init__(self, mapper: Mapper, dialect: Any) -> None:
        self.mapper = mapper
        self._process = {key: dialect.bind_processor(c.type) for key, c in mapper.columns.items()}
        self._defaults = [
            (k, c.default) for k, c in mapper.columns.items() if c.default is not None and not is_sql_default(c.default)
        ]
        self._on_update = [(k, c.onupdate) for k, c in mapper.columns.items() if c.onupdate is not None]
        self._server = frozenset(k for k, c in mapper.columns.items() if c.server_default is not None)
        self._generated = mapper.key_of(mapper.generated) if mapper.generated is not None else None
        self._inserts: dict[tuple[str, ...], tuple[Any, RowInsert]] = {}
        self._updates: dict[tuple[str, ...], tuple[Any, RowUpdate]] = {}
        self._delete = RowDelete(mapper.local_table, mapper.primary_key)
        self._optional = self._server | ({self._generated} if self._generated is not None else set())

    @classmethod
    def of(cls, mapper: Mapper, dialect: Any) -> RowWriter:
        """The writer kept for a mapper and a dialect."""
        writer = mapper.memo.get(("writer", dialect.name))
        if writer is None:
            writer = mapper.memo["writer", dialect.name] = cls(mapper, dialect)
        return writer

    # ---------------------------------------------------------------------------------------------- insert

    def insert(self, connection: Connection, objects: Sequence[Any]) -> None:
        """Inserts objects, in order, and gives each its key.

        :raises FlushError: a primary key is missing and nobody makes it.
        """
        for key, default in self._defaults:
            for obj in objects:
                values = obj.__dict__
                if values.get(key) is None:
                    values[key] = default_value(default)
        if not self._optional:
            self._insert_alike(connection, objects, self.mapper.column_keys)
            return
        numbered = self._generated
        if numbered is not None and self._optional == {numbered}:
            given = [obj for obj in objects if obj.__dict__.get(numbered) is not None]
            if not given or len(given) == len(objects):
                keys = self.mapper.column_keys
                self._insert_alike(connection, objects, keys if given else tuple(k for k in keys if k != numbered))
                return
        for left_out, alike in groupby(objects, self._left_out):
            self._insert_alike(connection, list(alike), tuple(k for k in self.mapper.column_keys if k not in left_out))

    def _left_out(self, obj: Any) -> tuple[str, ...]:
        """Columns that the database is to fill."""
        values = obj.__dict__
        return tuple([k for k in self._optional if values.get(k) is None])

    def _insert_alike(self, connection: Connection, objects: Sequence[Any], keys: tuple[str, ...]) -> None:
        mapper = self.mapper
        made = self._inserts.get(keys)
        if made is None:
            columns = tuple(mapper.columns[k] for k in keys)
            generated = mapper.generated if self._generated is not None and self._generated not in keys else None
            extract = parameter_extractor(keys, [self._process[k] for k in keys]).function
            made = self._inserts[keys] = extract, RowInsert(mapper.local_table, columns, generated)
        extract, write = made
        dicts = [obj.__dict__ for obj in objects]
        if write.generated is None:
            self._require_keys(objects)
        lacking: list[dict[str, Any]] = []
        made_keys = connection.insert_rows(write, extract(dicts, lacking))
        for values in lacking:
            for key in keys:
                values.setdefault(key, None)  # the row holds NULL there: nothing need be loaded to know it
        if made_keys is not None and self._generated is not None:
            for values, ident in zip(dicts, made_keys, strict=True):
                values[self._generated] = ident
            deque(map(mapper.give_ident, objects, made_keys), 0)
        else:
            for obj in objects:
                mapper.give_ident(obj, mapper.ident_of_values(obj.__dict__))

    def _require_keys(self, objects: Iterable[Any]) -> None:
        for obj in objects:
            if self.mapper.ident_of_values(obj.__dict__) is None:
                missing = [k for k in self.mapper.pk_keys if obj.__dict__.get(k) is None]
                raise FlushError(
                    f"Instance {describe(obj)} has a NULL identity key: {', '.join(missing)} is not set, and the database "
                    "does not generate it. Set it, or the relationship it comes from, before the flush."
                )

    # ---------------------------------------------------------------------------------------------- update

    def update(
        self, connection: Connection, objects: Sequence[Any], planned: tuple[str, ...] | None = None
    ) -> list[tuple[Any, Any]]:
        """Updates the changed columns of objects.

        :param planned: the columns, where the plan knows already that they are the same for all.
        :return: (object, new key) of those whose primary key changed.
        :raises StaleDataError: a row is not there any more.
        """
        groups: dict[tuple[str, ...], list[Any]] = {}
        if planned is not None and not self._on_update:
            groups[planned] = list(objects)
            objects = ()
        for obj in objects:
            keys = changed_columns(obj)
            if keys:
                if self._on_update:
                    keys = self._touch(obj, keys)
                groups.setdefault(keys, []).append(obj)
        rekeyed: list[tuple[Any, Any]] = []
        for keys, alike in groups.items():
            self.update_columns(connection, alike, keys)
            if any(k in keys for k in self.mapper.pk_keys):
                rekeyed += [(obj, self._key_now(obj)) for obj in alike]
        return rekeyed

    def _key_now(self, obj: Any) -> Any:
        """The key that an object's row has now; a part that is not loaded is as before."""
        return self.mapper.ident_of_values({**self.mapper.key_values(ident_of(obj)), **obj.__dict__})

    def _touch(self, obj: Any, keys: tuple[str, ...]) -> tuple[str, ...]:
        own = own_state(obj, state_of(obj))
        for key, default in self._on_update:
            if key not in keys:
                own.old.setdefault(key, obj.__dict__.get(key))
                obj.__dict__[key] = default_value(default)
                keys = (*keys, key)
        return tuple(k for k in self.mapper.column_keys if k in keys)

    def update_columns(
        self, connection: Connection, objects: Sequence[Any], keys: tuple[str, ...], idents: Sequence[Any] | None = None
    ) -> None:
        """Writes given columns of objects over their rows.

        :param idents: the keys of the rows; by default each object's own.
        :raises StaleDataError: a row is not there.
        """
        mapper = self.mapper
        made = self._updates.get(keys)
        if made is None:
            columns = tuple(mapper.columns[k] for k in keys)
            extract = parameter_extractor(keys, [self._process[k] for k in keys]).function
            made = self._updates[keys] = extract, RowUpdate(mapper.local_table, columns, mapper.primary_key)
        extract, write = made
        found = [ident_of(obj) for obj in objects] if idents is None else idents
        rows = [
            (*values, *key)
            for values, key in zip(extract([o.__dict__ for o in objects]), self._keys(found), strict=True)
        ]
        matched = connection.update_rows(write, rows)
        if matched != len(rows):
            raise StaleDataError(
                f"UPDATE statement on table '{mapper.local_table.name}' expected to update {len(rows)} row(s); {matched} were "
                "matched. Somebody deleted or changed the row meanwhile: roll back, load it again, and repeat the change."
            )

    def _keys(self, idents: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Primary keys as parameters."""
        processors = [self._process[k] for k in self.mapper.pk_keys]
        if len(processors) == 1:
            (process,) = processors
            return [(i,) for i in idents] if process is None else [(process(i),) for i in idents]
        return [
            tuple(v if p is None or v is None else p(v) for p, v in zip(processors, ident, strict=True))
            for ident in idents
        ]

    # ---------------------------------------------------------------------------------------------- delete

    def delete(self, connection: Connection, objects: Sequence[Any]) -> None:
        """Deletes the rows of objects; a row that is gone already is a warning."""
        rows = self._keys([ident_of(obj) for obj in objects])
        matched = connection.delete_rows(self._delete, rows)
        if matched != len(rows):
            warnings.warn(
                f"DELETE statement on table '{self.mapper.local_table.name}' expected to delete {len(rows)} row(s); {matched} "
                "were matched. Somebody deleted the row meanwhile, or the database did by ON DELETE CASCADE.",
                NbsessionWarning,
                stacklevel=2,
            )
