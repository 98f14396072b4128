"""N2: a failed cell explains itself and never needs a restart. N16: what is said adds to the traceback. N13: async cells."""

from __future__ import annotations

import pytest

from tests.kernels import Kernel, as_text

MODELS = "from tests.notebook.library import *\nfrom nbsession import *\nBase.metadata.create_all(engine)"


@pytest.fixture(params=["sqlite", "duckdb"])
def notebook(kernel: Kernel, request: pytest.FixtureRequest) -> Kernel:
    kernel.anew("%load_ext nbsession", f"%session open {request.param}://", MODELS)
    kernel.run("session.add(Member(name='Ada')); session.commit()")
    return kernel


def test_n02_a_failed_cell_is_named_under_each_cell_until_the_rollback(notebook: Kernel) -> None:
    failed = notebook.text("session.add(Member(name='Ada')); session.flush()")
    assert "IntegrityError" in failed
    later = notebook.text("session.scalars(select(Member)).all()")
    assert "PendingRollbackError" in later and "it began in In[5]: IntegrityError" in later
    assert "! the transaction failed in In[5] (IntegrityError" in notebook.text("1 + 1")
    assert "rolled back everything since BEGIN (in In[5])" in notebook.text("%session rollback")
    assert notebook.text("1 + 1") == "2"
    assert notebook.text("print([one.name for one in session.scalars(select(Member))])") == "['Ada']"


def test_n16_the_card_stands_beside_the_error_that_tools_see(notebook: Kernel) -> None:
    sent = notebook.begin("session.add(Member(name='Ada')); session.flush()")
    outputs = notebook.ended(sent)
    (error,) = [output for output in outputs if "ename" in output]
    assert error["ename"] == "IntegrityError" and "Traceback" in as_text([error])
    cards = [output["data"] for output in outputs if "data" in output]
    assert any(data["text/plain"].startswith("! IntegrityError in In[5]") and "text/html" in data for data in cards)
    reply = notebook.reply_to(sent)["content"]
    assert (reply["status"], reply["ename"]) == ("error", "IntegrityError")
    notebook.run("session.rollback()")


def test_n13_an_async_cell_uses_the_session_between_awaits(notebook: Kernel) -> None:
    said = notebook.text(
        "import asyncio\n"
        "async def add(name):\n"
        "    session.add(Member(name=name)); session.flush(); await asyncio.sleep(0)\n"
        "    return len(session.scalars(select(Member)).all())\n"
        "print(sorted(await asyncio.gather(*map(add, 'xyz'))))\n"
        "await asyncio.sleep(0); session.commit()"
    )
    assert said == "[4, 4, 4]"


def test_n13_an_await_before_a_call_of_the_session_is_explained(notebook: Kernel) -> None:
    said = notebook.text("session.add(Member(name='Eve'))\nawait session.commit()")
    assert "object NoneType can't be used in 'await' expression" in said
    assert "! nbsession does not wait: a session's calls have done their work when they return." in said
    assert notebook.value("len(session.scalars(select(Member)).all()), len(session.new)") == "2 0"


def test_n13_a_flush_on_another_thread_while_one_runs_is_refused_clearly(notebook: Kernel) -> None:
    said = notebook.text(
        "import asyncio\n"
        "from nbsession import event\n"
        "from threading import Thread\n"
        "def other():\n"
        "    try:\n"
        "        session.flush()\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
        "@event.listens_for(session, 'before_flush')\n"
        "def meanwhile(*_):\n"
        "    thread = Thread(target=other); thread.start(); thread.join()\n"
        "session.add(Member(name='T')); session.flush()"
    )
    assert said.startswith("InvalidRequestError Session is already flushing")
    notebook.run("session.rollback()")
    assert notebook.value("len(session.scalars(select(Member)).all())") == "1"
