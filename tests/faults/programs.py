"""What is done while a driver call fails: programs of steps, each of which can be repeated after a rollback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from nbsession import IntegrityError, Session, select, text, update
from tests.faults.model import Crate, Engineer, Loan, Member, Person, Skill

Objects: TypeAlias = dict[str, Any]
"""the objects of a program by name"""


Work: TypeAlias = Callable[[Session, Objects], Any]


class Step(NamedTuple):
    """One step: a level begins or ends, or ``do``: something is done."""

    verb: str
    works: tuple[Work, ...] = ()


BEGIN, RELEASE, BACK, COMMIT, ROLLBACK = map(Step, ("begin_nested", "release", "rollback to", "commit", "rollback"))


def do(*works: Work) -> Step:
    """A step that does something."""
    return Step("do", works)


def new(**made: Any) -> Work:
    """Makes objects and adds them: a function for each name."""

    def work(session: Session, o: Objects) -> None:
        objects = {name: make() for name, make in made.items()}
        o.update(objects)
        session.add_all(objects.values())

    return work


def flush(session: Session, o: Objects) -> None:
    """Flushes."""
    session.flush()


def put(name: str, /, **values: Any) -> Work:
    """Sets attributes of an object."""

    def work(session: Session, o: Objects) -> None:
        for key, value in values.items():
            setattr(o[name], key, value)

    return work


def delete(name: str) -> Work:
    """Deletes an object."""
    return lambda session, o: session.delete(o[name])


# ── a graph ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _add_graph(session: Session, o: Objects) -> None:
    o["ada"] = Member(name="Ada", age=36, loans=[Loan(note="saw"), Loan(note="axe")])
    o["bob"] = Member(name="Bob", loans=[Loan(note="bit")])
    o["cat"] = Member(name="Cat")
    o["saw"], o["axe"] = o["ada"].loans
    o["bit"] = o["bob"].loans[0]
    session.add_all([o["ada"], o["bob"], o["cat"]])


def _change_graph(session: Session, o: Objects) -> None:
    o["ada"].age, o["cat"].age = 37, 8
    session.delete(o["bob"])
    o["dan"] = Member(name="Dan", loans=[Loan(note="oil")])
    o["oil"] = o["dan"].loans[0]
    session.add(o["dan"])
    o["ada"].loans.remove(o["axe"])


def _rename(session: Session, o: Objects) -> None:
    o["ada"].name = "Ada L"
    assert session.scalars(select(Member.name).order_by(Member.id)).first() == "Ada L"


GRAPH = [
    do(_add_graph),
    do(flush),
    COMMIT,
    do(_change_graph),
    do(_rename),
    do(lambda s, o: s.execute(update(Member).values(age=50).where(Member.name == "Dan"))),
    COMMIT,
    do(put("cat", name="nobody")),
    do(flush),
    ROLLBACK,
    do(delete("cat")),
    COMMIT,
]


# ── joined inheritance, versions, many-to-many ───────────────────────────────────────────────────────────────────────
def _add_people(session: Session, o: Objects) -> None:
    o["iron"], o["wood"] = Skill(word="iron"), Skill(word="wood")
    o["eve"] = Engineer(name="Eve", tool="saw", skills=[o["iron"], o["wood"]])
    o["max"] = Engineer(name="Max", tool="axe", skills=[o["wood"]])
    o["pat"] = Person(name="Pat", skills=[o["iron"]])
    session.add_all([o["eve"], o["max"], o["pat"]])


def _change_people(session: Session, o: Objects) -> None:
    o["eve"].name, o["eve"].tool = "Eva", "oil"
    o["max"].skills = [o["iron"]]
    o["pat"].name = "Pit"
    session.flush()
    session.delete(o["max"])
    o["tin"] = Skill(word="tin")
    o["pat"].skills.append(o["tin"])


PEOPLE = [
    do(_add_people),
    COMMIT,
    do(_change_people),
    do(flush),
    BEGIN,
    do(put("eve", tool="nail"), delete("pat"), flush),
    BACK,
    do(lambda s, o: o["eve"].skills.clear()),
    COMMIT,
]


# ── savepoints, raw SQL, errors inside ───────────────────────────────────────────────────────────────────────────────
def _clash(session: Session, o: Objects) -> None:
    """An error that is expected, and undone with its own savepoint."""
    inner = session.begin_nested(name="clash")
    session.add(Member(name="Ada"))
    try:
        session.flush()
    except IntegrityError:
        inner.rollback()
    else:
        raise AssertionError("two members of one name")


SAVEPOINTS = [
    do(new(ada=lambda: Member(name="Ada"), cat=lambda: Member(name="Cat"))),
    COMMIT,
    do(put("ada", age=1)),
    BEGIN,
    do(lambda s, o: s.execute(text("INSERT INTO loan (id, member_id, note) VALUES (100, 1, 'raw')"))),
    do(new(bob=lambda: Member(name="Bob")), flush),
    BEGIN,
    do(lambda s, o: s.execute(text("UPDATE member SET age = age + 10 WHERE age IS NOT NULL"))),
    do(delete("bob"), flush),
    do(_clash),
    BACK,
    do(put("ada", name="Ada L"), flush),
    RELEASE,
    BEGIN,
    BEGIN,
    do(new(dan=lambda: Member(name="Dan"), eve=lambda: Member(name="Eve"))),
    RELEASE,
    do(delete("cat")),
    RELEASE,
    do(lambda s, o: s.connection().exec_driver_sql("UPDATE loan SET note = 'red' WHERE id = ?", (100,))),
    COMMIT,
]


# ── two engines ──────────────────────────────────────────────────────────────────────────────────────────────────────
TWO_ENGINES = [
    do(new(ada=lambda: Member(name="Ada"), box=lambda: Crate(label="box"))),
    COMMIT,
    do(put("ada", age=1), delete("box"), flush),
    BEGIN,
    do(new(bob=lambda: Member(name="Bob"), can=lambda: Crate(label="can"))),
    do(flush),
    BACK,
    BEGIN,
    do(new(cat=lambda: Member(name="Cat"), tin=lambda: Crate(label="tin"))),
    RELEASE,
    COMMIT,
]

PROGRAMS = {
    "graph": (GRAPH, ("member", "loan")),
    "people": (PEOPLE, ("skill", "person", "engineer", "person_skill")),
    "savepoints": (SAVEPOINTS, ("member", "loan")),
    "two engines": (TWO_ENGINES, ("member", "loan", "crate")),
}
"""steps, and the tables they use, parents first"""
