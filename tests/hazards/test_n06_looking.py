"""N6: looking loads and flushes nothing. N7: who holds an object. N10: stamps. N12: SQL of one's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels import Kernel

MODELS = "from tests.notebook.library import *\nfrom nbsession import *\nBase.metadata.create_all(engine)"
BUSY = """ada, bob = Member(name='Ada'), Member(name='Bob'); session.add_all([ada, bob]); session.commit()
session.add(Loan(note='p'))"""
COUNT = "session.bus.seq, len(session.new), session.in_transaction(), 'name' in vars(ada)"


@pytest.fixture
def notebook(kernel: Kernel) -> Iterator[Kernel]:
    """Two expired objects beside a pending one: whatever touches them would flush and load. The next cell is In[5]."""
    kernel.anew("%load_ext nbsession", "%session open sqlite://", MODELS, BUSY)
    yield kernel


def ask(kernel: Kernel, kind: str, code: str, **content: object) -> None:
    sent = kernel.send(f"{kind}_request", {"code": code, "cursor_pos": len(code), **content})
    assert kernel.reply_to(sent)["content"]["status"] == "ok"


TYPED = ("ada.na", "ada.name.", "ada.loans.", "ada.loans[0].", "session.")
INSPECTED = ("ada", "ada.name", "ada.loans", "session")


@pytest.mark.parametrize("guarded", [True, False], ids=["cured", "without the cure"])
def test_n06_keys_that_complete_and_inspect_load_and_flush_nothing(notebook: Kernel, guarded: bool) -> None:
    if not guarded:
        notebook.run("from nbsession.notebook.commands.looking import unguard; unguard(get_ipython())")
    before = notebook.value(COUNT)
    for code in TYPED:
        ask(notebook, "complete", code)
    for code in INSPECTED:
        ask(notebook, "inspect", code, detail_level=1)
    after = notebook.value(COUNT)
    assert (after == before) is guarded, (before, after)
    assert before.endswith("1 True False")


def test_n06_reprs_and_whos_load_and_flush_nothing(notebook: Kernel) -> None:
    before = notebook.value(COUNT)
    assert "Member(id=<not loaded>, name=<not loaded>)" in notebook.text("ada")
    for cell in (
        "[ada, bob]",
        "{'ada': ada}",
        "%whos",
        "dir(ada)",
        "vars(ada)",
        "%session state ada",
        "%session identity",
    ):
        assert "Traceback" not in notebook.text(cell)
    assert notebook.value(COUNT) == before


def test_n06_a_widget_callback_of_the_users_own_loads_as_always(notebook: Kernel) -> None:
    notebook.run(
        "import ipywidgets\nknob = ipywidgets.IntSlider(); heard = []\nknob.observe(lambda change: heard.append(ada.name), 'value')"
    )
    comm = notebook.value("knob.comm.comm_id")
    sent = notebook.send(
        "comm_msg", {"comm_id": comm, "data": {"method": "update", "state": {"value": 3}, "buffer_paths": []}}
    )
    notebook.ended(sent)
    assert notebook.value("heard") == "['Ada']"


def test_n07_who_holds_an_object_is_named_and_let_go(notebook: Kernel) -> None:
    notebook.run("session.commit(); shown = None")
    notebook.run("bob")
    notebook.run("def lend(member):\n    held = session.get(Loan, 1)\n    raise ValueError(held.note)\nlend(ada)")
    said = notebook.text("%session identity")
    assert "ada, the traceback" in said and "bob, Out[6]" in said
    loan = next(line for line in said.splitlines() if "Loan#1" in line)
    assert "the traceback of In" in loan
    assert "forgotten: 1 output, and the last traceback" in notebook.text("%session forget")
    said = notebook.text("%session identity")
    assert "Out[" not in said and "traceback" not in said and "Loan#1" not in said


def test_n10_views_are_stamped_and_cells_run_out_of_order_stay_apart(notebook: Kernel) -> None:
    first, second = ("ada.name = 'A1'; session.flush()", "bob.name = 'B1'; session.flush()")
    notebook.run(second, "second")
    notebook.run(first, "first")
    notebook.run(second.replace("B1", "B2"), "second")
    stamped = notebook.text("%session log")
    assert "as of In[8] · event" in stamped
    log = notebook.text("%session log --cell 7")
    assert "UPDATE member" in log and "'B2'" in log and "'A1'" not in log
    assert notebook.text("%session show").splitlines()[1].startswith("as of In[10] · event")


def test_n12_sql_of_ones_own_never_commits_and_marks_what_it_changed(notebook: Kernel) -> None:
    notebook.run("print(ada.name, bob.name)")
    said = notebook.text("%%session sql\nUPDATE member SET name = 'Zoe' WHERE name = 'Ada'")
    assert said.startswith("1 row: nothing is committed; Member#1 shows the old values until it is refreshed")
    assert "row changed" in said
    identity = notebook.text("%session identity")
    assert (
        "row changed behind the session: %session refresh reads it"
        in next(line for line in identity.splitlines() if "Member#1" in line)
        or "row changed behind" in identity
    )
    assert not any("row changed" in line for line in identity.splitlines() if "Member#2" in line)
    assert notebook.value("ada.name, session.in_transaction()") == "Ada True"
    notebook.run("%session refresh ada")
    assert "row changed behind" not in notebook.text("%session identity")
    assert notebook.value("ada.name") == "Zoe"
    notebook.run("%session rollback")
    assert notebook.value("ada.name") == "Ada"


def test_n11_a_class_and_its_table_that_differ_are_told_apart(notebook: Kernel) -> None:
    notebook.run(
        "from nbsession import text\nsession.rollback()\n"
        "session.execute(text('ALTER TABLE loan ADD COLUMN fee INTEGER')); session.commit()"
    )
    assert "Loan: in the table, not mapped: fee" in notebook.text("%session schema")
