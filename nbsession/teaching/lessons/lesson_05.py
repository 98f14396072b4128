"""Lesson 5, what counts as a change: what the session compares, what it cannot see, and which columns an UPDATE has."""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, exactly, leaves, no_errors
from nbsession.teaching.toolshed import next_door
from nbsession.teaching.toolshed.classes import Tool

PREDICTIONS = (
    Prediction(
        "5a",
        "The saw's name is changed, and changed back. Is the saw in `session.dirty`, and is it modified?",
        {
            "a": Choice(
                "`(True, True)`: two assignments, and an UPDATE with the name",
                "The assignments are noted, but at the end the values are compared: nothing differs.",
            ),
            "b": Choice("`(True, False)`: touched, and not different"),
            "c": Choice(
                "`(False, False)`: the session noticed that it is as before",
                "To know that, it has to compare, and it does so late. Until then the saw counts as touched.",
            ),
        },
        "b",
        "`dirty` is a list of suspects, cheap to keep. Whether there is something to write is found out by comparing.",
        evidence="(True, False)",
    ),
    Prediction(
        "5b",
        "Four attributes of the drill are set from a form; only the name is new. What does the UPDATE set?",
        {
            "a": Choice(
                "All six columns, as they are in the object",
                "Some libraries save the whole row. It would write over what others have changed meanwhile.",
            ),
            "b": Choice("The four that were assigned", "Three of them are equal to what was loaded."),
            "c": Choice("The name"),
            "d": Choice("Nothing, before a commit", "It is a flush that sends UPDATEs. Lesson 2.", 3),
        },
        "c",
        "The drill was loaded, so that there was something to compare with: only what differs is written.",
        evidence="UPDATE tool SET name = ? WHERE id = ?",
    ),
    Prediction(
        "5c",
        '`card.marks.append("oiled")`, on a list in a JSON column. What are the marks, and is the card dirty?',
        {
            "a": Choice(
                "Both marks, and `True`: the object was changed",
                "It was, but inside the list. Only an assignment to the attribute passes by the session.",
            ),
            "b": Choice("Both marks, and `False`"),
            "c": Choice("One mark, and `False`: a loaded list is a copy", "It is the very list that the object holds."),
            "d": Choice("An error: loaded lists cannot be changed", "Nothing forbids it. That is the trap."),
        },
        "b",
        "A plain list tells nobody. The session would have to compare the contents of every list at every flush, with a copy "
        "it does not have.",
        evidence="(['sharpened', 'oiled'], False)",
    ),
    Prediction(
        "5d",
        "The drill is named Drill, one battery; that is flushed. Then it is named Drill, two batteries. What does its "
        "history hold as the value before?",
        {
            "a": Choice("Drill, one battery"),
            "b": Choice(
                "Cordless drill, 18 V, the last one that was committed",
                "The session compares with what the row holds, inside your transaction. That is what the flush wrote.",
                3,
            ),
            "c": Choice(
                "Cordless drill: what was in the file in the morning",
                "It has been overwritten by a flush, and by a commit.",
            ),
        },
        "a",
        "The committed value, in the words of ORMs, is what the row holds as far as the session knows: what was loaded or "
        "flushed last.",
        evidence="deleted=['Drill, one battery']",
    ),
    Prediction(
        "5e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "Whatever was assigned is written, in the order of the assignments",
                "Changed back: nothing was written. And of two names only the last one is.",
            ),
            "b": Choice(
                "Before each flush the session compares all loaded objects with their rows",
                "It would have to read them. It compares with what it remembers, for what was assigned.",
            ),
            "c": Choice("What was assigned is compared with what was loaded or flushed last; what differs is written"),
        },
        "c",
        "Two conditions: the session has heard of it (an assignment), and it differs (a comparison).",
    ),
)


# ── exercise 5a: the smallest UPDATE ─────────────────────────────────────────────────────────────────────────────────
def drill_and_form(session: Any, names: MutableMapping[str, Any]) -> None:
    """An expired drill, and a form with one new value."""
    names["drill"] = session.get(Tool, 7)
    names["form"] = {"tag": "DRI-01", "name": "Cordless drill, 18 V", "branch_id": 1, "version": 1}
    session.commit()


def new_name(attempt: Attempt) -> Wrong | None:
    """The name is in the file."""
    row = next((row for row in attempt.rows("tool") if row[0] == 7), None)
    if row is None or row[2] != "Cordless drill, 18 V":
        return Wrong("In the file the drill has not got its new name.", "outside")
    return None


def one_column(attempt: Attempt) -> Wrong | None:
    """The UPDATE sets the name, and nothing else."""
    for fact in attempt.sent("UPDATE", "tool"):
        columns = re.findall(r'"?(\w+)"? = ', fact.sql.partition(" WHERE ")[0])
        if columns != ["name"]:
            return Wrong(
                f"The UPDATE sets {', '.join(columns)}. What was the session to compare with, when these were set?",
                "log",
            )
    return None


SMALLEST = Exercise(
    "5a",
    "Store the form in the drill with one UPDATE that sets one column, and commit.",
    (
        no_errors(),
        new_name,
        exactly(1, "UPDATE", "tool"),
        one_column,
        leaves("tool", changed=1),
        committed(1),
    ),
    (
        "Where has the session its idea of the old values from, when all of them have expired?",
        "Reading an expired attribute loads all of them. After that there is something to compare with.",
        "`session.refresh(drill)`, or just read `drill.name`; then set what the form says, in a loop, and commit.",
    ),
    Code(
        """
        session.refresh(drill)
        for field, value in form.items():
            setattr(drill, field, value)
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                for field, value in form.items():
                    setattr(drill, field, value)
                session.commit()
                """
            ),
            says="The UPDATE sets tag, name, branch_id, version",
        ),
        WrongAnswer(
            Code(
                """
                from nbsession import update
                session.execute(update(Tool).where(Tool.id == 7).values(**form))
                session.commit()
                """
            ),
            says="What was the session to compare with",
        ),
        WrongAnswer(
            Code(
                """
                for field, value in form.items():
                    drill.tag
                    setattr(drill, field, value)
                    session.commit()
                """
            ),
            says="it takes 1",
        ),
        WrongAnswer(
            Code(
                """
                drill.tag
                for field, value in form.items():
                    setattr(drill, field, value)
                session.flush()
                """
            ),
            says="has not got its new name",
        ),
    ),
    "What is loaded can be compared; what is compared need not be written.",
    prepare=drill_and_form,
)


# ── exercise 5b: a list that is saved ────────────────────────────────────────────────────────────────────────────────
def sharpened_card(session: Any, names: MutableMapping[str, Any]) -> None:
    """The drill's card, with one mark."""
    card = session.get(names["ServiceCard"], 7)
    if card is not None:
        session.delete(card)
        session.flush()
        session.expunge_all()
    card = names["card"] = names["ServiceCard"](id=7, marks=["sharpened"])
    session.add(card)
    session.commit()


def oiled(attempt: Attempt) -> Wrong | None:
    """The file says so."""
    marks = next_door(attempt.url, "SELECT marks FROM service_card WHERE id = 7")
    if not marks or "oiled" not in str(marks[0][0]):
        return Wrong(
            "The card next door has no mark `oiled`. Was the session told that the list has changed?",
            "outside" if attempt.count("UPDATE") else "log",
        )
    if "sharpened" not in str(marks[0][0]):
        return Wrong("The mark `sharpened` is lost.", "outside")
    return None


MARKED = Exercise(
    "5b",
    "Add the mark `oiled` to the card, so that the desk next door sees it: one UPDATE, one COMMIT.",
    (no_errors(), oiled, exactly(1, "UPDATE", "service_card"), exactly(0, "DELETE"), committed(1)),
    (
        "Run the starter, and look at the log: no UPDATE. `+=` changes the list in place, and then assigns the same list.",
        "The session compares the old list with the new one. It can only see a difference if they are two lists.",
        '`card.marks = [*card.marks, "oiled"]`, or `flag_modified(card, "marks")` after the append.',
    ),
    Code(
        """
        card.marks = [*card.marks, "oiled"]
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                card.marks.append("oiled")
                session.commit()
                """
            ),
            says="Was the session told that the list has changed?",
        ),
        WrongAnswer(
            Code(
                """
                marks = card.marks
                marks.append("oiled")
                card.marks = marks
                session.commit()
                """
            ),
            says="Was the session told that the list has changed?",
        ),
        WrongAnswer(
            Code(
                """
                card.marks = ["oiled"]
                session.commit()
                """
            ),
            says="`sharpened` is lost",
        ),
        WrongAnswer(
            Code(
                """
                session.delete(card)
                session.flush()
                session.add(ServiceCard(id=7, marks=["sharpened", "oiled"]))
                session.commit()
                """
            ),
            says="No UPDATEs of `service_card` were sent",
        ),
    ),
    "Two lists, one difference, one UPDATE.",
    starter=Code(
        """
        card.marks += ["oiled"]
        session.commit()
        """
    ),
    prepare=sharpened_card,
)

NOTES = Notes(
    timing=(
        ("5a, with `why`: touched and different are two things", 7),
        ("5b: let them write the UPDATE on paper first", 6),
        ("5c, the commit that forgets, three cures", 9),
        ("5d and the object card; then the expired one", 6),
        ("5e by hands; Modify in pairs", 4),
        ("Exercises 5a and 5b", 7),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "5a": "a. Let `why` answer, and then show `session.dirty`: both are true.",
        "5b": "b, from people who know what a form does. Ask what becomes of a colleague's change to the branch.",
        "5c": "a. Nobody believes it before the commit has eaten the mark: run that cell slowly.",
        "5d": "b: the word committed. Say 'as far as the session knows' each time.",
        "5e": "b, since it sounds careful. Ask what it would cost.",
    },
    draw="A card with two columns, committed and current, and a flap between them. An assignment writes into the right one; "
    "a flush compares, sends what differs, and copies right to left; a commit wipes both.",
    skip="5d; or exercise 5a, if expiry (lesson 6) comes next anyway.",
    break_live=Code(
        """
        # the same list in two objects: whose change is it?
        shared = ["sharpened"]
        session.add_all([ServiceCard(id=101, marks=shared), ServiceCard(id=102, marks=shared)])
        session.flush()
        shared.append("lost")
        session.flush()
        """
    ),
)

LESSON = Lesson(
    number=5,
    title="What counts as a change",
    notebook="05_what_counts_as_a_change.ipynb",
    minutes=40,
    predictions=PREDICTIONS,
    exercises=(SMALLEST, MARKED),
    notes=NOTES,
)
