"""Builds a JupyterLite site that runs without any network: the notebooks that need only SQLite, Pyodide, and nbsession.

``python dev.py lite`` runs this in an environment of its own (``requirements.txt``). Pyodide comes from npm; npm's package holds
Python itself and no packages, so the wheels that the kernel and nbsession need come from PyPI and are written into Pyodide's
lock file, with their hashes. Nothing is left that a page would fetch from elsewhere.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from jupyterlite_pyodide_kernel.constants import PYODIDE_PYTHON_VERSION, PYODIDE_VERSION

HERE = Path(__file__).parent
PROJECT = HERE.parent
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
KERNEL_NEEDS = ("micropip", "ipython", "packaging", "jedi", "typing-extensions", "pyodide-http", "sqlalchemy")
"""from Pyodide's list, with what they depend on; SQLAlchemy for the lessons' cells "the same in SQLAlchemy 2\""""
RUNTIME = ("pyodide.asm.mjs", "pyodide.asm.wasm", "pyodide.mjs", "pyodide.js", "python_stdlib.zip", "package.json")
IMPORTS = {
    "nbsession": ["ipython", "ipywidgets", "anywidget", "sqlglot"],
    "anywidget": ["ipywidgets", "psygnal", "typing-extensions"],
    "ipywidgets": ["comm", "traitlets", "ipython"],
}


def main() -> None:
    """Builds into the folder that is named, and says how large the site is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path, help="the folder for the site")
    into = parser.parse_args().into.absolute()
    work = into.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(into, ignore_errors=True)
    pyodide = work / "static" / "pyodide"
    pyodide.mkdir(parents=True)
    fill(pyodide, work / "fetched")
    shown = copy_notebooks(work / "files")
    settings = {"disablePyPIFallback": True, "loadPyodideOptions": {"packages": ["nbsession"]}}
    (work / "jupyter-lite.json").write_text(
        json.dumps(
            {
                "jupyter-lite-schema-version": 0,
                "jupyter-config-data": {
                    "appName": "nbsession",
                    "exposeAppInBrowser": True,
                    "litePluginSettings": {KERNEL: settings},
                },
            }
        )
    )
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lite",
        "build",
        "--lite-dir",
        str(work),
        "--contents",
        str(work / "files"),
    ]
    run([*command, "--output-dir", str(into)], cwd=work)
    size = sum(path.stat().st_size for path in into.rglob("*") if path.is_file())
    print(f"JupyterLite: {into} ({size / 1e6:.0f} MB) with {', '.join(shown)}")
    print(f"To look at it: python -m http.server --directory {into} 8000, then http://localhost:8000/lab/index.html")


def copy_notebooks(into: Path) -> list[str]:
    """Copies the notebooks that ask for no DuckDB file.

    :return: their names.
    """
    into.mkdir(parents=True)
    shown = []
    for path in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        if not re.search(r"duckdb://|^\s*(?:import|from) duckdb(?! as driver)", code, re.M):
            shutil.copy(path, into)
            shown.append(path.name)
    return shown


# ── Pyodide and its wheels ───────────────────────────────────────────────────────────────────────────────────────────
def fill(pyodide: Path, fetched: Path) -> None:
    """Puts Pyodide into a folder: its runtime, the wheels, and a lock file that names them."""
    fetched.mkdir(parents=True)
    npm = shutil.which("npm", path=str(Path(sys.executable).parent)) or "npm"
    run([npm, "pack", "--silent", f"pyodide@{PYODIDE_VERSION}"], cwd=fetched)
    with tarfile.open(next(fetched.glob("pyodide-*.tgz"))) as archive:
        archive.extractall(fetched, filter="data")
    for name in RUNTIME:
        shutil.copy(fetched / "package" / name, pyodide)
    lock = json.loads((fetched / "package" / "pyodide-lock.json").read_text(encoding="utf-8"))
    wanted = closure(lock["packages"])
    own = [line for line in (HERE / "in_the_page.txt").read_text().splitlines() if line and not line.startswith("#")]
    of_lock = [f"{name}=={lock['packages'][name]['version']}" for name in wanted]
    options = ["--no-deps", "--only-binary=:all:", "--platform=any", f"--python-version={PYODIDE_PYTHON_VERSION}"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    run([*pip, "download", *options, "-d", str(fetched), *own, *of_lock])
    run([*pip, "wheel", "--no-deps", "-w", str(fetched), str(PROJECT)])
    lock["packages"] = {name: entry for name, entry in lock["packages"].items() if name in wanted}
    for wheel in sorted(fetched.glob("*.whl")):
        shutil.copy(wheel, pyodide)
        enter(lock["packages"], wheel)
    (pyodide / "pyodide-lock.json").write_text(json.dumps(lock))


def closure(packages: dict[str, Any]) -> set[str]:
    """The names in Pyodide's list that the kernel and nbsession need, with all they depend on."""
    found: set[str] = set()
    spelled = {normal(name): name for name in packages}
    waiting = [*KERNEL_NEEDS, *(name for needs in IMPORTS.values() for name in needs)]
    while waiting:
        name = spelled.get(normal(waiting.pop()))
        if name is not None and name not in found:
            found.add(name)
            waiting += packages[name]["depends"]
    return found


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def enter(packages: dict[str, Any], wheel: Path) -> None:
    """Names a wheel in the lock file: as it is there already, or as a package of its own."""
    name, version = wheel.name.split("-")[:2]
    name = normal(name)
    spelled = {normal(known): known for known in packages}
    entry = packages.setdefault(
        spelled.get(name, name),
        {
            "name": name,
            "version": version,
            "install_dir": "site",
            "package_type": "package",
            "imports": [name.replace("-", "_")],
            "depends": IMPORTS.get(name, []),
            "unvendored_tests": False,
        },
    )
    entry.update(file_name=wheel.name, sha256=hashlib.sha256(wheel.read_bytes()).hexdigest())


def run(command: list[str], cwd: Path = PROJECT) -> None:
    """Runs a program; one that fails ends the build with what it said."""
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{' '.join(command[:6])} ... failed")


if __name__ == "__main__":
    main()
