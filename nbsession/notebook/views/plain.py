"""Laying out plain text in 80 columns. Knows characters and their widths; does not know what they say."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from nbsession.notebook.recording.snapshots import Snapshot

COLUMNS = 80


def one_line(text: str) -> str:
    """The text on one line: line ends, tabs and other control characters become blanks, so that no value can draw over
    a view or move the terminal's cursor.
    """
    if text.isprintable():
        return text
    return "".join(
        character if unicodedata.category(character)[0] != "C" else " " for character in " ".join(text.split())
    )


def width(text: str) -> int:
    """The columns that a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, columns: int = COLUMNS) -> str:
    """The text on one line, cut with … where it is too wide.

    >>> clip("a long story", 6)
    'a lon…'
    """
    text = one_line(text)
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += _width(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def pad(text: str, columns: int) -> str:
    """The text, cut or filled with blanks to a number of columns."""
    text = clip(text, columns)
    return text + " " * (columns - width(text))


def wrap(text: str, indent: str = "", columns: int = COLUMNS) -> list[str]:
    """The text in lines of at most ``columns``, broken at blanks where possible.

    >>> wrap("one two three", "  ", 9)
    ['  one two', '  three']
    """
    room = columns - width(indent)
    lines, line = [], ""
    for word in one_line(text).split(" "):
        if line and width(line) + 1 + width(word) > room:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
        while width(line) > room:
            head = _head(line, room)
            lines.append(head)
            line = line[len(head) :]
    return [indent + part for part in (*lines, line) if part.strip()]


def hanging(mark: str, text: str) -> list[str]:
    """The text in lines, the first after a mark and the others indented as far; nothing if there is no text.

    >>> hanging("  - ", "one two")
    ['  - one two']
    """
    first, *rest = wrap(text, " " * len(mark)) or [""]
    return [mark + first[len(mark) :], *rest] if first else []


def _head(text: str, columns: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _width(character)
        if used > columns:
            return text[: max(position, 1)]
    return text


def counted(number: int, noun: str) -> str:
    """A number and its noun: ``1 row``, ``2 rows``.

    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def listed(items: Iterable[str], limit: int) -> str:
    """Items with commas; what goes beyond the limit is counted: ``a, b, … 3 more``."""
    every = list(items)
    shown = every[:limit]
    if len(every) > limit:
        shown.append(f"… {len(every) - limit:,} more")
    return ", ".join(shown)


def stamp(snapshot: Snapshot) -> str:
    """When the snapshot was taken: ``as of In[7] · event 23``."""
    cell, event = snapshot.as_of["cell"], snapshot.as_of["event"]
    return f"as of {cell} · event {event}" if cell else f"as of event {event}"


def session_line(snapshot: Snapshot) -> str:
    """Which session, on which database, in what transaction."""
    session, transaction = snapshot.session, snapshot.transaction
    words = [session["name"], session["dialect"], session["database"]]
    if not session["open"]:
        words.append("closed")
    elif transaction["state"] == "idle":
        words.append("no transaction")
    else:
        word = {"active": "in a transaction"}.get(transaction["state"], f"transaction {transaction['state']}")
        words.append(f"{word} since {transaction['since']}" if transaction["since"] else word)
        savepoints = sum(frame["kind"] == "savepoint" for frame in transaction["frames"])
        if savepoints:
            words[-1] += f", {counted(savepoints, 'savepoint')}"
    return clip(" · ".join(words))


def header(snapshot: Snapshot) -> list[str]:
    """The two lines that every view begins with, and a third if the transaction failed."""
    lines = [session_line(snapshot), stamp(snapshot)]
    error = snapshot.transaction["error"]
    if error is not None:
        where = f" in {error['cell']}" if error["cell"] else ""
        lines += wrap(f"! failed{where}: {error['type']}: {error['message']}", "")
        lines += wrap(error["advice"], "  ")
    return lines
