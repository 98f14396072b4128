"""Taking a snapshot: reads a session and its journal. Sends no SQL, flushes, loads and begins nothing.

Of 100,000 objects it counts all and shows a few a lane: those changed, those that moved last, and then any.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from nbsession.events import tokens
from nbsession.notebook.recording.cells import CellClock
from nbsession.notebook.recording.holders import holders_of
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.newcomers import Newcomers
from nbsession.notebook.recording.snapshots import LANES, Card, Plan, SessionInfo, Snapshot, lane
from nbsession.notebook.recording.sources import Source
from nbsession.notebook.reporting.card_builder import card_of
from nbsession.notebook.reporting.plan_builder import plan_of
from nbsession.notebook.reporting.readings import status_of

CARDS_A_LANE = 30
STATEMENTS_SHOWN = 200
MOVES_SHOWN = 30
EVENTS_SHOWN = 300
PLANNED_UNASKED = 1_000
"""up to so many changed objects a snapshot has the plan without being asked"""


class Members:
    """The objects of the five lanes: how many, and which of them are shown.

    :ivar counts: state to number of objects.
    :ivar shown: state to the objects shown.
    :ivar to_delete: ids of the objects marked for deletion.
    """

    def __init__(self, session: Any, journal: Journal, newcomers: Newcomers) -> None:
        new, self._deleted = session.new, session.deleted
        self.dirty = session.dirty
        self.to_delete = {id(obj) for obj in self._deleted}
        outside = _outside(journal, newcomers)
        self.counts = {state: len(objects) for state, objects in outside.items()}
        self.counts["deleted"] = max(self.counts["deleted"], journal.deleted)
        self.counts["pending"] = len(new)
        self.counts["persistent"] = len(session.identity_map)
        self.shown = {state: _oldest_first(objects[-CARDS_A_LANE:]) for state, objects in outside.items()}
        recent = [obj for token in islice(journal.newest(), 10 * CARDS_A_LANE) if (obj := tokens.object(token))]
        self.shown["pending"] = _choose([obj for obj in recent if obj in new], new)
        inside = [obj for obj in recent if status_of(obj) == "persistent" and obj in session]
        changed = islice((*self._deleted, *self.dirty), CARDS_A_LANE)
        self.shown["persistent"] = _choose((*changed, *inside), session.identity_map.values())

    def __iter__(self) -> Iterator[Any]:
        return (obj for objects in self.shown.values() for obj in objects)

    @property
    def changed(self) -> int:
        """How many objects a flush would look at."""
        return self.counts["pending"] + len(self.dirty) + len(self._deleted)


def take(
    session: Any,
    journal: Journal,
    source: Source,
    clock: CellClock,
    info: SessionInfo,
    *,
    revision: int,
    with_plan: bool = False,
) -> Snapshot:
    """A snapshot of a session.

    :param source: where its facts come from.
    :param info: which session it is.
    :param revision: the number to give to the snapshot.
    :param with_plan: plan the next flush however many objects it has.
    """
    members = Members(session, journal, source.newcomers)
    held = holders_of(members, clock.namespace, clock.traceback)
    cards = {
        state: [
            card_of(obj, journal, to_delete=id(obj) in members.to_delete, holders=held.get(id(obj), ()))
            for obj in objects
        ]
        for state, objects in members.shown.items()
    }
    return Snapshot(
        revision=revision,
        as_of={"cell": clock.last, "event": journal.event},
        running=clock.running,
        session=info,
        transaction=journal.frames.info(),
        lanes=[lane(state, [card["token"] for card in cards[state]], members.counts[state]) for state, *_ in LANES],
        cards={str(card["token"]): card for each in cards.values() for card in each},
        plan=_plan(session, journal, source, members, with_plan),
        log=journal.log(STATEMENTS_SHOWN),
        log_total=journal.statement_count,
        moves=journal.last_moves(MOVES_SHOWN),
        timeline=journal.chronicle.last(EVENTS_SHOWN),
        repeats=journal.repeats.told(),
    )


def single_card(session: Any, obj: Any, journal: Journal, namespace: Mapping[str, Any]) -> Card:
    """The card of one object, shown on the board or not."""
    held = holders_of([obj], namespace).get(id(obj), [])
    return card_of(obj, journal, to_delete=obj in session.deleted, holders=held)


def _plan(session: Any, journal: Journal, source: Source, members: Members, asked: bool) -> Plan:
    if journal.frames.info()["state"] == "failed":
        return {
            "steps": [],
            "skipped": [],
            "notes": ["the transaction failed: nothing can be flushed before a rollback"],
        }
    if "plan" in source.cannot:
        return {"steps": [], "skipped": [], "notes": [source.cannot["plan"]]}
    if not asked and members.changed > PLANNED_UNASKED:
        note = f"{members.changed:,} objects are new, changed or to be deleted: %session plan plans their flush"
        return {"steps": [], "skipped": [], "notes": [note]}
    return plan_of(session, journal)


def _outside(journal: Journal, newcomers: Newcomers) -> dict[str, list[Any]]:
    """Live objects that are transient, deleted or detached, in the order in which they came to be so."""
    found: dict[str, dict[int, Any]] = {"transient": {}, "deleted": {}, "detached": {}}
    for token, obj in newcomers.alive():
        status = status_of(obj)
        untold = status == "detached" and not newcomers.tells_all
        if status == "transient" or untold or (journal.unnamed_outside and status in found):
            found[status][token] = obj
    for token in tuple(journal.outside):
        obj = tokens.object(token)
        if obj is None:
            del journal.outside[token]
        elif (status := status_of(obj)) in found:
            found[status][token] = obj
    return {state: [by_token[token] for token in sorted(by_token)] for state, by_token in found.items()}


def _choose(first: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """At most a laneful of objects, each once: the first ones, then others; oldest acquaintance first."""
    chosen: dict[int, Any] = {}
    for source in (first, others):
        for obj in source:
            chosen.setdefault(id(obj), obj)
            if len(chosen) >= CARDS_A_LANE:
                return _oldest_first(chosen.values())
    return _oldest_first(chosen.values())


def _oldest_first(objects: Iterable[Any]) -> list[Any]:
    return sorted(objects, key=tokens.of)
