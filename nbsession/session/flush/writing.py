"""Writes rows of one table: values out of objects, generated keys back into them. Knows connections, no plan."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from nbsession.database.connection import Connection
from nbsession.database.rows import Columns, RowDelete, RowInsert, RowUpdate, Sets, columns_of
from nbsession.exc import FlushError, IntegrityError, NbsessionWarning, StaleDataError
from nbsession.session.batches import idents_of
from nbsession.session.flush.changes import changed_columns, key_before
from nbsession.session.flush.made_values import ask_for_server_defaults, expire_made, fetch_made, given_values
from nbsession.session.flush.other_defaults import DefaultsOfOthers
from nbsession.session.flush.row_shape import RowShape
from nbsession.session.flush.sql_values import SqlRows, extractor, holds_sql
from nbsession.session.flush.steps import Dicts
from nbsession.session.flush.versions import count_versions, version_of
from nbsession.sql.defaults import default_in_row, is_sql_default
from nbsession.tracking.instance_state import NO_VALUE, ident_of, own_state, state_of
from nbsession.tracking.unset import note_unset


class RowWriter:
    """Writes rows of one shape by one dialect; kept for both.

    :param shape: which attributes go into which columns.
    :param dialect: the dialect, for its value processors.
    """

    def __init__(self, shape: RowShape, dialect: Any) -> None:
        self.shape = shape
        fields = shape.fields
        self._process = {key: dialect.bind_processor(c.type) for key, c in fields.items()}
        self._scans_objects = any(process is not None for process in self._process.values())
        self._defaults = [
            (k, c.default) for k, c in fields.items() if c.default is not None and not is_sql_default(c.default)
        ]
        self._sql_defaults = [
            (k, c.default.next_value() if hasattr(c.default, "next_value") else c.default)
            for k, c in fields.items()
            if is_sql_default(c.default) and c is not shape.generated
        ]
        self._on_update = [(k, c.onupdate) for k, c in fields.items() if c.onupdate is not None]
        self._made_by_database = [k for k, c in fields.items() if c.server_onupdate is not None]
        if shape.version_key is not None and not shape.counted:
            self._made_by_database.append(shape.version_key)
        generated = shape.mapper.key_of(shape.generated) if shape.generated is not None else None
        self._generated = generated
        self._unnumbered = tuple(k for k in shape.keys if k != generated)
        self._inserts: dict[tuple[str, ...], tuple[Any, RowInsert]] = {}
        self._updates: dict[tuple[str, ...], tuple[Any, RowUpdate]] = {}
        self._absent: dict[tuple[str, ...], frozenset[str]] = {}  # shared: thousands of objects lack the same
        counted = () if shape.version_key is None else (fields[shape.version_key],)
        self._match = (*shape.primary_key, *counted)
        self._match_process = [dialect.bind_processor(column.type) for column in self._match]
        self._delete = RowDelete(shape.table, self._match)
        self._optional = {k for k, c in fields.items() if c.server_default is not None} - set(shape.counted)
        if generated is not None:
            self._optional.add(generated)
        self._sql = SqlRows(shape)
        self._others = DefaultsOfOthers(shape, dialect) if shape.unowned else None
        self.dialect = dialect
        eager = [mapper.eager_defaults for mapper in shape.mappers]
        self._defaulted = (*sorted(self._optional - {generated}), *(key for key, _ in self._sql_defaults))
        filled = dict.fromkeys((*dict(self._defaults), *self._defaulted, *shape.counted))
        self._filled = tuple(filled)
        self._fetches_inserted = any(eager) and bool(self._defaulted)
        self._renewed = (*self._made_by_database, *(k for k, default in self._on_update if is_sql_default(default)))
        self._fetches_updated = any(one is True for one in eager) and bool(self._renewed)

    @classmethod
    def of(cls, shape: RowShape, dialect: Any) -> RowWriter:
        """The writer kept for a shape and a dialect."""
        writer = shape.writers.get(dialect.name)
        if writer is None:
            writer = shape.writers[dialect.name] = cls(shape, dialect)
        return writer

    # ---------------------------------------------------------------------------------------------- insert

    def insert(self, connection: Connection, objects: Sequence[Any]) -> None:
        """Inserts objects, in order, and gives each its key.

        :raises FlushError: a primary key is missing and nobody makes it.
        """
        shape = self.shape
        if self._filled:
            with given_values(objects, self._filled, shape.completes):
                self.fill_defaults(objects)
                for key in shape.counted:
                    for obj in objects:
                        obj.__dict__[key] = state_of(obj).mapper.version_id_generator(None)
                self._insert_groups(connection, objects)
        else:
            self._insert_groups(connection, objects)
        if self._fetches_inserted:
            fetch_made(connection, shape, objects, self._defaulted)

    def _insert_groups(self, connection: Connection, objects: Sequence[Any]) -> None:
        """Inserts objects; those of which the database is to fill other columns have a statement of their own."""
        shape = self.shape
        if not self._optional:
            self._insert_alike(connection, objects, shape.keys)
            return
        numbered = self._generated
        if numbered is not None and self._optional == {numbered}:
            given = [obj for obj in objects if obj.__dict__.get(numbered) is not None]
            if not given or len(given) == len(objects):
                self._insert_alike(connection, objects, shape.keys if given else self._unnumbered)
                return
        for left_out, group in groupby(objects, self._left_out):
            alike = list(group)
            for key in left_out:
                if key != numbered:
                    for obj in alike:  # None was set: the database's default takes its place
                        obj.__dict__.pop(key, None)
            self._insert_alike(connection, alike, tuple(k for k in shape.keys if k not in left_out))

    def fill_defaults(self, objects: Sequence[Any]) -> None:
        """What a new object gets that was not set: its defaults."""
        shape = self.shape
        several = len(shape.mappers) > 1
        for key, default in (*self._defaults, *self._sql_defaults):
            for obj in objects:
                values = obj.__dict__
                if values.get(key) is None and (not several or key in shape.own_keys[state_of(obj).mapper]):
                    values[key] = default_in_row(default, values, shape.fields)

    def _left_out(self, obj: Any) -> tuple[str, ...]:
        """Columns that the database is to fill."""
        values = obj.__dict__
        return tuple([k for k in self._optional if values.get(k) is None])

    def _insert_alike(self, connection: Connection, objects: Sequence[Any], keys: tuple[str, ...]) -> None:
        shape = self.shape
        others = self._others
        alone = self._fetches_inserted and len(objects) == 1 and not set(self._defaulted) <= set(keys)
        if alone or (others is not None and others.by_database):
            self._insert_each(connection, objects, keys)
            return
        made = self._inserts.get(keys)
        if made is None:
            columns = tuple(shape.fields[k] for k in keys)
            if others is not None:
                columns += others.missing(columns)
            generated = shape.generated if self._generated is not None and self._generated not in keys else None
            extract = extractor(keys, self._process)
            made = self._inserts[keys] = extract, RowInsert(shape.table, columns, generated)
        extract, write = made
        dicts = [obj.__dict__ for obj in objects]
        lacking: list[dict[str, Any]] = []
        if self._scans_objects and holds_sql(map(dict.values, dicts)):
            self._insert_each(connection, objects, keys)
            return
        values = extract(dicts, lacking)
        if not self._scans_objects and holds_sql(values):
            self._insert_each(connection, objects, keys)
            return
        rows: Sets = Columns(values, len(objects))
        if others is not None:
            rows = others.filled(write.columns, objects, rows)
        try:
            made_keys = connection.insert_rows(write, rows)
        except IntegrityError as error:
            advice = self.shape.lack_of_keys(objects) if write.generated is None else None
            if advice is not None:
                error.add_note(advice)
            raise
        if lacking:
            self._note_unset(objects, keys if write.generated is None else (*keys, self._generated or ""))
        if made_keys is not None and self._generated is not None:
            for row, ident in zip(dicts, made_keys, strict=True):
                row[self._generated] = ident
        if made_keys is not None and shape.completes and len(shape.mapper.pk_keys) == 1:
            deque(map(shape.mapper.give_ident, objects, made_keys), 0)
        elif shape.completes:
            self._give_keys(objects)

    def _note_unset(self, objects: Sequence[Any], keys: tuple[str, ...]) -> None:
        """Attributes that were never set stay so, and read as None: the row holds NULL, and nothing need be loaded."""
        own, several = self.shape.own_keys, len(self.shape.mappers) > 1
        if not self._absent:
            for mapper in self.shape.mappers:
                mapper.memo["unset"] = True
        for obj in objects:
            values = obj.__dict__
            absent = tuple([k for k in keys if k not in values])
            if several:
                absent = tuple(k for k in absent if k in own[state_of(obj).mapper])
            if absent:
                note_unset(obj, self._absent.setdefault(absent, frozenset(absent)))

    def _give_keys(self, objects: Sequence[Any]) -> None:
        mapper = self.shape.mapper
        idents = [mapper.ident_of_values(obj.__dict__) for obj in objects]
        if None in idents:
            raise FlushError(self.shape.lack_of_keys(objects))
        deque(map(mapper.give_ident, objects, idents), 0)

    def _insert_each(self, connection: Connection, objects: Sequence[Any], keys: tuple[str, ...]) -> None:
        """Objects among which some have SQL expressions for values, or get values back: by statements of their own."""
        returned = self._fetches_inserted or (self._others is not None and self._others.by_database)
        for obj in objects:
            if not returned and not holds_sql((obj.__dict__.values(),)):
                self._insert_alike(connection, (obj,), keys)
                continue
            unset = tuple(k for k in keys if k not in obj.__dict__)
            self._sql.insert(connection, obj, keys, self._defaulted)
            self._note_unset((obj,), unset)
            if self.shape.completes:
                self._give_keys((obj,))

    # ---------------------------------------------------------------------------------------------- update

    def update(
        self,
        connection: Connection,
        objects: Sequence[Any],
        planned: tuple[str, ...] | None = None,
        dicts: Dicts = None,
    ) -> list[tuple[Any, Any]]:
        """Updates the changed columns of objects.

        :param planned: the columns, where the plan knows already that they are the same for all.
        :param dicts: the ``__dict__`` of each, if somebody has them.
        :return: (object, new key) of those whose primary key changed.
        :raises StaleDataError: a row is not there any more.
        """
        if planned is not None and not self._on_update:
            groups: dict[tuple[str, ...], Sequence[Any]] = {planned: objects}
        else:
            groups, dicts = self._by_change(objects), None
        rekeyed: list[tuple[Any, Any]] = []
        for keys, alike in groups.items():
            self.update_columns(connection, alike, keys, dicts=dicts)
            if self.shape.first and any(k in keys for k in self.shape.pk_keys):
                rekeyed += [(obj, self._key_now(obj)) for obj in alike]
        return rekeyed

    def _by_change(self, objects: Iterable[Any]) -> dict[tuple[str, ...], Sequence[Any]]:
        """Objects by the columns that their UPDATE sets."""
        groups: dict[tuple[str, ...], list[Any]] = {}
        for obj in objects:
            groups.setdefault(self._changed(obj), []).append(obj)
        groups.pop((), None)
        return dict(groups)

    def _changed(self, obj: Any) -> tuple[str, ...]:
        """The columns of this table that an object's UPDATE sets."""
        shape = self.shape
        changed = changed_columns(obj)
        keys = set(changed).intersection(shape.fields)
        keys.difference_update(shape.taken_keys)
        if keys:
            own = own_state(obj, state_of(obj))
            for key, default in self._on_update:
                if key not in keys:
                    own.old.setdefault(key, obj.__dict__.get(key, NO_VALUE))
                    obj.__dict__[key] = default_in_row(default, obj.__dict__, shape.fields)
                    keys.add(key)
        if changed:
            keys.update(shape.counted)
        return tuple(k for k in shape.keys if k in keys)

    def _key_now(self, obj: Any) -> Any:
        """The key that an object's row has now; a part that is not loaded is as before."""
        mapper = self.shape.mapper
        return mapper.ident_of_values({**mapper.key_values(ident_of(obj)), **obj.__dict__})

    def take_over(
        self, connection: Connection, objects: Sequence[Any], columns: tuple[str, ...], olds: Sequence[Any]
    ) -> None:
        """New objects take over rows: every column is written, and what was never set gets its default.

        :param olds: the objects whose rows they were.
        """
        with given_values(objects, [k for k in self._filled if k not in self.shape.counted], keyed=False):
            self.fill_defaults(objects)
            ask_for_server_defaults(self.shape, objects, columns, self.dialect.name)
            given = [tuple(k for k in columns if k in obj.__dict__ or k in self.shape.counted) for obj in objects]
            former = [key_before(obj) if obj._nbs_state.noting else None for obj in objects]
            if any(key is not None for key in former):  # it looks for the row that it had before it was undone
                for obj, old, key in zip(objects, olds, former, strict=True):
                    pk_keys = () if key is None else self.shape.pk_keys
                    keys = tuple(k for k in self.shape.keys if k in columns or k in pk_keys)
                    if keys:
                        self.update_columns(connection, (obj,), keys, (old,), former=key)
            elif columns:
                self.update_columns(connection, objects, columns, olds)
        for obj, known in zip(objects, given, strict=True):
            self._note_unset((obj,), tuple(k for k in columns if k not in known))
        if self._fetches_inserted:
            fetch_made(connection, self.shape, objects, self._defaulted)

    def update_columns(
        self,
        connection: Connection,
        objects: Sequence[Any],
        keys: tuple[str, ...],
        olds: Sequence[Any] = (),
        dicts: Dicts = None,
        former: Any = None,
    ) -> None:
        """Writes given columns of objects over their rows.

        :param olds: the objects whose rows they are; by default each its own.
        :param former: the key of the one row, if it is not that object's.
        :raises StaleDataError: a row is not there.
        """
        found = self._found(olds or objects, former)
        with given_values(objects, self.shape.counted, keyed=False):
            count_versions(self.shape, objects, found, bool(olds))
            matched = self._send_update(connection, objects, keys, found, dicts)
        if matched != len(objects):
            raise StaleDataError(
                f"UPDATE statement on table '{self.shape.table.name}' expected to update {len(objects)} row(s); {matched} "
                "were matched. Somebody deleted or changed the row meanwhile: roll back, load it again, and repeat the change."
            )
        expire_made(objects, [key for key in self._made_by_database if key not in keys])
        if self._fetches_updated:
            fetch_made(connection, self.shape, objects, self._renewed)

    def _send_update(
        self,
        connection: Connection,
        objects: Sequence[Any],
        keys: tuple[str, ...],
        found: Sets,
        dicts: Dicts,
    ) -> int:
        """Sends the UPDATE of given columns; returns how many rows there were."""
        dicts = dicts or [obj.__dict__ for obj in objects]
        if self._scans_objects and holds_sql(map(dict.values, dicts)):
            return self._update_each(connection, objects, keys, found)
        made = self._updates.get(keys)
        if made is None:
            columns = tuple(self.shape.fields[k] for k in keys)
            extract = extractor(keys, self._process)
            made = self._updates[keys] = extract, RowUpdate(self.shape.table, columns, self._match)
        extract, write = made
        values = extract(dicts)
        if not self._scans_objects and holds_sql(values):
            return self._update_each(connection, objects, keys, found)
        rows = Columns([*values, *columns_of(self._parameters(found))], len(objects))
        return connection.update_rows(write, rows)

    def _update_each(self, connection: Connection, objects: Sequence[Any], keys: tuple[str, ...], found: Sets) -> int:
        return sum(
            self._sql.update(connection, obj, keys, self._match, values)
            for obj, values in zip(objects, found, strict=True)
        )

    # ----------------------------------------------------------------------------------- finding the rows

    def _found(self, objects: Sequence[Any], former: Any = None) -> Sets:
        """The values by which the rows of objects are found: the key, and the version if one is counted."""
        version = self.shape.version_key
        idents = idents_of(objects) if former is None else [former]
        if version is None:
            if self.shape.in_order:
                return idents if len(self.shape.pk_keys) > 1 else Columns([idents], len(idents))
            return list(map(self.shape.key_parts, idents))
        return [
            (*self.shape.key_parts(ident), version_of(obj, version)) for ident, obj in zip(idents, objects, strict=True)
        ]

    def _parameters(self, found: Sets) -> Sets:
        """Those values, as the driver takes them."""
        if all(process is None for process in self._match_process):
            return found
        return [
            tuple(v if p is None or v is None else p(v) for p, v in zip(self._match_process, values, strict=True))
            for values in found
        ]

    # ---------------------------------------------------------------------------------------------- delete

    def delete(self, connection: Connection, objects: Sequence[Any]) -> None:
        """Deletes the rows of objects; a row that is gone already is a warning.

        :raises StaleDataError: versions are counted, and a row has another one.
        """
        rows = self._parameters(self._found(objects))
        matched = connection.delete_rows(self._delete, rows)
        if matched == len(rows):
            return
        said = (
            f"DELETE statement on table '{self.shape.table.name}' expected to delete {len(rows)} row(s); {matched} "
            "were matched. Somebody deleted the row meanwhile, or the database did by ON DELETE CASCADE."
        )
        if self.shape.version_key is not None:
            raise StaleDataError(f"{said} Or the row has another version: roll back, load it again, and repeat.")
        warnings.warn(said, NbsessionWarning, stacklevel=2)
