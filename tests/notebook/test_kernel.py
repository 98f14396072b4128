"""In a real kernel: cells are numbered right, Tab and Shift-Tab look only, the dashboard brings its text along."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).parents[2]


class Kernel:
    """A kernel and its client; runs cells and collects what they put out."""

    def __init__(self) -> None:
        self.manager, self.client = start_new_kernel(startup_timeout=60, cwd=str(ROOT))

    def run(self, cell: str) -> list[dict[str, Any]]:
        """Runs a cell and returns its outputs, errors among them."""
        outputs: list[dict[str, Any]] = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] in ("stream", "display_data", "execute_result", "error"):
                outputs.append(message["content"])

        self.client.execute_interactive(cell, output_hook=note, timeout=60, store_history=True)
        return outputs

    def text(self, cell: str) -> str:
        """Runs a cell and returns what it shows as text."""
        parts = []
        for output in self.run(cell):
            parts.append(
                output.get("text") or output.get("data", {}).get("text/plain") or "\n".join(output.get("traceback", []))
            )
        return "\n".join(parts)

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


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
