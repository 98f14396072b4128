"""A bus that makes one fact of what happened to many objects at once. Knows facts; knows no session.

SQLAlchemy tells of each object by itself, and of those of one flush in no order. Moves and marks that are alike are held
back until something else happens or somebody asks, and then told once a class, in the order in which objects were met.
"""

from __future__ import annotations

from typing import TypeAlias

from nbsession.events import SUBJECT_LIMIT, Fact, FactBus, Marked, StatesMoved, Subject

Key: TypeAlias = tuple[str, ...]


class GatheringBus(FactBus):
    """Carries facts; those that are alike as one.

    >>> bus, seen = GatheringBus(), []
    >>> stop = bus.subscribe(seen.append)
    >>> bus.mark("expired", Subject(2, "Loan", "1"), "session.commit")
    >>> bus.mark("expired", Subject(1, "Loan", "7"), "session.commit")
    >>> bus.settle(); stop()
    >>> [(fact.count, fact.subjects[0].token) for fact in seen]
    [(2, 1)]
    """

    __slots__ = ("_classes", "_key")

    def __init__(self) -> None:
        super().__init__()
        self._key: Key = ()
        self._classes: dict[str, list[Subject]] = {}

    def publish(self, fact: Fact) -> None:
        """Numbers a fact and hands it to the observers, after what was held back."""
        self.settle()
        super().publish(fact)

    def move(self, before: str, trigger: str, after: str, subject: Subject, cause: str) -> None:
        """An object moved from one state to another."""
        self._gather((before, trigger, after, cause), subject)

    def mark(self, mark: str, subject: Subject, cause: str) -> None:
        """An object was marked."""
        self._gather((mark, cause), subject)

    def settle(self) -> None:
        """Publishes what was held back."""
        key, classes = self._key, self._classes
        if not key:
            return
        self._key, self._classes = (), {}
        for subjects in classes.values():
            subjects.sort(key=lambda subject: subject.token)
        for cls, subjects in sorted(classes.items(), key=lambda item: item[1][0].token):
            super().publish(_fact(key, cls, subjects))

    def _gather(self, key: Key, subject: Subject) -> None:
        if key != self._key:
            self.settle()
            self._key = key
        self._classes.setdefault(subject.cls, []).append(subject)


def _fact(key: Key, cls: str, subjects: list[Subject]) -> Fact:
    shown, count = tuple(subjects[:SUBJECT_LIMIT]), len(subjects)
    if len(key) == 2:
        return Marked(cls=cls, subjects=shown, count=count, mark=key[0], cause=key[1])
    before, trigger, after, cause = key
    return StatesMoved(cls=cls, subjects=shown, count=count, before=before, trigger=trigger, after=after, cause=cause)
