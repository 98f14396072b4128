"""Own states of objects whose every write is told: what a flush finds in them is what it finds in the others, and as quickly."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import nbsession
from nbsession import Session, inspect
from nbsession.events import AttributeChanged
from nbsession.mapping.attribute_functions import flag_modified
from nbsession.session.flush.changes import changed_alike
from nbsession.tracking.instance_state import NO_VALUE, OwnState, WatchedState, state_of, watched_state
from tests.session.models import Tool
from tests.tracking.test_history import session, tool

__all__ = ["session", "tool"]

PACKAGE = Path(nbsession.__file__).parent


def told(session: Session) -> list[Any]:
    facts: list[Any] = []
    session.subscribe(facts.append)
    return facts


def changes(facts: list[Any]) -> list[str]:
    return [fact.new for fact in facts if isinstance(fact, AttributeChanged)]


def test_an_observed_change_costs_no_container_more_than_an_unobserved_one(session: Session, tool: Tool) -> None:
    """A flush of thousands gives all of them up again: four more on each made it take 40 % longer."""
    told(session)
    tool.name = "axe"
    own = state_of(tool)
    assert type(own) is WatchedState and own.notes is None
    assert own.old is own and dict(own) == {"name": "saw"}
    assert not hasattr(own, "__dict__") and WatchedState.__slots__ == ()


def test_no_name_is_in_a_watched_state_and_its_changed_keys_are_known(session: Session, tool: Tool) -> None:
    told(session)
    tool.name = "axe"
    own = state_of(tool)
    assert "name" not in own  # type: ignore[operator]
    assert list(own.changed_keys) == ["name"] and "name" in own.changed_keys and "id" not in own.changed_keys
    session.flush()
    assert not state_of(tool).changed_keys


def test_every_write_of_an_observed_object_is_told(session: Session, tool: Tool) -> None:
    facts = told(session)
    for name in ("axe", "adze", "awl"):
        tool.name = name
    assert changes(facts) == ["'axe'", "'adze'", "'awl'"]
    assert state_of(tool).old == {"name": "saw"}


def test_a_write_after_flag_modified_is_told_too(session: Session, tool: Tool) -> None:
    facts = told(session)
    flag_modified(tool, "name")
    tool.name = "axe"
    assert changes(facts) == ["'axe'"]
    assert state_of(tool).old == {"name": NO_VALUE}


def test_what_was_noted_before_anybody_listened_stays(session: Session, tool: Tool) -> None:
    tool.name = "axe"
    before = state_of(tool)
    notes = before.noting_more() if isinstance(before, OwnState) else None
    told(session)
    after = state_of(tool)
    assert type(after) is WatchedState and after is watched_state(tool, after)
    assert after.notes is notes and after.old == {"name": "saw"} and after.common is before.common
    assert tool in session.dirty


def test_many_that_were_changed_alike_are_seen_to_be_so_without_asking_each(session: Session, tool: Tool) -> None:
    told(session)
    others = [tool, Tool(name="file"), Tool(name="rasp")]
    session.add_all(others)
    session.flush()
    for number, each in enumerate(others):
        each.name = f"new {number}"
    assert changed_alike(others, [each.__dict__ for each in others]) == ("name",)
    flag_modified(tool, "name")
    assert inspect(tool).attrs.name.loaded_value == "new 0"
    assert changed_alike(others, [each.__dict__ for each in others]) is None


def test_nobody_asks_whether_a_name_is_in_old_values() -> None:
    """Of a watched state the answer is always no; ``changed_keys`` knows."""
    wrong = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for function in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(function, (ast.FunctionDef, ast.Lambda)):
                wrong += [f"{file.relative_to(PACKAGE)}: {each}" for each in _asked(function)]
    assert wrong == []


def _asked(function: ast.AST) -> list[str]:
    names = {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target, value in _pairs(node)
        if isinstance(target, ast.Name) and any(_is_old(part) for part in _choices(value))
    }
    return [
        ast.unparse(node)
        for node in ast.walk(function)
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.In, ast.NotIn))
        for asked in node.comparators
        if _is_old(asked) or (isinstance(asked, ast.Name) and asked.id in names)
    ]


def _pairs(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]]:
    (target,) = node.targets[:1]
    if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
        return list(zip(target.elts, node.value.elts, strict=False))
    return [(target, node.value)]


def _choices(value: ast.expr) -> list[ast.expr]:
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


def _is_old(node: ast.expr) -> bool:
    named = isinstance(node, ast.Attribute) and node.attr == "old"
    got = isinstance(node, ast.Call) and ast.unparse(node.func) == "getattr" and "noted" in ast.unparse(node)
    return (named and not ast.unparse(node).startswith("fact.")) or got
