"""What a session holds that no flush has sent yet, row by row. Reads objects only: nothing is loaded, flushed or begun."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Attribute
from nbsession.notebook.reporting.card_builder import card_of
from nbsession.notebook.reporting.reports import Waiting

LISTED = 500


def waiting_of(session: Any, journal: Journal) -> list[Waiting]:
    """The changes that the next flush would send, at most :data:`LISTED` of them."""
    return list(islice(_waiting(session, journal), LISTED))


def _waiting(session: Any, journal: Journal) -> Iterator[Waiting]:
    for obj in session.new:
        card = card_of(obj, journal)
        values = [each for each in map(_value, card["attributes"]) if each[2]]
        yield {"label": card["label"], "what": "INSERT", "values": values}
    gone = {id(obj) for obj in session.deleted}
    for obj in session.dirty:
        card = card_of(obj, journal)
        values = [_value(attribute) for attribute in card["attributes"] if attribute["changed"]]
        if values and id(obj) not in gone:
            yield {"label": card["label"], "what": "UPDATE", "values": values}
    for obj in session.deleted:
        yield {"label": card_of(obj, journal)["label"], "what": "DELETE", "values": []}


def _value(attribute: Attribute) -> list[str]:
    before = (attribute["committed"] or "") if attribute["changed"] else ""
    return [attribute["name"], before, attribute["current"] or ""]
