"""Kernels are started in one place, and take no port: two that start at once would now and then choose the same."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest

from tests.kernels import Kernel

TESTS = Path(__file__).parents[1]
STARTERS = ("NotebookClient(", "start_new_kernel(", " KernelManager(")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no sockets among its files for ZeroMQ")
def test_a_kernel_is_spoken_to_through_files_and_leaves_none() -> None:
    kernel = Kernel()
    try:
        manager = kernel.manager
        sockets = [Path(f"{manager.ip}-{port}") for port in manager.ports]
        assert kernel.value("6 * 7") == "42"
        assert all(stat.S_ISSOCK(path.stat().st_mode) for path in sockets)
    finally:
        kernel.stop()
    assert not [path for path in (*sockets, Path(manager.connection_file)) if path.exists()]


def test_a_kernel_that_does_not_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="k") as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        with pytest.raises(RuntimeError, match="died"):
            Kernel([sys.executable, "-c", "raise SystemExit(1)"])
        assert not list(Path(folder).iterdir())


def test_no_test_starts_a_kernel_by_itself() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")}
    starting = {path.name for path, source in sources.items() if any(word in source for word in STARTERS)}
    assert starting == {"kernels.py", Path(__file__).name}
