"""Lesson 8, try and undo half: savepoints, what letting go of one means, and what a rollback of one gives back."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import date
from typing import Any

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, leaves

PREDICTIONS = (
    Prediction(
        "8a",
        "Laila gets a new name. In a savepoint Magnus gets one, and the savepoint is committed. Then the session "
        "is rolled back. What does the "
        "desk next door see?",
        {
            "a": Choice(
                "Laila's old name, Magnus's new one: his part was committed",
                "The commit of a savepoint lets go of the mark, no more. What was done in it is part of the "
                "transaction.",
                10,
            ),
            "b": Choice("Both old names"),
            "c": Choice(
                "Both new names: a savepoint's commit takes along what was before it",
                "It commits nothing at all, neither its own part nor what was before.",
                10,
            ),
        },
        "b",
        "Only the transaction's own COMMIT makes anything everybody's. A savepoint is a mark inside.",
        evidence="[('Laila Wright',), ('Magnus Wright',)]",
    ),
    Prediction(
        "8b",
        "Ada is added; then, in a savepoint, Bo, and a new name for Magnus. All is flushed, and the savepoint is "
        "rolled back. Is Ada persistent, is Bo "
        "transient, and what is Magnus's name?",
        {
            "a": Choice("Yes, yes, and his old name"),
            "b": Choice(
                "Yes, yes, and his new name: rows are rolled back, Python values are not",
                "The session puts back both. Otherwise object and row would disagree from now on.",
            ),
            "c": Choice(
                "No, yes, and his old name: the flush was one, so all of it goes",
                "Setting a mark flushes first what is waiting. Ada's row was sent before it.",
            ),
            "d": Choice(
                "Yes, no, and his old name: Bo stays pending, to be tried again",
                "Who was new inside the mark is not the session's any more after it.",
            ),
        },
        "a",
        "Going back to a savepoint restores rows and objects to what they were when it was set.",
        evidence="(True, True, 'Magnus Wright')",
    ),
    Prediction(
        "8c",
        "Inside the block a card is taken, and the error is caught around it. Then the session commits. How many "
        "members does the desk next door count, and "
        "is Ada persistent? (64 were there; Ada waits since the last question.)",
        {
            "a": Choice(
                "64, and no: the flush failed, so the whole transaction has to be rolled back",
                "That was lesson 7, without a savepoint. Here the block has rolled back to the mark.",
            ),
            "b": Choice(
                "66, and yes: the error was caught, so both are in",
                "The database refused the row: there is no 66th.",
                2,
            ),
            "c": Choice("65, and yes"),
        },
        "c",
        "The block goes back to its mark, and raises the error on. The transaction outside of it is as sound as "
        "before.",
        evidence="([(65,)], True)",
    ),
    Prediction(
        "8d",
        "In two savepoints, one inside the other, comes a bare `session.rollback()`. Is the first one active, is "
        "there a transaction, "
        "what is Laila's name?",
        {
            "a": Choice(
                "Active, a transaction, her new name: a rollback undoes the innermost level",
                "`second.rollback()` does. The session's own rollback ends every level.",
                10,
            ),
            "b": Choice(
                "Not active, a transaction, her new name: it undoes the savepoints",
                "Her name was set in the transaction itself, and that is rolled back too.",
            ),
            "c": Choice("Not active, no transaction, her old name"),
        },
        "c",
        "`session.rollback()` means the transaction. For one level, use the handle: `first.rollback()`, or "
        "`%session rollback NAME`.",
        evidence="(False, False, 'Laila Wright')",
    ),
    Prediction(
        "8e",
        "Which sentence is the rule?",
        {
            "a": Choice("A savepoint can take back what is in it; only the transaction can keep anything"),
            "b": Choice(
                "A savepoint is a small transaction: it keeps or takes back its own part",
                "It keeps nothing: 8a. That is the difference.",
                10,
            ),
            "c": Choice(
                "Each commit keeps what was done since the last begin, of whatever kind",
                "Then the inner commit in 8a would have kept Magnus's name.",
                10,
            ),
        },
        "a",
        "Marks can be returned to. The only way out to the others is the transaction's COMMIT.",
    ),
)


# ── exercise 8a: twelve drafts ───────────────────────────────────────────────────────────────────────────────────────
BAD: dict[int, dict[str, Any]] = {3: {"text": None}, 6: {"id": 7}, 10: {"text": None}}
GOOD = 9


def twelve_drafts(session: Any, names: MutableMapping[str, Any]) -> None:
    """The drafts: two without a text, one with a number that is taken."""
    day = date(2025, 7, 1)
    names["drafts"] = [
        {"member_id": 20 + number, "sent_on": day, "text": f"Please come by, no. {number}.", **BAD.get(number, {})}
        for number in range(12)
    ]


def good_ones(attempt: Attempt) -> Wrong | None:
    """All nine good ones, whatever else there is."""
    added = attempt.added("notice")
    if len(added) < GOOD:
        return Wrong(
            f"{len(added) or 'None'} of the {GOOD} good notices {'is' if len(added) == 1 else 'are'} in the file.",
            "stack" if not attempt.session.is_active else "timeline",
        )
    return None


IMPORT = Exercise(
    "8a",
    "Store all good ones of the twelve drafts, and only them, in one transaction.",
    (good_ones, leaves("notice", added=GOOD), committed(1)),
    (
        "Which of them are bad you learn from the database. What has to be undone when it refuses one?",
        "Set a mark before each draft, and flush inside it: a bad one goes back to its mark.",
        "In the loop: `try:`, `with session.begin_nested():`, `session.add(Notice(**draft))`, `except "
        "IntegrityError: pass`.",
    ),
    Code(
        """
        for draft in drafts:
            try:
                with session.begin_nested():
                    session.add(Notice(**draft))
            except IntegrityError:
                pass
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                for draft in drafts:
                    try:
                        session.add(Notice(**draft))
                        session.flush()
                    except IntegrityError:
                        pass
                session.commit()
                """
            ),
            says="None of the 9 good notices are in the file",
        ),
        WrongAnswer(
            Code(
                """
                for draft in drafts:
                    try:
                        session.add(Notice(**draft))
                        session.flush()
                    except IntegrityError:
                        session.rollback()
                session.commit()
                """
            ),
            says="1 of the 9 good notices is in the file",
        ),
        WrongAnswer(
            Code(
                """
                for draft in drafts:
                    try:
                        session.add(Notice(**draft))
                        session.commit()
                    except IntegrityError:
                        session.rollback()
                """
            ),
            says="9 COMMITs were sent",
        ),
        WrongAnswer(
            Code(
                """
                for draft in drafts:
                    try:
                        with session.begin_nested():
                            session.add(Notice(**draft))
                    except IntegrityError:
                        pass
                """
            ),
            says="None of the 9 good notices are in the file",
        ),
    ),
    "Twelve marks, three of them returned to, one COMMIT.",
    starter=Code(
        """
        for draft in drafts:
            session.add(Notice(**draft))
        session.commit()
        """
    ),
    prepare=twelve_drafts,
)


# ── exercise 8b: half of it ──────────────────────────────────────────────────────────────────────────────────────────
def name_is(key: int, wanted: str, why: str) -> Any:
    """A member's name in the file."""

    def judge(attempt: Attempt) -> Wrong | None:
        name = next((row[2] for row in attempt.rows("member") if row[0] == key), None)
        if name != wanted:
            return Wrong(f"In the file member {key} is {name}, and shall be {wanted}. {why}", "timeline")
        return None

    return judge


HALF = Exercise(
    "8b",
    "Keep Laila's new name, and take back Magnus's; one COMMIT.",
    (
        name_is(7, "Laila Okafor", "Which line took it back, or was it never committed?"),
        name_is(8, "Magnus Wright", "What was done in the savepoint has stayed."),
        leaves("member", changed=1),
        committed(1),
    ),
    (
        "Which level does `session.rollback()` end? Prediction 8d has the answer.",
        "`trial` is the handle of the savepoint. What can it do?",
        "`trial.rollback()` in place of `session.rollback()`.",
    ),
    Code(
        """
        session.get(Member, 7).name = "Laila Okafor"
        trial = session.begin_nested()
        session.get(Member, 8).name = "Magnus Okafor"
        session.flush()
        trial.rollback()
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).name = "Laila Okafor"
                trial = session.begin_nested()
                session.get(Member, 8).name = "Magnus Okafor"
                session.flush()
                trial.commit()
                session.rollback()
                session.commit()
                """
            ),
            says="member 7 is Laila Wright, and shall be Laila Okafor",
        ),
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).name = "Laila Okafor"
                trial = session.begin_nested()
                session.get(Member, 8).name = "Magnus Okafor"
                session.flush()
                trial.commit()
                session.commit()
                """
            ),
            says="member 8 is Magnus Okafor, and shall be Magnus Wright",
        ),
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).name = "Laila Okafor"
                session.commit()
                session.get(Member, 8).name = "Magnus Okafor"
                session.rollback()
                session.get(Member, 7).name = "Laila Okafor"
                session.get(Member, 9).name = "Mai Okafor"
                session.commit()
                """
            ),
            says="2 rows of `member` are changed",
        ),
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).name = "Laila Okafor"
                trial = session.begin_nested()
                session.get(Member, 8).name = "Magnus Okafor"
                trial.rollback()
                """
            ),
            says="or was it never committed?",
        ),
    ),
    "The handle knows its level; the session means the whole.",
    starter=Code(
        """
        session.get(Member, 7).name = "Laila Okafor"
        trial = session.begin_nested()
        session.get(Member, 8).name = "Magnus Okafor"
        session.flush()
        session.rollback()
        session.commit()
        """
    ),
)

NOTES = Notes(
    timing=(
        ("The story; 8a, and the leak of the plain driver", 9),
        ("8b: rows and objects", 6),
        ("The stack; savepoints with names", 6),
        ("8c and 8d", 7),
        ("DuckDB: made by repeating, refused where it must be", 3),
        ("8e by hands; Modify", 3),
        ("Exercises 8a and 8b", 5),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "8a": "a: the word commit. Write 'let go' on the board, and use it from now on.",
        "8b": "b. Ask what the next flush would do with a name that the row has not.",
        "8c": "a, from lesson 7, and well remembered. The block makes the difference.",
        "8d": "a, and it was so in early versions of SQLAlchemy. Show the handle.",
        "8e": "b. Hold 8a against it.",
    },
    draw="A staircase down: BEGIN, savepoint, savepoint. Going back is walking up to a mark, dropping what you "
    "carry. Only at the top "
    "there is a door to the street: COMMIT.",
    skip="The plain driver's leak, and DuckDB, unless somebody uses it.",
    break_live=Code(
        """
        # a savepoint that is rolled back after it was let go of
        inner = session.begin_nested()
        inner.commit()
        inner.rollback()
        """
    ),
)

LESSON = Lesson(
    number=8,
    title="Try, undo half",
    notebook="08_try_undo_half.ipynb",
    minutes=40,
    predictions=PREDICTIONS,
    exercises=(IMPORT, HALF),
    notes=NOTES,
)
