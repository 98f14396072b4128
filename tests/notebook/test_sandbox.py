"""``%session open FILE --sandbox``: a private copy, the file itself never touched, and undo past COMMIT."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nbsession import ArgumentError, InvalidRequestError, Session, create_engine, select
from nbsession.notebook import close
from nbsession.notebook import open as open_session
from nbsession.notebook.commands import sandbox as sandboxes
from tests.notebook.conftest import Shell
from tests.notebook.library import Base, Member

KINDS = ("sqlite", "duckdb")


@pytest.fixture(params=KINDS)
def file_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A file with one member in it; nobody has it open."""
    url = f"{request.param}:///{(tmp_path / 'shop.db').as_posix()}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Member(name="Ada"))
        session.commit()
    engine.dispose()
    return url


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder with what it holds."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_the_file_is_not_touched_whatever_is_committed(file_url: str, tmp_path: Path) -> None:
    before = digest(tmp_path)
    session = open_session(file_url, sandbox=True)
    assert session.scalars(select(Member.name)).all() == ["Ada"]
    session.add(Member(name="Bob"))
    session.commit()
    assert session.scalars(select(Member.name).order_by(Member.id)).all() == ["Ada", "Bob"]
    close(session)
    assert digest(tmp_path) == before


def test_the_copy_is_gone_when_the_session_is_closed(file_url: str) -> None:
    session = open_session(file_url, sandbox=True)
    copy = sandboxes.sandbox_of(session)
    assert copy is not None and copy.file.is_file() and copy.file.name == "shop.sandbox.db"
    close(session)
    assert not copy.file.parent.exists()


def test_the_copy_goes_with_its_engine(file_url: str) -> None:
    copy = sandboxes.copied(file_url)
    engine = create_engine(copy.url)
    sandboxes.keep(engine, copy)
    del engine
    gc.collect()
    assert not copy.file.parent.exists()


@pytest.mark.parametrize("url", ["sqlite://", "duckdb://", "sqlite:///nowhere.db"])
def test_without_a_file_there_is_nothing_to_copy(url: str) -> None:
    with pytest.raises(ArgumentError, match="--sandbox copies a file"):
        open_session(url, sandbox=True)


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "no.db").write_text("not a database at all, but long enough to be looked at" * 20)
    for kind in KINDS:
        with pytest.raises(InvalidRequestError, match="cannot be copied now"):
            open_session(f"{kind}:///{tmp_path / 'no.db'}", sandbox=True)


# ── in a notebook ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def sandbox(shell: Shell, file_url: str) -> Iterator[Shell]:
    """A shell with a sandbox open and checkpoints on; the next cell is In[4]."""
    said = shell.run(f"%session open {file_url} --sandbox")
    assert "a private copy of shop.db: what is done here, commits too, never reaches the file itself." in said
    shell.run("from nbsession import select; from tests.notebook.library import Member")
    shell.run("%session checkpoint on")
    yield shell
    shell.run("%session close")


def test_undo_goes_back_past_a_commit(sandbox: Shell) -> None:
    sandbox.run("bob = Member(name='Bob'); session.add(bob); session.commit()")
    assert "undone, commits too: In[4]; the sandbox is as before" in sandbox.run("%session undo")
    assert sandbox.run("print(session.scalars(select(Member.name)).all())") == "['Ada']"
    assert sandbox.run("from nbsession import inspect; print(inspect(bob).transient, bob.name)") == "True Bob"


def test_what_was_deleted_and_changed_is_there_again_with_its_objects(sandbox: Shell) -> None:
    sandbox.run("ada = session.scalars(select(Member)).one(); session.commit()")
    sandbox.run("cleo = Member(name='Cleo'); session.add(cleo); session.commit()")
    sandbox.run("ada.name = 'Ada L.'; session.delete(cleo); session.commit()")
    assert "In[6]" in sandbox.run("%session undo")
    assert sandbox.run("print(ada.name, cleo.name, ada in session, cleo in session)") == "Ada Cleo True True"


def test_what_began_inside_a_transaction_says_how_far_undo_goes(sandbox: Shell) -> None:
    sandbox.run("session.add(Member(name='Bob'))")
    sandbox.run("session.add(Member(name='Cleo')); session.commit()")
    said = sandbox.run("%session undo")
    assert (
        "In[5] began inside a transaction that has ended since" in said and "undo 2 goes back to before In[4]" in said
    )
    assert "undone, commits too" in sandbox.run("%session undo 2")
    assert sandbox.run("print(session.scalars(select(Member.name)).all())") == "['Ada']"


def test_inside_a_transaction_undo_is_what_it_is_elsewhere(sandbox: Shell) -> None:
    sandbox.run("session.add(Member(name='Bob'))")
    assert sandbox.run("%session undo").endswith("undone: In[4]; rows and objects are as before")


def test_a_file_that_is_not_there_is_one_line(shell: Shell) -> None:
    assert "--sandbox copies a file" in shell.run("%session open sqlite:///nowhere.db --sandbox").splitlines()[-1]
