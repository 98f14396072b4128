"""N4: what the page sends may arrive on another thread while a cell runs; it is carried out on the main one, between cells.

The kernel that is installed is tested always. Others are installed by pip into a folder of their own, in the long tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels import Kernel

VERSIONS = ("6.30.1", "7.3.0", "7.4.0")
START = """from tests.notebook.library import *
from nbsession import event
from nbsession.notebook import Dashboard
import threading, time
Base.metadata.create_all(engine)
board, threads = Dashboard(session), []
if hasattr(board.comm, '_reply_subshell_for'):
    type(board.comm)._reply_subshell_for = None  # kernels from 7.4 on bring it to the comm's own thread; those before do not
@event.listens_for(session, 'before_flush')
def heard(*_):
    threads.append(threading.current_thread() is threading.main_thread())
"""
WITHOUT = """from nbsession.notebook.page.actions import funnel
def at_once(recorder, message, reply):  # where it would be carried out; doing so has hung ipykernel 7.3
    heard()
funnel.submit = at_once
"""
RUNNING = "session.add(Member(name='{name}')); print('go', flush=True); time.sleep(1); during = len(session.new), list(threads)"


def subshell(kernel: Kernel) -> dict[str, str]:
    """What a message's header says so that it goes to a subshell, as JupyterLab's does; nothing where there are none."""
    info = kernel.reply_to(kernel.send("kernel_info_request", {}))["content"]
    if "kernel subshells" not in info.get("supported_features", []):
        return {}
    message = kernel.client.session.msg("create_subshell_request", {})
    kernel.client.control_channel.send(message)
    reply = kernel.client.get_control_msg(timeout=60)
    return {"subshell_id": reply["content"]["subshell_id"]}


def press(kernel: Kernel, verb: str, name: str, header: dict[str, str]) -> None:
    """Presses a button of the dashboard while a cell runs."""
    comm = kernel.value("board.comm.comm_id")
    sent = kernel.begin(RUNNING.format(name=name))
    kernel.ended(sent, until=lambda output: "go" in output.get("text", ""))
    data = {"method": "custom", "content": {"kind": "action", "verb": verb}}
    pressed = kernel.send("comm_msg", {"comm_id": comm, "data": data}, **header)
    kernel.ended(pressed)
    kernel.reply_to(sent)
    kernel.run("pass")


def check(kernel: Kernel, dialect: str) -> None:
    kernel.anew("%load_ext nbsession", f"%session open {dialect}://", START)
    header = subshell(kernel)
    press(kernel, "flush", "Ada", header)
    assert kernel.value("during, len(session.new), threads") == "(1, []) 0 [True]"
    press(kernel, "commit", "Bob", header)
    assert kernel.value("during[0], len(session.new), session.in_transaction(), threads") == "1 0 False [True, True]"
    kernel.run(WITHOUT)
    press(kernel, "flush", "Eve", header)
    seen = kernel.value("threads[2:], during[1][2:]")
    kernel.run("del funnel.submit")
    assert seen == (
        "[False] [False]" if header else "[True] []"
    )  # without subshells the kernel itself waits for the cell
    kernel.run("session.rollback()")


@pytest.mark.parametrize("dialect", ["sqlite", "duckdb"])
def test_n04_a_button_pressed_while_a_cell_runs_is_carried_out_on_the_main_thread(kernel: Kernel, dialect: str) -> None:
    check(kernel, dialect)


@pytest.fixture(params=VERSIONS)
def other_kernel(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kernel]:
    """A kernel of another version: its ipykernel shadows the one that is installed."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, f"ipykernel=={request.param}"], check=True, timeout=300)
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    kernel = Kernel([sys.executable, "-m", "ipykernel_launcher"], **{**os.environ, "PYTHONPATH": path})
    assert kernel.value("__import__('ipykernel').__version__") == request.param
    yield kernel
    kernel.stop()


@pytest.mark.long
def test_n04_on_each_version_of_ipykernel(other_kernel: Kernel) -> None:
    for dialect in ("sqlite", "duckdb"):
        check(other_kernel, dialect)
