"""N8: sessions dropped with work undone. N9: a file that somebody else holds. N14: a kernel that ends in a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels import Kernel

MODELS = (
    "from tests.notebook.library import *\nfrom nbsession import *\nfrom nbsession.notebook.commands import survivors"
)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The notes of kernels lie in a folder of their own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NBSESSION_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def kernel(cache: Path) -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.stop()


def test_n08_a_session_that_no_variable_holds_any_more_is_told_and_can_be_closed(
    kernel: Kernel, tmp_path: Path
) -> None:
    kernel.anew("%load_ext nbsession", MODELS, f"engine = create_engine('sqlite:///{tmp_path / 'a.db'}')")
    kernel.run("Base.metadata.create_all(engine)\nimport gc; gc.disable()")
    kernel.run("s = Session(engine); s.add(Member(name='Ada')); s.flush(); s.add(Loan())", "make")
    said = kernel.text("s = Session(engine)")
    assert said == (
        "! the session s (In[5]) is held by no variable any more, and not closed: 1 new, in an open transaction. It may "
        "keep its file locked; %session close s@5 ends it"
    )
    assert kernel.text("1 + 1") == "2"  # said once
    assert "held by no variable: %session close s@5 ends it" in kernel.text("%session list")
    locked = kernel.text("s.add(Member(name='Bob')); s.flush()")
    assert (
        "database is locked" in locked
        and "session s@5, which no variable holds, has a transaction open" in " ".join(locked.split())
    )
    assert "> %session close s@5" in locked
    assert "closed; lost: 1 object never flushed" in kernel.text("%session close s@5")
    kernel.run("s.rollback()")
    assert "Traceback" not in kernel.text("s.add(Member(name='Bob')); s.commit(); gc.enable()")


def test_n08_a_session_that_was_closed_or_had_nothing_to_lose_is_not_told(kernel: Kernel) -> None:
    kernel.anew("%load_ext nbsession", MODELS, "engine = create_engine('sqlite://'); s = Session(engine)")
    assert kernel.text("s.close(); s = Session(engine)") == ""
    assert kernel.text("s = Session(engine); t = s") == ""
    assert kernel.text("s = None") == ""
    assert "no session 'x@1': %session list shows them" in kernel.text("%session close x@1")


@pytest.fixture(scope="module")
def second(cache: Path) -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.stop()


def test_n09_a_second_kernel_on_a_duckdb_file_is_told_who_has_it_and_the_ways_out(
    kernel: Kernel, second: Kernel, tmp_path: Path
) -> None:
    kernel.anew("%load_ext nbsession", f"%session open duckdb:///{tmp_path / 'shop.duckdb'}")
    holder = kernel.value("__import__('os').getpid()")
    second.anew("%load_ext nbsession")
    said = second.text(f"%session open duckdb:///{tmp_path / 'shop.duckdb'}")
    assert "Traceback" in said and "OperationalError" in said
    assert f"engine.dispose()  typed in the notebook of process {holder}" in said
    assert "access_mode=read_only" in said
    kernel.run("%session close")
    assert "Traceback" not in second.text(f"%session open duckdb:///{tmp_path / 'shop.duckdb'}")


def test_n09_a_second_kernel_that_writes_a_sqlite_file_is_refused_soon_and_told(
    kernel: Kernel, second: Kernel, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    kernel.anew("%load_ext nbsession", MODELS, f"%session open {url}", "Base.metadata.create_all(engine)")
    kernel.run("session.add(Member(name='Ada')); session.flush()")
    second.anew("%load_ext nbsession", MODELS)
    holder = kernel.value("__import__('os').getpid()")
    assert f"! another kernel (process {holder}) has unsaved work on this database: 1 row written since In[5]" in (
        second.text(f"%session open {url}")
    )
    said = second.text("session.add(Member(name='Bob')); session.flush()")
    assert "database is locked. Another connection is writing to the file" in said
    kernel.run("session.commit()")
    second.run("session.rollback()")
    assert "Traceback" not in second.text("session.add(Member(name='Bob')); session.commit()")


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_n14_a_kernel_that_was_restarted_says_what_its_transaction_took_along(
    second: Kernel, tmp_path: Path, dialect: str
) -> None:
    url = f"{dialect}:///{tmp_path / 'shop.file'}"
    second.anew("%load_ext nbsession", MODELS, f"%session open {url}", "Base.metadata.create_all(engine)")
    second.run("session.add(Member(name='saved')); session.commit()")
    second.run("session.add_all([Member(name='lost'), Loan()]); session.flush(); session.add(Loan())")
    second.manager.restart_kernel(now=True)
    second.client.wait_for_ready(timeout=60)
    for cell in ("%load_ext nbsession", MODELS):
        second.run(cell)
    assert "no session is open: begin with %session open" in second.text("%session show")
    said = second.text(f"%session open {url}")
    assert (
        "! the kernel before ended with 2 rows written since In[6] and 1 new object, not committed: rolled back. What was "
        "committed is in the file" in said
    )
    assert second.value("[one.name for one in session.scalars(select(Member))]") == "['saved']"
    second.run("%session close")
    assert "the kernel before" not in second.text(f"%session open {url}")
