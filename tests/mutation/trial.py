"""Tries mutants: which tests execute the changed line, and does one of them fail?

One pytest process collects the tests and notes which lines each of them executes. Then every mutant is tried in a forked
child: its function's code is replaced, and the tests that execute its line are run, the quick ones first, until one fails.
A mutant outside of all functions needs the module anew: a fresh process runs the tests with the changed source.
"""

from __future__ import annotations

import ast
import importlib
import importlib.abc
import importlib.machinery
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.mutation.mutants import Mutant, mutants_of

PROJECT = Path(__file__).parents[2]
SLOWEST = 3.0
"""seconds: slower tests are left out"""
BUDGET = 30.0
"""seconds of tests for one mutant"""
MEMORY = 4 << 30
KILLED, SURVIVED = 1, 0
QUIET = ["-q", "-p", "no:cacheprovider", "-s"]

Measured = tuple[dict[str, set[tuple[str, int]]], dict[str, float], list[str]]
"""test to the (file, line) pairs it executes; test to its seconds; the tests that fail"""


class Trials:
    """A pytest plugin that tries mutants in place of running the tests.

    :param files: the files to mutate.
    :param workers: how many children at a time.
    :ivar outcomes: mutant to "killed", "survived", "timeout" or "not executed".
    """

    def __init__(self, files: Sequence[Path], workers: int, at_module: Sequence[str]) -> None:
        self.files = files
        self.workers = workers
        self.at_module = at_module
        self.outcomes: dict[Mutant, str] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Tries every mutant."""
        if session.testsfailed:
            raise RuntimeError("The tests cannot be collected.")
        lines, seconds, wrong = self.measure(session.items)
        session.items = [item for item in session.items if item.nodeid not in wrong]
        for name in wrong:
            print(f"left out, it fails without any mutant: {name}")
        waiting: dict[int, Mutant] = {}
        for mutant in [m for path in self.files for m in mutants_of(path)]:
            chosen = self.tests_for(mutant, session.items, lines, seconds)
            if not chosen and mutant.function:
                self.outcomes[mutant] = "not executed"
                continue
            while len(waiting) >= self.workers:
                self.reap(waiting)
            waiting[self.start(mutant, chosen, sum(seconds[i.nodeid] for i in chosen))] = mutant
        while waiting:
            self.reap(waiting)
        return True

    def measure(self, items: Sequence[pytest.Item]) -> Measured:
        """The lines of the files that each test executes, and how long it takes; measured in a child."""
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "lines"
            child = os.fork()
            if not child:
                hush()
                kept.write_bytes(pickle.dumps(traced(items, self.files)))
                os._exit(0)
            os.waitpid(child, 0)
            measured: Measured = pickle.loads(kept.read_bytes())
            return measured

    def tests_for(
        self, mutant: Mutant, items: Sequence[pytest.Item], lines: dict[str, set[Any]], seconds: dict[str, float]
    ) -> list[pytest.Item]:
        """The tests that execute a mutant's line, quick ones first, within the budget."""
        where = str(mutant.path), mutant.line
        found = sorted((i for i in items if where in lines[i.nodeid]), key=lambda i: seconds[i.nodeid])
        total = 0.0
        for number, item in enumerate(found):
            total += seconds[item.nodeid]
            if total > BUDGET or seconds[item.nodeid] > SLOWEST:
                return found[:number]
        return found

    def start(self, mutant: Mutant, chosen: Sequence[pytest.Item], seconds: float) -> int:
        """Starts a child that tries one mutant; it ends with KILLED or SURVIVED."""
        child = os.fork()
        if child:
            return child
        try:
            hush()
            signal.setitimer(signal.ITIMER_REAL, 10 + 10 * seconds if chosen else 120)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if not mutant.function or not put(mutant.path, mutant.function, mutant.tree()):
                os._exit(self.in_a_fresh_process(mutant))
            os._exit(KILLED if any(failed(items) for items in with_next(chosen)) else SURVIVED)
        except BaseException:
            os._exit(KILLED)
        return 0

    def in_a_fresh_process(self, mutant: Mutant) -> int:
        """Runs tests with the changed source of a module."""
        number = str(mutants_of(mutant.path).index(mutant))
        command = [sys.executable, "-m", "tests.mutation", "--one", str(mutant.path), number, *self.at_module]
        return subprocess.run(command, cwd=PROJECT).returncode

    def reap(self, waiting: dict[int, Mutant]) -> None:
        """Waits for one child to end, and notes what became of its mutant."""
        child, status = os.wait()
        mutant = waiting.pop(child, None)
        if mutant is not None:
            ended = os.WIFSIGNALED(status)
            self.outcomes[mutant] = "timeout" if ended else "killed" if os.WEXITSTATUS(status) else "survived"


def hush() -> None:
    """What a child prints is of no interest."""
    sys.stdout.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)


def with_next(items: Sequence[pytest.Item]) -> Iterable[tuple[pytest.Item, pytest.Item | None]]:
    """Each test with the one after it, which tells pytest what to tear down."""
    return zip(items, [*items[1:], None], strict=True)


def failed(pair: tuple[pytest.Item, pytest.Item | None]) -> bool:
    """Runs a test."""
    item, following = pair
    return any(report.failed for report in runtestprotocol(item, log=False, nextitem=following))


def traced(items: Sequence[pytest.Item], files: Sequence[Path]) -> Measured:
    """Runs tests, and notes the lines of some files that each executes, its seconds, and which ones fail."""
    seen: set[tuple[str, int]] = set()
    for path in files:
        vars(importlib.import_module(module_of(path)))["__hit__"] = seen.add
        tree = probed(path)
        for function in {mutant.function for mutant in mutants_of(path)} - {""}:
            put(path, function, tree)
    lines, seconds, wrong = {}, {}, []
    for pair in with_next(items):
        seen.clear()
        begun = time.perf_counter()
        if failed(pair):
            wrong.append(pair[0].nodeid)
        lines[pair[0].nodeid], seconds[pair[0].nodeid] = set(seen), time.perf_counter() - begun
    return lines, seconds, wrong


def probed(path: Path) -> ast.Module:
    """The program of a file, telling ``__hit__`` each line of a function that it comes to."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in list(ast.walk(tree)):
        if isinstance(node, (ast.Module, ast.ClassDef)):
            continue
        for field in ("body", "orelse", "finalbody"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                told = [(ast.parse(f"__hit__(({str(path)!r}, {each.lineno}))").body[0], each) for each in statements]
                setattr(node, field, [statement for pair in told for statement in pair])
    return ast.fix_missing_locations(tree)


# ── putting a mutant in place ────────────────────────────────────────────────────────────────────────────────────────
def put(path: Path, function: str, tree: ast.Module) -> bool:
    """Gives a function the code that it has in a tree. False: that cannot be done in place."""
    module = importlib.import_module(module_of(path))
    codes = [code for code in codes_in(compile(tree, str(path), "exec")) if code.co_qualname == function]
    functions = list(functions_at(module, function))
    if len(codes) != len(functions) or not codes:
        return False
    if any(code.co_freevars != found.__code__.co_freevars for code, found in zip(codes, functions, strict=True)):
        return False
    for code, found in zip(codes, functions, strict=True):
        found.__code__ = code
    return True


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)


def functions_at(module: types.ModuleType, qualname: str) -> Iterator[types.FunctionType]:
    """The function of a qualified name, behind property, classmethod and other wrappers."""
    found: Any = module
    for name in qualname.split("."):
        found = vars(found).get(name)
    parts = (found.fget, found.fset) if isinstance(found, property) else (found,)
    for part in parts:
        while part is not None and not isinstance(part, types.FunctionType):
            part = getattr(part, "__func__", None) or getattr(part, "__wrapped__", None)
        while part is not None and hasattr(part, "__wrapped__"):
            part = part.__wrapped__
        if part is not None:
            yield part


def module_of(path: Path) -> str:
    """The name of a module by its file."""
    return ".".join(path.relative_to(PROJECT).with_suffix("").parts)


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed syntax tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, name: str, path: Any, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Only the mutant's module."""
        if name != module_of(self.mutant.path):
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin=str(self.mutant.path))
        spec.has_location = True
        return spec

    def exec_module(self, module: types.ModuleType) -> None:
        """Executes the changed tree."""
        exec(compile(self.mutant.tree(), str(self.mutant.path), "exec"), vars(module))


def try_one(path: Path, number: int, tests: Sequence[str]) -> int:
    """Runs tests in this process with one module changed."""
    sys.meta_path.insert(0, Changed(mutants_of(path)[number]))
    return KILLED if pytest.main([*QUIET, "-x", *tests]) else SURVIVED


def try_all(files: Sequence[Path], tests: Sequence[str], at_module: Sequence[str], workers: int) -> dict[Mutant, str]:
    """Tries every mutant of some files.

    :param tests: files and folders of tests.
    :param at_module: tests for mutants outside of all functions.
    """
    trials = Trials(files, workers, at_module)
    code = pytest.main([*QUIET, *tests], plugins=[trials])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest ended with {code!r} before all mutants were tried.")
    return trials.outcomes
