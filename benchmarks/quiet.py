"""Makes copies of the package: one with everything that publishes facts taken out, one with nothing taken out.

A copy has a name of its own, so that it and the original run in one process. Works on the syntax tree: an ``if`` that
asks for ``.observers`` or ``.listening`` is decided as when nobody listens, and what can never run is left out.
"""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = "nbsession"
ASKED = frozenset({"observers", "listening"})
KEPT = "events.py"
"""the bus itself: it must go on working"""


def copy_package(source: Path, folder: Path, name: str, *, quiet: bool) -> int:
    """Copies a package under another name.

    :param source: the package's folder.
    :param folder: where the copy goes, as a folder called by its name.
    :param name: the name it is imported by.
    :param quiet: take the publishing out.
    :return: how many publishing blocks were taken out.
    """
    removed = 0
    for path in sorted(source.rglob("*.py")):
        tree = Renamed(name).visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        if quiet and path.relative_to(source).as_posix() != KEPT:
            silence = Silence()
            tree = silence.visit(tree)
            removed += silence.removed
        target = folder / name / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
    return removed


class Renamed(ast.NodeTransformer):
    """Calls the package by another name, in imports and in strings that name a module."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            alias.name = self._renamed(alias.name)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if node.module and not node.level:
            node.module = self._renamed(node.module)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.name if node.id == PACKAGE else node.id
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str) and node.value.isprintable() and " " not in node.value:
            node.value = self._renamed(node.value)
        return node

    def _renamed(self, module: str) -> str:
        if module == PACKAGE or module.startswith(PACKAGE + "."):
            return self.name + module[len(PACKAGE) :]
        return module


class Silence(ast.NodeTransformer):
    """Decides every test that asks whether somebody listens, with no."""

    def __init__(self) -> None:
        self.removed = 0

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        truth = decide(node.test)
        if truth is None:
            return self.generic_visit(node)
        self.removed += 1
        kept = node.body if truth else node.orelse
        return [self._visited(statement) for statement in kept] or ast.Pass()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if node.attr in ASKED and isinstance(node.ctx, ast.Load):
            return ast.Constant(False)
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        truth = decide(node.test)
        if truth is None:
            return self.generic_visit(node)
        self.removed += 1
        kept: ast.AST = self.visit(node.body if truth else node.orelse)
        return kept

    def _visited(self, statement: ast.stmt) -> ast.stmt:
        visited: ast.stmt = self.visit(statement)
        return visited


def decide(test: ast.expr) -> bool | None:
    """What a test comes to when nobody listens; None if that alone does not decide it."""
    if isinstance(test, ast.Attribute) and test.attr in ASKED:
        return False
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and test.func.id == "bool" and test.args:
        return decide(test.args[0])
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        truth = decide(test.operand)
        return None if truth is None else not truth
    if isinstance(test, ast.BoolOp):
        parts = [decide(value) for value in test.values]
        absorbing = isinstance(test.op, ast.Or)
        if absorbing in parts:
            return absorbing
        return not absorbing if all(part is (not absorbing) for part in parts) else None
    return None
