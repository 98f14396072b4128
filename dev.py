"""Sets the project up and runs it, with Python and git alone: ``python dev.py lab|test|docs|lite|bench|test-long|fix|setup``.

Standard library only, on Linux, macOS and Windows. The first run makes ``.venv`` and installs the project into it,
editable; later runs see that nothing changed and start at once. Knows how to install and what to run, not what it does.

Environment: NBSESSION_VENV (another place for the virtual environment), NBSESSION_CHROMIUM (the browser for the tests),
NBSESSION_DATABASE (sqlite or duckdb: the one that ``lab`` opens the notebooks on).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("NBSESSION_VENV") or ROOT / ".venv").absolute()
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = str(BIN / ("python.exe" if os.name == "nt" else "python"))
RESULTS = ROOT / "test-results"
COURSE = ROOT / "toolshed-course"
MINIMUM = (3, 11)
IN_BROWSER = ("tests/browser", "tests/widgets")
PROCESSES = 4  # that run tests at a time, at most: kernels and databases among them need memory
NOTHING_COLLECTED = 5  # pytest's exit code


class Trouble(Exception):
    """Something only the user can mend; its text is the one line to show."""


def main(arguments: Sequence[str]) -> int:
    """Runs one command.

    :param arguments: the command line without the program's name.
    :return: the exit code.
    """
    own, extra = split_at_dashes(list(arguments))
    parser = argparse.ArgumentParser(
        prog="dev.py",
        epilog="What follows -- goes to the program that is run: dev.py test --only pytest -- -k savepoint",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("setup", help="make .venv and install the project into it, with everything for developing")
    lab_options = commands.add_parser("lab", help="open JupyterLab on the tour")
    lab_options.add_argument("--no-browser", action="store_true", help="only print the address")
    test_options = commands.add_parser("test", help="run every check and test")
    for option, word in (("--only", "run"), ("--skip", "leave out")):
        test_options.add_argument(
            option, action="append", default=[], choices=STAGES, help=f"{word} this stage; repeatable"
        )
    commands.add_parser("test-long", help="run the tests marked long, and the random ones for longer")
    commands.add_parser("docs", help="build the documentation and check its links")
    commands.add_parser("pictures", help="take the documentation's pictures anew, in a browser")
    commands.add_parser("lite", help="build the JupyterLite site: the notebooks in a page, without a server")
    commands.add_parser("bench", help="run the benchmarks")
    commands.add_parser("fix", help="let ruff mend and format the code")
    options = parser.parse_args(own)
    try:
        if options.command == "lite":
            return lite(extra)
        install(options.command if options.command in ("lab", "docs") else "dev")
        if options.command == "setup":
            return 0
        if options.command == "lab":
            return lab(["--no-browser", *extra] if options.no_browser else extra)
        if options.command == "test":
            names = [name for name in STAGES if name not in options.skip and (not options.only or name in options.only)]
            return run_stages(names, extra)
        if options.command == "test-long":
            selected = ["-m", "long", "--hypothesis-profile=long", *(f"--ignore={folder}" for folder in IN_BROWSER)]
            return run([PYTHON, "-m", "pytest", *selected, *extra])
        if options.command == "docs":
            return docs(*extra)
        if options.command == "pictures":
            return run([PYTHON, "-m", "tests.browser.chromium"]) or run([PYTHON, "docs/images/take.py", *extra])
        if options.command == "bench":
            return run([PYTHON, "-m", "benchmarks", *extra])
        return run([PYTHON, "-m", "ruff", "check", "--fix"]) | run([PYTHON, "-m", "ruff", "format"])
    except Trouble as trouble:
        print(f"dev.py: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("dev.py: stopped", file=sys.stderr)
        return 130


def split_at_dashes(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Parts ``a -- b`` into ``a`` and ``b``."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at + 1 :]


def run(command: Sequence[str], **variables: str) -> int:
    """Runs a program from the project's root, with the virtual environment's own Jupyter and no one's PYTHONPATH.

    :param variables: environment variables to add.
    :return: its exit code.
    """
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment.update(
        PATH=f"{BIN}{os.pathsep}{environment.get('PATH', '')}",
        VIRTUAL_ENV=str(VENV),
        PYTHONUTF8="1",
        JUPYTER_PREFER_ENV_PATH="1",
        PYDEVD_DISABLE_FILE_VALIDATION="1",
    )
    environment.update(variables)
    sys.stdout.flush()
    return subprocess.run(command, cwd=ROOT, env=environment).returncode


# ── setting up ───────────────────────────────────────────────────────────────────────────────────────────────────────
def install(extra: str) -> None:
    """Makes the virtual environment hold the project with an extra of pyproject.toml; at once if it already does.

    :raises Trouble: it could not.
    """
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    enough = {VENV / f"installed-{extra}", VENV / "installed-dev"}  # dev holds every other
    if Path(PYTHON).exists() and any(stamp.exists() and stamp.read_text() == wanted for stamp in enough):
        return
    started = time.monotonic()
    print(f"Setting up {VENV} (a minute or two, once) ...", flush=True)
    project = f"{ROOT}[{extra}]"
    if not (install_with_uv(project) or install_with_pip(project)):
        raise Trouble("the project's packages could not be installed: see above. Is the package index reachable?")
    (VENV / f"installed-{extra}").write_text(wanted)
    print(f"Set up in {time.monotonic() - started:.0f} s.", flush=True)


def install_with_uv(project: str) -> bool:
    """By uv where there is one; it also brings a Python of its own if none is new enough."""
    uv = shutil.which("uv")
    if uv is None:
        return False
    if not Path(PYTHON).exists():
        python = sys.executable if sys.version_info >= MINIMUM else ">=" + ".".join(map(str, MINIMUM))
        if subprocess.run([uv, "venv", "--quiet", "--python", python, str(VENV)]).returncode:
            return False
    if not subprocess.run([uv, "pip", "install", "--quiet", "--python", PYTHON, "--editable", project]).returncode:
        return True
    print("uv could not install the project; trying pip.", flush=True)
    return False


def install_with_pip(project: str) -> bool:
    """By the standard library's venv and pip, which first fetches uv: together they take a third of pip's own time."""
    if not Path(PYTHON).exists():
        make_venv()
    if subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True).returncode:
        subprocess.run([PYTHON, "-m", "ensurepip", "--default-pip"], capture_output=True)  # a venv of uv has no pip
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check"]
    if not subprocess.run([*pip, "uv"], stderr=subprocess.DEVNULL).returncode:
        uv = [PYTHON, "-m", "uv", "pip", "install", "--quiet", "--python", PYTHON]
        if not subprocess.run([*uv, "--editable", project], cwd=ROOT).returncode:
            return True
    return not subprocess.run([*pip, "--editable", project], cwd=ROOT).returncode


def make_venv() -> None:
    """Makes the virtual environment with a Python that is new enough.

    :raises Trouble: there is none, or it came without venv.
    """
    python = new_enough_python()
    made = subprocess.run(
        [python, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        if subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True).returncode:
            raise Trouble(
                f"{python} came without venv or ensurepip, so no virtual environment can be made. Install them "
                "(Debian, Ubuntu: apt install python3-venv), or uv (https://docs.astral.sh/uv/), and run this again."
            )
        raise Trouble(f"{python} -m venv {VENV} failed: {made.stdout.strip()}")


def new_enough_python() -> str:
    """This Python, or another on PATH that is new enough.

    :raises Trouble: there is none.
    """
    if sys.version_info >= MINIMUM:
        return sys.executable
    probe = f"import sys; sys.exit(sys.version_info < {MINIMUM!r})"
    for minor in range(20, MINIMUM[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and not subprocess.run([found, "-c", probe], capture_output=True).returncode:
            return found
    wanted, this = ".".join(map(str, MINIMUM)), sys.version.split()[0]
    raise Trouble(f"Python {wanted} or newer is needed; this is {this}, and no other is on PATH.")


def lite_python() -> str:
    """The Python of an environment for building the JupyterLite site: its kernel must not get into ``lab``'s JupyterLab.

    :raises Trouble: it could not be made.
    """
    venv = VENV.with_name(f"{VENV.name}-lite")
    python, requirements, stamp = (
        str(venv / Path(PYTHON).relative_to(VENV)),
        ROOT / "lite/requirements.txt",
        venv / "done",
    )
    if stamp.exists() and stamp.read_bytes() == requirements.read_bytes():
        return python
    uv = shutil.which("uv")
    make = [uv, "venv", "--quiet", "--allow-existing"] if uv else [new_enough_python(), "-m", "venv"]
    add = [uv, "pip", "install", "--quiet", "--python", python] if uv else [python, "-m", "pip", "install", "--quiet"]
    for command in ([*make, str(venv)], [*add, "-r", str(requirements)]):
        if subprocess.run(command).returncode:
            raise Trouble(f"the packages of {requirements} could not be installed: see above.")
    shutil.copy(requirements, stamp)
    return python


# ── running ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def lab(extra: Sequence[str]) -> int:
    """Opens JupyterLab on the tour; Jupyter prints the address.

    The notebooks are copies without outputs: nothing gives an answer away, and what is run in them does not show in git.
    """
    copied = run([PYTHON, "-m", "nbsession.cli", "course", str(COURSE), "--no-open"])
    if copied:
        return copied
    where = [f"--ServerApp.root_dir={COURSE}", "--LabApp.default_url=/lab/tree/00_tour.ipynb"]
    as_root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    print("JupyterLab is starting; its address comes below. Ctrl-C, twice, ends it.", flush=True)
    return run([PYTHON, "-m", "jupyterlab", *where, *as_root, *extra])


def lite(extra: Sequence[str]) -> int:
    """Builds the JupyterLite site into test-results."""
    RESULTS.mkdir(exist_ok=True)
    return run([lite_python(), "lite/build.py", str(RESULTS / "lite" / "site"), *extra])


def docs(*options: str) -> int:
    """Builds the documentation into test-results; a warning or a link that leads nowhere is an error."""
    RESULTS.mkdir(exist_ok=True)
    return run([PYTHON, "docs/build.py", str(RESULTS / "docs"), *options])


def pytest(stage: str, *arguments: str, **variables: str) -> int:
    """Runs pytest and leaves its counts in test-results."""
    return run([PYTHON, "-m", "pytest", f"--junitxml={counts_of(stage)}", *arguments], **variables)


def nbval(stage: str, mode: str, database: str) -> int:
    """Runs the notebooks in their own kernels, without the user's IPython profile."""
    quiet = ["-p", "no:cacheprovider", "-W", "default"]
    variables = {"NBSESSION_DATABASE": database, "IPYTHONDIR": str(RESULTS / "ipython")}
    with tempfile.TemporaryDirectory() as notes:  # of kernels before: none
        variables["NBSESSION_CACHE"] = notes
        return pytest(stage, mode, "--nbval-current-env", *quiet, "notebooks", **variables)


def python_tests(stage: str, extra: Sequence[str]) -> int:
    """Everything but the browser; every engine test on both databases. A file's tests stay together on one of the processes."""
    processes = ["-n", str(min(PROCESSES, os.cpu_count() or 1)), "--dist", "loadfile"]
    return pytest(stage, *processes, *(f"--ignore={folder}" for folder in (*IN_BROWSER, "tests/acceptance")), *extra)


def acceptance(stage: str, database: str) -> int:
    """Behaviour by contract, the names of 2007 among it."""
    return pytest(stage, "tests/acceptance", IMPL="nbsession", DBURL=f"{database}://")


def browser_tests(stage: str, extra: Sequence[str]) -> int:
    """Finds or fetches a browser, then drives it. No browser is a failure, never a skip."""
    folders = [folder for folder in IN_BROWSER if (ROOT / folder).is_dir()]
    return run([PYTHON, "-m", "tests.browser.chromium"]) or pytest(stage, *folders, *extra)


STAGES = {
    "ruff": lambda stage, extra: run([PYTHON, "-m", "ruff", "check", "--output-format=concise"]),
    "format": lambda stage, extra: run([PYTHON, "-m", "ruff", "format", "--check", "--output-format=concise"]),
    "mypy": lambda stage, extra: run([PYTHON, "-m", "mypy"]),
    "imports": lambda stage, extra: run([str(BIN / "lint-imports"), "--no-logo"]),
    "pytest": python_tests,
    "acceptance-sqlite": lambda stage, extra: acceptance(stage, "sqlite"),
    "acceptance-duckdb": lambda stage, extra: acceptance(stage, "duckdb"),
    "nbval-sqlite": lambda stage, extra: nbval(stage, "--nbval", "sqlite"),
    "nbval-duckdb": lambda stage, extra: nbval(stage, "--nbval-lax", "duckdb"),
    "docs": lambda stage, extra: docs(),
    "browser": browser_tests,
}


def run_stages(names: Sequence[str], extra: Sequence[str]) -> int:
    """Runs stages one after another, all of them whatever fails, and sums up in a last line as pytest's.

    :param names: keys of STAGES.
    :param extra: arguments for pytest, in the stages that run the tests.
    """
    RESULTS.mkdir(exist_ok=True)
    started, failed = time.monotonic(), []
    totals = {"failed": 0, "passed": 0, "skipped": 0}
    for number, name in enumerate(names, 1):
        heading(f"{number}/{len(names)} {name}")
        begun = time.monotonic()
        counts_of(name).unlink(missing_ok=True)
        code = STAGES[name](name, extra)
        wrong = code != 0 and not (code == NOTHING_COLLECTED and extra)
        counts = read_counts(name)
        if wrong:
            failed.append(name)
            counts["failed"] = counts["failed"] or 1
        totals = {word: totals[word] + counts[word] for word in totals}
        print(f"{name}: {'FAILED' if wrong else 'ok'} in {time.monotonic() - begun:.1f} s")
    seconds = time.monotonic() - started
    heading("summary")
    for name in failed:
        print(f"FAILED stage {name}: python dev.py test --only {name}")
    passed = [name for name in names if name not in failed]
    print(f"{len(passed)} of {len(names)} stages passed: {', '.join(passed) or 'none'}")
    heading(
        ", ".join(f"{count} {word}" for word, count in totals.items() if count or word == "passed")
        + f" in {seconds:.2f}s"
    )
    return 1 if failed else 0


def heading(text: str) -> None:
    """Prints a line as pytest's headings are."""
    print(f" {text} ".center(80, "="), flush=True)


def counts_of(stage: str) -> Path:
    """Where a stage's counts are left by pytest."""
    return RESULTS / f"{stage}.xml"


def read_counts(stage: str) -> dict[str, int]:
    """How many tests of a stage failed, passed and were skipped; zeros for a stage that is not pytest's."""
    counts = {"failed": 0, "passed": 0, "skipped": 0}
    if counts_of(stage).exists():
        for suite in ElementTree.parse(counts_of(stage)).getroot().iter("testsuite"):
            wrong = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped, every = int(suite.get("skipped", 0)), int(suite.get("tests", 0))
            counts["failed"] += wrong
            counts["skipped"] += skipped
            counts["passed"] += every - wrong - skipped
    return counts


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
