"""Facts that the engine publishes, and the bus that carries them.

A fact is frozen and holds plain values only: tokens, labels, representations; never a live object. Whoever keeps a fact
keeps no row and no session alive. Observers cannot veto and cannot break the engine: one that raises is logged and dropped.
With no observer a fact is not even built: publishers ask ``if bus.observers:`` first.
"""

from __future__ import annotations

import itertools
import logging
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

logger = logging.getLogger("nbsession.events")

REPR_LIMIT = 80
"""characters kept of a value's representation"""
SUBJECT_LIMIT = 200
"""up to so many objects a fact about many names each; ``count`` tells how many there were"""


@dataclass(frozen=True, slots=True)
class Subject:
    """One object, as plain values.

    :ivar token: a number that stays with the object for its life and is never used again.
    :ivar cls: its class's name.
    :ivar key: its primary key as text (``'3'``, ``'3, 7'``), or None while it has none.
    """

    token: int
    cls: str
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every fact has.

    :ivar seq: its number on its bus, from 1.
    :ivar cause: what made it happen, in the words of the API: ``session.add``, ``autoflush before query``.
    """

    seq: int = 0
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatesMoved(Fact):
    """Objects of one class moved from one state to another.

    :ivar subjects: the objects; of more than :data:`SUBJECT_LIMIT` only the first and the last few.
    :ivar count: how many moved.
    :ivar before: the state's value before, as ``'pending'``.
    :ivar trigger: the trigger's value, as ``'insert'``.
    :ivar after: the state's value after.
    """

    cls: str
    subjects: tuple[Subject, ...]
    count: int
    before: str
    trigger: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked(Fact):
    """Objects were marked without changing state.

    :ivar mark: ``'to delete'``, ``'not to delete'``, ``'expired'``, ``'clean'``, or ``'displaced'``: another object took its key.
    """

    cls: str
    subjects: tuple[Subject, ...]
    count: int
    mark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeChanged(Fact):
    """An attribute of an object in a session was set, or a collection changed.

    :ivar old: the old value's representation, or None if it was not loaded.
    :ivar new: the new value's representation.
    """

    subject: Subject
    name: str
    old: str | None
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushStarted(Fact):
    """A flush is about to send its plan.

    :ivar steps: its steps in order, as ``'INSERT member (2)'``.
    """

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlushEnded(Fact):
    """A flush ended.

    :ivar error: None, or the error's type and first line.
    """

    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementExecuted(Fact):
    """A statement was sent.

    :ivar sql: its text.
    :ivar params: the representation of each parameter; of the first set, if there are several.
    :ivar executions: how many sets of parameters it was sent with.
    :ivar rows: rows returned or touched, or None where the database does not say.
    :ivar internal: True for what the engine asks for itself (probes, keys, checks).
    :ivar error: None, or the error's type and first line.
    """

    sql: str
    params: tuple[str, ...]
    executions: int
    rows: int | None
    internal: bool
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionMoved(Fact):
    """A session's transaction, or one of its savepoints, moved.

    :ivar level: 0 for the transaction, 1 for the outermost savepoint, and so on.
    :ivar name: the savepoint's name; None for the transaction.
    :ivar before: the state's value before, as ``'active'``.
    :ivar trigger: ``'begin'``, ``'fail'``, ``'prepare'``, ``'commit'``, ``'rollback'`` or ``'close'``.
    :ivar after: the state's value after.
    :ivar error: why it failed, if it did.
    """

    level: int
    name: str | None
    before: str
    trigger: str
    after: str
    error: str | None = None


Observer: TypeAlias = Callable[[Fact], None]


class FactBus:
    """Carries facts from one session to whoever listens.

    >>> bus, seen = FactBus(), []
    >>> stop = bus.subscribe(seen.append)
    >>> bus.publish(FlushEnded(error=None)); stop()
    >>> seen
    [FlushEnded(seq=1, cause='', error=None)]
    """

    __slots__ = ("__weakref__", "cause", "held", "observers", "seq")

    def __init__(self) -> None:
        self.observers: tuple[Observer, ...] = ()
        self.seq = 0
        self.cause = ""
        """the cause of what is being done now; the session sets it"""
        self.held: Callable[[], None] | None = None
        """publishes what somebody has held back so as to tell it at once; called before the next fact"""

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Calls ``observer(fact)`` for every fact from now on.

        :return: a function that ends it; calling it again does nothing.
        """
        self.observers += (observer,)

        def unsubscribe() -> None:
            self.observers = tuple(o for o in self.observers if o is not observer)

        return unsubscribe

    def because(self, cause: str, instead: bool = False) -> Because:
        """``with bus.because("session.get"):`` what happens inside has this cause, unless an outer one is set.

        :param instead: this one, even if an outer one is set.
        """
        return Because(self, cause if instead or not self.cause else self.cause)

    def publish(self, fact: Fact) -> None:
        """Numbers a fact and hands it to the observers. Callers build a fact only ``if bus.observers``."""
        if self.held is not None:
            self.held()
        self.seq += 1
        # frozen for whoever receives it; until then it is ours, and a copy would cost more than the fact
        object.__setattr__(fact, "seq", self.seq)
        if not fact.cause:
            object.__setattr__(fact, "cause", self.cause)
        for observer in self.observers:
            try:
                observer(fact)
            except Exception:
                self.observers = tuple(o for o in self.observers if o is not observer)
                logger.exception("an observer raised and was dropped: %r", observer)


class Because:
    """Sets the cause on a bus for a ``with`` block."""

    __slots__ = ("_before", "_bus", "_cause")

    def __init__(self, bus: FactBus, cause: str) -> None:
        self._bus = bus
        self._cause = cause

    def __enter__(self) -> None:
        self._before, self._bus.cause = self._bus.cause, self._cause

    def __exit__(self, *_: object) -> None:
        self._bus.cause = self._before


def safe_repr(value: object, limit: int = REPR_LIMIT) -> str:
    """A value's representation, shortened; one that raises is named instead.

    :param value: anything.
    :param limit: characters to keep.
    """
    if isinstance(value, (str, bytes)) and len(value) > limit:
        return f"{value[:limit]!r}… ({len(value)} long)"
    try:
        text = repr(value)
    except Exception as error:
        return f"<repr raised {type(error).__name__}>"
    text = text.removeprefix("datetime.")  # the day is what fits on a card
    return text if len(text) <= limit else f"{text[:limit]}…"


class _Watched(weakref.ref[object]):
    """A reference that knows its token, so that one callback serves all."""

    __slots__ = ("address", "token")
    address: int
    token: int


class Tokens:
    """Gives each observed object a number that stays with it. Holds objects weakly."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._by_id: dict[int, _Watched] = {}
        self._by_token: dict[int, _Watched] = {}
        self._gone = self._forget  # bound once, not once an object

    def of(self, obj: object) -> int:
        """The token of an object, new at the first call."""
        address = id(obj)
        known = self._by_id.get(address)
        if known is not None and known() is obj:
            return known.token
        reference = _Watched(obj, self._gone)
        reference.address = address
        reference.token = token = next(self._numbers)
        self._by_id[address] = self._by_token[token] = reference
        return token

    def object(self, token: int) -> object | None:
        """The object of a token, or None if it is gone."""
        reference = self._by_token.get(token)
        return None if reference is None else reference()

    def _forget(self, reference: weakref.ref[Any]) -> None:
        assert isinstance(reference, _Watched)
        self._by_token.pop(reference.token, None)
        if self._by_id.get(reference.address) is reference:
            del self._by_id[reference.address]


tokens = Tokens()
"""one numbering for the whole process"""


class ConstructionBus:
    """Tells observers of every mapped object that is made by calling its class, whatever session it may enter later.

    Mapped classes watch ``listening``: their constructors publish only while somebody listens.
    """

    def __init__(self) -> None:
        self.observers: tuple[Callable[[object], None], ...] = ()
        self.on_change: list[Callable[[bool], None]] = []
        """called with True when the first observer comes, with False when the last leaves"""

    @property
    def listening(self) -> bool:
        """Does anybody listen?"""
        return bool(self.observers)

    def subscribe(self, observer: Callable[[object], None]) -> Callable[[], None]:
        """Calls ``observer(obj)`` after each construction. The observer must keep the object weakly, if at all.

        :return: a function that ends it.
        """
        self._set((*self.observers, observer))
        return lambda: self._set(tuple(o for o in self.observers if o is not observer))

    def publish(self, obj: object) -> None:
        """Announces a constructed object."""
        for observer in self.observers:
            try:
                observer(obj)
            except Exception:
                self._set(tuple(o for o in self.observers if o is not observer))
                logger.exception("an observer raised and was dropped: %r", observer)

    def _set(self, observers: Iterable[Callable[[object], None]]) -> None:
        before, self.observers = bool(self.observers), tuple(observers)
        if before is not bool(self.observers):
            for changed in self.on_change:
                changed(not before)


constructions = ConstructionBus()
"""constructions of mapped objects, in the whole process"""
