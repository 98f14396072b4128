"""Finds the rows of association tables that a flush inserts, updates and deletes. Looks at histories; loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.flush.changes import key_changed, title
from nbsession.session.flush.linking import cannot_flush_none, check_type, warn_not_in_session
from nbsession.session.flush.steps import Step
from nbsession.session.flush.workload import Workload, relationship_name
from nbsession.states import ObjectState
from nbsession.tracking.history import History, collection_history, reference_history
from nbsession.tracking.instance_state import OwnState, state_of

VERBS = ("DELETE", "UPDATE", "INSERT")


class Associating:
    """The association rows of one flush: each once, whichever side has changed."""

    def __init__(self, work: Workload) -> None:
        self.work = work
        self._rows: dict[tuple[str, Relationship], list[tuple[Any, Any]]] = {}
        self._sides: dict[Relationship, Relationship] = {}
        self._seen: dict[tuple[Relationship, int, int], Relationship] = {}

    def clearing(self) -> list[Step]:
        """The rows of deleted objects, as steps that come before all others. To be called first."""
        for declared, objects in _sides(self.work.deleted_of.items()):
            self._clear(declared, objects)
        return self._made()

    def steps(self) -> list[Step]:
        """The rows as steps: rows that go before those that come."""
        for declared, objects in _sides((*self.work.new_of.items(), *self.work.touched_of.items())):
            for obj in objects:
                self._change(declared, obj)
        return self._made()

    def _made(self) -> list[Step]:
        if not self._rows:
            return []
        rows, self._rows = self._rows, {}
        return [
            Step(verb, None, [], _column_names(declared), relationship=declared, links_between=pairs)
            for verb in VERBS
            for (said, declared), pairs in rows.items()
            if said == verb
        ]

    def _clear(self, declared: Relationship, objects: list[Any]) -> None:
        for obj in objects:
            if declared.key not in obj.__dict__:
                if not declared.passive_deletes:
                    self.work.notes.append(f"{declared.key} of {title(obj)} not loaded: would SELECT")
                history = _history(declared, obj)
                self._note("DELETE", declared, obj, self._may_go(declared, history.deleted))
                continue
            history = _history(declared, obj)
            self._note("DELETE", declared, obj, self._may_go(declared, [*history.unchanged, *history.deleted]))

    def _change(self, declared: Relationship, obj: Any) -> None:
        state, key = state_of(obj), declared.key
        changed = not isinstance(state, OwnState) or key in state.related or key in state.queued
        follows = not declared.passive_updates and isinstance(state, OwnState) and key_changed(obj)
        if not (changed or follows) or (key not in obj.__dict__ and not isinstance(state, OwnState)):
            return
        history = _history(declared, obj)
        self._note("DELETE", declared, obj, self._may_go(declared, history.deleted))
        self._note("INSERT", declared, obj, [m for m in history.added if self._may_come(declared, m)])
        if follows:
            self._note("UPDATE", declared, obj, history.unchanged)

    def _may_come(self, declared: Relationship, member: Any) -> bool:
        if member is None:
            if declared.uselist:
                raise cannot_flush_none(declared)
            return False
        if not self.work.in_session(member):
            warn_not_in_session(declared, member)
            return False
        check_type(declared, member)
        return not self.work.comes_later(member)

    def _may_go(self, declared: Relationship, members: Iterable[Any]) -> list[Any]:
        """Members that left; of one that is in no session any more the row stays."""
        going = []
        for member in members:
            if member is None or self.work.in_session(member):
                going.append(member)
            elif state_of(member).status is not ObjectState.DELETED:
                warn_not_in_session(declared, member, "delete")
        return going

    def _note(self, verb: str, declared: Relationship, obj: Any, members: Iterable[Any]) -> None:
        side = self._sides.get(declared)
        if side is None:
            side = self._sides[declared] = declared
            if declared.reverse is not None:
                self._sides[declared.reverse.relationship] = declared
        for member in members:
            if member is None:
                continue
            pair = (obj, member) if side is declared else (member, obj)
            known = side, id(pair[0]), id(pair[1])
            if self._seen.setdefault(known, declared) is declared:  # once, unless one list has it twice
                self._rows.setdefault((verb, side), []).append(pair)


def _sides(groups: Iterable[tuple[Any, list[Any]]]) -> list[tuple[Relationship, list[Any]]]:
    """(relationship, objects), by the relationship's name: where both sides tell of a row, the first of them writes it."""
    sides = [(declared, objects) for mapper, objects in groups for declared in _associations(mapper)]
    return sorted(sides, key=lambda side: relationship_name(side[0])) if len(sides) > 1 else sides


def _associations(mapper: Any) -> list[Relationship]:
    found: list[Relationship] | None = mapper.memo.get("associations")
    if found is None:
        found = mapper.memo["associations"] = [
            r for r in mapper.relationships if r.direction is Direction.MANYTOMANY and not r.viewonly
        ]
    return found


def _history(declared: Relationship, obj: Any) -> History:
    return collection_history(obj, declared.key) if declared.uselist else reference_history(obj, declared.key)


def _column_names(declared: Relationship) -> tuple[str, ...]:
    return tuple(dict.fromkeys(c.name for _, c in (*declared.secondary_pairs, *declared.target_pairs)))
