"""Programs of a Session: objects added, changed and deleted inside savepoints, the same on SQLite and on DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from nbsession import (
    DeclarativeBase,
    ForeignKey,
    Mapped,
    Session,
    create_engine,
    delete,
    exc,
    insert,
    inspect,
    mapped_column,
    relationship,
    text,
    update,
)
from tests.database.duckdb.savepoints.sides import Difference
from tests.database.duckdb.savepoints.statements import blocks

Step: TypeAlias = tuple[Any, ...]


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)
    tools: Mapped[list[Tool]] = relationship(back_populates="shelf")


class Tool(Base):
    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    price: Mapped[int | None]
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="tools")


_place = st.integers(0, 4)
_name = st.sampled_from(["a", "b", "c", None])
_price = st.integers(0, 99)
_texts = [
    "UPDATE tool SET price = price + 1 WHERE id < 4",
    "INSERT INTO tool (id, name, price) SELECT id + 100, name, 7 FROM shelf WHERE id < 3",
    "DELETE FROM tool WHERE price > 50",
    "UPDATE shelf SET name = 'a' WHERE id = 2",
    "INSERT INTO nowhere VALUES (1)",
]

steps = st.one_of(
    st.tuples(st.just("shelf"), _name),
    st.tuples(st.just("shelf"), _name),
    st.tuples(st.just("tools"), st.lists(st.tuples(_name, st.none() | _place), min_size=1, max_size=3)),
    st.tuples(st.just("tools"), st.lists(st.tuples(_name, st.none() | _place), min_size=1, max_size=3)),
    st.tuples(st.just("price"), _place, _price),
    st.tuples(st.just("price"), _place, _price),
    st.tuples(st.just("rename"), _place, _name),
    st.tuples(st.just("move"), _place, st.none() | _place),
    st.tuples(st.just("delete"), st.sampled_from(["shelf", "tool"]), _place),
    st.tuples(st.just("read"), _place),
    st.tuples(st.just("flush")),
    st.tuples(st.just("text"), st.sampled_from(_texts)),
    st.tuples(st.just("update"), _price),
    st.tuples(st.just("delete rows"), _price),
    st.tuples(st.just("insert rows"), st.lists(st.tuples(_name, _price), min_size=1, max_size=3)),
    st.tuples(st.just("savepoint"), st.sampled_from(["same", None])),
    st.tuples(st.just("release"), _place),
    st.tuples(st.just("rollback to"), _place),
    st.tuples(st.sampled_from(["commit", "rollback"])),
)


def _block(name: str, body: list[Any], ending: str) -> list[Any]:
    """A savepoint, what is done in it, and how it ends: the innermost is meant, the last one."""
    return [("savepoint", name), *body, *([(ending, -1)] if ending else [])]


_start = [("shelf", "a"), ("tools", [(None, 0), ("c", None), ("b", 0)])]
programs = blocks(steps, _block).map(lambda program: [*_start, *program])


class SessionSide:
    """A session on one database."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url)
        Base.metadata.create_all(self.engine)
        self.begin()

    def begin(self) -> None:
        self.session = Session(self.engine)
        self.shelves: list[Shelf] = []
        self.tools: list[Tool] = []
        self.savepoints: list[Any] = []

    def clear(self) -> None:
        """Makes it as new."""
        self.session.close()
        with self.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM tool")
            connection.exec_driver_sql("DELETE FROM shelf")
        self.begin()

    def run(self, step: Step) -> Any:
        """What the step gave, or the class of its error; after one the innermost savepoint is rolled back, or everything."""
        try:
            return self._run(*step)
        except exc.NbsessionError as error:
            self._active()
            if self.savepoints:
                self.savepoints.pop().rollback()
            else:
                self.session.rollback()
            drivers = exc.OperationalError, exc.ProgrammingError  # the two do not agree on what a missing table is
            return "refused" if type(error) in drivers else type(error).__name__

    def _active(self) -> list[Any]:
        self.savepoints = [handle for handle in self.savepoints if handle in self._nested()]
        return self.savepoints

    def _nested(self) -> list[Any]:
        found, handle = [], self.session.get_nested_transaction()
        while handle is not None:
            found.append(handle)
            handle = handle.parent
        return found

    def _run(self, verb: str, *given: Any) -> Any:
        session = self.session
        match verb:
            case "shelf":
                self._add(self.shelves, Shelf(name=given[0]))
            case "tools":
                for name, place in given[0]:
                    self._add(self.tools, Tool(name=name, price=1, shelf=self._at(self.shelves, place)))
            case "price" | "rename" | "move":
                self._change(verb, *given)
            case "delete":
                found = self._at(self.shelves if given[0] == "shelf" else self.tools, given[1])
                if found is not None and inspect(found).persistent:
                    session.delete(found)
            case "read":
                found = self._at(self.tools, given[0])
                if found is not None and inspect(found).persistent:
                    return found.price, found.shelf.name if found.shelf is not None else None
            case "text":
                session.execute(text(given[0]))
            case "update":
                session.execute(update(Tool).where(Tool.price > given[0]).values(price=Tool.price - 1))
            case "delete rows":
                return session.execute(delete(Tool).where(Tool.price == given[0])).rowcount
            case "insert rows":
                session.execute(insert(Tool), [{"name": name, "price": price} for name, price in given[0]])
            case "savepoint":
                self.savepoints.append(session.begin_nested(name=given[0]))
            case "release" | "rollback to":
                if self._active():
                    handle = self.savepoints[given[0] % len(self.savepoints)]
                    handle.commit() if verb == "release" else handle.rollback()
            case _:
                getattr(session, verb)()
        return None

    def _add(self, kept: list[Any], thing: Any) -> None:
        kept.append(thing)
        self.session.add(thing)

    def _at(self, kept: list[Any], place: int | None) -> Any:
        """An object that may be used: the session has not let go of it."""
        if place is None or not kept:
            return None
        found = kept[place % len(kept)]
        return found if found in self.session and found not in self.session.deleted else None

    def _change(self, verb: str, place: int, value: Any) -> None:
        found = self._at(self.shelves if verb == "rename" else self.tools, place)
        if found is not None:
            if verb == "move":
                found.shelf = self._at(self.shelves, value)
            else:
                setattr(found, "name" if verb == "rename" else "price", value)

    def contents(self) -> Any:
        """Rows as the transaction sees them, and what each object is and holds."""
        objects = [
            (
                state_of(one),
                {key: value for key, value in sorted(inspect(one).dict.items()) if key not in ("shelf", "tools")},
            )
            for one in (*self.shelves, *self.tools)
        ]
        connection = self.session.connection()
        rows = [connection.exec_driver_sql(f"SELECT * FROM {name} ORDER BY id").all() for name in ("shelf", "tool")]
        return objects, [[tuple(row) for row in table] for table in rows]

    def close(self) -> None:
        self.session.close()
        self.engine.dispose()


def state_of(thing: Any) -> str:
    """Its state, in a word."""
    state = inspect(thing)
    return next(word for word in ("transient", "pending", "persistent", "deleted", "detached") if getattr(state, word))


def play(program: Sequence[Step], sides: Sequence[SessionSide]) -> None:
    """Runs a program on all sides.

    :raises Difference: an answer, an object or a row differs.
    """
    for side in sides:
        side.clear()
    for number, step in enumerate(program):
        answers = [side.run(step) for side in sides]
        if answers[0] != answers[1]:
            raise Difference(f"step {number}, {step}: SQLite answered {answers[0]}, DuckDB {answers[1]}")
        ends = step[0] in ("release", "rollback to", "commit", "rollback")
        if ends or isinstance(answers[0], str) or number == len(program) - 1:
            contents = [side.contents() for side in sides]
            if contents[0] != contents[1]:
                raise Difference(f"after step {number}, {step}: SQLite has {contents[0]}, DuckDB {contents[1]}")
