"""Lesson 10, what would delete do: five rules for what becomes of the objects around one that is deleted."""

from __future__ import annotations

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Requirement, Wrong, WrongAnswer
from nbsession.teaching.requirements import committed, leaves, no_errors
from nbsession.teaching.toolshed import toolshed_rows

PREDICTIONS = (
    Prediction(
        "10a",
        "Loan 1 is deleted and committed; it had 3 lines, for 3 of the 92 tools, and one of the 64 members had "
        "taken it. How many of its lines, of the "
        "tools, of the members are left?",
        {
            "a": Choice(
                "3, 92, 64: only what I delete is deleted",
                '`Loan.lines` says `cascade="all, delete-orphan"`. `all` contains delete.',
                6,
            ),
            "b": Choice("0, 92, 64"),
            "c": Choice(
                "0, 89, 64: the lines go, and the tools in them",
                "The rule stands at `Loan.lines`. `LoanLine.tool` has none, and leads the other way: from the "
                "foreign key to what it refers to.",
                6,
            ),
            "d": Choice("0, 92, 63", "Then nobody could cancel a loan without losing a member.", 6),
        },
        "b",
        "A delete goes along the relationships whose rule says delete. The lines' relationship does; the others "
        "do not.",
        evidence="[(0, 92, 64)]",
    ),
    Prediction(
        "10b",
        "A line is taken out of its loan's list, a notice out of its member's. After the commit: is the line "
        "detached, is the notice persistent, "
        "what is its `member_id`?",
        {
            "a": Choice(
                "False, True, and the member's key: lists are Python, rows are rows",
                "The session hears of it. A list of a relationship is not a plain list.",
                6,
            ),
            "b": Choice(
                "True, False: what is taken out of a list is deleted",
                "By the rule delete-orphan. `Member.notices` has no such rule.",
                6,
            ),
            "c": Choice("True, True, and None"),
        },
        "c",
        "delete-orphan: a line without a loan is an orphan, and goes. Without the rule the child stays, and its "
        "foreign key becomes NULL.",
        evidence="(True, True, None)",
    ),
    Prediction(
        "10c",
        "Laila is deleted; four loans refer to her. What happens?",
        {
            "a": Choice(
                "Her loans are deleted with her",
                "`Member.loans` has no rule. The default is not to delete.",
                6,
            ),
            "b": Choice("The database refuses a NULL in `loan.member_id`"),
            "c": Choice(
                "She goes, and her loans keep her number",
                "They would refer to nobody. The session does what it can: it sets the numbers to NULL.",
                6,
            ),
        },
        "b",
        "Nullify is the default, and the column says NOT NULL. Read the error: it speaks of an UPDATE that you "
        "have not written.",
        evidence="NOT NULL constraint failed: loan.member_id",
    ),
    Prediction(
        "10d",
        "Tool 7 is deleted, which loan lines refer to. `Tool` has no relationship to them. What happens at the commit?",
        {
            "a": Choice(
                "Its lines are set to NULL, then it is deleted", "Nobody has told the session of the lines.", 6
            ),
            "b": Choice(
                "It is deleted, and the lines refer to a tool that is not there", "The foreign key forbids just this."
            ),
            "c": Choice("An IntegrityError, and the tool is still there"),
        },
        "c",
        "The session follows relationships, the database follows foreign keys. What the one does not know, the "
        "other decides.",
        evidence="('IntegrityError', [(1,)])",
    ),
    Prediction(
        "10e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "Delete means: this object, and all that depends on it",
                "Nothing knows what depends on what. That is what the rules are for.",
                6,
            ),
            "b": Choice("Each relationship says what becomes of its other end; if it says nothing, the link is cut"),
            "c": Choice(
                "Whatever the session does, the database's ON DELETE has the last word",
                "It has a word only in rows which the session has left alone, with `passive_deletes`.",
                6,
            ),
        },
        "b",
        "One relationship, one rule. The default cuts the link; all else you have to say.",
    ),
)

ROWS = toolshed_rows()


def loans_of(member: int) -> set[object]:
    """The keys of a member's loans in the fresh Toolshed."""
    return {row[0] for row in ROWS["loan"] if row[1] == member}


def lines_of(member: int) -> int:
    """How many lines they have."""
    loans = loans_of(member)
    return sum(1 for row in ROWS["loan_line"] if row[1] in loans)


def gone_with(member: int) -> tuple[Requirement, ...]:
    """The member is gone, with loans and lines, and nobody else."""
    return (
        leaves("member", gone=1),
        leaves("loan", gone=len(loans_of(member))),
        leaves("loan_line", gone=lines_of(member)),
        leaves("tool"),
    )


def nameless(attempt: Attempt) -> Wrong | None:
    """Her notice stays, without a name."""
    if attempt.gone("notice"):
        return Wrong("Her notice is gone, too; it shall stay, without a name.", "outside")
    if [row[1] for row in attempt.changed("notice")] != [None]:
        return Wrong("Her notice shall stay, with no member.", "outside")
    return None


MOVED_AWAY = Exercise(
    "10a",
    "Delete member 4 so that her loans go, with their lines, and her notice stays, without a name.",
    (no_errors(), *gone_with(4), nameless, committed(1)),
    (
        "What does the error say? Which rows would the session set to NULL, and which rule would let it?",
        "You may delete more than one object before the flush; the session finds the order.",
        "Delete each loan of `member.loans`, then the member: the lines and the notice follow by their rules.",
    ),
    Code(
        """
        member = session.get(Member, 4)
        for loan in member.loans:
            session.delete(loan)
        session.delete(member)
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                session.delete(session.get(Member, 4))
                session.flush()
                """
            ),
            says="Something failed on the way",
        ),
        WrongAnswer(
            Code(
                """
                member = session.get(Member, 4)
                for each in [*member.loans, *member.notices]:
                    session.delete(each)
                session.delete(member)
                session.commit()
                """
            ),
            says="Her notice is gone, too",
        ),
        WrongAnswer(
            Code(
                """
                for loan in session.get(Member, 4).loans:
                    session.delete(loan)
                session.commit()
                """
            ),
            says="it takes 1",
        ),
        WrongAnswer(
            Code(
                """
                member, heir = session.get(Member, 4), session.get(Member, 5)
                heir.loans.extend(list(member.loans))
                session.delete(member)
                session.commit()
                """
            ),
            says="of `loan` are gone",
        ),
    ),
    "Three loans deleted by you, their lines by a rule, a link cut by the default.",
    starter=Code(
        """
        session.delete(session.get(Member, 4))
        session.commit()
        """
    ),
)

CLASSES = """
class Rules(DeclarativeBase):
    pass


class Person(Rules):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    loans: Mapped[list["Borrowing"]] = relationship({loans})


class Borrowing(Rules):
    __tablename__ = "loan"
    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    lines: Mapped[list["Item"]] = relationship({lines})


class Item(Rules):
    __tablename__ = "loan_line"
    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"))


session.delete(session.get(Person, 2))
session.commit()
"""


def with_rules(loans: str, lines: str) -> Code:
    """The three classes and the script, with these arguments in the two relationships."""
    return Code(CLASSES.format(loans=loans, lines=lines))


IN_THE_CLASSES = Exercise(
    "10b",
    "Change the two relationships so that the script deletes Marta Quinn, with all of her loans and their lines.",
    (no_errors(), *gone_with(2), committed(1)),
    (
        "Two relationships, two rules. What does `relationship()` without a word do?",
        "The loans shall go with the person, the lines with the loan: `cascade=`, with a word that contains delete.",
        '`cascade="all, delete-orphan"` at both, or `cascade="all"`.',
    ),
    with_rules('cascade="all, delete-orphan"', 'cascade="all, delete-orphan"'),
    (
        WrongAnswer(with_rules('cascade="all"', ""), says="Something failed on the way"),
        WrongAnswer(with_rules("", 'cascade="all"'), says="Something failed on the way"),
        WrongAnswer(with_rules('cascade="all"', "passive_deletes=True"), says="Something failed on the way"),
        WrongAnswer(
            with_rules('cascade="save-update, merge"', 'cascade="all, delete-orphan"'),
            says="Something failed on the way",
        ),
    ),
    "The rule is where it belongs: nobody has to remember it at the next purge.",
    starter=with_rules("", ""),
)

NOTES = Notes(
    timing=(
        ("The table of relationships; 10a", 8),
        ("10b: out of the list", 7),
        ("10c, and what nullify means", 7),
        ("The graph, a dry run, on a loan and on a member", 6),
        ("10d; the five rules", 8),
        ("10e by hands; Modify", 5),
        ("Exercises 10a and 10b", 8),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "10a": "a, or c from people burnt by ON DELETE CASCADE. Follow the arrows on the board, one rule each.",
        "10b": "b, after 10a. The two lists look alike; only one has delete-orphan.",
        "10c": "a. The error is confusing: an UPDATE. Ask who wrote it, and why.",
        "10d": "a. The relationship is missing: what the session does not know, it does not touch.",
        "10e": "a. Ask what depends on a branch of the library.",
    },
    draw="Boxes for member, loan, line, tool, notice, with arrows from parent to child. Write a rule on each "
    "arrow: cut, delete, delete and orphan. "
    "Then cross out a box, and follow the arrows.",
    skip="The row of passive_deletes, if everybody works with small tables.",
    break_live=Code(
        """
        # a loan taken over by somebody else: which statements, and why no DELETE?
        loan = session.get(Loan, 13)
        loan.member = session.get(Member, 8)
        session.flush()
        """
    ),
)

LESSON = Lesson(
    number=10,
    title="What would delete do?",
    notebook="10_what_would_delete_do.ipynb",
    minutes=50,
    predictions=PREDICTIONS,
    exercises=(MOVED_AWAY, IN_THE_CLASSES),
    notes=NOTES,
)
