"""What people believe of sessions that is not so, the costliest first, and which lesson refutes it.

Ranked by how often it was met in questions and bug reports, times what it costs. A prediction's choice names the belief
it stands for, so that a teacher can see what a class believes.
"""

from __future__ import annotations

from typing import NamedTuple


class Misconception(NamedTuple):
    """One belief.

    :ivar lesson: the lesson with a prediction that offers it as an answer, and a cell that refutes it.
    """

    number: int
    belief: str
    truth: str
    lesson: int


MISCONCEPTIONS: dict[int, Misconception] = {
    each.number: each
    for each in (
        Misconception(
            0,
            "Making an object, or adding it to a session, writes a row.",
            "A constructor makes a Python object and add() puts it on a list; a flush sends the INSERT.",
            1,
        ),
        Misconception(
            1,
            "My object still works after the session is done.",
            "A commit expires it and a close detaches it: what is not loaded then cannot be loaded any more.",
            6,
        ),
        Misconception(
            2,
            "An error is over once it is caught.",
            "After a failed flush the transaction has failed: nothing is sent before a rollback.",
            7,
        ),
        Misconception(
            3,
            "A flush saves; or: a flush sends nothing.",
            "A flush sends statements inside the transaction; only a commit keeps what they did.",
            2,
        ),
        Misconception(
            4, "A SELECT only reads.", "Before a query the session flushes, so that the query sees your changes.", 3
        ),
        Misconception(
            5,
            "A query gives me fresh values.",
            "One row is one object, and what it has loaded stays until it expires or is refreshed.",
            4,
        ),
        Misconception(
            6,
            "Deleting an object does the same to those around it, or nothing.",
            "The relationship's rule decides: delete, delete-orphan, nullify, the database, or refuse.",
            10,
        ),
        Misconception(
            7,
            "A loop over loaded objects sends no queries.",
            "Each relationship that is not loaded sends one when it is touched: N+1.",
            11,
        ),
        Misconception(
            8,
            "merge() puts my object into the session.",
            "merge() copies it onto the session's own object and returns that; yours stays outside.",
            12,
        ),
        Misconception(
            9,
            "Only what I add is in the session.",
            "save-update cascades: what an added object refers to comes along.",
            9,
        ),
        Misconception(
            10,
            "The commit of a savepoint saves.",
            "It only releases the savepoint; the outer transaction may still be rolled back.",
            8,
        ),
        Misconception(
            11,
            "One session for everything, for ever, is enough.",
            "A session is one conversation, of one thread: it grows stale and holds a transaction open.",
            12,
        ),
        Misconception(
            12,
            "expire, refresh and populate_existing are the same.",
            "expire forgets, refresh reads one object now, populate_existing overwrites what a query finds.",
            6,
        ),
        Misconception(
            13,
            "Two-phase commit makes two databases one.",
            "It makes both promise first; between the promises and the commits somebody is in doubt.",
            12,
        ),
    )
}
"""number to misconception"""
