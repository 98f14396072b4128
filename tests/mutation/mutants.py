"""Makes the mutants of a source file: the same program with one small thing wrong. Knows syntax trees, runs nothing."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.BitOr: ast.BitAnd,
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Place = tuple[tuple[str, int | None], ...]
"""the way from the module's tree to a node: field names, and positions where a field is a list"""


@dataclass(frozen=True)
class Mutant:
    """One small change.

    :param path: the file.
    :param line: the line of the statement it is in.
    :param function: the qualified name of the outermost function it is in, or "" outside of all.
    :param before: the code that is changed, on one line.
    :param after: what it becomes.
    :param place: where in the tree.
    :param position: which of the changes that are possible there.
    """

    path: Path
    line: int
    function: str
    before: str
    after: str
    place: Place
    position: int

    @property
    def name(self) -> str:
        """What stays the same when lines move: function and change."""
        return f"{self.function or 'module'}: {different(self.before, self.after)}"

    def tree(self) -> ast.Module:
        """The mutated program."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        put_at(tree, self.place, list(changes(node_at(tree, self.place)))[self.position])
        return ast.fix_missing_locations(tree)


def child_at(node: ast.AST, step: tuple[str, int | None]) -> ast.AST:
    """The child in a field, at a position if the field is a list."""
    field, index = step
    value = getattr(node, field)
    found: ast.AST = value if index is None else value[index]
    return found


def mutants_of(path: Path) -> list[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: list[Mutant] = []
    for node, place, statement, function in walk(tree, (), None, (), False):
        for position, changed in enumerate(changes(node)):
            line = getattr(statement, "lineno", 0)
            before, after = shown(node), shown(changed)
            if isinstance(node, ast.Constant):  # by itself it tells nothing
                before, after = shown_around(tree, place, changed)
            found.append(Mutant(path, line, function, before, after, place, position))
    return found


def shown_around(tree: ast.Module, place: Place, changed: ast.AST) -> tuple[str, str]:
    """The call, expression or parameters around a node, as it is and with a change in it."""
    around, way = [node_at(tree, place[:depth]) for depth in range(len(place))], len(place) - 1
    while isinstance(around[way], ast.keyword):
        way -= 1
    other = copy.deepcopy(around[way])
    put_at(other, place[way:], changed)
    return shown(around[way]), shown(other)


def node_at(node: ast.AST, place: Place) -> ast.AST:
    """The node at a place below another."""
    for step in place:
        node = child_at(node, step)
    return node


def put_at(node: ast.AST, place: Place, changed: ast.AST) -> None:
    """Puts a node in place of another one, at a place below a third."""
    *way, (field, index) = place
    parent = node_at(node, tuple(way))
    if index is None:
        setattr(parent, field, changed)
    else:
        getattr(parent, field)[index] = changed


def walk(
    node: ast.AST, place: Place, statement: ast.stmt | None, names: tuple[str, ...], inside: bool
) -> Iterator[tuple[ast.AST, Place, ast.stmt | None, str]]:
    """Every node that may be changed, with its statement and the outermost function it is executed in."""
    for field, value in ast.iter_fields(node):
        children = enumerate(value) if isinstance(value, list) else [(None, value)]
        for index, child in children:
            if not isinstance(child, ast.AST) or skipped(child, node, field):
                continue
            here = (*place, (field, index))
            of = child if isinstance(child, ast.stmt) else statement
            within = inside or (isinstance(node, FUNCTIONS) and field == "body")
            yield child, here, of, ".".join(names) if within else ""
            named = isinstance(child, (*FUNCTIONS, ast.ClassDef)) and not within
            yield from walk(child, here, of, (*names, child.name) if named else names, within)


def skipped(node: ast.AST, parent: ast.AST, field: str) -> bool:
    """What is not worth changing: annotations, words of errors, docstrings, imports for the type checker."""
    if field in ("annotation", "returns", "decorator_list"):
        return True
    if isinstance(parent, ast.Raise) or isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may be changed to."""
    yield from changed_statements(node)
    if isinstance(node, ast.Compare):
        for position, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[position] = COMPARISONS[type(operator)]()
            yield other
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield ast.BinOp(node.left, ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.IfExp) and not isinstance(node.test, (ast.Compare, ast.UnaryOp, ast.BoolOp)):
        yield ast.IfExp(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.comprehension) and node.ifs:
        for position in range(len(node.ifs)):
            other_part = copy.deepcopy(node)
            del other_part.ifs[position]
            yield other_part
    elif isinstance(node, (ast.Dict, ast.Set)):
        yield from changed_tables(node)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int):
            yield ast.Constant(node.value + 1)


def changed_statements(node: ast.AST) -> Iterator[ast.AST]:
    """A statement left out, a condition turned round, a result lost."""
    if isinstance(node, ast.Return) and node.value is not None and not is_none(node.value):
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Expr, ast.Raise, ast.Continue, ast.Break, ast.Delete)):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, (ast.Yield, ast.YieldFrom))):
            yield ast.Pass()
    elif (
        (isinstance(node, ast.Return) and node.value is None)
        or isinstance(node, ast.AugAssign)
        or (isinstance(node, ast.Assign) and not any(isinstance(t, (ast.Name, ast.Tuple)) for t in node.targets))
    ):
        yield ast.Pass()
    elif isinstance(node, (ast.If, ast.While)) and not isinstance(node.test, (ast.Compare, ast.UnaryOp, ast.BoolOp)):
        turned = copy.copy(node)
        turned.test = ast.UnaryOp(ast.Not(), node.test)
        yield turned


def changed_tables(node: ast.Dict | ast.Set) -> Iterator[ast.AST]:
    """An entry of a table left out, or given the value of the next one."""
    if isinstance(node, ast.Set):
        for position in range(len(node.elts)):
            yield ast.Set([e for i, e in enumerate(node.elts) if i != position])
        return
    for position, (key, value) in enumerate(zip(node.keys, node.values, strict=True)):
        if key is None or isinstance(key, ast.Constant):
            continue
        rest = [i for i in range(len(node.keys)) if i != position]
        yield ast.Dict([node.keys[i] for i in rest], [node.values[i] for i in rest])
        other = next((v for v in node.values if ast.dump(v) != ast.dump(value)), None)
        if other is not None:
            yield ast.Dict(list(node.keys), [other if i == position else v for i, v in enumerate(node.values)])


def is_none(node: ast.AST) -> bool:
    """Is it the word None?"""
    return isinstance(node, ast.Constant) and node.value is None


def different(before: str, after: str) -> str:
    """Two lines that are mostly alike, as ``what was → what is``; whole if they are short."""
    if len(before) <= 100:
        return f"{before} → {after}"
    start = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), min(map(len, (before, after)))
    )
    end = next((i for i, (a, b) in enumerate(zip(before[::-1], after[::-1], strict=False)) if a != b), 0)
    start, end = max(0, start - 40), max(0, min(end, len(before) - start, len(after) - start) - 40)
    return f"…{before[start : len(before) - end]}… → …{after[start : len(after) - end]}…"


def shown(node: ast.AST) -> str:
    """A node as one short line of source."""
    if isinstance(node, ast.comprehension):
        return " ".join(f"if {ast.unparse(c)}" for c in node.ifs) or "no if"
    if isinstance(node, (ast.If, ast.While)):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}:"
    return " ".join(ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).split())
