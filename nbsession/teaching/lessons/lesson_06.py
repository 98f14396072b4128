"""Lesson 6, after commit and after close: expired and detached, and what can still be read of an object."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from nbsession import inspect, text
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import at_most, committed, no_errors
from nbsession.teaching.toolshed import toolshed_rows
from nbsession.teaching.toolshed.classes import Loan

PREDICTIONS = (
    Prediction(
        "6a",
        "`loan.due_on` was read, then the session commits. What does reading it once more do?",
        {
            "a": Choice("It sends a SELECT, and gives the day"),
            "b": Choice(
                "It gives the day at once: it was loaded a moment ago",
                "The commit has expired it: from now on others may have changed the row.",
                12,
            ),
            "c": Choice(
                "It fails: the transaction is over",
                "The session is open, and begins a new one.",
                1,
            ),
        },
        "a",
        "The end of a transaction expires all objects of the session. The next touch begins a new one, and "
        "reads again.",
        evidence="load of Loan",
    ),
    Prediction(
        "6b",
        "The session is closed. What do `loan.due_on`, loaded, and `loan.lines`, never loaded, give?",
        {
            "a": Choice(
                "The day, and the lines: the object works on by itself",
                "Who should ask for the lines? The loan belongs to no session any more.",
                1,
            ),
            "b": Choice(
                "Two errors: a detached object is dead", "What is loaded lies in the object, and needs nobody."
            ),
            "c": Choice("The day, and an error"),
            "d": Choice(
                "The day, and no lines: an empty list", "That would be a wrong answer. An error is an honest one."
            ),
        },
        "c",
        "Closing detaches and wipes nothing: what was loaded stays. What was not cannot be loaded without a session.",
        evidence="'DetachedInstanceError')",
    ),
    Prediction(
        "6c",
        "The session commits, and is closed after that. What does `loan.due_on` give?",
        {
            "a": Choice(
                "The day, as before", "Between the two there was a commit: the loan was blank when it was detached.", 1
            ),
            "b": Choice("DetachedInstanceError"),
            "c": Choice("None", "A value that is not true would be worse than an error."),
            "d": Choice(
                "The day, after a SELECT on a new connection",
                "A detached object knows no engine. It does not reconnect behind your back.",
                1,
            ),
        },
        "b",
        "Commit wiped it, close took away whoever could read it again. It is the commonest of all errors with "
        "sessions.",
        evidence="'DetachedInstanceError'",
    ),
    Prediction(
        "6d",
        "Both rows have been changed by plain SQL; `session.refresh(loan)`. Are the loan's day and the member's "
        "name new?",
        {
            "a": Choice(
                "Both: `refresh` brings the loan up to date, with all that belongs to it",
                "It reads one object. Its member is another, with values of its own.",
                12,
            ),
            "b": Choice(
                "Neither, before the next access: `refresh` marks",
                "That is `expire`. A refresh reads at once.",
                12,
            ),
            "c": Choice("The day is new, the name is old"),
        },
        "c",
        "`refresh` is about the object that you name. For the member say `session.refresh(loan.member)`.",
        evidence="(datetime.date(2025, 3, 1), 'Laila Wright')",
    ),
    Prediction(
        "6e",
        "Which sentence is the rule?",
        {
            "a": Choice("What is loaded can be read; what is not needs a session that asks for it"),
            "b": Choice(
                "After a commit or a close an object is a copy of its row, which no longer changes",
                "After a commit it is read again when touched. And what was not loaded is on no copy.",
                1,
            ),
            "c": Choice(
                "An object works for as long as a variable holds it",
                "It exists for as long. Whether it can load is the session's affair.",
                1,
            ),
        },
        "a",
        "Two questions for each access: is it loaded? If not: is there a session? Yes, whatever; no and yes, a "
        "SELECT; no and no, an "
        "error.",
    ),
)


# ── exercise 6a: the slip that is taken home ─────────────────────────────────────────────────────────────────────────
def the_label() -> str:
    """What the label says."""
    rows = toolshed_rows()
    loan = next(row for row in rows["loan"] if row[0] == 1)
    name = next(row[2] for row in rows["member"] if row[0] == loan[1])
    return f"loan 1: {name}, {sum(1 for row in rows['loan_line'] if row[1] == 1)} lines"


def labelled(attempt: Attempt) -> Wrong | None:
    """The label is there."""
    label = attempt.names.get("label")
    if label != the_label():
        return Wrong(f"`label` shall be {the_label()!r}" + (f", and is {label!r}." if label else "."), "board")
    return None


def taken_home(attempt: Attempt) -> Wrong | None:
    """From a detached loan that has all it needs."""
    if attempt.state("loan") != "detached":
        return Wrong(
            "`loan` is not detached: the label is to be made after the block, when its session is closed.", "board"
        )
    has = inspect(attempt.names["loan"]).dict
    missing = [name for name in ("member", "lines") if name not in has]
    if missing:
        return Wrong(f"The loan has not got its {' and '.join(missing)} with it.", "board")
    return None


TAKEN_HOME = Exercise(
    "6a",
    "Mend the script: the label is made after the block, from a detached loan.",
    (labelled, taken_home),
    (
        "Three things are missing on the slip: its columns, which the commit has wiped, its member, and its lines.",
        "Does a session that only reads need the commit? And what loads the member and the lines together with "
        "the loan?",
        "`reading.get(Loan, 1, options=[selectinload(Loan.member), selectinload(Loan.lines)])`, and no commit.",
    ),
    Code(
        """
        with Session(engine) as reading:
            loan = reading.get(Loan, 1, options=[selectinload(Loan.member), selectinload(Loan.lines)])
        label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                with Session(engine) as reading:
                    loan = reading.get(Loan, 1)
                label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
                """
            ),
            says="Your code stopped with DetachedInstanceError",
        ),
        WrongAnswer(
            Code(
                """
                with Session(engine, expire_on_commit=False) as reading:
                    loan = reading.get(Loan, 1)
                    reading.commit()
                label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
                """
            ),
            says="Your code stopped with DetachedInstanceError",
        ),
        WrongAnswer(
            Code(
                """
                loan = session.get(Loan, 1)
                session.commit()
                label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
                """
            ),
            says="`loan` is not detached",
        ),
        WrongAnswer(
            Code(
                """
                with Session(engine) as reading:
                    loan = reading.get(Loan, 1)
                    label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
                    reading.commit()
                """
            ),
            says="has not got its member and lines with it",
        ),
    ),
    "Everything on the slip before it leaves the house.",
    starter=Code(
        """
        with Session(engine) as reading:
            loan = reading.get(Loan, 1)
            reading.commit()
        label = f"loan {loan.id}: {loan.member.name}, {len(loan.lines)} lines"
        """
    ),
)


# ── exercise 6b: two objects out of date ─────────────────────────────────────────────────────────────────────────────
def both_changed(session: Any, names: MutableMapping[str, Any]) -> None:
    """A loan and its member, loaded, and changed behind the session."""
    loan = names["loan"] = session.get(Loan, 1)
    names["member"] = loan.member
    session.execute(text("UPDATE loan SET due_on = '2025-03-01' WHERE id = 1"))
    session.execute(text("UPDATE member SET name = 'Laila Okafor' WHERE id = 7"))


def up_to_date(attempt: Attempt) -> Wrong | None:
    """Both say what their rows say."""
    for name, attribute, wanted in (("loan", "due_on", "2025-03-01"), ("member", "name", "Laila Okafor")):
        if attempt.state(name) != "persistent":
            return Wrong(f"`{name}` is not in the session any more.", "board")
        says = inspect(attempt.names[name]).dict.get(attribute)
        if says is None:
            return Wrong(f"`{name}.{attribute}` has expired; nobody has read it yet.", "board")
        if str(says) != wanted:
            return Wrong(f"`{name}.{attribute}` is still {says}; the row says {wanted}.", "board")
    return None


BOTH_FRESH = Exercise(
    "6b",
    "Bring the loan and its member up to date, with two SELECTs at most; nothing is left expired.",
    (no_errors(), up_to_date, at_most(2, "SELECT"), committed(0)),
    (
        "Which object does `refresh` read, and which does it leave alone?",
        "They are two objects: it takes two calls, or one wipe and two touches.",
        "`session.refresh(loan)` and `session.refresh(member)`.",
    ),
    Code(
        """
        session.refresh(loan)
        session.refresh(member)
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.refresh(loan)
                loan.member
                """
            ),
            says="`member.name` is still Laila Wright",
        ),
        WrongAnswer(Code("session.expire_all()"), says="`loan.due_on` has expired"),
        WrongAnswer(
            Code(
                """
                session.expunge_all()
                loan = session.get(Loan, 1)
                loan.member
                """
            ),
            says="`member` is not in the session any more",
        ),
        WrongAnswer(
            Code(
                """
                session.expire(loan)
                loan.due_on
                session.expire(member)
                """
            ),
            says="`member.name` has expired",
        ),
    ),
    "One call, one object.",
    starter=Code("session.refresh(loan)"),
    prepare=both_changed,
)

NOTES = Notes(
    timing=(
        ("The slip; 6a, and the statement that nobody wrote", 8),
        ("6b and 6c: close, then commit and close", 12),
        ("The cure: load before, do not commit what was only read", 6),
        ("expire, refresh, 6d", 8),
        ("The board, merge", 4),
        ("6e by hands; Modify: a table of value, SELECT, error", 4),
        ("Exercises 6a and 6b", 7),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "6a": "b. The log shows the SELECT; ask who wrote it.",
        "6b": "a, and it is the costliest belief of all. Ask where the lines should come from.",
        "6c": "a. Then put the two cells side by side: one word differs.",
        "6d": "a. Each object has its own values: one row, one object, one refresh.",
        "6e": "c, from people of other languages. Holding is not loading.",
    },
    draw="A table: rows 'loaded', 'expired or never loaded'; columns 'in a session', 'detached'. Fill in value, "
    "value, SELECT, error. Everything "
    "in the lesson is a way from one field to another.",
    skip="merge: lesson 12 comes back to it.",
    break_live=Code(
        """
        # a list of objects that leaves a function: which line fails, and for how many of them?
        with Session(engine) as reading:
            loans = reading.scalars(select(Loan).limit(3)).all()
        [loan.member.name for loan in loans]
        """
    ),
)

LESSON = Lesson(
    number=6,
    title="After commit, after close",
    notebook="06_after_commit_after_close.ipynb",
    minutes=50,
    predictions=PREDICTIONS,
    exercises=(TAKEN_HOME, BOTH_FRESH),
    notes=NOTES,
)
