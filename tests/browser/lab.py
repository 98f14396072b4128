"""A JupyterLab of the tests' own, and a notebook open in it. Knows no nbsession.

Everything that Jupyter reads or writes lies in one folder: no setting, kernel or profile of the user gets in.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import nbformat
from playwright.sync_api import Locator, Page

PROJECT = Path(__file__).parents[2]
RESULTS = PROJECT / "test-results"
SETTINGS: dict[str, dict[str, object]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the page
}
READY = """() => {
  const context = window.jupyterapp?.shell?.currentWidget?.sessionContext, kernel = context?.session?.kernel;
  return !!context?.isReady && kernel?.connectionStatus === 'connected' && kernel.status === 'idle';
}"""
RUN = """async ([index, wait]) => {
  const app = window.jupyterapp, notebook = app.shell.currentWidget.content;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  const done = app.commands.execute('notebook:run-cell');
  if (wait) await done;
}"""
IDLE = "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"


class Lab:
    """A running JupyterLab server.

    :ivar url: its address.
    :ivar folder: its notebooks' folder.
    """

    def __init__(self, root: Path) -> None:
        self.folder, self.log = root / "notebooks", root / "lab.log"
        self.folder.mkdir()
        for plugin, values in SETTINGS.items():
            path = root / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        self.theme = root / "settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
        self.token = secrets.token_hex(16)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = os.environ | {
            "JUPYTERLAB_SETTINGS_DIR": str(root / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(root / "workspaces"),
            "JUPYTER_CONFIG_DIR": str(root / "config"),
            "JUPYTER_DATA_DIR": str(root / "data"),
            "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
            "JUPYTER_PREFER_ENV_PATH": "1",
            "JUPYTER_TOKEN": self.token,
            "IPYTHONDIR": str(root / "ipython"),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        }
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser"]
        command += ["--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"]
        command += [f"--ServerApp.root_dir={self.folder}", "--LabApp.extension_manager=readonly"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def wait(self, seconds: float = 60) -> None:
        """Waits until the server answers.

        :raises RuntimeError: it ended, or took too long; the message is its log.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.ask("GET", "status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()}")

    def ask(self, method: str, path: str) -> Any:
        """Asks the server's REST interface.

        :return: what the answer's JSON says, or None if it is empty.
        """
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/api/{path}", headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def reset(self) -> None:
        """Ends every kernel, which would be found again under its notebook's name, and forgets the theme."""
        self.theme.unlink(missing_ok=True)
        for session in self.ask("GET", "sessions"):
            self.ask("DELETE", f"sessions/{session['id']}")

    def stop(self) -> None:
        """Ends the server."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Notebook:
    """A notebook open in a page.

    :ivar page: playwright's page, for whatever has no method here.
    :ivar errors: what went wrong in the page's JavaScript and was caught by nobody.
    """

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        self.page, self.lab, self.name = page, lab, name
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{lab.url}/doc/tree/{name}?reset&token={lab.token}")
        page.wait_for_function(READY, timeout=90_000)
        self.wait_for_curtain()

    def wait_for_curtain(self) -> None:
        """Waits until JupyterLab's start screen, shown again while a theme changes, has faded."""
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    @property
    def cells(self) -> Locator:
        """The cells, Markdown ones too."""
        return self.page.locator(".jp-Notebook .jp-Cell")

    def output(self, index: int) -> Locator:
        """The output area of a cell; of a Markdown cell there is none."""
        return self.cells.nth(index).locator(".jp-Cell-outputArea")

    def run(self, index: int) -> str:
        """Runs a cell to its end.

        :param index: its number, from 0.
        :return: the text of its output, as shown.
        """
        self.page.evaluate(RUN, [index, True])
        return self.text(index)

    def start(self, index: int) -> None:
        """Runs a cell without waiting for its end; see :meth:`wait_until_idle`."""
        self.page.evaluate(RUN, [index, False])

    def run_all(self) -> list[str]:
        """Runs every cell, in order.

        :return: the text of each cell's output; empty for Markdown.
        """
        count = self.cells.count()
        for index in range(count):
            self.run(index)
        return [self.text(index) for index in range(count)]

    def wait_until_idle(self, seconds: float = 60) -> None:
        """Waits until the kernel runs nothing."""
        self.page.wait_for_function(IDLE, timeout=seconds * 1000)

    def text(self, index: int) -> str:
        """The text of a cell's output, as shown now."""
        return "\n".join(self.output(index).all_inner_texts())

    def theme(self, name: Literal["light", "dark"]) -> None:
        """Switches JupyterLab's theme and waits until it shows."""
        self.page.evaluate(THEME, f"JupyterLab {name.title()}")
        light = "true" if name == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        self.wait_for_curtain()

    def screenshot(self, name: str, of: Locator | None = None) -> Path:
        """Takes a picture of the page, or of a part of it, into test-results/."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.png"
        (of or self.page).screenshot(path=path)
        return path


def write_notebook(path: Path, cells: Sequence[str]) -> None:
    """Writes a notebook of code cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
