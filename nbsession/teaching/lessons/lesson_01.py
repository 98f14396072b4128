"""Lesson 1, the new member: the five states of an object, and which call moves it from one to the next."""

from __future__ import annotations

from nbsession.teaching.attempt import STATES, Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import at_most, committed, leaves, no_errors

CALLS = 8

PREDICTIONS = (
    Prediction(
        "1a",
        "There are 64 members. `ada = Member(…)` runs. How many does the desk next door count then?",
        {
            "a": Choice("65: making a member writes its row", "A class that is mapped is still a class.", 0),
            "b": Choice("64: nothing has reached the database"),
            "c": Choice(
                "None: without a session a mapped class cannot be called",
                "It can: the object is an ordinary one, and no session knows of it.",
            ),
        },
        "b",
        "A constructor makes a Python object and nothing else. Ada is transient: drop the variable, and she never was.",
        evidence="[(64,)]",
    ),
    Prediction(
        "1b",
        "`session.add(ada)` runs. What is `ada.id` then, and what does the desk next door count?",
        {
            "a": Choice("65, and 65 members", "That would take an INSERT and a COMMIT. `add` sends neither.", 0),
            "b": Choice("65, and 64 members: the row is there, not committed", "That is what a flush does.", 0),
            "c": Choice("`None`, and 64 members"),
        },
        "c",
        "`add` puts the object on the session's list: pending. The list is sent by a flush, and only the database gives "
        "keys.",
        evidence="(None, [(64,)])",
    ),
    Prediction(
        "1c",
        "`session.flush()` runs. What is `ada.id` then, and what does the desk next door count?",
        {
            "a": Choice("`None`, and 64 members", "The INSERT went out: the log has it, and the key came back.", 3),
            "b": Choice("65, and 64 members"),
            "c": Choice("65, and 65 members", "A flush sends; it does not commit. Lesson 2 is about this.", 3),
        },
        "b",
        "A flush sends the INSERT inside your transaction: persistent, a row with a key, and nobody else sees it yet.",
        evidence="(65, [(64,)])",
    ),
    Prediction(
        "1d",
        "Ada is committed. `session.delete(ada)` runs, and nothing else. In which state is she?",
        {
            "a": Choice("deleted", "That word is for afterwards: `deleted` means that the DELETE has been sent."),
            "b": Choice("persistent, and marked for the next flush"),
            "c": Choice(
                "detached: she is no longer the session's", "She is: how else would the session delete her row?"
            ),
            "d": Choice("transient again: as if she had never been added", "Her row is still there."),
        },
        "b",
        "`delete` is the mirror of `add`: it notes what the next flush shall do. The state moves when the DELETE is sent.",
        evidence="(True, True)",
    ),
    Prediction(
        "1e",
        "You have seen all five states. Which sentence is the rule?",
        {
            "a": Choice(
                "Each call on the session moves the object one state further",
                "`delete(ada)` moved nothing, and `commit` moved nothing the first time.",
            ),
            "b": Choice(
                "The state says two things: does a session know the object, and has it a row?",
            ),
            "c": Choice(
                "The state says how much of the object is on the disk",
                "Persistent and deleted objects may both be uncommitted. What is on the disk is the transaction's affair.",
                3,
            ),
        },
        "b",
        "Transient: neither session nor row. Pending: a session, no row. Persistent: both. Deleted: a session, the row "
        "just gone. Detached: no session, and a row that is or was.",
    ),
)


# ── exercise 1a: one object through all five states ──────────────────────────────────────────────────────────────────
def all_five_states(attempt: Attempt) -> Wrong | None:
    """One object was in every state."""
    lives = attempt.lives("Member")
    if not lives:
        return Wrong("No member has moved yet: the session has not been told of any.", "board")
    best = max(lives, key=lambda life: len(set(life)))
    missing = [state for state in STATES if state not in best]
    if missing:
        went = " → ".join(best)
        return Wrong(f"The member who came furthest went {went}. Missing: {', '.join(missing)}.", "timeline")
    return None


def few_calls(attempt: Attempt) -> Wrong | None:
    """No more calls than needed."""
    if len(attempt.calls) > CALLS:
        return Wrong(f"{len(attempt.calls)} calls did something; {CALLS} are enough. Which did not help?", "timeline")
    return None


FIVE_STATES = Exercise(
    "1a",
    "Take one new Member through all five states, with at most eight calls, and leave the file as it was.",
    (no_errors(), all_five_states, leaves("member"), few_calls),
    (
        "The order is the one of the board's lanes, from left to right. Which call leads out of each lane?",
        "Two of the moves are made by a flush: pending → persistent, and persistent → deleted. What has to be said before "
        "each of them?",
        "The last move is made by the end of the transaction: after the DELETE is sent, `session.commit()`.",
    ),
    Code(
        """
        bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
        session.add(bo)
        session.flush()
        session.delete(bo)
        session.flush()
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code('bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)'),
            says="No member has moved yet",
        ),
        WrongAnswer(
            Code(
                """
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                session.flush()
                session.delete(bo)
                session.rollback()
                """
            ),
            says="Missing: deleted, detached",
        ),
        WrongAnswer(
            Code(
                """
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                session.commit()
                session.expunge(bo)
                """
            ),
            says="Missing: deleted",
        ),
        WrongAnswer(
            Code(
                """
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                session.flush()
                session.delete(bo)
                session.flush()
                session.commit()
                cleo = Member(card_no="TS-1067", name="Cleo Berg", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(cleo)
                session.commit()
                """
            ),
            says="1 row of `member` is new",
        ),
        WrongAnswer(
            Code(
                """
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                for n in range(3):
                    session.add(bo)
                    session.flush()
                    session.rollback()
                session.add(bo)
                session.flush()
                session.delete(bo)
                session.flush()
                session.commit()
                """
            ),
            says="8 are enough",
        ),
    ),
    "Six calls do it: the constructor, add, flush, delete, flush, commit. Only three of them sent anything.",
)


# ── exercise 1b: four members, four states ───────────────────────────────────────────────────────────────────────────
WANTED = {"ada": "transient", "bo": "pending", "cleo": "persistent", "dan": "detached"}


def four_states(attempt: Attempt) -> Wrong | None:
    """Each of the four is where it should be."""
    for name, wanted in WANTED.items():
        found = attempt.state(name)
        if not found:
            return Wrong(
                f"There is no variable `{name}` that holds a member; it shall hold one who is {wanted}.", "board"
            )
        if found != wanted:
            return Wrong(f"`{name}` is {found}, and shall be {wanted}.", "board")
    return None


FOUR_MEMBERS = Exercise(
    "1b",
    "Four variables, four states: `ada` transient, `bo` pending, `cleo` persistent, `dan` detached; not one row written.",
    (four_states, at_most(0, "INSERT"), at_most(0, "UPDATE"), at_most(0, "DELETE"), committed(0), leaves("member")),
    (
        "Persistent and detached members need rows, and 64 are there already: `session.get(Member, 7)`.",
        "To be detached is to have a row and no session. `expunge` takes an object out of the session.",
        "Beware of the order: a query flushes first what is pending, and `bo` would be persistent. Add him last.",
    ),
    Code(
        """
        ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=date(2025, 7, 1), branch_id=2)
        cleo = session.get(Member, 7)
        dan = session.get(Member, 8)
        session.expunge(dan)
        bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
        session.add(bo)
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=date(2025, 7, 1), branch_id=2)
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                cleo, dan = session.scalars(select(Member).where(Member.id.in_([7, 8]))).all()
                session.expunge(dan)
                """
            ),
            says="`bo` is persistent, and shall be pending",
        ),
        WrongAnswer(
            Code(
                """
                ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=date(2025, 7, 1), branch_id=2)
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                """
            ),
            says="There is no variable `cleo`",
        ),
        WrongAnswer(
            Code(
                """
                ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=date(2025, 7, 1), branch_id=2)
                cleo = Member(card_no="TS-1067", name="Cleo Berg", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(cleo)
                session.flush()
                dan = session.get(Member, 8)
                session.expunge(dan)
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                """
            ),
            says="1 INSERT was sent; none may be",
        ),
        WrongAnswer(
            Code(
                """
                ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=date(2025, 7, 1), branch_id=2)
                cleo = session.get(Member, 7)
                dan = Member(card_no="TS-1068", name="Dan Holm", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(dan)
                session.expunge(dan)
                bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=date(2025, 7, 2), branch_id=1)
                session.add(bo)
                """
            ),
            says="`dan` is transient, and shall be detached",
        ),
    ),
    "You can read a state off two questions: does the session know it, and has it a row?",
)

NOTES = Notes(
    timing=(
        ("The story and the board, empty: name the five lanes before anything moves", 5),
        ("1a to 1c: predict, run, look at the board after each", 10),
        ("1d, delete and its two steps; 1e as a vote by hands", 8),
        ("Modify: pairs change one line and say the lane first", 5),
        ("Exercises 1a and 1b", 10),
        ("The same in SQLAlchemy 2, key points", 2),
    ),
    expect={
        "1a": "a, from people who know active-record libraries, where create() writes. Ask: which line would carry the SQL?",
        "1b": "b. They know that keys come from the database, and think that add asks for one. Show `%session log`: empty.",
        "1c": "c. Let it stand for now; the desk next door is the subject of lesson 2.",
        "1d": "a. The word misleads; say 'marked' aloud each time until the flush.",
        "1e": "a. Ask for a call that moved nothing.",
    },
    draw="Two circles, 'known to a session' and 'has a row'. Write the states into the regions: transient outside both, "
    "pending in the first only, persistent in both, detached in the second only. Deleted stands on the edge of the second.",
    skip="Exercise 1b; or the part Modify, if the group is quick with exercise 1a.",
    break_live=Code(
        """
        # a row that already has this card: where does the member end, and what does the board say?
        eve = Member(card_no="TS-1007", name="Eve Falk", joined_on=date(2025, 7, 3), branch_id=1)
        session.add(eve)
        session.flush()
        """
    ),
)

LESSON = Lesson(
    number=1,
    title="The new member: five states",
    notebook="01_the_new_member.ipynb",
    minutes=40,
    predictions=PREDICTIONS,
    exercises=(FIVE_STATES, FOUR_MEMBERS),
    notes=NOTES,
)
