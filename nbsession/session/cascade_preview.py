"""What a deed would do to an object and those it reaches: a dry run over what is loaded, as a tree. Loads and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.mapping.attributes import key_text
from nbsession.mapping.relating.relationships import Direction, Relationship
from nbsession.session.cascades import loaded_members
from nbsession.states import IN_SESSION, ObjectState
from nbsession.tracking.instance_state import ident_of, state_of

if TYPE_CHECKING:
    from nbsession.session.session import Session

DEEDS = {"delete": "delete", "add": "save_update", "merge": "merge", "expunge": "expunge", "refresh": "refresh_expire"}
"""the deeds that can be tried, and the cascade each follows"""


class CascadeNode:
    """One object a deed reaches, or a place where it cannot be said without loading.

    :ivar object: the object; None where it is not loaded.
    :ivar along: the relationship it is reached over, as text; None at the root.
    :ivar effect: what would happen to it, in words.
    :ivar rule: the cascade that does it, as ``cascade`` or ``nullify``; empty at the root.
    :ivar unloaded: must something be loaded to say more?
    :ivar children: the nodes it leads to.
    """

    __slots__ = ("along", "children", "effect", "object", "rule", "unloaded")

    def __init__(self, obj: Any, along: str | None, effect: str, rule: str = "", unloaded: bool = False) -> None:
        self.object = obj
        self.along = along
        self.effect = effect
        self.rule = rule
        self.unloaded = unloaded
        self.children: list[CascadeNode] = []

    def walk(self) -> Iterator[CascadeNode]:
        """The node and all those below it, from top to bottom."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))

    @property
    def complete(self) -> bool:
        """Does the tree say everything? False if something would have to be loaded."""
        return not any(node.unloaded for node in self.walk())

    def line(self) -> str:
        """The node alone, as text."""
        if self.object is None:
            return self.effect
        rule = f" ({self.rule})" if self.rule else ""
        return f"{label(self.object)}  {self.effect}{rule}"

    def __str__(self) -> str:
        lines: list[str] = []
        waiting = [(self, 0)]
        while waiting:
            node, depth = waiting.pop()
            lines.append("  " * depth + ("- " if depth else "") + node.line())
            waiting.extend((child, depth + 1) for child in reversed(node.children))
        return "\n".join(lines)


def label(obj: Any) -> str:
    """An object, named by class and key: ``Member#3``; ``Member`` if it has no row."""
    key = key_text(ident_of(obj))
    return type(obj).__name__ if key is None else f"{type(obj).__name__}#{key}"


def preview(session: Session, deed: str, obj: Any) -> CascadeNode:
    """The tree of what a deed would do.

    :param deed: ``"delete"``, ``"add"``, ``"merge"``, ``"expunge"`` or ``"refresh"``.
    :raises ArgumentError: it is none of these.
    """
    if deed not in DEEDS:
        raise ArgumentError(f"cascade_preview() knows {', '.join(map(repr, DEEDS))}, not {deed!r}.")
    root = CascadeNode(obj, None, _effect(session, deed, obj))
    seen, waiting = {id(obj)}, [root]
    while waiting:
        node = waiting.pop(0)
        for declared in state_of(node.object).mapper.relationships:
            for child in _along(session, deed, node.object, declared):
                if child.object is None or id(child.object) not in seen:  # each object once
                    node.children.append(child)
                if child.object is None or id(child.object) in seen or child.rule == "nullify":
                    continue
                seen.add(id(child.object))
                if not (deed == "add" and child.object in session):  # who is here already stays as it is
                    waiting.append(child)
    return root


def _along(session: Session, deed: str, obj: Any, declared: Relationship) -> Iterator[CascadeNode]:
    """What is reached over one relationship."""
    follows = getattr(declared.cascade, DEEDS[deed])
    nullified = (
        deed == "delete" and not follows and declared.direction is not Direction.MANYTOONE and not declared.viewonly
    )
    if not (follows or nullified):
        return
    along = str(declared)
    if declared.key not in obj.__dict__:
        if deed == "delete" and state_of(obj).status in (ObjectState.PERSISTENT, ObjectState.DETACHED):
            yield _not_loaded(obj, declared, along, follows)
        return
    for member in loaded_members(obj, declared, removed=deed == "add"):
        if member is None:
            continue
        if nullified:
            effect = (
                "stays; the row that links it goes"
                if declared.secondary is not None
                else "stays; its foreign key becomes NULL"
            )
            yield CascadeNode(member, along, effect, "nullify")
        else:
            yield CascadeNode(member, along, _effect(session, deed, member), "cascade")


def _not_loaded(obj: Any, declared: Relationship, along: str, follows: bool) -> CascadeNode:
    what = f"{declared.key} of {label(obj)} not loaded"
    if declared.passive_deletes:
        rule = "ON DELETE in the database"
        return CascadeNode(None, along, f"{what}: left to the database", rule)
    fate = "delete" if follows else "set their foreign keys to NULL" if declared.secondary is None else "unlink"
    return CascadeNode(
        None, along, f"{what}: would SELECT them, to {fate}", "cascade" if follows else "nullify", unloaded=True
    )


def _effect(session: Session, deed: str, obj: Any) -> str:
    state = state_of(obj)
    status, here = state.status, obj in session
    elsewhere = status in IN_SESSION and state.session_ref() not in (None, session)
    if elsewhere and deed != "merge":
        return "is in another session" + (": refused" if deed in ("add", "delete") else ": left alone")
    if deed == "delete":
        if id(obj) in session.unit_of_work.marked:
            return "is marked already"
        return (
            "DELETE" if status in (ObjectState.PERSISTENT, ObjectState.DETACHED) else f"is {status.value}: left alone"
        )
    if deed == "add":
        if here:
            marked = id(obj) in session.unit_of_work.marked
            return "is here already" + ("; is not deleted after all" if marked else "")
        return {"transient": "becomes pending: INSERT", "detached": "becomes persistent"}.get(
            status.value, f"is {status.value}: refused"
        )
    if deed == "merge":
        return _merged(session, obj)
    if status is ObjectState.TRANSIENT or not (here or status is ObjectState.DELETED):
        return f"is {status.value}: left alone"
    if deed == "expunge":
        return "becomes transient" if status is ObjectState.PENDING else "becomes detached"
    return "is loaded anew" if status is ObjectState.PERSISTENT else f"is {status.value}: left alone"


def _merged(session: Session, obj: Any) -> str:
    if obj in session:
        return "is here: stays itself"
    mapper = state_of(obj).mapper
    ident = ident_of(obj) or mapper.ident_of_values(obj.__dict__)
    if ident is None:
        return "is copied onto a new object: INSERT"
    if session.find(mapper, ident) is not None:
        return "is copied onto the object that is here"
    return "is copied onto what a SELECT finds, else onto a new object"
