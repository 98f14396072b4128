"""The snapshot: what the views and the dashboard know of a session at one moment, as plain data.

It knows no session and no object: numbers, strings, booleans, lists and dictionaries only, ready for JSON. Taking one
is the task of ``snapshot_builder.py``; drawing one that of ``views/`` and of the widget. The typed dictionaries below
are the documented format; ``tests/fixtures/snapshot_*.json`` are three examples.

A patch is a dictionary with ``kind`` (``'patch'``), ``revision`` and the top-level keys that changed. The receiver
merges ``cards`` by token, appends ``log`` and ``timeline`` (an entry whose ``n`` or ``event`` is known replaces it) and
replaces every other key whole. Values are representations (``"'Ada'"``), never the values themselves, and always data:
text, not HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypedDict

ATTRIBUTE_KINDS = ("column", "one", "many")
"""a column, a relationship to one object, a relationship to many"""

Status = Literal["loaded", "expired", "not loaded", "not set"]


class AsOf(TypedDict):
    """When the snapshot was taken."""

    cell: str | None
    """the cell, as ``In[7]``; None outside a notebook"""
    event: int
    """the number of the session's last fact"""


class SessionInfo(TypedDict):
    """Which session it is."""

    name: str
    """the variable that holds it"""
    dialect: str
    """``sqlite`` or ``duckdb``"""
    database: str
    """the file's name, or ``:memory:``"""
    open: bool
    """False when it is gone: the snapshot is the last one"""


class Failure(TypedDict):
    """Why the transaction failed."""

    type: str
    message: str
    cell: str | None
    advice: str
    """what to do next"""


class Frame(TypedDict):
    """The transaction, or one savepoint in it."""

    name: str
    """``BEGIN``, or the savepoint's name"""
    kind: Literal["transaction", "savepoint"]
    cell: str | None
    """where it began"""
    statements: int
    """statements sent in it, those of open inner savepoints not counted, internal ones neither"""
    rows: int
    """rows written in it, likewise"""
    state: str
    """``active``, ``failed`` or ``prepared``"""


class TransactionInfo(TypedDict):
    """The transaction stack, outermost frame first."""

    state: str
    """``idle``, ``active``, ``failed`` or ``prepared``"""
    since: str | None
    """the cell in which it began"""
    error: Failure | None
    frames: list[Frame]


class Lane(TypedDict):
    """The objects in one state."""

    state: str
    letter: str
    """T P S X D"""
    title: str
    says: str
    """what the state means, in a few words"""
    count: int
    tokens: list[int]
    """the cards shown, oldest acquaintance first; at most :data:`~nbsession.notebook.reporting.snapshot_builder.CARDS_A_LANE`"""
    more: int
    """how many are not shown"""


class Attribute(TypedDict):
    """One attribute of an object: what the database holds as far as known, and what the object holds."""

    name: str
    kind: Literal["column", "one", "many"]
    status: Status
    committed: str | None
    """the value last read or written; None where there is none or it is not known"""
    current: str | None
    """the value now; None if it is not loaded"""
    changed: bool
    """would a flush write it?"""
    tokens: list[int]
    """for a relationship the objects it names now; empty for a column"""


class CardMove(TypedDict):
    """The last move of an object."""

    before: str
    after: str
    trigger: str
    cause: str
    cell: str | None
    event: int


class Card(TypedDict):
    """One object."""

    token: int
    """stays with the object for its life"""
    label: str
    """``Member#3`` with a key, ``Member+1`` without"""
    cls: str
    key: str | None
    state: str
    flags: list[str]
    """any of ``dirty``, ``expired``, ``failed``, ``to delete``, ``row changed`` (behind the session)"""
    summary: str
    """its first values, or its changes, on one line"""
    attributes: list[Attribute]
    moved: CardMove | None
    holders: list[str]
    """variables and outputs that hold it: ``ada``, ``Out[5]``"""
    grip: Literal["strong", "weak", ""]
    """how the session's identity map holds it; empty where the map does not have it"""


class PlanStep(TypedDict):
    """One statement of a flush plan, for one or many objects of a class."""

    number: int
    verb: str
    """``INSERT``, ``UPDATE`` or ``DELETE``"""
    table: str
    label: str
    """the objects"""
    parameters: list[list[str]]
    """pairs of column and value of the first object; a value may be ``key of Loan+1``"""
    count: int
    after: list[int]
    """numbers of the steps that must come first"""
    reasons: list[str]
    """why"""


class Plan(TypedDict):
    """What a flush would send, in order."""

    steps: list[PlanStep]
    skipped: list[list[str]]
    """pairs of label and reason"""
    notes: list[str]


class LogEntry(TypedDict):
    """One statement sent."""

    n: int
    """its number in this session's log, from 1"""
    sql: str
    params: list[str]
    executions: int
    """how many sets of parameters; ``params`` is the first"""
    rows: int | None
    cause: str
    cell: str | None
    event: int
    internal: bool
    """asked by the engine for itself"""
    error: str | None


class Repeat(TypedDict):
    """One statement sent for one object after the other, where one would do for all: N+1."""

    attribute: str
    """what was touched: ``Member.loans``"""
    cause: str
    """as in the log: ``lazy load of Member.loans``"""
    count: int
    cell: str | None
    line: str
    """the line that touched it last: ``line 2: len(member.loans)``; empty where that is not known"""
    first: int
    """the numbers of its first statement in the log, and of its last"""
    last: int
    fix: str
    """the query that loads all at once"""


class Named(TypedDict):
    """An object by its label."""

    token: int
    label: str


class Move(TypedDict):
    """Objects of one class went from one state to another."""

    event: int
    label: str
    """the first of them, as it was called when it moved"""
    token: int
    others: list[Named]
    """those after the first, at most two"""
    before: str
    after: str
    trigger: str
    cause: str
    cell: str | None
    count: int


class Event(TypedDict):
    """One line of the timeline."""

    event: int
    kind: Literal["move", "mark", "change", "sql", "flush", "transaction"]
    text: str
    """what happened, in words: ``Member+1 transient → pending``"""
    cause: str
    """the call, or the button, that made it happen"""
    cell: str | None
    within: int
    """the event of the flush it was part of; 0 outside a flush"""
    tokens: list[int]
    """the objects it was about, the first few"""
    internal: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session at one moment.

    :ivar revision: grows with every snapshot and patch of one recorder.
    :ivar running: was a cell running?
    :ivar cards: the cards of the lanes by token, the token as text.
    :ivar log: the last statements, oldest first.
    :ivar log_total: how many statements there were.
    :ivar moves: the last moves, oldest first.
    :ivar timeline: the last events of every kind, oldest first.
    :ivar repeats: statements that were sent for one object after the other, oldest first.
    """

    revision: int
    as_of: AsOf
    running: bool
    session: SessionInfo
    transaction: TransactionInfo
    lanes: list[Lane]
    cards: dict[str, Card]
    plan: Plan
    log: list[LogEntry]
    log_total: int
    moves: list[Move]
    timeline: list[Event]
    repeats: list[Repeat] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The snapshot as plain data.

        :return: a dictionary to be read, not changed: it shares its parts with the snapshot.
        """
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Snapshot:
        """The snapshot that :meth:`as_json` described.

        :raises TypeError: a key is missing, or unknown.
        """
        return cls(**data)

    def card(self, token: int) -> Card | None:
        """The card of a token, if this snapshot has it."""
        return self.cards.get(str(token))

    def patch_since(self, before: Snapshot) -> dict[str, Any]:
        """What changed since another snapshot of the same session, in the form the dashboard merges.

        >>> empty = Snapshot.from_json(blank("session", "sqlite", ":memory:"))
        >>> empty.patch_since(empty)
        {'kind': 'patch', 'revision': 0}
        """
        patch: dict[str, Any] = {"kind": "patch", "revision": self.revision}
        for key in ("as_of", "running", "session", "transaction", "lanes", "plan", "log_total", "moves", "repeats"):
            value = getattr(self, key)
            if value != getattr(before, key):
                patch[key] = value
        cards = {token: card for token, card in self.cards.items() if _differs(before.cards.get(token), card)}
        if cards:
            patch["cards"] = cards
        known = {entry["n"]: entry for entry in before.log}
        log = [entry for entry in self.log if _differs(known.get(entry["n"]), entry)]
        if log:
            patch["log"] = log
        newest = {event["event"]: event for event in before.timeline}
        timeline = [event for event in self.timeline if _differs(newest.get(event["event"]), event)]
        if timeline:
            patch["timeline"] = timeline
        return patch


def _differs(before: object, after: object) -> bool:
    """Is it another than before? Mostly it is the very same, and dictionaries are not compared to know that."""
    return before is not after and before != after


LOG_KEPT = 500
"""statements kept in a snapshot that patches are merged into"""
EVENTS_KEPT = 1_000
"""events of its timeline, likewise"""


def merged(snapshot: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a snapshot's data that a patch changes, as they are after it. The page merges in the same way."""
    changed = {key: value for key, value in patch.items() if key not in ("kind", "since")}
    if "cards" in patch or "lanes" in patch:
        cards = {**snapshot["cards"], **patch.get("cards", {})}
        shown = [str(token) for lane in patch.get("lanes", snapshot["lanes"]) for token in lane["tokens"]]
        changed["cards"] = {token: cards[token] for token in shown if token in cards}
    if "log" in patch:
        log = {entry["n"]: entry for entry in (*snapshot["log"], *patch["log"])}
        changed["log"] = [log[number] for number in sorted(log)[-LOG_KEPT:]]
    if "timeline" in patch:
        events = {event["event"]: event for event in (*snapshot["timeline"], *patch["timeline"])}
        changed["timeline"] = [events[number] for number in sorted(events)[-EVENTS_KEPT:]]
    return changed


LANES: tuple[tuple[str, str, str, str], ...] = (
    ("transient", "T", "Transient", "not in a session, no row"),
    ("pending", "P", "Pending", "in the session, will be INSERTed"),
    ("persistent", "S", "Persistent", "in the session, has a row"),
    ("deleted", "X", "Deleted", "DELETE sent, not committed"),
    ("detached", "D", "Detached", "has or had a row, in no session"),
)
"""state, letter, title and meaning of the five lanes, in the order of an object's life"""


def lane(state: str, tokens: list[int], count: int) -> Lane:
    """The lane of a state.

    :param tokens: the cards shown.
    :param count: how many objects are in the state.
    """
    _, letter, title, says = next(row for row in LANES if row[0] == state)
    return {
        "state": state,
        "letter": letter,
        "title": title,
        "says": says,
        "count": count,
        "tokens": tokens,
        "more": count - len(tokens),
    }


def blank(name: str, dialect: str, database: str, *, is_open: bool = True) -> dict[str, Any]:
    """The data of a snapshot of a session in which nothing has happened."""
    return {
        "revision": 0,
        "as_of": {"cell": None, "event": 0},
        "running": False,
        "session": {"name": name, "dialect": dialect, "database": database, "open": is_open},
        "transaction": {"state": "idle", "since": None, "error": None, "frames": []},
        "lanes": [lane(state, [], 0) for state, *_ in LANES],
        "cards": {},
        "plan": {"steps": [], "skipped": [], "notes": []},
        "log": [],
        "log_total": 0,
        "moves": [],
        "timeline": [],
        "repeats": [],
    }
