"""Lesson 3, who ran that INSERT? A query flushes first: how to see it, why it is so, and what to do when it is too early."""

from __future__ import annotations

from nbsession.events import StatementExecuted, StatesMoved
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, exactly, leaves, no_errors

BRANCH, HARBOUR = 5, 2
"""a column of member, and the branch that the exercises ask for"""

PREDICTIONS = (
    Prediction(
        "3a",
        "The next cell has four lines. Which of them sends Ada's INSERT?",
        {
            "a": Choice("1, which makes her", "A constructor tells nobody.", 0),
            "b": Choice("2, which adds her", "`add` puts her on the list; the log has nothing from that line.", 0),
            "c": Choice("3, which asks for a drill"),
            "d": Choice(
                "4, which commits", "By then it was sent. A SELECT only reads; but before it, the session writes.", 4
            ),
        },
        "c",
        "Before a query the session flushes what is waiting, so that the answer takes your changes into account: autoflush.",
        evidence="autoflush before query",
    ),
    Prediction(
        "3b",
        "Bo is pending. `drill` is loaded, the branch it belongs to is not. What sends Bo's INSERT?",
        {
            "a": Choice("Reading `drill.name`", "That value is there already: no query, no flush."),
            "b": Choice("Reading `drill.branch`"),
            "c": Choice(
                "Neither: nobody calls a query here",
                "Touching what is not loaded is a query.",
                4,
            ),
            "d": Choice("Both", "`drill.name` was loaded with the drill."),
        },
        "b",
        "A relationship that is not loaded sends a SELECT when it is touched, and a SELECT flushes first.",
        evidence="(True, False)",
    ),
    Prediction(
        "3c",
        "Eve is added, and only then her branch is looked up by a query. Every member needs a branch. What happens?",
        {
            "a": Choice(
                "Nothing bad: she is sent at the commit, with her branch",
                "The query comes first, and sends her as she is.",
                4,
            ),
            "b": Choice(
                "The commit raises: she was added without a branch",
                "She does have one by then; but she never gets there.",
            ),
            "c": Choice("The query raises: it sends her, and she has no branch yet"),
        },
        "c",
        "The line that raises is the query; the statement that fails is an INSERT. The error's cause says so: autoflush.",
        evidence="IntegrityError",
    ),
    Prediction(
        "3d",
        "Cleo is pending. Inside `with session.no_autoflush:` a query asks for members with her card number. What comes back?",
        {
            "a": Choice("Cleo: the session knows her", "A query asks the database, and there she has no row yet."),
            "b": Choice("Nobody"),
            "c": Choice("Cleo, and an INSERT was sent for it", "That is what the block is there to prevent.", 4),
        },
        "b",
        "That is why autoflush is on by default: without it, queries would not see what you have just done.",
        evidence="([], ['Cleo Berg'])",
    ),
    Prediction(
        "3e",
        "Which sentence is the rule?",
        {
            "a": Choice("Only `flush` and `commit` send what is pending", "You have seen two other lines do it.", 4),
            "b": Choice(
                "A query of a table sends what is pending for that table",
                "Ada is a member; the query asked for tools.",
            ),
            "c": Choice("Whatever has to ask the database lets the session flush first"),
        },
        "c",
        "Query, refresh, a relationship touched: if it sends a SELECT, the flush comes before. Ask the timeline who did it.",
    ),
)


# ── exercises 3a and 3b: a premature flush, mended in two ways ───────────────────────────────────────────────────────
def first(attempt: Attempt, verb: str, table: str) -> int | None:
    """The place in the event log of the first statement of a kind."""
    sent = [fact.seq for fact in attempt.sent(verb, table)]
    return sent[0] if sent else None


def pending_since(attempt: Attempt) -> int | None:
    """The place in the event log at which the member was pending, before any INSERT."""
    moves = [fact for fact in attempt.facts if isinstance(fact, StatesMoved) and fact.cls == "Member"]
    return next((move.seq for move in moves if move.after == "pending"), None)


def nothing_failed(attempt: Attempt) -> Wrong | None:
    """No statement failed; one that did is named with its cause."""
    for fact in attempt.facts:
        if isinstance(fact, StatementExecuted) and fact.error:
            said = f"An INSERT failed ({fact.error.partition(': ')[2]}), and its cause is: {fact.cause}."
            return Wrong(f"{said} She was sent before she had a branch.", "timeline")
    return no_errors()(attempt)


def branch_was_asked_for(attempt: Attempt) -> Wrong | None:
    """The branch comes from a query."""
    if first(attempt, "SELECT", "branch") is None:
        return Wrong("No branch was asked for. Her branch shall come from the query, as it did.", "log")
    return None


def at_harbour(attempt: Attempt) -> Wrong | None:
    """The new member belongs to the branch that was asked for."""
    for row in attempt.added("member"):
        if row[BRANCH] != HARBOUR:
            return Wrong(f"She is at branch {row[BRANCH]}; Harbour is branch {HARBOUR}.", "outside")
    return None


def asked_before_pending(attempt: Attempt) -> Wrong | None:
    """The session did not know of her when the branch was asked for."""
    asked, pending = first(attempt, "SELECT", "branch"), pending_since(attempt)
    if asked and pending and pending < asked:
        return Wrong(
            "She was pending when the branch was asked for: that is the other way, of exercise 3b.", "timeline"
        )
    return None


def asked_while_pending(attempt: Attempt) -> Wrong | None:
    """She was pending when the branch was asked for, and was not sent by that."""
    asked, pending, inserted = (
        first(attempt, "SELECT", "branch"),
        pending_since(attempt),
        first(attempt, "INSERT", "member"),
    )
    if asked and (pending is None or asked < pending):
        return Wrong(
            "She was not pending yet when the branch was asked for: that is the way of exercise 3a.", "timeline"
        )
    if asked and inserted and inserted < asked:
        return Wrong("Her INSERT was sent before the question for the branch: the query has flushed her.", "timeline")
    return None


STARTER = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3))
    session.add(eve)
    eve.branch = session.scalars(select(Branch).where(Branch.name == "Harbour")).one()
    session.commit()
    """
)
ASK_FIRST = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3))
    eve.branch = session.scalars(select(Branch).where(Branch.name == "Harbour")).one()
    session.add(eve)
    session.commit()
    """
)
HOLD_BACK = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3))
    session.add(eve)
    with session.no_autoflush:
        eve.branch = session.scalars(select(Branch).where(Branch.name == "Harbour")).one()
    session.commit()
    """
)
CAUGHT = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3))
    session.add(eve)
    try:
        eve.branch = session.scalars(select(Branch).where(Branch.name == "Harbour")).one()
    except Exception:
        session.rollback()
    """
)
BY_NUMBER = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3), branch_id=2)
    session.add(eve)
    session.commit()
    """
)
NO_COMMIT = Code(ASK_FIRST.replace("session.commit()", "session.flush()"))
WRONG_BRANCH = Code(ASK_FIRST.replace("Harbour", "Old School"))
FOR_NOW = Code(
    """
    eve = Member(card_no="TS-1068", name="Eve Falk", joined_on=date(2025, 7, 3), branch_id=1)
    session.add(eve)
    eve.branch = session.scalars(select(Branch).where(Branch.name == "Harbour")).one()
    session.commit()
    """
)

FIRST_WAY = Exercise(
    "3a",
    "Eve is entered with her branch, without an error: the branch is asked for while the session does not know her yet.",
    (
        nothing_failed,
        branch_was_asked_for,
        asked_before_pending,
        committed(1),
        exactly(1, "INSERT", "member"),
        leaves("member", added=1),
        at_harbour,
    ),
    (
        "Run it as it is, and read in the timeline what the query does before it asks.",
        "What is not in the session cannot be flushed. Which line puts her there?",
        "Let `session.add(eve)` come after the query.",
    ),
    ASK_FIRST,
    (
        WrongAnswer(CAUGHT, says="its cause is: autoflush before query"),
        WrongAnswer(BY_NUMBER, says="No branch was asked for"),
        WrongAnswer(HOLD_BACK, says="that is the other way, of exercise 3b"),
        WrongAnswer(NO_COMMIT, says="Not all of it is committed"),
        WrongAnswer(WRONG_BRANCH, says="She is at branch 3"),
    ),
    "The simplest cure: make an object whole before you add it.",
    starter=STARTER,
)

SECOND_WAY = Exercise(
    "3b",
    "The same rows, without an error, the other way: Eve is pending while the branch is asked for, and is not sent by that.",
    (
        nothing_failed,
        branch_was_asked_for,
        asked_while_pending,
        committed(1),
        exactly(1, "INSERT", "member"),
        leaves("member", added=1),
        at_harbour,
    ),
    (
        "The order of the lines stays. It is the query that must not flush.",
        "A session can be asked not to flush by itself, for the length of a block: prediction 3d has used it.",
        "Put the query inside `with session.no_autoflush:`.",
    ),
    HOLD_BACK,
    (
        WrongAnswer(CAUGHT, says="its cause is: autoflush before query"),
        WrongAnswer(ASK_FIRST, says="that is the way of exercise 3a"),
        WrongAnswer(FOR_NOW, says="the query has flushed her"),
        WrongAnswer(Code(HOLD_BACK.replace("session.commit()", "")), says="Not all of it is committed"),
    ),
    "`no_autoflush` is for where the order cannot be changed: in a loop of an import, or in code that is not yours.",
    starter=STARTER,
)

NOTES = Notes(
    timing=(
        ("The story: an error names a query, and the query is innocent. Who has met it?", 4),
        ("3a: let everybody point at a line before running", 7),
        ("3b and 3c", 8),
        ("3d: why autoflush is on by default", 4),
        ("Look: read the timeline from the bottom, from statement to cause; 3e", 5),
        ("Exercises 3a and 3b", 10),
        ("The same in SQLAlchemy 2, key points", 2),
    ),
    expect={
        "3a": "d, for 'commit writes'. Ask which number Ada's INSERT has in the log, and which the SELECT.",
        "3b": "c. A dot does not look like a query; lesson 11 lives on that.",
        "3c": "b. The error's text names the INSERT and the traceback the query; read both aloud.",
        "3d": "a. 'The session knows her': it does, but the question goes to the database.",
        "3e": "b, since databases lock tables. The session does not look at which table is asked for.",
    },
    draw="The timeline as a tree: at the left the line of Python, under it the flush it has caused, under that the INSERT. Draw "
    "the arrow from the INSERT back to the line with the SELECT.",
    skip="3b, if lesson 11 follows on the same day; or the part Modify.",
    break_live=Code(
        """
        # autoflush off for good: who sees what, and when does it hurt?
        from nbsession import Session

        quiet = Session(engine, autoflush=False)
        quiet.add(Member(card_no="TS-1069", name="Finn Moe", joined_on=date(2025, 7, 4), branch_id=1))
        quiet.scalars(select(Member).where(Member.card_no == "TS-1069")).all()
        """
    ),
)

LESSON = Lesson(
    number=3,
    title="Who ran that INSERT?",
    notebook="03_who_ran_that_insert.ipynb",
    minutes=40,
    predictions=PREDICTIONS,
    exercises=(FIRST_WAY, SECOND_WAY),
    notes=NOTES,
)
