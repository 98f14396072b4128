"""A real kernel and its client. Cells are sent with the id that a front end gives them; a notebook can be begun anew."""

from __future__ import annotations

import os
import re
import tempfile
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty
from typing import Any

from jupyter_client.manager import AsyncKernelManager, KernelManager
from nbclient import NotebookClient
from traitlets import default

ROOT = Path(__file__).parents[1]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
SHOWN = ("stream", "display_data", "execute_result", "error")
QUIET = 5
"""seconds without a message after which it is looked whether the answer is there already"""
PATIENCE = 60
"""seconds that a kernel is given to answer, at most"""


class LocalKernelManager(KernelManager):
    """Starts kernels that are spoken to through files, where the system can.

    A port that is free when it is chosen may be taken when the kernel has started: by another test's kernel.
    """

    @default("transport")
    def _files_or_ports(self) -> str:
        return "tcp" if os.name == "nt" else "ipc"

    @default("connection_file")
    def _file_of_its_own(self) -> str:
        return str(Path(tempfile.gettempdir()) / f"nbsession-{uuid.uuid4().hex[:12]}.json")


class AsyncLocalKernelManager(AsyncKernelManager, LocalKernelManager):
    """The same, as nbclient wants it."""


def notebook_client(notebook: Any, folder: Path | str) -> NotebookClient:
    """Runs a notebook in a kernel of its own, in a folder."""
    resources = {"metadata": {"path": str(folder)}}
    manager = AsyncLocalKernelManager
    return NotebookClient(
        notebook, timeout=120, kernel_name="python3", kernel_manager_class=manager, resources=resources
    )


class Kernel:
    """A kernel; runs cells and collects what they put out.

    :param command: how it is started, if not as the kernel that is installed.
    """

    def __init__(self, command: Sequence[str] = (), **environment: str) -> None:
        self._answers: list[dict[str, Any]] = []
        self.manager = LocalKernelManager()
        if command:
            self.manager.kernel_spec.argv = [*command, "-f", "{connection_file}"]  # type: ignore[union-attr]
        self.manager.start_kernel(cwd=str(ROOT), **({"env": environment} if environment else {}))
        self.client: Any = self.manager.client()
        self.client.start_channels()
        try:
            self.client.wait_for_ready(timeout=PATIENCE)
        except RuntimeError:
            self.stop()
            raise

    def run(self, cell: str, cell_id: str | None = None) -> list[dict[str, Any]]:
        """Runs a cell and returns its outputs, errors among them.

        What comes while a reply is sent is overlooked by ipykernel 7.0 to 7.3 (its issue 1554), so the reply is awaited.
        """
        sent = self.begin(cell, cell_id)
        outputs = self.ended(sent)
        self.reply_to(sent)
        return outputs

    def begin(self, cell: str, cell_id: str | None = None) -> str:
        """Sends a cell, and does not wait for it."""
        content = {"code": cell, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        return self.send("execute_request", {**content, "stop_on_error": False}, {"cellId": cell_id} if cell_id else {})

    def send(self, kind: str, content: dict[str, Any], metadata: dict[str, Any] | None = None, **header: Any) -> str:
        """Sends a message on the shell channel; returns its id."""
        message = self.client.session.msg(kind, content, metadata=metadata or {})
        message["header"].update(header)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def ended(self, sent: str, until: Callable[[dict[str, Any]], bool] | None = None) -> list[dict[str, Any]]:
        """The outputs of a cell that was sent, when it has ended.

        :param until: called with each output; True ends the waiting.
        """
        outputs: list[dict[str, Any]] = []
        silent = 0
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=QUIET)
            except Empty:
                silent += QUIET
                if sent in self._replies():
                    return outputs  # ipykernel 7.3 may say "idle" for the wrong message, where subshells are
                if silent >= PATIENCE:
                    raise
                self.client.kernel_info()  # 7.3 may also leave a message lying until the next one comes
                continue
            silent = 0
            if message["parent_header"].get("msg_id") != sent:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return outputs
            if message["msg_type"] in SHOWN:
                outputs.append(message["content"])
                if until is not None and until(message["content"]):
                    return outputs

    def reply_to(self, sent: str) -> dict[str, Any]:
        """The answer on the shell channel to a message."""
        while sent not in self._replies():
            self._answers.append(self.client.get_shell_msg(timeout=PATIENCE))
        return self._replies()[sent]

    def _replies(self) -> dict[str, dict[str, Any]]:
        """The answers on the shell channel that have come, by the message they answer."""
        while self.client.shell_channel.msg_ready():
            self._answers.append(self.client.get_shell_msg(timeout=QUIET))
        return {answer["parent_header"].get("msg_id"): answer for answer in self._answers[-50:]}

    def text(self, cell: str, cell_id: str | None = None) -> str:
        """Runs a cell and returns what it shows as text, the last line of a traceback included."""
        return as_text(whole_streams(self.run(cell, cell_id)))

    def value(self, expression: str) -> str:
        """What an expression prints as."""
        return self.text(f"print({expression})").strip()

    def anew(self, *first: str) -> None:
        """Begins a notebook in the same kernel: nothing is defined, the next cell is In[1]. Then runs the first cells."""
        self.run("from tests.hazards.inside import begin_anew; begin_anew()")
        for cell in first:
            said = self.text(cell)
            assert "Traceback" not in said, said

    def stop(self) -> None:
        """Ends it."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def as_text(outputs: list[dict[str, Any]]) -> str:
    """Outputs as text."""
    parts = [
        output.get("text") or output.get("data", {}).get("text/plain") or "\n".join(output.get("traceback", []))
        for output in outputs
    ]
    return COLOURS.sub("", "\n".join(part.rstrip("\n") for part in parts))


def whole_streams(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was printed comes in pieces, cut anywhere: pieces of one stream that follow one another are put together."""
    whole: list[dict[str, Any]] = []
    for output in outputs:
        if whole and "name" in output and whole[-1].get("name") == output["name"]:
            whole[-1] = {**whole[-1], "text": whole[-1]["text"] + output["text"]}
        else:
            whole.append(output)
    return whole
