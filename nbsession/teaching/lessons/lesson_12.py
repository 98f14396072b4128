"""Lesson 12, two desks and two databases: merge, lost updates and versions, and what two COMMITs cannot promise."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from nbsession import Session
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, exactly, leaves

PREDICTIONS = (
    Prediction(
        "12a",
        "`slip` is detached and changed; `tracked = session.merge(slip)`. Are the two in the session?",
        {
            "a": Choice(
                "Both: `merge` takes the slip back in",
                "It copies it. The slip stays outside, and what you change on it later is lost.",
                8,
            ),
            "b": Choice("Only `tracked`"),
            "c": Choice(
                "Only `slip`; `tracked` is a copy of it, for comparing",
                "The other way round: what `merge` gives back is the session's object.",
                8,
            ),
        },
        "b",
        "One row is one object in a session, and a stranger cannot become it. `merge` writes the stranger's "
        "values onto it.",
        evidence="(False, True, 'Cordless drill, oiled')",
    ),
    Prediction(
        "12b",
        "Harbour has committed Laila Okafor. Then Mill Lane, which has not seen it, commits Laila Lund. What is "
        "in the file?",
        {
            "a": Choice("Laila Lund, and nobody is told"),
            "b": Choice(
                "Laila Okafor: the second commit fails",
                "Why should it? The row is there, and the UPDATE finds it by its key.",
                5,
            ),
            "c": Choice(
                "It could not happen, if both desks shared one session",
                "Then there would be one object, and the last one to type would win: the same, but unseen. And "
                "one desk's "
                "commit would commit the other's half-done work.",
                11,
            ),
        },
        "a",
        "An UPDATE by key writes over whatever is there. Somebody has to ask whether the row is still the one "
        "that was read.",
        evidence="[('Laila Lund',)]",
    ),
    Prediction(
        "12c",
        "The same with a tool, which has a version: Harbour renames it and commits; Mill Lane changes the "
        "branch and commits. What comes of it?",
        {
            "a": Choice(
                "Both changes are in: they are about different columns",
                "Without a version, yes. The version says that the row has changed since it was read; it does "
                "not look which column.",
            ),
            "b": Choice("StaleDataError, and Harbour's change stays"),
            "c": Choice(
                "StaleDataError, and both are rolled back",
                "Harbour has committed long ago. That is not undone by anybody.",
            ),
        },
        "b",
        "`UPDATE … WHERE id = ? AND version = ?` found no row. Nothing is lost: read again, and repeat the change.",
        evidence="('StaleDataError', [('Drill, two batteries', 1, 2)])",
    ),
    Prediction(
        "12d",
        "One session, two databases: a member for the desk's file, a notice for the ledger's, which is refused "
        "at the COMMIT. What is in the two files? "
        "(64 members and 19 notices were there.)",
        {
            "a": Choice(
                "64 and 19: it is one commit, so all or nothing",
                "It is one call. Underneath are two COMMITs, and the first one has gone through.",
                13,
            ),
            "b": Choice("65 and 20: a commit cannot be refused", "A foreign key may be checked as late as that."),
            "c": Choice("65 and 19"),
        },
        "c",
        "Between two COMMITs there is a moment. An error or a crash in it leaves one file with its half, and "
        "the other without.",
        evidence="([(65,)], [(19,)])",
    ),
    Prediction(
        "12e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "A session keeps its databases in step, since it commits them together",
                "One after the other. 12d shows the moment between.",
                13,
            ),
            "b": Choice(
                "Conflicts come from having several sessions: one for the whole program avoids them",
                "It avoids that you see them. Work that belongs together needs a session of its own, with a "
                "begin and an end.",
                11,
            ),
            "c": Choice("One transaction, one database, and a version where two may change a row"),
        },
        "c",
        "What must change together belongs into one database; who changes what others may change has to notice.",
    ),
)


# ── exercise 12a: both changes ───────────────────────────────────────────────────────────────────────────────────────
def stale_drill(session: Any, names: MutableMapping[str, Any]) -> None:
    """A drill on the screen, moved; renamed at Harbour meanwhile."""
    drill = names["drill"] = session.get(names["Tool"], 7)
    session.expunge(drill)
    session.rollback()
    with Session(session.get_bind()) as harbour:
        harbour.get(names["Tool"], 7).name = "Drill, two batteries"
        harbour.commit()
    session.add(drill)
    drill.branch_id = 3


def both_changes(attempt: Attempt) -> Wrong | None:
    """Harbour's name and one's own branch."""
    row = next(row for row in attempt.rows("tool") if row[0] == 7)
    if row[2] != "Drill, two batteries":
        return Wrong(f"Harbour's name is lost: the drill is called {row[2]}.", "outside")
    if row[4] != 3:
        return Wrong(f"The drill is at branch {row[4]}; you have moved it to branch 3.", "stack")
    if row[5] != 3:
        return Wrong(f"The row is in version {row[5]}; two changes after version 1 make 3. Who has not counted?", "log")
    return None


BOTH_CHANGES = Exercise(
    "12a",
    "The file has both changes of the drill: Harbour's name, and your branch.",
    (both_changes, leaves("tool", changed=1)),
    (
        "What does the error say to do? It names three steps.",
        "A rollback expires the drill: it will be read again, with Harbour's name and the new version. Your "
        "change is gone with it.",
        "`session.rollback()`, `drill.branch_id = 3`, `session.commit()`.",
    ),
    Code(
        """
        session.rollback()
        drill.branch_id = 3
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                drill.branch_id = 3
                session.commit()
                """
            ),
            says="Your code stopped with StaleDataError",
        ),
        WrongAnswer(
            Code(
                """
                try:
                    session.commit()
                except StaleDataError:
                    session.rollback()
                    session.commit()
                """
            ),
            says="The drill is at branch 1",
        ),
        WrongAnswer(
            Code(
                """
                from nbsession import text
                session.rollback()
                session.execute(text("UPDATE tool SET branch_id = 3, name = 'Cordless drill' WHERE id = 7"))
                session.commit()
                """
            ),
            says="Harbour's name is lost",
        ),
        WrongAnswer(
            Code(
                """
                from nbsession import text
                session.rollback()
                session.execute(text("UPDATE tool SET branch_id = 3 WHERE id = 7"))
                session.commit()
                """
            ),
            says="The row is in version 2",
        ),
    ),
    "Roll back, read again, repeat: that is what the version is for.",
    starter=Code("session.commit()"),
    prepare=stale_drill,
)


# ── exercise 12b: the slip ───────────────────────────────────────────────────────────────────────────────────────────
def slip_and_drill(session: Any, names: MutableMapping[str, Any]) -> None:
    """A changed slip, and the session's own drill."""
    slip = names["slip"] = session.get(names["Tool"], 7)
    session.expunge(slip)
    slip.name = "Cordless drill, oiled"
    names["drill"] = session.get(names["Tool"], 7)


def oiled(attempt: Attempt) -> Wrong | None:
    """The slip's name with its mark is in the file."""
    row = next(row for row in attempt.rows("tool") if row[0] == 7)
    if row[2] != "Cordless drill, oiled!":
        return Wrong(
            f"In the file the drill is called {row[2]!r}. Which of the two objects is in the session?", "board"
        )
    return None


SLIP = Exercise(
    "12b",
    "The slip's name, with `!` at its end, is in the file, by one UPDATE.",
    (oiled, exactly(1, "UPDATE", "tool"), leaves("tool", changed=1), committed(1)),
    (
        "Ask both: `slip in session`, `drill in session`.",
        "`merge` returns the object that is tracked. Here it is `drill`.",
        '`tracked = session.merge(slip)`, then `tracked.name += "!"`, and commit.',
    ),
    Code(
        """
        tracked = session.merge(slip)
        tracked.name += "!"
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.add(slip)
                slip.name += "!"
                session.commit()
                """
            ),
            says="Your code stopped with InvalidRequestError",
        ),
        WrongAnswer(
            Code(
                """
                session.merge(slip)
                session.commit()
                """
            ),
            says="is called 'Cordless drill, oiled'. Which of the two",
        ),
        WrongAnswer(
            Code(
                """
                drill.name += "!"
                session.commit()
                """
            ),
            says="is called 'Cordless drill!'",
        ),
        WrongAnswer(
            Code(
                """
                session.merge(slip)
                session.flush()
                drill.name += "!"
                session.commit()
                """
            ),
            says="2 UPDATEs of `tool` were sent",
        ),
    ),
    "The slip told its news; the session's own object carries it.",
    starter=Code(
        """
        session.merge(slip)
        slip.name += "!"
        session.commit()
        """
    ),
    prepare=slip_and_drill,
)

NOTES = Notes(
    timing=(
        ("The two desks; 12a, and merge", 10),
        ("12b, the lost update: play it with two people and one card", 10),
        ("12c, the version in the statement", 10),
        ("12d, two files, two COMMITs; two-phase commit, and doubt", 12),
        ("12e by hands; Modify", 6),
        ("Exercises 12a and 12b", 10),
        ("The same in SQLAlchemy 2, key points", 2),
    ),
    expect={
        "12a": "a: the name merge suggests it. Say 'copy onto' each time.",
        "12b": "b, from people who trust databases. Or c: ask what one commit would commit.",
        "12c": "a. It would be possible, and some systems do; here the row counts as a whole.",
        "12d": "a. Draw the moment between the two COMMITs, and a lightning in it.",
        "12e": "b, in every group somebody has one global session. Ask who rolls back whose work.",
    },
    draw="Two desks, one card index; each has a photograph of the same card. Then two card indexes and one "
    "clerk, who runs from one to the other with the stamp.",
    skip="Two-phase commit, if nobody has two databases: one sentence is enough.",
    break_live=Code(
        """
        # what does the session of two databases say of itself, after half of it has failed?
        both = Session(binds={Member: session.get_bind(), Notice: create_engine(LEDGER)})
        both.add(Member(card_no="TS-1070", name="Finn Moe", joined_on=date(2025, 7, 1), branch_id=2))
        both.add(Notice(member_id=999, sent_on=date(2025, 7, 1), text="Welcome."))
        both.commit()
        """
    ),
)

LESSON = Lesson(
    number=12,
    title="Two desks, two databases",
    notebook="12_two_desks_two_databases.ipynb",
    minutes=60,
    predictions=PREDICTIONS,
    exercises=(BOTH_CHANGES, SLIP),
    notes=NOTES,
)
