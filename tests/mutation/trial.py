"""Tries mutants: which tests execute the changed line, and does one of them fail?

One pytest process collects the tests and notes which lines each of them executes. Then every mutant is tried in a forked
child: its function's code is replaced, and tests that execute its line are run until one fails: first those that noticed
other mutants of the file, then those that execute most of it in the least time.
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
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.known import PROJECT, Known, Measured, targets
from tests.mutation.mutants import Mutant, mutants_of

SLOWEST = 3.0
"""seconds: slower tests are left out"""
BUDGET = 20.0
"""seconds of tests for one mutant"""
PATIENCE = 5.0
"""seconds that a test may take longer than twenty times its time before a mutant counts as one that does not end"""
MEMORY = 4 << 30
KILLED, SURVIVED = 1, 0
QUIET = ["-q", "-p", "no:cacheprovider", "-s"]


class Trials:
    """A pytest plugin that tries mutants in place of running the tests.

    :param files: the files to mutate.
    :param workers: how many children at a time.
    :param at_module: tests for mutants outside of all functions.
    :param known: what became of mutants before, or what the tests did; both are added to.
    """

    def __init__(self, files: Sequence[Path], workers: int, at_module: Sequence[str], known: Known) -> None:
        self.files = files
        self.workers = workers
        self.at_module = at_module
        self.known = known
        self.noticed: Counter[tuple[Path, str]] = Counter()
        """(file, test) to how many mutants it noticed"""
        self.executed: dict[str, int] = {}
        """test to how many lines of the file it executes"""

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Tries every mutant of which it is not known what becomes of it."""
        if session.testsfailed:
            raise RuntimeError("The tests cannot be collected.")
        items, tests = self.measure(session.items), self.known.tests
        waiting: dict[int, Mutant] = {}
        with tempfile.TemporaryDirectory() as folder:
            for path in self.files:
                self.executed = {name: sum(file == str(path) for file, _ in does.lines) for name, does in tests.items()}
                for mutant in mutants_of(path):
                    if self.known.outcome(mutant) is not None:
                        continue
                    chosen = self.tests_for(mutant, items)
                    if not chosen and mutant.function:
                        self.known.note(mutant, "not executed")
                        continue
                    while len(waiting) >= self.workers:
                        self.reap(waiting, Path(folder))
                    waiting[self.start(mutant, chosen, Path(folder))] = mutant
            while waiting:
                self.reap(waiting, Path(folder))
        self.known.keep()
        return True

    def measure(self, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """Notes what each test executes and how long it takes, measured in a child. Returns those that do not fail."""
        tests = self.known.tests
        new = [item for item in items if item.nodeid not in tests]
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "lines"
            child = os.fork()
            if not child:
                hush()
                kept.write_bytes(pickle.dumps(traced(new)))
                os._exit(0)
            os.waitpid(child, 0)
            tests.update(pickle.loads(kept.read_bytes()))
        self.known.keep()
        for item in items:
            if tests[item.nodeid].fails:
                print(f"left out, it fails without any mutant: {item.nodeid}")
        return [item for item in items if not tests[item.nodeid].fails]

    def tests_for(self, mutant: Mutant, items: Sequence[pytest.Item]) -> list[pytest.Item]:
        """The tests that execute a mutant's line, the most promising ones first, within the budget."""
        where = str(mutant.path), mutant.line

        def promise(item: pytest.Item) -> tuple[int, float]:
            name = item.nodeid
            return -self.noticed[mutant.path, name], self.known.tests[name].seconds / self.executed[name]

        able = (i for i in items if where in self.known.tests[i.nodeid].lines)
        found = sorted((i for i in able if self.known.tests[i.nodeid].seconds <= SLOWEST), key=promise)
        total = 0.0
        for number, item in enumerate(found):
            total += self.known.tests[item.nodeid].seconds
            if total > BUDGET:
                return found[: number + 1]
        return found

    def start(self, mutant: Mutant, chosen: Sequence[pytest.Item], folder: Path) -> int:
        """Starts a child that tries one mutant; it ends with KILLED, and leaves the name of the test, or SURVIVED."""
        child = os.fork()
        if child:
            return child
        try:
            hush()
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if not mutant.function or not put(mutant.path, mutant.function, mutant.tree()):
                signal.setitimer(signal.ITIMER_REAL, 120)
                os._exit(self.in_a_fresh_process(mutant))
            for item, following in with_next(chosen):
                (folder / str(os.getpid())).write_text(item.nodeid)
                signal.setitimer(signal.ITIMER_REAL, PATIENCE + 20 * self.known.tests[item.nodeid].seconds)
                if failed((item, following)):
                    os._exit(KILLED)
            os._exit(SURVIVED)
        except BaseException:
            os._exit(KILLED)
        return 0

    def in_a_fresh_process(self, mutant: Mutant) -> int:
        """Runs tests with the changed source of a module."""
        number = str(mutants_of(mutant.path).index(mutant))
        command = [sys.executable, "-m", "tests.mutation", "--one", str(mutant.path), number, *self.at_module]
        return subprocess.run(command, cwd=PROJECT).returncode

    def reap(self, waiting: dict[int, Mutant], folder: Path) -> None:
        """Waits for one child to end, and notes what became of its mutant."""
        child, status = os.wait()
        mutant = waiting.pop(child, None)
        if mutant is None:
            return
        last = folder / str(child)
        test = last.read_text() if last.exists() else ""
        if os.WIFSIGNALED(status):
            self.known.note(mutant, "timeout", test)
        elif os.WEXITSTATUS(status):
            self.noticed[mutant.path, test] += 1
            self.known.note(mutant, "killed", test)
        else:
            self.known.note(mutant, "survived")
            print(f"survived: {mutant.path.name}:{mutant.line} {mutant.name}", flush=True)


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
    """Runs a test as pytest does, so that its marks hold. Did it fail?"""
    item, following = pair
    before = item.session.testsfailed
    item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
    return item.session.testsfailed > before


def traced(items: Sequence[pytest.Item]) -> dict[str, Measured]:
    """Runs tests, and notes the lines of the targets that each executes, its seconds, and whether it fails."""
    seen: set[tuple[str, int]] = set()
    for path in targets():
        vars(importlib.import_module(module_of(path)))["__hit__"] = seen.add
        tree = probed(path)
        for function in {mutant.function for mutant in mutants_of(path)} - {""}:
            put(path, function, tree)
    measured = {}
    for pair in with_next(items):
        seen.clear()
        begun = time.perf_counter()
        fails = failed(pair)
        measured[pair[0].nodeid] = Measured(frozenset(seen), time.perf_counter() - begun, fails)
    return measured


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


def try_all(files: Sequence[Path], tests: Sequence[str], at_module: Sequence[str], workers: int, known: Known) -> None:
    """Tries every mutant of some files, and notes what becomes of it.

    :param tests: files and folders of tests.
    :param at_module: tests for mutants outside of all functions.
    :param known: what is known already.
    """
    code = pytest.main([*QUIET, *tests], plugins=[Trials(files, workers, at_module, known)])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise RuntimeError(f"pytest ended with {code!r} before all mutants were tried.")
