"""A session with tables, a shell with the extension, and a notebook that remembers nothing of the test before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbsession import Engine, Session
from nbsession.notebook.commands import magics
from nbsession.notebook.commands.current import current
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.labels import labels
from nbsession.notebook.recording.newcomers import newcomers
from nbsession.notebook.recording.recorder import recorded_sessions, stop_listening
from tests.notebook.library import Base


@pytest.fixture(autouse=True)
def fresh_notebook() -> Iterator[None]:
    """No cell has run, no object has been numbered, no session is known: before the test and after it."""
    forget_everything()
    yield
    forget_everything()


def forget_everything() -> None:
    for session in recorded_sessions():
        stop_listening(session)
    clock.detach()
    clock.on_start.clear()
    clock.on_end.clear()
    newcomers.close()
    newcomers.on_made.clear()
    labels.clear()
    current.clear()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session on an empty database with the library's tables; constructions are watched, as in a notebook."""
    Base.metadata.create_all(engine)
    newcomers.open()
    session = Session(engine)
    yield session
    session.close()


COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Shell:
    """A notebook without a page: runs cells and keeps what they print."""

    def __init__(self, ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.ip = ip
        self._capsys = capsys
        start_anew(ip)
        magics.load(ip)

    def run(self, cell: str) -> str:
        """Runs a cell; returns what it printed, on both streams."""
        self._capsys.readouterr()
        self.ip.run_cell(cell, store_history=True)
        out, err = self._capsys.readouterr()
        return COLOURS.sub("", out + err).strip()

    def __getitem__(self, name: str) -> Any:
        return self.ip.user_ns[name]


def start_anew(ip: InteractiveShell) -> None:
    """No variable, no output, the next cell is In[1]: what ``reset()`` does, without collecting garbage for a second."""
    for name in set(ip.user_ns) - set(ip.user_ns_hidden):
        del ip.user_ns[name]
    ip.user_ns["Out"].clear()
    ip.execution_count = 1


@pytest.fixture(scope="session")
def ipython_once() -> InteractiveShell:
    """IPython, made once."""
    ip = InteractiveShell()
    ip.history_manager.enabled = False
    return ip


@pytest.fixture
def ipython(ipython_once: InteractiveShell) -> InteractiveShell:
    """IPython in which nothing has been done."""
    start_anew(ipython_once)
    return ipython_once


@pytest.fixture
def shell(ipython: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """A shell with the extension loaded."""
    shell = Shell(ipython, capsys)
    yield shell
    magics.unload(ipython)


@pytest.fixture
def library(shell: Shell, database_url: str) -> Shell:
    """A shell with a session open, the library's classes at hand and its tables made; the next cell is In[3]."""
    shell.run(f"%session open {database_url}")
    shell.run("from tests.notebook.library import *; Base.metadata.create_all(engine)")
    return shell
