"""N3: a cell that adds objects is run again: said, and taken back. N8: sessions that nobody holds any more."""

from __future__ import annotations

import pytest

from tests.kernels import Kernel

MODELS = "from tests.notebook.library import *\nBase.metadata.create_all(engine)"
INSERT = "session.add_all([Loan(note='a'), Loan(note='b')])"
UNIQUE = "session.add(Member(name='Ada')); session.commit()"


@pytest.fixture(params=["sqlite", "duckdb"])
def notebook(kernel: Kernel, request: pytest.FixtureRequest) -> Kernel:
    """A notebook with the library's tables; the next cell is In[4]."""
    kernel.anew("%load_ext nbsession", f"%session open {request.param}://", MODELS)
    return kernel


@pytest.mark.parametrize("cell_id", ["the-cell", None], ids=["id", "source"])
@pytest.mark.parametrize(
    ("ends", "where"),
    [
        ("", "are still pending"),
        ("; session.flush()", "are in the open transaction"),
        ("; session.commit()", "are committed"),
    ],
    ids=["pending", "flushed", "committed"],
)
def test_n03_a_cell_that_adds_again_says_what_became_of_the_first(
    notebook: Kernel, ends: str, where: str, cell_id: str | None
) -> None:
    assert notebook.text(INSERT + ends, cell_id) == ""
    said = notebook.text(INSERT + ends, cell_id)
    assert said == (
        f"! this cell ran before, as In[4]: 2 objects of that run {where}, and this run added 2 more: %session undo cell takes "
        "those back"
    )


def test_n03_nothing_is_said_where_the_first_run_was_rolled_back_or_another_cell_runs(notebook: Kernel) -> None:
    assert notebook.text(INSERT, "one") == ""
    notebook.run("session.rollback()")
    assert notebook.text(INSERT, "one") == ""
    assert notebook.text(INSERT, "another") == ""


def test_n03_a_unique_column_refuses_and_the_first_run_is_named(notebook: Kernel) -> None:
    notebook.run(UNIQUE, "one")
    said = notebook.text(UNIQUE, "one")
    assert "IntegrityError" in said
    assert "! this cell ran before, as In[4]: 1 object of that run is committed" in said


def test_n03_undo_cell_takes_back_what_is_pending_and_says_what_it_cannot(notebook: Kernel) -> None:
    notebook.run(INSERT, "one")
    notebook.run(INSERT, "one")
    assert notebook.text("%session undo cell") == "In[5] undone: 2 objects pending → transient"
    assert notebook.value("len(session.new)") == "2"
    notebook.run(INSERT + "; session.flush()", "one")
    assert "what In[8] added was sent to the database" in notebook.text("%session undo cell")
    notebook.run("session.rollback()")
    assert "nothing to undo" in notebook.text("%session undo cell")


def test_n03_undo_cell_with_checkpoints_goes_back_to_before_it(notebook: Kernel) -> None:
    notebook.run("%session checkpoint on")
    notebook.run(INSERT + "; session.flush()", "one")
    notebook.run(INSERT + "; session.flush()", "one")
    notebook.run("looked = session.scalars(select(Loan)).all() if 'select' in globals() else None")
    assert "undone: In[7], In[6]; rows and objects are as before" in notebook.text("%session undo cell")
    assert notebook.value("session.connection().exec_driver_sql('SELECT count(*) FROM loan').scalar()") == "2"
    notebook.run("%session checkpoint off")


def test_n03_timeit_is_noticed(notebook: Kernel) -> None:
    said = notebook.text("%timeit -n5 -r3 session.add(Loan())")
    assert "! the code was timed, and ran many times: 1" in said and "objects added. %session undo cell" in said
    notebook.run("%session undo cell")
    assert notebook.value("len(session.new)") == "0"


def test_n03_a_fresh_cell_begins_where_its_first_run_began(notebook: Kernel) -> None:
    count = "session.connection().exec_driver_sql('SELECT count(*) FROM loan').scalar()"
    cell = f"%%session fresh\n{INSERT}\nsession.flush()"
    for times in range(3):
        said = notebook.text(cell, "one")
        assert said == ("" if not times else said) and "Traceback" not in said
        assert notebook.value(count) == "2"
    assert "back to before In[" in said
    notebook.run("session.commit()")
    refused = notebook.text(cell, "one")
    assert "SavepointError" in refused and "is committed and cannot be taken back" in refused
    assert notebook.value(count) == "2"
