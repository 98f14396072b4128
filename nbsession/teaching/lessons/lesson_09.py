"""Lesson 9, order out of chaos: who comes into the session with an object, and in which order a flush sends rows."""

from __future__ import annotations

from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import at_most, committed, leaves, no_errors

PREDICTIONS = (
    Prediction(
        "9a",
        "A line refers to a loan, the loan to a member; all three are new. `session.add(line)`. Which of the "
        "three are in the session?",
        {
            "a": Choice(
                "The line: only what I add is in the session",
                "Then the line could not be written: it needs the loan's key. It takes along what it refers to.",
                9,
            ),
            "b": Choice("All three"),
            "c": Choice(
                "The line and the loan: one step along",
                "Each that comes in takes along its own: the loan brings the member.",
                9,
            ),
        },
        "b",
        "The cascade save-update goes along the relationships of whoever comes in, as far as they reach.",
        evidence="(True, True, True)",
    ),
    Prediction(
        "9b",
        "The line was added, and brought the loan, which brought the member. In which order are they inserted?",
        {
            "a": Choice(
                "line, loan, member: as they came in",
                "The line's `loan_id` would have to be known before the loan has one.",
            ),
            "b": Choice(
                "loan, loan_line, member: by the names of the tables", "Names decide only where nothing else does."
            ),
            "c": Choice("member, loan, loan_line"),
        },
        "c",
        "Who refers to a row comes after it: the key has to be there. The order of your calls does not matter.",
        evidence="['INSERT member (1)', 'INSERT loan (1)', 'INSERT loan_line (1)']",
    ),
    Prediction(
        "9c",
        "Laila is in the session. `first` was made with `member=laila`; `second` was put into `laila.loans`. "
        "Nobody was added. "
        "Who is in the session?",
        {
            "a": Choice(
                "Neither: nobody has added them",
                "Laila is in the session, and what is put into her list comes along.",
                9,
            ),
            "b": Choice(
                "Both: they belong to Laila now",
                "Only her side counts. `first` refers to her; that pulls nobody in.",
                9,
            ),
            "c": Choice("The second one"),
            "d": Choice(
                "The first one: it has her as its member", "It is the other way round: from the inside out.", 9
            ),
        },
        "c",
        "The cascade runs from who is inside, along his relationships. An object outside does not come in by "
        "naming one who is inside.",
        evidence="(False, True)",
    ),
    Prediction(
        "9d",
        "Two new tools, each with the other as its kit, in one flush. What happens?",
        {
            "a": Choice(
                "Both are inserted, then one is updated",
                "With `post_update=True` it is done so. By itself the session does not guess.",
            ),
            "b": Choice("CircularDependencyError, and nothing is sent"),
            "c": Choice(
                "The first is inserted, the second fails at the foreign key",
                "The order is worked out before the first statement. There is none.",
            ),
        },
        "b",
        "Each row needs the other's key first. The session says so before it sends anything, and names the two.",
        evidence="'CircularDependencyError'",
    ),
    Prediction(
        "9e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "The session sends what I added, in the order in which I added it",
                "9b: the line was added, and came last.",
                9,
            ),
            "b": Choice("Membership goes along relationships from the inside; order follows the keys that rows need"),
            "c": Choice(
                "The tables are sorted once, when the classes are made",
                "Tools refer to tools: rows are sorted, not tables only.",
            ),
        },
        "b",
        "Two questions: who is in it (cascades), and who comes first (keys).",
    ),
)


# ── exercise 9a: a kit ───────────────────────────────────────────────────────────────────────────────────────────────
PAINTERS = {"PNT-01": "Painter's kit", "PNT-02": "Brush", "PNT-03": "Bucket"}


def is_kit(attempt: Attempt) -> Wrong | None:
    """Three tools, two of them parts of the first."""
    added = {row[1]: row for row in attempt.added("tool")}
    for tag, name in PAINTERS.items():
        if tag not in added:
            return Wrong(f"In the file there is no tool {tag}.", "timeline")
        if added[tag][2] != name:
            return Wrong(f"{tag} is called {added[tag][2]}, and shall be called {name}.", "outside")
    kit = added["PNT-01"]
    for tag in ("PNT-02", "PNT-03"):
        if added[tag][3] != kit[0]:
            return Wrong(f"{tag} is not a part of PNT-01: its kit_id is {added[tag][3]}.", "graph")
    return None


def labelled(attempt: Attempt) -> Wrong | None:
    """All three have the new label."""
    labels = [row[0] for row in attempt.added("label") if row[1] == "for hire"]
    if len(labels) != 1 or len(attempt.added("label")) != 1:
        return Wrong("There shall be one new label, `for hire`.", "outside")
    tools = {row[0] for row in attempt.added("tool")}
    has = {row[0] for row in attempt.rows("tool_label") if row[1] == labels[0]}
    if has != tools:
        return Wrong(f"The label is on {len(has & tools)} of the three tools.", "graph")
    return None


def one_flush(attempt: Attempt) -> Wrong | None:
    """One flush sends it all."""
    if len(attempt.flushes) > 1:
        return Wrong(f"{len(attempt.flushes)} flushes sent something; one is enough.", "timeline")
    return None


KIT = Exercise(
    "9a",
    "The painter's kit with its two parts, and the label on all three: one flush, two INSERTs into tool at "
    "most, committed.",
    (no_errors(), is_kit, labelled, leaves("tool", added=3), one_flush, at_most(2, "INSERT", "tool"), committed(1)),
    (
        "Tie the objects together before the flush: `kit.parts`, `tool.labels`. Keys are not needed, they do "
        "not exist yet.",
        "One `add` is enough: the parts come along with the kit, the label with the tools.",
        "`hire = Label(name=…)`; `kit = Tool(…, labels=[hire], parts=[Tool(…, labels=[hire]), …])`; add, commit.",
    ),
    Code(
        """
        hire = Label(name="for hire")
        kit = Tool(tag="PNT-01", name="Painter's kit", branch_id=1, version=1, labels=[hire])
        for tag, name in (("PNT-02", "Brush"), ("PNT-03", "Bucket")):
            kit.parts.append(Tool(tag=tag, name=name, branch_id=1, version=1, labels=[hire]))
        session.add(kit)
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                hire = Label(name="for hire")
                kit = Tool(tag="PNT-01", name="Painter's kit", branch_id=1, version=1, labels=[hire])
                session.add(kit)
                session.flush()
                for tag, name in (("PNT-02", "Brush"), ("PNT-03", "Bucket")):
                    session.add(Tool(tag=tag, name=name, branch_id=1, version=1, kit_id=kit.id, labels=[hire]))
                session.commit()
                """
            ),
            says="2 flushes sent something",
        ),
        WrongAnswer(
            Code(
                """
                kit = Tool(tag="PNT-01", name="Painter's kit", branch_id=1, version=1)
                for tag, name in (("PNT-02", "Brush"), ("PNT-03", "Bucket")):
                    kit.parts.append(Tool(tag=tag, name=name, branch_id=1, version=1))
                kit.labels.append(Label(name="for hire"))
                session.add(kit)
                session.commit()
                """
            ),
            says="The label is on 1 of the three tools",
        ),
        WrongAnswer(
            Code(
                """
                hire = Label(name="for hire")
                kit = Tool(tag="PNT-01", name="Painter's kit", branch_id=1, version=1, labels=[hire])
                for tag, name in (("PNT-02", "Brush"), ("PNT-03", "Bucket")):
                    session.add(Tool(tag=tag, name=name, branch_id=1, version=1, labels=[hire], kit_id=kit.id))
                session.add(kit)
                session.commit()
                """
            ),
            says="PNT-02 is not a part of PNT-01",
        ),
        WrongAnswer(
            Code(
                """
                hire = Label(name="for hire")
                kit = Tool(tag="PNT-01", name="Painter's kit", branch_id=1, version=1, labels=[hire])
                session.add(kit)
                session.commit()
                """
            ),
            says="no tool PNT-02",
        ),
    ),
    "One add, one flush, and no key in sight.",
)


# ── exercise 9b: a circle ────────────────────────────────────────────────────────────────────────────────────────────
def circle(attempt: Attempt) -> Wrong | None:
    """Each is the kit of the other."""
    added = {row[1]: row for row in attempt.added("tool")}
    for tag, other in (("TNG-01", "CAS-01"), ("CAS-01", "TNG-01")):
        if tag not in added:
            return Wrong(f"In the file there is no tool {tag}.", "plan" if attempt.error else "timeline")
        if other in added and added[tag][3] != added[other][0]:
            return Wrong(f"{other} is not the kit of {tag}: its kit_id is {added[tag][3]}.", "timeline")
    return None


CIRCLE = Exercise(
    "9b",
    "Both tools in the file, each the kit of the other.",
    (circle, no_errors(), leaves("tool", added=2), committed(1)),
    (
        "What would you do with pencil and paper, if each row had to name the other's number?",
        "Leave one of the two references out at first, and flush: then both keys are there. (The relationship still makes a "
        "circle of objects; what is left to set is a number.)",
        "`tongs.kit = case` before the flush, `case.kit_id = tongs.id` after it; then commit.",
    ),
    Code(
        """
        tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
        case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
        tongs.kit = case
        session.add_all([tongs, case])
        session.flush()
        case.kit_id = tongs.id
        session.commit()
        """
    ),
    (
        WrongAnswer(
            Code(
                """
                tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
                case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
                tongs.kit = case
                session.add_all([tongs, case])
                session.commit()
                """
            ),
            says="TNG-01 is not the kit of CAS-01",
        ),
        WrongAnswer(
            Code(
                """
                tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
                case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
                tongs.kit = case
                session.add_all([tongs, case])
                session.flush()
                case.kit = tongs
                session.commit()
                """
            ),
            says="no tool TNG-01",
        ),
        WrongAnswer(
            Code(
                """
                tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
                case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
                session.add_all([tongs, case])
                session.commit()
                tongs.kit, case.kit = case, tongs
                """
            ),
            says="is not the kit of",
        ),
        WrongAnswer(
            Code(
                """
                tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
                case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
                tongs.kit = case
                session.add_all([tongs, case])
                session.commit()
                case.kit = tongs
                session.commit()
                """
            ),
            says="2 COMMITs were sent",
        ),
    ),
    "Two flushes in one transaction: for everybody else it happened at once.",
    starter=Code(
        """
        tongs = Tool(tag="TNG-01", name="Tongs", branch_id=1, version=1)
        case = Tool(tag="CAS-01", name="Case", branch_id=1, version=1)
        tongs.kit, case.kit = case, tongs
        session.add_all([tongs, case])
        session.commit()
        """
    ),
)

NOTES = Notes(
    timing=(
        ("The story; 9a, and who came along", 8),
        ("9b as a puzzle: three cards, put them in order; the plan", 9),
        ("9c, from the inside out", 8),
        ("9d, circles, post_update", 6),
        ("The plan of a kit; the graph", 5),
        ("9e by hands; Modify", 5),
        ("Exercises 9a and 9b", 8),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "9a": "a. Ask how the line should be written without the loan's key.",
        "9b": "a. Let three people hold the cards and tell each other their keys.",
        "9c": "b. Draw the session as a room: who stands inside can pull in, who stands outside cannot push himself.",
        "9d": "a, from people who know post_update. Show that it has to be said.",
        "9e": "a. The plan of 9b refutes it in one look.",
    },
    draw="A room, the session. Arrows from object to object are ropes; who is inside pulls on the ropes that he "
    "holds. Then the same objects as cards on a "
    "table, to be put in a row so that every arrow points backwards.",
    skip="The graph, and post_update.",
    break_live=Code(
        """
        # a loan that is forgotten outside: what does the flush say, and what is written?
        session.rollback()
        forgotten = Loan(member=session.get(Member, 9), out_on=date(2025, 7, 4), due_on=date(2025, 7, 11))
        session.flush()
        """
    ),
)

LESSON = Lesson(
    number=9,
    title="Order out of chaos",
    notebook="09_order_out_of_chaos.ipynb",
    minutes=50,
    predictions=PREDICTIONS,
    exercises=(KIT, CIRCLE),
    notes=NOTES,
)
