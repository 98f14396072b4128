"""Lesson 4, one row, one object: the identity map, what makes a loaded value old, and what makes it new again."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from nbsession import inspect, text
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Choice, Code, Exercise, Lesson, Notes, Prediction, Wrong, WrongAnswer
from nbsession.teaching.requirements import at_most, committed, no_errors
from nbsession.teaching.toolshed.classes import Tool

PREDICTIONS = (
    Prediction(
        "4a",
        "`a` comes from `session.get(Tool, 5)`, `b` from a query for the tag `SPA-01`, which is the same row. "
        "Is `a is b` true?",
        {
            "a": Choice(
                "No: two queries, two objects with equal values",
                "So it is in libraries without an identity map. This session knows the key when it comes a second time.",
            ),
            "b": Choice("Yes, and both statements were sent"),
            "c": Choice(
                "Yes, and the query sent nothing, since the row was loaded already",
                "Which row has that tag only the database can say. It is `get`, by the key, that may send nothing.",
                5,
            ),
        },
        "b",
        "The query was sent and a row came back. Its key was in the identity map already, so that you got the object of that key.",
        evidence="(True, 'Spanner set')",
    ),
    Prediction(
        "4b",
        "Plain SQL sets the name to Ring spanners. A query for the object follows, then a query for the column. "
        "What do they say?",
        {
            "a": Choice(
                "Ring spanners, Ring spanners: a query asks the database",
                "It did ask. But the object had its name already, and a query does not write over what is loaded.",
                5,
            ),
            "b": Choice(
                "Spanner set, Spanner set: until the commit the database shows the old row",
                "It is your own transaction: it sees its own UPDATE. The column shows it. That is isolation; this is memory.",
                5,
            ),
            "c": Choice(
                "An error: the session notices that its object is out of date",
                "It does not watch plain SQL. A version column (lesson 12) makes it notice, at the next UPDATE.",
            ),
            "d": Choice("Spanner set, Ring spanners"),
        },
        "d",
        "What an object has loaded stays until it expires or is refreshed. A column is no object: it is read as it is.",
        evidence="('Spanner set', 'Ring spanners')",
    ),
    Prediction(
        "4c",
        "You commit. Then a colleague commits the name Spanners, 8 to 24. What does `a.name` say?",
        {
            "a": Choice("The colleague's name: `a` has expired, and is read again"),
            "b": Choice(
                "Ring spanners, as before: objects change only when refreshed",
                "Inside a transaction, yes. Its end expires all objects: from then on others may have changed the rows.",
            ),
            "c": Choice(
                "The colleague's name, because both sessions share the object",
                "`theirs is not a`: sessions share rows, never objects.",
            ),
        },
        "a",
        "A commit expires what the session holds. The next touch sends a SELECT, in a new transaction, and sees what is committed.",
        evidence="Spanners, 8 to 24",
    ),
    Prediction(
        "4d",
        "92 tools are loaded into a list, and the list is deleted. `a`, `b` and `again` are still there. How many tools does "
        "the identity map have then?",
        {
            "a": Choice(
                "92: the session keeps what it has loaded until it is closed",
                "Then a long notebook would fill the memory. It refers to them weakly.",
            ),
            "b": Choice("3: the ones that variables name", "Three names, one object."),
            "c": Choice("1"),
            "d": Choice("0: deleting the list deletes its objects", "`a` was in the list, too, and is still held."),
        },
        "c",
        "The map refers to objects weakly. Whoever is held by nobody, and has no unsaved changes, is let go of.",
        evidence="(92, 1)",
    ),
    Prediction(
        "4e",
        "Which sentence is the rule?",
        {
            "a": Choice(
                "A session is a cache: what it has once loaded it does not ask for again",
                "Every query was sent. Only `get` by a key may be answered from the map.",
                5,
            ),
            "b": Choice(
                "The map says which object you get; what is loaded says which values, until they expire or are refreshed"
            ),
            "c": Choice(
                "A query always brings the object up to date, except inside a transaction",
                "It never does by itself; `populate_existing=True` asks for it.",
                5,
            ),
        },
        "b",
        "Identity and freshness are two things. Which object: by class and key, always. Which values: those of the last load.",
    ),
)


# ── what both exercises stand on ─────────────────────────────────────────────────────────────────────────────────────
FRESH = {"drill": (7, "Drill, two batteries"), "saw": (12, "Pendulum jigsaw"), "lathe": (30, "Lathe, small")}
NAMES = " and ".join((", ".join(f"`{name}`" for name in list(FRESH)[:-1]), "`lathe`"))


def three_tools_renamed(session: Any, names: MutableMapping[str, Any]) -> None:
    """Loads the three, and renames them behind the session."""
    for name, (key, fresh) in FRESH.items():
        names[name] = session.get(Tool, key)
        session.execute(text("UPDATE tool SET name = :name WHERE id = :id"), {"name": fresh, "id": key})


def one_tool_renamed_and_changed(session: Any, names: MutableMapping[str, Any]) -> None:
    """Loads the drill, renames it behind the session, and changes its tag."""
    key, fresh = FRESH["drill"]
    drill = names["drill"] = session.get(Tool, key)
    session.execute(text("UPDATE tool SET name = :name WHERE id = :id"), {"name": fresh, "id": key})
    drill.tag = "DRI-99"


def loaded(tool: Any, attribute: str) -> Any:
    """What a tool says without asking: judging must not load."""
    return inspect(tool).dict.get(attribute)


def still_there(name: str) -> Any:
    """The variable names the object that was loaded, or the one of its key in the session."""

    def judge(attempt: Attempt) -> Wrong | None:
        tool = attempt.names.get(name)
        if not isinstance(tool, Tool) or tool not in attempt.session:
            return Wrong(
                f"`{name}` is no longer the tool that the session had: refresh it, do not replace it.", "identity"
            )
        return None

    return judge


def fresh(name: str) -> Any:
    """The object says what the row says."""

    def judge(attempt: Attempt) -> Wrong | None:
        tool = attempt.names[name]
        says = loaded(tool, "name")
        if says is None:
            return Wrong(
                f"`{name}` has expired: it would be read when somebody asks. Read it before the exercise ends.",
                "identity",
            )
        if says != FRESH[name][1]:
            return Wrong(f"`{name}.name` is still {says!r}; the row says {FRESH[name][1]!r}.", "identity")
        return None

    return judge


EACH = tuple(judge for name in FRESH for judge in (still_there(name), fresh(name)))

THREE_FRESH = Exercise(
    "4a",
    f"Bring {NAMES} up to date with one SELECT. The objects stay the same, and nothing is committed.",
    (no_errors(), *EACH, at_most(1, "SELECT", "tool"), committed(0)),
    (
        "`refresh` reads one object. What reads many rows with one SELECT?",
        "A query gives the objects that are there, with their old values, unless it is told to fill them again.",
        "`select(Tool).where(Tool.id.in_([…])).execution_options(populate_existing=True)`, and then ask for all of its rows.",
    ),
    Code(
        """
        keys = [drill.id, saw.id, lathe.id]
        again = select(Tool).where(Tool.id.in_(keys)).execution_options(populate_existing=True)
        session.scalars(again).all()
        """
    ),
    (
        WrongAnswer(
            Code("session.scalars(select(Tool).where(Tool.id.in_([7, 12, 30]))).all()"),
            says="`drill.name` is still 'Cordless drill'",
        ),
        WrongAnswer(
            Code(
                """
                for tool in (drill, saw, lathe):
                    session.refresh(tool)
                """
            ),
            says="3 SELECTs of `tool` were sent; at most 1",
        ),
        WrongAnswer(Code("session.expire_all()"), says="`drill` has expired"),
        WrongAnswer(
            Code(
                """
                session.expunge_all()
                drill, saw, lathe = session.scalars(select(Tool).where(Tool.id.in_([7, 12, 30])).order_by(Tool.id))
                session.commit()
                """
            ),
            says="`drill` has expired",
        ),
        WrongAnswer(
            Code(
                """
                with Session(engine) as fresh:
                    drill = fresh.get(Tool, 7)
                """
            ),
            says="no longer the tool that the session had",
        ),
    ),
    "One statement for three objects: `populate_existing` fills whatever object the map has for each row.",
    prepare=three_tools_renamed,
)


def still_unsaved(attempt: Attempt) -> Wrong | None:
    """The learner's own change is there, and waits."""
    drill = attempt.names["drill"]
    if loaded(drill, "tag") != "DRI-99":
        return Wrong("Your own tag, DRI-99, is lost: the whole row was read over it.", "identity")
    if attempt.count("UPDATE", "tool"):
        return Wrong("An UPDATE has sent your tag. It shall wait: what flushed it?", "log")
    return None


ONE_ATTRIBUTE = Exercise(
    "4b",
    "Get the fresh name into `drill`, and keep your unsaved tag: it is neither sent nor lost.",
    (no_errors(), still_there("drill"), still_unsaved, fresh("drill"), committed(0)),
    (
        "`refresh` and `expire` take a list of names: they need not be about the whole row.",
        "Before it reads, a session flushes. Lesson 3 has shown what keeps it from doing so.",
        '`with session.no_autoflush:` around `session.refresh(drill, ["name"])`.',
    ),
    Code(
        """
        with session.no_autoflush:
            session.refresh(drill, ["name"])
        """
    ),
    (
        WrongAnswer(Code("session.refresh(drill)"), says="Your own tag, DRI-99, is lost"),
        WrongAnswer(Code('session.refresh(drill, ["name"])'), says="An UPDATE has sent your tag"),
        WrongAnswer(
            Code("session.scalars(select(Tool).where(Tool.id == 7).execution_options(populate_existing=True)).one()"),
            says="An UPDATE has sent your tag",
        ),
        WrongAnswer(Code('session.expire(drill, ["name"])'), says="`drill` has expired"),
    ),
    "A refresh of one attribute touches no other; and without the autoflush nothing is sent.",
    prepare=one_tool_renamed_and_changed,
)

NOTES = Notes(
    timing=(
        ("The hook on the wall: one row, one object; 4a, then the log: two statements, one object", 8),
        ("4b: let them argue, isolation against memory; then refresh", 10),
        ("4c, and why `theirs is not a`", 6),
        ("4d, the identity map with its holders, Out[n]", 8),
        ("4e by hands; Modify: three ways, when does each ask?", 5),
        ("Exercises 4a and 4b", 7),
        ("The same in SQLAlchemy 2, key points", 1),
    ),
    expect={
        "4a": "a, from Django and from plain drivers; c from those who hold the session for a cache. The log refutes both.",
        "4b": "a, nearly everybody. Some choose b and mean isolation: ask whose transaction the UPDATE ran in.",
        "4c": "b, after 4b. What differs is the commit between: draw the end of the transaction.",
        "4d": "a. Ask what a notebook would weigh after a day; then show `%session identity`.",
        "4e": "a. Point at the log once more: no query was saved by the map.",
    },
    draw="Left the table `tool` with one row, right the identity map as a board with one hook per key. Arrows from a, b, again "
    "to the one object on the hook; a second board for the colleague's session. Values are pencilled on the object: a commit "
    "rubs them out.",
    skip="4d and the part about holders, if nobody asks about memory; never 4b.",
    break_live=Code(
        """
        # the lost update: who saves last wins, unless a version column counts (lesson 12)
        mine = session.get(Tool, 5)
        with Session(engine) as colleague:
            colleague.get(Tool, 5).name = "Theirs"
            session.rollback()
            colleague.commit()
        mine.name = "Mine"
        session.commit()
        """
    ),
)

LESSON = Lesson(
    number=4,
    title="One row, one object",
    notebook="04_one_row_one_object.ipynb",
    minutes=45,
    predictions=PREDICTIONS,
    exercises=(THREE_FRESH, ONE_ATTRIBUTE),
    notes=NOTES,
)
