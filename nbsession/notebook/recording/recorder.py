"""Listens to one session and keeps what the views need. Holds the session weakly and no object at all.

Hearing a fact costs an append; it is entered in the journal when somebody looks, or when the dashboard is told. Looking
sends no SQL and makes no fact.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import RLock
from time import perf_counter
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, ref

from nbsession.events import Fact, FlushStarted, Marked, StatementExecuted, StatesMoved, tokens
from nbsession.notebook.recording import cells
from nbsession.notebook.recording.advance import MADE, News, advance
from nbsession.notebook.recording.holders import name_of
from nbsession.notebook.recording.journal import Journal, runs
from nbsession.notebook.recording.labels import labels
from nbsession.notebook.recording.publisher import Publisher
from nbsession.notebook.recording.record import Record
from nbsession.notebook.recording.repeats import is_load, touching_line
from nbsession.notebook.recording.snapshots import Card, SessionInfo, Snapshot, blank
from nbsession.notebook.recording.sources import is_watched, leave, source_of
from nbsession.notebook.reporting import snapshot_builder

logger = logging.getLogger("nbsession.notebook")

INBOX = 500
"""facts kept before they are entered in the journal"""
LOOKING = 0.002
"""seconds that may be spent on cards between two patches while a cell runs"""
CARDS_AT_ONCE = 5
FEW = 200
"""a fact about more objects is not looked into while a cell runs: a flush of thousands has better to do"""
STEPS = 40
"""frames of the record made of what came since the last look: each event its own, unless there were more"""

Watcher = Callable[[dict[str, Any]], None]


class Circumstances(NamedTuple):
    """Under which the facts that follow in the inbox came."""

    cell: str | None
    via: str


class Recorder:
    """The memory of one session for its views.

    :param session: the session; held weakly.
    :param name: the variable that holds it, where no variable of the notebook does.

    :ivar source: where its facts come from.
    :ivar journal: what happened.
    :ivar record: what there was to see, event by event.
    :ivar met: the cell in which the session was first listened to.
    """

    def __init__(self, session: Any, name: str = "session") -> None:
        self.source = source_of(session)
        self.journal = Journal(labels)
        self.default_name = name
        self.met = cells.clock.now
        self._session = ref(session)
        self._closed = False
        self._info = self.source.info(name)
        self._revision = 0
        self._inbox: deque[News | Circumstances] = deque()
        self._here = Circumstances(cells.clock.now, "")
        self._lock = RLock()
        self._via = ""
        self._looked = 0.0
        self._busy = False
        self._cell_began_at = 0
        self._watchers: tuple[Watcher, ...] = ()
        self._current = Snapshot.from_json(blank(name, self._info["dialect"], self._info["database"]))
        self.record = Record(self._current)
        self._publisher: Publisher | None = None
        self.journal.frames.adopt(self.source.levels())
        self._stop = self.source.subscribe(self._hear)
        self.source.newcomers.open()
        cells.clock.attach_here()
        cells.clock.on_start.append(self._cell_started)
        cells.clock.on_end.append(self._cell_ended)

    @property
    def handle(self) -> str:
        """What tells the session from others although no variable holds it: the one that did first, and the cell: ``s@3``."""
        return f"{self.default_name}@{(self.met or '').strip('In[]') or '0'}"

    @property
    def session(self) -> Any:
        """The session, or None if it is gone or no longer listened to."""
        return None if self._closed else self._session()

    def close(self) -> None:
        """Stops to listen; the last snapshot stays and says that the session is not open."""
        self._leave_cells()
        self._stop()
        self._current = self.snapshot()
        self._closed = True
        closed: SessionInfo = {**self._current.session, "open": False}
        self._tell(replace(self._current, revision=self._next(), running=False, session=closed))
        self._set_watchers(())

    @property
    def watched(self) -> bool:
        """Does a dashboard show the session?"""
        return bool(self._watchers)

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def snapshot(self, *, with_plan: bool = False) -> Snapshot:
        """The session as it is now; the watchers are told what changed. On the session's thread only.

        :param with_plan: plan the next flush however many objects it has.
        """
        session = self.session
        with self._lock:
            advanced = self._advanced()
            if session is None:
                info: SessionInfo = {**self._info, "open": False}
                return replace(advanced, session=info)
            with self._looking():
                self._info = self.source.info(name_of(session, cells.clock.namespace, self.default_name))
                taken = snapshot_builder.take(
                    session,
                    self.journal,
                    self.source,
                    cells.clock,
                    self._info,
                    revision=self._next(),
                    with_plan=with_plan,
                )
            self._tell(taken)
            return taken

    def card(self, obj: Any) -> Card:
        """The card of an object, whether the board shows it or not.

        :param obj: a mapped object.
        """
        with self._lock:
            self._read_into_journal()
            session = self.session
            return snapshot_builder.single_card(session, obj, self.journal, cells.clock.namespace)

    # ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def subscribe(self, watcher: Watcher) -> Callable[[], None]:
        """Calls ``watcher(patch)`` when something changed, at most about every 50 ms, also while a cell runs.

        It may be called on another thread than the session's; a patch is plain data. The first patch follows the
        snapshot that :meth:`snapshot` gives next.

        :return: a function that ends it.
        """
        self._set_watchers((*self._watchers, watcher))
        return lambda: self._set_watchers(tuple(each for each in self._watchers if each is not watcher))

    @contextmanager
    def acting(self, cause: str) -> Iterator[None]:
        """What happens inside is recorded with this cause: ``button: session.flush()``."""
        before = self._via
        self._under(cause)
        try:
            yield
        finally:
            self._under(before)

    # ── hearing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _hear(self, fact: Fact) -> None:
        if isinstance(fact, StatementExecuted) and is_load(fact.cause):
            self.journal.lines[fact.seq] = touching_line(cells.clock.namespace)
        self._inbox.append(fact)
        if self._publisher is None:
            if len(self._inbox) > INBOX:
                self._read_into_journal(steps=1)
            return
        if self._looked < LOOKING and isinstance(fact, (StatesMoved, Marked)) and fact.count <= FEW:
            for subject in fact.subjects[-CARDS_AT_ONCE:]:
                self._take_card(tokens.object(subject.token))
        if type(fact) is FlushStarted:
            self._publisher.noticed_later()  # the flush is not kept waiting, and most have ended before it is told of
        else:
            self._publisher.noticed()

    def _under(self, via: str) -> None:
        """What is heard from now on came from the cell that runs now, and from this cause if there is one."""
        self._via = via
        self._inbox.append(Circumstances(cells.clock.now, via))

    def _made(self, obj: Any) -> None:
        if self._publisher is not None:
            if not self._take_card(obj):
                self._inbox.append(MADE)
            self._publisher.noticed_later()  # the constructor has not returned: its variable is not bound yet

    def _take_card(self, obj: Any) -> bool:
        """Looks at an object if there is time, for the next patch."""
        if obj is None or self._busy or self._looked >= LOOKING:
            return False
        began = perf_counter()
        try:
            with self._looking():
                session = self.session
                if session is not None:
                    card = snapshot_builder.single_card(session, obj, self.journal, {})
                    self._inbox.append(card)
        except Exception:  # an object in the middle of a change: the next look will do
            logger.debug("no card could be taken", exc_info=True)
            return False
        finally:
            self._looked += perf_counter() - began
        return True

    # ── telling ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _send_news(self) -> None:
        with self._lock:
            self._looked = 0.0
            self._tell(self._advanced())

    def _advanced(self, steps: int = STEPS) -> Snapshot:
        """Empties the inbox into the journal, in a few steps of which each is recorded.

        :return: the snapshot after it.
        """
        self.source.seq()  # which publishes what it gathers
        items = list(self._inbox)
        self._inbox.clear()
        clock, snapshot = cells.clock, self._current
        size = max(1, -(-len(items) // steps))
        for start in range(0, len(items), size):
            news = self._read(items[start : start + size])
            snapshot = advance(
                snapshot, news, self.journal, revision=self._next(), cell=clock.last, running=clock.running
            )
            self.record.take(snapshot)
        return snapshot

    def _tell(self, snapshot: Snapshot) -> None:
        before, self._current = self._current, snapshot
        self.record.take(snapshot)
        patch = snapshot.patch_since(before) if self._watchers else {}
        if len(patch) > 2:  # more than its kind and revision
            for watcher in self._watchers:
                try:
                    watcher(patch)
                except Exception:
                    logger.exception("a watcher raised: %r", watcher)

    def _set_watchers(self, watchers: tuple[Watcher, ...]) -> None:
        self._watchers = watchers
        if watchers and self._publisher is None:
            self._publisher = Publisher(self._send_news)
            self.source.newcomers.on_made.append(self._made)
        elif not watchers and self._publisher is not None:
            self._publisher.close()
            self._publisher = None
            self.source.newcomers.on_made.remove(self._made)

    # ── the cell ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _cell_started(self) -> None:
        session = self.session
        if session is None:
            self._leave_cells()
            return
        self._cell_began_at = self.source.seq()
        self._under(self._via)
        if self._publisher is not None:
            self._publisher.noticed_later()

    def _leave_cells(self) -> None:
        if self._cell_started in cells.clock.on_start:
            cells.clock.on_start.remove(self._cell_started)
            cells.clock.on_end.remove(self._cell_ended)

    def _cell_ended(self, presumed: str | None, actual: str | None) -> None:
        self._under(self._via)
        if presumed != actual:
            with self._lock:
                self._read_into_journal()
                self.journal.relabel(presumed, actual, self._cell_began_at)
        session = self.session
        if self._publisher is not None or (session is not None and self.source.seq() > self._cell_began_at):
            try:
                self.snapshot()
            except Exception:
                logger.exception("no snapshot could be taken")

    # ── the inbox ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _read(self, items: Iterable[News | Circumstances]) -> list[News]:
        """Enters facts in the journal; returns what was among the items, long runs of moves made one move."""
        news: list[News] = []
        facts: list[Fact] = []
        for item in items:
            if isinstance(item, Fact):
                facts.append(item)
                continue
            if facts:
                news += self._enter(facts)
                facts = []
            if isinstance(item, Circumstances):
                self._here = item
            else:
                news.append(item)
        return news + self._enter(facts)

    def _enter(self, facts: list[Fact]) -> list[Fact]:
        facts = list(runs(facts))
        self.journal.take(facts, *self._here)
        return facts

    def _read_into_journal(self, steps: int = STEPS) -> None:
        with self._lock:
            if self._inbox:
                self._tell(self._advanced(steps))

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    @contextmanager
    def _looking(self) -> Iterator[None]:
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before


_recorders: WeakKeyDictionary[Any, Recorder] = WeakKeyDictionary()


def recorder_of(session: Any, name: str = "session") -> Recorder:
    """The recorder of a session; one is attached at the first look.

    :param session: the session.
    :param name: the variable that holds it, where no variable of the notebook does.
    """
    recorder = _recorders.get(session)
    if recorder is None:
        recorder = _recorders[session] = Recorder(session, name)
    return recorder


def recorded_sessions() -> list[Any]:
    """The sessions that are listened to."""
    return list(_recorders)


def own_sessions() -> list[Any]:
    """Those of them that are our own engine's."""
    return [session for session in _recorders if not is_watched(session)]


def stop_listening(session: Any) -> None:
    """Closes a session's recorder, if it has one; the next look begins a new one."""
    recorder = _recorders.pop(session, None)
    if recorder is not None:
        recorder.close()
        leave(session)
