"""Lesson 2, flush is not commit: what was sent, what is kept, and who can see which."""

from __future__ import annotations

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Requirement, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, leaves, no_errors, only_here

EMAIL, TEXT = 3, 3
"""columns of member and of notice"""

PREDICTIONS = (
    Prediction(
        "2a",
        "Laila has a new address. `laila.email = …; session.flush()` runs. What was sent, and what does the desk next door read?",
        {
            "a": Choice(
                "An UPDATE; the new address", "Sent, yes; but inside your transaction, which only you look into.", 3
            ),
            "b": Choice("Nothing yet; the old address", "The log has the UPDATE, with its values and its one row.", 3),
            "c": Choice("An UPDATE; the old address"),
        },
        "c",
        "A flush sends statements inside a transaction. Until it is committed, everybody else reads what was there before.",
        evidence="[('laila.wright@example.org',)]",
    ),
    Prediction(
        "2b",
        "The UPDATE was sent, and now the power fails. When it is back, which address is in the file?",
        {
            "a": Choice("The old one"),
            "b": Choice(
                "The new one: what was sent was sent", "Sent, but never committed; and that is what counts.", 3
            ),
            "c": Choice(
                "Either: it depends on how much had reached the disk",
                "That is the very thing a transaction rules out: all of it, or nothing.",
            ),
        },
        "a",
        "Without a COMMIT it is as if the transaction had never begun. `session.close()` ends it in the same way.",
        evidence="[('laila.wright@example.org',)]",
    ),
    Prediction(
        "2c",
        "Once more, and nobody calls `flush`: `laila.email = …; session.commit()`. What does the desk next door read?",
        {
            "a": Choice(
                "The old address: nothing had been flushed", "A commit flushes first, so that nothing is left out.", 3
            ),
            "b": Choice("The new address"),
            "c": Choice("The old one, and the commit raises: there is something unsaved", "It saves what is unsaved."),
        },
        "b",
        "`commit` is flush, then COMMIT. You call `flush` yourself only when you need keys, or want an error early.",
        evidence="[('laila@new.example',)]",
    ),
    Prediction(
        "2d",
        "`laila.name = 'Laila Okafor'; session.flush(); session.rollback()`. What does `laila.name` say then, in Python?",
        {
            "a": Choice("'Laila Okafor'", "A rollback concerns your objects too: they are read again."),
            "b": Choice(
                "Nothing: it raises, for she belongs to no session any more", "She had a row before; so she stays."
            ),
            "c": Choice("'Laila Wright'"),
        },
        "c",
        "A rollback takes back rows and objects alike: what had been read is expired, and the next touch reads the row.",
        evidence="'Laila Wright'",
    ),
    Prediction(
        "2e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "A flush saves; a commit tidies up afterwards", "Then the power cut would have left the address.", 3
            ),
            "b": Choice(
                "A flush sends to your transaction; a commit shows it to everybody, all or nothing",
            ),
            "c": Choice(
                "A flush writes to the memory of the database, a commit to its disk",
                "Where the bytes are is not the point: who may see them is, and whether they can be taken back.",
            ),
        },
        "b",
        "Sent and kept are two things. Between them you can still look, think again, and take it back.",
    ),
)


# ── exercise 2a: one change for all, one for you ─────────────────────────────────────────────────────────────────────
def email_is(key: int, wanted: str) -> Requirement:
    """What everybody reads of a member's e-mail address."""

    def judge(attempt: Attempt) -> Wrong | None:
        found = next(row[EMAIL] for row in attempt.rows("member") if row[0] == key)
        if found != wanted:
            return Wrong(f"Next door reads {found} of member {key}, and should read {wanted}.", "outside")
        return None

    return judge


VISIBLE = Exercise(
    "2a",
    "Member 7's new address is visible next door; member 8's is sent, and visible to you alone.",
    (
        no_errors(),
        email_is(7, "laila@new.example"),
        email_is(8, "magnus.wright@example.org"),
        only_here("member", 8),
        leaves("member", changed=1),
    ),
    (
        "There are two columns in `%session outside member`. Which call moves a change into the left one, which into the right?",
        "A commit takes everything with it that has changed. So when must member 8 not have changed yet?",
        "First 7 and `session.commit()`, then 8 and `session.flush()`.",
    ),
    Code(
        """
        session.get(Member, 7).email = "laila@new.example"
        session.commit()
        session.get(Member, 8).email = "magnus@new.example"
        session.flush()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).email = "laila@new.example"
                session.flush()
                session.get(Member, 8).email = "magnus@new.example"
                session.commit()
                """
            ),
            says="reads magnus@new.example of member 8",
        ),
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).email = "laila@new.example"
                session.get(Member, 8).email = "magnus@new.example"
                session.flush()
                """
            ),
            says="reads laila.wright@example.org of member 7",
        ),
        WrongAnswer(
            Code(
                """
                laila, magnus = session.get(Member, 7), session.get(Member, 8)
                laila.email = "laila@new.example"
                session.commit()
                magnus.email = "magnus@new.example"
                """
            ),
            says="Row 8 of `member` is the same for you and next door",
        ),
        WrongAnswer(
            Code(
                """
                session.get(Member, 7).email = "laila@new.example"
                session.commit()
                session.get(Member, 8).email = "magnus@new.example"
                session.get(Member, 7).name = "Laila Okafor"
                session.flush()
                """
            ),
            says="Row 7 of `member` differs too",
        ),
    ),
    "A commit is a line through time: what was changed before it is everybody's, what comes after is yours alone.",
)


# ── exercise 2b: what survives ───────────────────────────────────────────────────────────────────────────────────────
KEPT = ["Closed on Friday.", "New: a cargo bike."]


def all_three_were_sent(attempt: Attempt) -> Wrong | None:
    """Three notices had rows, if only for a moment."""
    sent = attempt.moved("Notice", to="persistent")
    if sent < 3:
        return Wrong(f"Only {sent or 'no'} of the three notices {'was' if sent < 2 else 'were'} sent.", "timeline")
    return None


def two_survive(attempt: Attempt) -> Wrong | None:
    """The first two are in the file, the draft is not."""
    found = [str(row[TEXT]) for row in attempt.added("notice")]
    if sorted(found) != KEPT:
        survivors = ", ".join(repr(text) for text in found) or "none"
        return Wrong(f"These new notices survive: {survivors}. It should be the first two.", "timeline")
    return None


SURVIVE = Exercise(
    "2b",
    "All three notices are sent; the first two survive the power cut in the last line, the draft does not.",
    (no_errors(), all_three_were_sent, two_survive, committed(1)),
    (
        "What survives is decided by one call only. How many of those three lines have to lie before it?",
        "The draft has to be sent as well: it needs a flush of its own, after the call that keeps the others.",
        "add, add, `session.commit()`, add, `session.flush()`, and then the power fails.",
    ),
    Code(
        """
        session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
        session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
        session.commit()
        session.add(Notice(sent_on=date(2025, 7, 1), text="Draft, do not send."))
        session.flush()
        session.close()  # the power fails: this line stays the last
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
                session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
                session.flush()
                session.add(Notice(sent_on=date(2025, 7, 1), text="Draft, do not send."))
                session.flush()
                session.close()
                """
            ),
            says="survive: none",
        ),
        WrongAnswer(
            Code(
                """
                session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
                session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
                session.add(Notice(sent_on=date(2025, 7, 1), text="Draft, do not send."))
                session.commit()
                session.close()
                """
            ),
            says="'Draft, do not send.'. It should be the first two",
        ),
        WrongAnswer(
            Code(
                """
                session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
                session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
                session.commit()
                session.add(Notice(sent_on=date(2025, 7, 1), text="Draft, do not send."))
                session.close()
                """
            ),
            says="Only 2 of the three notices were sent",
        ),
        WrongAnswer(
            Code(
                """
                draft = Notice(sent_on=date(2025, 7, 1), text="Draft, do not send.")
                session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
                session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
                session.add(draft)
                session.commit()
                session.delete(draft)
                session.commit()
                session.close()
                """
            ),
            says="2 COMMITs were sent; it takes 1",
        ),
    ),
    "Where the commits stand is a decision of yours: they say what belongs together and what may be lost.",
    starter=Code(
        """
        session.add(Notice(sent_on=date(2025, 7, 1), text="Closed on Friday."))
        session.add(Notice(sent_on=date(2025, 7, 1), text="New: a cargo bike."))
        session.add(Notice(sent_on=date(2025, 7, 1), text="Draft, do not send."))
        session.flush()
        session.close()  # the power fails: this line stays the last
        """
    ),
)

NOTES = Notes(
    timing=(
        ("The story: two desks, one file. Ask who has ever lost an afternoon's work", 4),
        ("2a, then the outside view: the two columns", 8),
        ("2b to 2d, each predicted in pairs", 10),
        ("Look: outside and stack side by side; 2e as a vote", 6),
        ("Modify", 4),
        ("Exercises 2a and 2b", 11),
        ("The same in SQLAlchemy 2, key points", 2),
    ),
    expect={
        "2a": "a. 'Flush' sounds like writing to disk. Say it as 'send', and 'commit' as 'show'.",
        "2b": "c, from people who know about disk caches. The transaction is there so that they need not think of them.",
        "2c": "a, right after they have learnt that flush matters. Show that the commit's cell has the UPDATE in its log.",
        "2d": "a. Objects of other libraries keep their values. Show the SELECT that the touch has sent.",
        "2e": "c. It is a useful picture for a while; ask where DuckDB's in-memory database would commit to.",
    },
    draw="Two desks and the file between them. Your transaction is a sheet of tracing paper over the file, on your side only: "
    "a flush draws on the sheet, a commit presses it through, a rollback throws it away.",
    skip="2d, which lesson 6 takes up again; or the part Modify.",
    break_live=Code(
        """
        # two desks want the same row: the second waits, and on SQLite gets 'database is locked'
        session.get(Member, 7).email = "one@new.example"
        session.flush()
        next_door(URL, "UPDATE member SET email = 'two@new.example' WHERE id = 7")
        """
    ),
)

LESSON = Lesson(
    number=2,
    title="Flush is not commit",
    notebook="02_flush_is_not_commit.ipynb",
    minutes=45,
    predictions=PREDICTIONS,
    exercises=(VISIBLE, SURVIVE),
    notes=NOTES,
)
