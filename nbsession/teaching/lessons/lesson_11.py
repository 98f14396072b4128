"""Lesson 11, 153 queries: what a loop over objects sends, and how a report is loaded in two or three statements."""

from __future__ import annotations

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import at_most, no_errors
from nbsession.teaching.toolshed import toolshed_rows

PREDICTIONS = (
    Prediction(
        "11a",
        "Twenty loans, by eighteen different members; for each `loan.member.name` is read. How many statements "
        "are sent?",
        {
            "a": Choice(
                "1: the loans are loaded, and their members with them",
                "The query asks for loans. A member is loaded when `loan.member` is touched.",
                7,
            ),
            "b": Choice(
                "2: one for the loans, one for all their members", "That is what `selectinload` does, if you say so.", 7
            ),
            "c": Choice("19: one for the loans, and one for each member"),
            "d": Choice(
                "21: one for the loans, and one for each loan",
                "Two loans are of members who were loaded a moment ago: by their key the map has them, and "
                "sends nothing.",
            ),
        },
        "c",
        "1 + N, where N is how many related objects are not in the identity map yet. Nobody has written those queries.",
        evidence="(20, 18, 19)",
    ),
    Prediction(
        "11b",
        "74 loans, 161 lines, 78 of the 92 tools. How many statements does the report send?",
        {
            "a": Choice("3: one for each of the three tables", "It could be so. Nobody has asked for it.", 7),
            "b": Choice("153: one for the loans, one for each loan's lines, one for each tool"),
            "c": Choice(
                "75: the tools are small, they come with the lines",
                "Nothing comes along by itself: each `line.tool` that is not in the map is a statement.",
                7,
            ),
            "d": Choice(
                "236: one for each loan and each line, and one more",
                "Tools are found again by their keys: 78 statements for 161 lines.",
            ),
        },
        "b",
        "1 + 74 + 78. A collection is asked for once for each parent, related objects once for each key.",
        evidence="(161, 153)",
    ),
    Prediction(
        "11c",
        "The same report, with `selectinload(Loan.lines).selectinload(LoanLine.tool)`. How many?",
        {
            "a": Choice("3"),
            "b": Choice("1: everything in one statement", "That would be a join: `joinedload`."),
            "c": Choice(
                "75: it loads the lines in one statement for each loan",
                "Then it would be no cure. It asks for the lines of all loans at once.",
                7,
            ),
        },
        "a",
        "One for the loans, one for all their lines, one for all tools of these lines, however many there are.",
        evidence="3",
    ),
    Prediction(
        "11d",
        'A loan was loaded with its lines and `raiseload("*")`. What does `loan.member.name` give?',
        {
            "a": Choice(
                "The name, after one more statement",
                "Without raiseload it would, and you would notice on the branch's old machine.",
                7,
            ),
            "b": Choice("None: what is not loaded is empty", "An empty answer would be a wrong one."),
            "c": Choice("An error, which names what to load"),
        },
        "c",
        "A report that says what it needs can forbid the rest: a forgotten relationship is an error in the "
        "test, not a slow Monday.",
        evidence="'InvalidRequestError'",
    ),
    Prediction(
        "11e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "Once objects are loaded, working with them sends nothing",
                "Columns, yes. A relationship is loaded when it is touched.",
                7,
            ),
            "b": Choice(
                "Joins are faster than several statements",
                "Not with collections: each row of the parent comes as often as it has children.",
            ),
            "c": Choice("What a loop touches and the query has not loaded, is loaded one by one"),
        },
        "c",
        "So say at the query what the loop will touch.",
    ),
)


# ── the exercises ────────────────────────────────────────────────────────────────────────────────────────────────────
def wanted_report() -> list[tuple[object, ...]]:
    """Member and tool of each line, in the order of the lines' keys."""
    rows = toolshed_rows()
    members = {row[0]: row[2] for row in rows["member"]}
    tools = {row[0]: row[2] for row in rows["tool"]}
    loans = {row[0]: members[row[1]] for row in rows["loan"]}
    return [(loans[row[1]], tools[row[2]]) for row in sorted(rows["loan_line"])]


def wanted_counts() -> list[tuple[object, ...]]:
    """Name and number of loans of each member, in the order of their keys."""
    rows = toolshed_rows()
    taken = [row[1] for row in rows["loan"]]
    return [(row[2], taken.count(row[0])) for row in sorted(rows["member"])]


def is_report(attempt: Attempt) -> Wrong | None:
    """The report says what the rows say."""
    return _same(attempt, "report", wanted_report())


def is_counts(attempt: Attempt) -> Wrong | None:
    """So do the counts."""
    return _same(attempt, "counts", wanted_counts())


def _same(attempt: Attempt, name: str, wanted: list[tuple[object, ...]]) -> Wrong | None:
    found = attempt.names.get(name)
    if not isinstance(found, list):
        return Wrong(f"There is no list `{name}`.", "log")
    rows = [tuple(each) if hasattr(each, "__iter__") and not isinstance(each, str) else (each,) for each in found]
    if len(rows) != len(wanted):
        return Wrong(f"`{name}` has {len(rows)} entries; it takes {len(wanted)}.", "log")
    for number, (row, right) in enumerate(zip(rows, wanted, strict=True)):
        if row != right:
            return Wrong(f"Entry {number} of `{name}` is {row}, and shall be {right}.", "log")
    return None


REPORT = Exercise(
    "11a",
    "`report`: member's name and tool's name of each of the 161 lines, in the order of the lines' keys, with "
    "two SELECTs.",
    (no_errors(), is_report, at_most(2, "SELECT")),
    (
        "Three relationships are touched: `line.loan`, `loan.member`, `line.tool`. All of them lead to one object.",
        "Related objects that are one each cost nothing with `joinedload`, along a path: "
        "`joinedload(LoanLine.loan).joinedload(…)`.",
        "`select(LoanLine).options(joinedload(LoanLine.loan).joinedload(Loan.member), "
        "joinedload(LoanLine.tool))`: one SELECT. "
        "With `selectinload` for one of the two branches it is two.",
    ),
    Code(
        """
        with_all = select(LoanLine).order_by(LoanLine.id).options(
            joinedload(LoanLine.loan).joinedload(Loan.member), joinedload(LoanLine.tool)
        )
        report = [(line.loan.member.name, line.tool.name) for line in session.scalars(with_all)]
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                lines = session.scalars(select(LoanLine).order_by(LoanLine.id).options(joinedload(LoanLine.tool)))
                report = [(line.loan.member.name, line.tool.name) for line in lines]
                """
            ),
            says="SELECTs were sent; at most 2 may be",
        ),
        WrongAnswer(
            Code(
                """
                loaded = select(LoanLine).order_by(LoanLine.id).options(
                    selectinload(LoanLine.loan).selectinload(Loan.member), selectinload(LoanLine.tool)
                )
                report = [(line.loan.member.name, line.tool.name) for line in session.scalars(loaded)]
                """
            ),
            says="4 SELECTs were sent",
        ),
        WrongAnswer(
            Code(
                """
                with_all = select(Loan).options(
                    joinedload(Loan.member), selectinload(Loan.lines).joinedload(LoanLine.tool)
                )
                report = [(loan.member.name, loan.lines[0].tool.name) for loan in session.scalars(with_all)]
                """
            ),
            says="`report` has 74 entries; it takes 161",
        ),
        WrongAnswer(
            Code(
                """
                loaded = select(LoanLine).order_by(LoanLine.id).options(
                    joinedload(LoanLine.loan).joinedload(Loan.member), raiseload("*")
                )
                report = [(line.loan.member.name, line.tool.name) for line in session.scalars(loaded)]
                """
            ),
            says="Your code stopped with InvalidRequestError",
        ),
    ),
    "153 and more became one or two. The report is the same, to the letter.",
    starter=Code(
        """
        report = []
        for line in session.scalars(select(LoanLine).order_by(LoanLine.id)):
            report.append((line.loan.member.name, line.tool.name))
        """
    ),
)

COUNTS = Exercise(
    "11b",
    "`counts`: name and number of loans of each of the 64 members, in the order of their keys, with one SELECT.",
    (no_errors(), is_counts, at_most(1, "SELECT")),
    (
        "You want 64 names and 64 numbers. Who can count best?",
        "`select(Member.name, func.count(Loan.id))`, grouped by member. What becomes of members without a loan?",
        "`.outerjoin(Loan, Loan.member_id == Member.id).group_by(Member.id, Member.name).order_by(Member.id)`.",
    ),
    Code(
        """
        from nbsession import func
        by_member = (
            select(Member.name, func.count(Loan.id))
            .outerjoin(Loan, Loan.member_id == Member.id)
            .group_by(Member.id, Member.name)
            .order_by(Member.id)
        )
        counts = [tuple(row) for row in session.execute(by_member)]
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                from nbsession import func
                counts = [
                    tuple(row)
                    for row in session.execute(
                        select(Member.name, func.count(Loan.id))
                        .join(Loan, Loan.member_id == Member.id)
                        .group_by(Member.id, Member.name)
                        .order_by(Member.id)
                    )
                ]
                """
            ),
            says="it takes 64",
        ),
        WrongAnswer(
            Code(
                """
                members = session.scalars(select(Member).order_by(Member.id).options(selectinload(Member.loans)))
                counts = [(member.name, len(member.loans)) for member in members]
                """
            ),
            says="2 SELECTs were sent; at most 1 may be",
        ),
        WrongAnswer(
            Code(
                """
                from nbsession import func
                counts = [
                    tuple(row)
                    for row in session.execute(
                        select(Member.name, func.count(Member.id))
                        .outerjoin(Loan, Loan.member_id == Member.id)
                        .group_by(Member.id, Member.name)
                        .order_by(Member.id)
                    )
                ]
                """
            ),
            says="and shall be",
        ),
    ),
    "No object, one statement. A session is for objects; for numbers ask the database.",
    starter=Code(
        """
        counts = []
        for member in session.scalars(select(Member).order_by(Member.id)):
            counts.append((member.name, len(member.loans)))
        """
    ),
)

NOTES = Notes(
    timing=(
        ("The Monday report; 11a, and the log with its badge", 9),
        ("11b: let them compute the number before they choose", 8),
        ("selectinload, 11c; joinedload", 9),
        ("raiseload, 11d; 11e by hands", 6),
        ("Modify: why never 75?", 4),
        ("Exercises 11a and 11b", 8),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "11a": "a. Ask where the member's name should have come from: the SELECT in the log has only loans.",
        "11b": "a or c. Nobody guesses 153; let the number stand for a moment.",
        "11c": "b, from who thinks of joins. Show the three statements with their lists of keys.",
        "11d": "b. Ask what the report would have printed.",
        "11e": "a. The rule is about relationships, not about columns.",
    },
    draw="A loop as a track, with a little train that stops at every loan to fetch one member. Then the same "
    "track, and one lorry that brings "
    "all members at the start.",
    skip="joinedload and exercise 11b, if they know SQL well.",
    break_live=Code(
        """
        # joinedload of a collection without unique(): what does the error say, and why does it exist?
        session.scalars(select(Loan).options(joinedload(Loan.lines))).all()
        """
    ),
)

LESSON = Lesson(
    number=11,
    title="153 queries",
    notebook="11_153_queries.ipynb",
    minutes=45,
    predictions=PREDICTIONS,
    exercises=(REPORT, COUNTS),
    notes=NOTES,
)
