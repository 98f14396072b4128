"""In a real kernel: cells are numbered right, Tab and Shift-Tab look only, the dashboard brings its text along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernels import Kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    kernel = Kernel()
    yield kernel
    kernel.stop()


def test_a_walk_in_a_kernel(kernel: Kernel) -> None:
    kernel.run("%load_ext nbsession")
    (opened,) = [each for each in kernel.run("%session open sqlite://") if "data" in each]
    assert "application/vnd.jupyter.widget-view+json" in opened["data"]
    assert opened["data"]["text/plain"].startswith(
        "session · sqlite · :memory: · no transaction\nas of In[2] · event 0"
    )
    assert opened["data"]["text/html"].startswith("<div")
    kernel.run("from tests.notebook.library import *; Base.metadata.create_all(engine)")
    assert kernel.text("ada = Member(name='Ada')\n%session add ada").strip() == "Member+1 transient → pending"
    assert "as of In[5]" in kernel.text("%session stack") and "[BEGIN] In[4]" in kernel.text("%session stack")
    assert "UsageError: %session: no verb 'comit'; did you mean 'commit'?" in kernel.text("%session comit")

    kernel.run("session.commit(); session.add(Member(name='Bob')); seq = session.bus.seq")
    for typed in ("ada.name.", "ada.loans.", "%session "):
        reply = kernel.client.complete(typed, len(typed), reply=True, timeout=30)
        if typed == "%session ":
            assert reply["content"]["matches"][:3] == ["open", "show", "dock"]
    for inspected in ("ada.name", "ada.loans", "ada"):
        kernel.client.inspect(inspected, len(inspected), reply=True, timeout=30)
    assert kernel.text("print(session.bus.seq - seq, len(session.new))").strip() == "0 1"
    assert kernel.text("print(ada.name)").strip() == "Ada"


def test_a_button_pressed_while_a_cell_runs_waits_and_runs_on_the_main_thread(kernel: Kernel) -> None:
    kernel.run("%reload_ext nbsession")
    kernel.run(
        "import threading, time\n"
        "from nbsession.notebook.page.actions import funnel\n"
        "from nbsession.notebook.recording.recorder import recorder_of\n"
        "answers, seen = [], []\n"
        "session.add(Member(name='Eve'))\n"
        "def press():\n"
        "    funnel.submit(recorder_of(session), {'kind': 'action', 'verb': 'flush'},\n"
        "                  lambda answer: (answers.append(answer), seen.append(threading.current_thread())))\n"
    )
    kernel.run("threading.Thread(target=press).start(); time.sleep(0.3); during = len(answers)")
    said = kernel.text("print(during, len(answers), answers[0]['ok'], seen[0] is threading.main_thread())").strip()
    assert said == "0 1 True True"
