"""ShardedSession over several files, and do_orm_execute hooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nbsession import (
    DeclarativeBase,
    Engine,
    ForeignKey,
    InvalidRequestError,
    Mapped,
    Result,
    Session,
    ShardedSession,
    create_engine,
    event,
    inspect,
    mapped_column,
    relationship,
    select,
    set_shard_id,
    text,
    update,
)
from tests.session.models import Member


class Base(DeclarativeBase):
    pass


class Report(Base):
    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    side: Mapped[str]
    text: Mapped[str | None]
    notes: Mapped[list[Note]] = relationship(back_populates="report", cascade="all, delete-orphan")


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("report.id"))
    report: Mapped[Report | None] = relationship(back_populates="notes")

    @property
    def side(self) -> str:
        assert self.report is not None
        return self.report.side


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[Any]:
    """Two files, and a session over both."""
    scheme = database_url.partition(":")[0]
    engines = {name: create_engine(f"{scheme}:///{(tmp_path / name).as_posix()}.db") for name in ("north", "south")}
    asked: list[Any] = []
    for engine in engines.values():
        Base.metadata.create_all(engine)

    def identity_chooser(mapper: Any, primary_key: Any, *, lazy_loaded_from: Any, **rest: Any) -> list[str]:
        asked.append((mapper.class_, primary_key, sorted(rest)))
        return ["north", "south"]

    session = ShardedSession(
        shards=engines,
        shard_chooser=lambda mapper, instance, clause=None: instance.side if instance is not None else "north",
        identity_chooser=identity_chooser,
        execute_chooser=lambda context: ["north", "south"] if context.is_select else ["south"],
    )
    yield SimpleNamespace(session=session, asked=asked, **engines)
    session.close()
    for engine in engines.values():
        engine.dispose()


def stored(engine: Engine, sql: str = "SELECT id FROM report ORDER BY id") -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(sql)).scalars().all())


def test_objects_go_to_their_shard(world: Any) -> None:
    """Lines 20.3, 23.11."""
    session = world.session
    session.add_all([Report(id=1, side="north"), Report(id=2, side="south"), Report(id=3, side="south")])
    session.commit()
    assert (stored(world.north), stored(world.south)) == ([1], [2, 3])
    found = {report.id: report for report in session.scalars(select(Report))}
    assert sorted(found) == [1, 2, 3]
    found[2].text = "changed"
    session.delete(found[3])
    session.commit()
    assert stored(world.south) == [2] and stored(world.south, "SELECT text FROM report") == ["changed"]
    assert found[2].text == "changed" and session.places.of(found[2]) == "south"


def test_get_asks_the_shards_in_order(world: Any) -> None:
    """Line 20.3."""
    session = world.session
    session.add_all([Report(id=1, side="north", text="n"), Report(id=2, side="south", text="s")])
    session.commit()
    session.expunge_all()
    report = session.get(Report, 2)
    assert report.text == "s"
    assert world.asked == [(Report, (2,), ["bind_arguments", "execution_options"])]
    assert session.get(Report, 9) is None
    assert session.get(Report, 2, bind_arguments={"shard_id": "north"}) is None
    assert session.get(Report, 2, identity_token="south") is report


def test_the_same_key_in_two_shards_is_two_objects(world: Any) -> None:
    """Lines 20.3, 23.11, 21.12."""
    session = world.session
    north, south = Report(id=1, side="north", text="n"), Report(id=1, side="south", text="s")
    session.add_all([north, south])
    session.commit()
    assert set(session.scalars(select(Report)).all()) == {north, south} and (north.text, south.text) == ("n", "s")
    assert set(session.identity_map) == {(Report, (1,), "north"), (Report, (1,), "south")}
    assert session.identity_map[Report, (1,), "south"] is south and south in session
    session.expunge(north)
    assert north not in session and south in session
    south.text = "changed"
    session.refresh(south)
    assert south.text == "s"
    session.add(north)
    session.delete(south)
    session.commit()
    assert inspect(south).detached and (stored(world.north), stored(world.south)) == ([1], [])


def test_related_objects_lie_in_the_same_shard(world: Any) -> None:
    """Line 20.3."""
    session = world.session
    session.add(Report(id=1, side="south", notes=[Note(id=5), Note(id=6)]))
    session.add(Report(id=1, side="north", notes=[Note(id=5)]))
    session.commit()
    session.expunge_all()
    (report,) = session.scalars(select(Report).options(set_shard_id("south"))).all()
    assert [note.id for note in report.notes] == [5, 6]
    assert {session.places.of(note) for note in report.notes} == {"south"} and report.notes[0].report is report
    report.notes.pop()
    session.commit()
    assert stored(world.south, "SELECT id FROM note") == [5] and stored(world.north, "SELECT id FROM note") == [5]


def test_one_shard_may_be_named(world: Any) -> None:
    """Line 20.3."""
    session = world.session
    session.add_all([Report(id=1, side="north"), Report(id=2, side="south")])
    session.commit()
    assert session.execute(text("SELECT id FROM report"), bind_arguments={"shard_id": "north"}).scalars().all() == [1]
    assert [r.id for r in session.query(Report).options(set_shard_id("south"))] == [2]
    session.execute(update(Report).values(text="x"))  # execute_chooser says: in the south
    assert [r.text for r in session.scalars(select(Report).order_by(Report.id))] == [None, "x"]
    assert session.get_bind(Report, shard_id="south") is world.south
    with pytest.raises(InvalidRequestError, match="Shard 'west' is bound to no engine"):
        session.get_bind(Report, shard_id="west")
    session.bind_shard("west", world.north)
    assert session.get_bind(Report, shard_id="west") is world.north


def test_a_rollback_rolls_every_shard_back(world: Any) -> None:
    """Lines 20.3, 6.5."""
    session = world.session
    session.add_all([Report(id=1, side="north"), Report(id=2, side="south")])
    session.flush()
    session.rollback()
    assert (stored(world.north), stored(world.south)) == ([], [])


# ── do_orm_execute ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_hook_sees_a_statement_before_it_is_run(session: Session) -> None:
    """Line 3.15."""
    session.add_all([Member(name="Ada"), Member(name="Bob")])
    session.flush()
    seen: list[Any] = []

    @event.listens_for(session, "do_orm_execute")
    def only_ada(state: Any) -> None:
        seen.append((state.is_select, state.is_update, state.is_orm_statement, state.bind_mapper, state.all_mappers))
        if state.is_select and state.is_orm_statement:
            state.statement = state.statement.where(Member.name == "Ada")

    assert [m.name for m in session.scalars(select(Member))] == ["Ada"]
    session.execute(text("SELECT 1"))
    mapper = inspect(Member)
    assert seen == [(True, False, True, mapper, [mapper]), (False, False, False, None, [])]


def test_a_hook_may_run_the_statement_itself_or_answer_for_it(session: Session) -> None:
    """Line 3.15."""
    log: list[str] = []

    @event.listens_for(session, "do_orm_execute")
    def first(state: Any) -> Any:
        if "nothing" in state.execution_options:
            return Result([], ("x",))
        result = state.invoke_statement(params={"x": 5})
        log.append("after")
        return result

    @event.listens_for(session, "do_orm_execute")
    def second(state: Any) -> None:
        log.append("second")

    assert session.execute(text("SELECT :x"), {"x": 3}).scalar() == 5 and log == ["second", "after"]
    assert session.execute(text("SELECT 1"), execution_options={"nothing": True}).all() == []
