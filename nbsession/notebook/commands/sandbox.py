"""A private copy of a database's file, for trying things: the file itself is read once and never written.

The copy is taken away with its engine. Since nobody else has it, it can be put back as a whole: that is how cells are
undone past a COMMIT here, and nowhere else.
"""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import WeakKeyDictionary, finalize

from nbsession.database.url import URL, make_url
from nbsession.events import tokens
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.inspection import inspect_mapped

LARGEST = 200_000_000
"""bytes of a file of which states are kept"""
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A copy.

    :ivar original: the file it is a copy of.
    :ivar file: the copy.
    :ivar url: its URL.
    """

    original: Path
    file: Path
    url: URL

    @property
    def note(self) -> str:
        """What is to be known of it, in two lines."""
        return (
            f"a private copy of {self.original.name}: what is done here, commits too, never reaches the file itself.\n"
            "The copy is gone when the session is closed; with %session checkpoint on, undo goes back past COMMIT, too."
        )


def copied(url: str | URL) -> Sandbox:
    """Copies the file that a URL names, as it was last committed.

    :raises ArgumentError: the URL names no file.
    :raises InvalidRequestError: the file cannot be read now.
    """
    where = make_url(url)
    if where.database is None:
        raise ArgumentError(f"--sandbox copies a file, and {where} has none: a database in memory is private already.")
    source = Path(where.database).expanduser()
    if not source.is_file():
        raise ArgumentError(f"--sandbox copies a file, and {where.database!r} is not there: check the path.")
    target = Path(mkdtemp(prefix="nbsession-")) / f"{source.stem}.sandbox{source.suffix}"
    try:
        (_copy_sqlite if where.get_backend_name() == "sqlite" else _copy_duckdb)(source, target)
    except Exception as error:
        shutil.rmtree(target.parent, ignore_errors=True)
        why = str(error).partition("\n")[0]
        raise InvalidRequestError(
            f"{source} cannot be copied now: {why}. Close what has it open, and try again."
        ) from error
    return Sandbox(source, target, replace(where, database=target.as_posix()))


_sandboxes: WeakKeyDictionary[Any, Sandbox] = WeakKeyDictionary()


def keep(engine: Any, sandbox: Sandbox) -> None:
    """The copy lives as long as its engine."""
    _sandboxes[engine] = sandbox
    finalize(engine, shutil.rmtree, sandbox.file.parent, ignore_errors=True)


def sandbox_of(session: Any) -> Sandbox | None:
    """The copy that a session works on; None if it is no copy."""
    engine = getattr(session.bind, "engine", session.bind)
    return _sandboxes.get(engine) if engine is not None else None


def drop(engine: Any) -> None:
    """Takes the copy away, if the engine is on one; its connections are closed by now."""
    sandbox = _sandboxes.pop(engine, None)
    if sandbox is not None:
        shutil.rmtree(sandbox.file.parent, ignore_errors=True)


# ── putting it back ──────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Saved:
    """A sandbox as it was between two transactions.

    :ivar members: tokens of the objects that had a row and were in the session.
    """

    file: Path
    members: frozenset[int]


def save(session: Any) -> Saved | None:
    """Keeps a session's sandbox as it is; None if it is none, is too large, or a transaction is open."""
    sandbox = sandbox_of(session)
    if sandbox is None or session.in_transaction() or sandbox.file.stat().st_size > LARGEST:
        return None
    target = sandbox.file.with_name(f"{next(_numbers)}.saved")
    session.bind.dispose()
    (_copy_sqlite if session.bind.dialect.name == "sqlite" else _copy_duckdb)(sandbox.file, target)
    return Saved(target, frozenset(tokens.of(obj) for obj in session.identity_map.values()))


def put_back(session: Any, saved: Saved) -> None:
    """Makes rows and objects what they were: past COMMITs, too."""
    sandbox = sandbox_of(session)
    assert sandbox is not None
    session.rollback()
    newer = [obj for obj in session if tokens.of(obj) not in saved.members]
    for obj in newer:
        session.refresh(obj)  # what it holds now, while its row is still there
    held = {tokens.of(obj): _values(obj) for obj in newer}
    session.rollback()
    session.bind.dispose()
    for end in ("", ".wal", "-wal", "-shm", "-journal"):
        sandbox.file.with_name(sandbox.file.name + end).unlink(missing_ok=True)
        kept = saved.file.with_name(saved.file.name + end)
        if kept.is_file():
            shutil.copyfile(kept, sandbox.file.with_name(sandbox.file.name + end))
    _put_objects_back(session, saved.members, held)
    session.rollback()  # what was asked of the rows began a transaction


def _values(obj: Any) -> dict[str, Any]:
    return {key: vars(obj)[key] for key in inspect_mapped(obj).mapper.column_keys if key in vars(obj)}


def _put_objects_back(session: Any, members: frozenset[int], held: dict[int, dict[str, Any]]) -> None:
    from nbsession.session.factory import make_transient, make_transient_to_detached

    for obj in list(session):
        session.expire(obj)
        token = tokens.of(obj)
        if token in held:
            try:
                session.refresh(obj)  # made since then, or only read since then?
            except InvalidRequestError:
                make_transient(obj)
                vars(obj).update(held[token])
    for token in sorted(members):
        obj = tokens.object(token)
        if obj is not None and obj not in session:
            make_transient(obj)
            make_transient_to_detached(obj)
            session.add(obj)


def _copy_sqlite(source: Path, target: Path) -> None:
    if _is_wal(source) and not source.with_name(f"{source.name}-wal").exists():
        shutil.copyfile(source, target)  # nobody has it open; a connection, even to read, would leave files beside it
        return
    reading = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    try:
        writing = sqlite3.connect(target)
        try:
            reading.backup(writing)
        finally:
            writing.close()
    finally:
        reading.close()


def _is_wal(source: Path) -> bool:
    """Is the file in WAL mode? Two bytes of its head say so."""
    with source.open("rb") as file:
        return file.read(20)[18:20] == b"\x02\x02"


def _copy_duckdb(source: Path, target: Path) -> None:
    import duckdb

    reading = duckdb.connect(str(source), read_only=True)  # while it is open nobody writes
    try:
        shutil.copyfile(source, target)
        log = source.with_name(f"{source.name}.wal")
        if log.is_file():
            shutil.copyfile(log, target.with_name(f"{target.name}.wal"))
    finally:
        reading.close()
