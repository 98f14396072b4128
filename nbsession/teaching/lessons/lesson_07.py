"""Lesson 7, the cell that failed: where a failed flush leaves objects and session, and how to go on without a restart."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import suppress
from datetime import date
from typing import Any

from nbsession import IntegrityError
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import leaves

TODAY = date(2025, 7, 1)

PREDICTIONS = (
    Prediction(
        "7a",
        "Ada, Bo and Cleo are flushed; Bo's card is taken. In which states are the three afterwards?",
        {
            "a": Choice(
                "Ada persistent, Bo and Cleo pending: it stopped at Bo",
                "Ada's INSERT may have gone out first. But a flush is undone as a whole: her row is gone again.",
            ),
            "b": Choice(
                "All pending: they wait for the next flush",
                "Then the next flush would fail in the same way, and so on for ever.",
            ),
            "c": Choice("All transient: the session does not know them any more"),
            "d": Choice(
                "Ada and Cleo persistent, Bo transient: the good ones are in",
                "The database could do so; a unit of work is all or nothing.",
                2,
            ),
        },
        "c",
        "A flush is all or nothing, in the database and in the objects: the transaction is rolled back, and who was new in it "
        "is transient again.",
        evidence="['transient', 'transient', 'transient']",
    ),
    Prediction(
        "7b",
        "The error was caught. What does the next cell get that counts the members?",
        {
            "a": Choice("PendingRollbackError: nothing is sent before a rollback"),
            "b": Choice(
                "64: the error is over, it was caught",
                "Python's error is over. The transaction is not: it has failed, and nobody has ended it.",
                2,
            ),
            "c": Choice("66: the two good ones are counted", "They were undone together with Bo.", 2),
            "d": Choice(
                "IntegrityError, once more: the flush is repeated",
                "There is nothing left to flush: the three are transient.",
            ),
        },
        "a",
        "The session waits until you say that you know: `rollback()`. What was in the transaction before the failed flush is "
        "gone, too.",
        evidence="'PendingRollbackError'",
    ),
    Prediction(
        "7c",
        "`session.rollback()`, then `session.commit()`. How many members are in the file, and what is `ada.name`?",
        {
            "a": Choice(
                "66, and her name: a rollback takes back what failed, and the rest is committed",
                "A rollback takes back everything since BEGIN, and the three left the session at the failure.",
                2,
            ),
            "b": Choice("64, and her name: the object is as you made it"),
            "c": Choice(
                "64, and an error: the object went with the row",
                "A transient object is an ordinary Python object. Nothing can take its attributes away.",
            ),
        },
        "b",
        "The session has nothing to send. The objects have all they had; you hold them, and can add them again.",
        evidence="([(64,)], 'Ada Nyberg')",
    ),
    Prediction(
        "7d",
        "The class cell is run again. Is `ada` a Member, and is she in the session?",
        {
            "a": Choice(
                "`(False, True)`: she is of the class that was there before",
                "In plain Python it is so. Here the new definition takes over the class and its objects.",
            ),
            "b": Choice(
                "An error: the table `member` is defined already",
                "In SQLAlchemy it is, and most people restart the kernel then.",
            ),
            "c": Choice(
                "`(False, False)`: new classes begin with an empty session", "The session has not been touched."
            ),
            "d": Choice("`(True, True)`: nothing changes for her"),
        },
        "d",
        "A class cell that is run again changes the class in place: same objects, same states. It is refused only where "
        "unsaved changes would be lost.",
        evidence="(True, True)",
    ),
    Prediction(
        "7e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "After an error the kernel is in an unknown state: restart it, and run all cells",
                "Its state is on the board. A restart throws away the objects, too.",
                2,
            ),
            "b": Choice("After a failed flush: roll back, mend, add again"),
            "c": Choice(
                "After a failed flush: catch the error, and go on",
                "Going on is what the session refuses, until the rollback.",
                2,
            ),
        },
        "b",
        "The rollback is yours to say, because it says that you know what was lost.",
    ),
)


# ── exercise 7a: a wrecked session ───────────────────────────────────────────────────────────────────────────────────
def wrecked(session: Any, names: MutableMapping[str, Any]) -> None:
    """A session whose flush of three has failed."""
    member = names["Member"]
    names["ada"] = member(card_no="TS-1065", name="Ada Nyberg", joined_on=TODAY, branch_id=2)
    names["bo"] = member(card_no="TS-1007", name="Bo Lind", joined_on=TODAY, branch_id=1)
    names["cleo"] = member(card_no="TS-1067", name="Cleo Berg", joined_on=TODAY, branch_id=1)
    session.add_all([names["ada"], names["bo"], names["cleo"]])
    with suppress(IntegrityError):
        session.flush()


def fit_for_work(attempt: Attempt) -> Wrong | None:
    """The session takes statements, and owes nothing."""
    if not attempt.session.is_active:
        return Wrong("The session's transaction has failed, and nobody has rolled it back.", "stack")
    if attempt.unsaved:
        return Wrong(f"Not all of it is committed: {attempt.unsaved}.", "stack")
    return None


def has_cards(*cards: str) -> Any:
    """These new cards are in the file, and no others."""

    def judge(attempt: Attempt) -> Wrong | None:
        found = sorted(str(row[1]) for row in attempt.added("member"))
        missing = [card for card in cards if card not in found]
        if missing:
            return Wrong(f"In the file there is no member with card {', '.join(missing)}.", "board")
        return None

    return judge


BROUGHT_BACK = Exercise(
    "7a",
    "Bring the wrecked session back: Ada and Cleo in the file, Bo not, and the session can be used.",
    (fit_for_work, has_cards("TS-1065", "TS-1067"), leaves("member", added=2)),
    (
        "Run `%session stack`: what does the line at its end say?",
        "After the rollback the three are transient. Who is to be added again?",
        "`session.rollback()`, `session.add_all([ada, cleo])`, `session.commit()`.",
    ),
    Code(
        """
        session.rollback()
        session.add_all([ada, cleo])
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.add_all([ada, cleo])
                session.commit()
                """
            ),
            says="has failed, and nobody has rolled it back",
        ),
        WrongAnswer(
            Code(
                """
                session.rollback()
                session.commit()
                """
            ),
            says="no member with card TS-1065, TS-1067",
        ),
        WrongAnswer(
            Code(
                """
                session.rollback()
                session.add_all([ada, bo, cleo])
                session.commit()
                """
            ),
            says="has failed, and nobody has rolled it back",
        ),
        WrongAnswer(
            Code(
                """
                session.rollback()
                session.add_all([ada, cleo])
                session.flush()
                """
            ),
            says="Not all of it is committed",
        ),
        WrongAnswer(
            Code(
                """
                session.rollback()
                bo.card_no = "TS-1066"
                session.add_all([ada, bo, cleo])
                session.commit()
                """
            ),
            says="3 rows of `member` are new",
        ),
    ),
    "Roll back, mend, add again. Ada and Cleo never noticed.",
    prepare=wrecked,
)


# ── exercise 7b: six forms ───────────────────────────────────────────────────────────────────────────────────────────
CARDS = ("TS-1065", "TS-1007", "TS-1067", "TS-1068", "TS-1001", "TS-1070")
PEOPLE = ("Ada Nyberg", "Bo Lind", "Cleo Berg", "Dan Holm", "Eve Falk", "Finn Moe")
GOOD = ("TS-1065", "TS-1067", "TS-1068", "TS-1070")


def six_forms(session: Any, names: MutableMapping[str, Any]) -> None:
    """The forms."""
    names["forms"] = [
        {"card_no": card, "name": name, "joined_on": TODAY, "branch_id": 1}
        for card, name in zip(CARDS, PEOPLE, strict=True)
    ]


FOUR_STORED = Exercise(
    "7b",
    "Store the four good ones of the six forms, and leave the session fit for work.",
    (fit_for_work, has_cards(*GOOD), leaves("member", added=4)),
    (
        "Each form is a transaction of its own already. What is missing is the end of the ones that fail.",
        "`except IntegrityError:` has to say more than `pass`; or a `with` block says it for you.",
        "`with session.begin():` around `session.add(Member(**form))`, and all of it in a `try` that catches IntegrityError.",
    ),
    Code(
        """
        for form in forms:
            try:
                with session.begin():
                    session.add(Member(**form))
            except IntegrityError:
                print(form["name"], "was refused")
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                for form in forms:
                    session.add(Member(**form))
                    try:
                        session.commit()
                    except IntegrityError:
                        pass
                """
            ),
            says="has failed, and nobody has rolled it back",
        ),
        WrongAnswer(
            Code(
                """
                try:
                    with session.begin():
                        session.add_all([Member(**form) for form in forms])
                except IntegrityError:
                    pass
                """
            ),
            says="no member with card TS-1065, TS-1067",
        ),
        WrongAnswer(
            Code(
                """
                for form in forms:
                    session.add(Member(**form))
                    try:
                        session.flush()
                    except IntegrityError:
                        session.rollback()
                session.commit()
                """
            ),
            says="no member with card TS-1065",
        ),
        WrongAnswer(
            Code(
                """
                for form in forms:
                    if form["name"] != "Bo Lind":
                        session.add(Member(**form))
                        session.commit()
                """
            ),
            says="has failed, and nobody has rolled it back",
        ),
    ),
    "One transaction for each form: the bad ones take nobody with them. Lesson 8 does it inside one transaction.",
    starter=Code(
        """
        for form in forms:
            session.add(Member(**form))
            session.commit()
        """
    ),
    prepare=six_forms,
)

NOTES = Notes(
    timing=(
        ("The story; 7a, and the board", 8),
        ("7b: caught and not over; the line under the cells; the stack", 8),
        ("7c, and what the objects still say", 6),
        ("7d: run the class cell again, twice", 5),
        ("The error card, `with session.begin()`; interrupt a long cell", 6),
        ("7e by hands; Modify", 4),
        ("Exercises 7a and 7b", 7),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "7a": "b. Ask what the next flush would do then.",
        "7b": "b: it is what try and except mean everywhere else. Two things have failed, and one was caught.",
        "7c": "a, from those who think of savepoints. All of it goes; lesson 8 is about a part.",
        "7d": "b, from everybody who has met SQLAlchemy in a notebook.",
        "7e": "a, honestly meant. Show that `ada.name` is still there: a restart would have lost it.",
    },
    draw="A transaction as a box; in it a smaller one, the flush. When the small one breaks, the big one is crossed out, and "
    "the objects fall out to the left, onto the lane transient, unharmed. The box stays on the table until somebody takes it "
    "away: rollback.",
    skip="7d, if nobody runs notebooks out of order (everybody does).",
    break_live=Code(
        """
        # interrupt this one with the black square, then look at the stack
        from nbsession import text
        session.execute(text("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 1e10) SELECT max(n) FROM r"))
        """
    ),
)

LESSON = Lesson(
    number=7,
    title="The cell that failed",
    notebook="07_the_cell_that_failed.ipynb",
    minutes=45,
    predictions=PREDICTIONS,
    exercises=(BROUGHT_BACK, FOUR_STORED),
    notes=NOTES,
)
