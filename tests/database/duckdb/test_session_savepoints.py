"""A session's savepoints on DuckDB: what it is left with when one cannot be restored, and what does not get in its way."""

from __future__ import annotations

import pytest

from nbsession import DeclarativeBase, Mapped, Session, create_engine, exc, inspect, mapped_column, select, text


class Base(DeclarativeBase):
    pass


class Tool(Base):
    __tablename__ = "tool"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)


@pytest.fixture(params=["memory", "file"])
def engine(request, tmp_path):
    engine = create_engine("duckdb://" if request.param == "memory" else f"duckdb:///{tmp_path / 'x.duckdb'}")
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


def names(session):
    return session.scalars(select(Tool.name).order_by(Tool.name)).all()


def commit_another(engine):
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO tool VALUES (50, 'theirs')")


@pytest.mark.parametrize("deep", [False, True])
def test_savepoint_that_cannot_be_restored_takes_the_whole_transaction_with_it(engine, session, deep):
    saw, axe = Tool(name="saw"), Tool(name="axe")
    session.add(saw)
    if deep:
        session.begin_nested()
    nested = session.begin_nested()
    session.add(axe)
    session.flush()
    commit_another(engine)
    with pytest.raises(exc.SerializationError, match=r"another connection committed.*begin again and repeat it"):
        nested.rollback()
    assert inspect(saw).transient and inspect(axe).transient and not session.is_active
    for use in (lambda: names(session), session.commit, session.begin_nested):
        with pytest.raises(exc.PendingRollbackError, match="another connection committed"):
            use()
    session.rollback()
    session.add(saw)
    session.commit()
    assert names(session) == ["saw", "theirs"]


def test_flush_that_fails_in_a_savepoint_which_cannot_be_restored(engine, session):
    saw = Tool(name="saw")
    session.add(saw)
    session.begin_nested()
    with pytest.raises(exc.IntegrityError) as caught, session.begin_nested():
        commit_another(engine)
        session.add(Tool(name="saw"))
    assert any("another connection committed" in note for note in caught.value.__notes__)
    with pytest.raises(exc.PendingRollbackError):
        names(session)
    session.rollback()
    assert inspect(saw).transient and names(session) == ["theirs"]


def test_sql_that_is_not_deterministic_takes_the_whole_transaction_with_it(session):
    session.execute(text("INSERT INTO tool VALUES (1, random()::VARCHAR)"))
    saw = Tool(name="saw")
    session.add(saw)
    with pytest.raises(exc.ReplayDivergence, match="send them as parameters"), session.begin_nested():
        session.add(Tool(name="axe"))
        session.flush()
        raise ZeroDivisionError
    assert inspect(saw).transient
    session.rollback()
    assert names(session) == []


def test_block_ends_with_the_error(engine):
    with pytest.raises(exc.SerializationError), Session(engine) as session, session.begin():
        session.add(Tool(name="saw"))
        with session.begin_nested():
            session.add(Tool(name="axe"))
            session.flush()
            commit_another(engine)
            raise ZeroDivisionError
    assert names(session) == ["theirs"]


def test_open_readers_do_not_make_a_savepoint_refuse(engine, session):
    cursor = engine.connect()._link.raw.cursor()
    with Session(engine) as reader:
        assert names(reader) == []
        session.add(Tool(name="saw"))
        nested = session.begin_nested()
        session.add(Tool(name="axe"))
        session.flush()
        with Session(engine) as another:
            assert names(another) == []
            assert cursor.execute("SELECT count(*) FROM tool").fetchall() == [(0,)]
            nested.rollback()
            assert names(another) == names(reader) == []
        assert names(session) == ["saw"]
        session.commit()
        assert names(reader) == []
        reader.rollback()
        assert names(reader) == ["saw"]
    cursor.close()


def test_transaction_of_another_session_that_is_still_open_does_not_either(engine, session):
    with Session(engine) as other:
        other.add(Tool(id=7, name="theirs"))
        other.flush()
        session.add(Tool(name="saw"))
        nested = session.begin_nested()
        session.add(Tool(name="axe"))
        session.flush()
        nested.rollback()
        other.commit()
        session.commit()
    assert names(session) == ["saw", "theirs"]


def test_frame_that_was_changed_meanwhile_is_noticed(engine):
    numpy = pytest.importorskip("numpy")
    frame = {"id": numpy.array([1, 2])}
    with engine.connect() as connection:
        connection._link.raw.register("frame", frame)
        connection.exec_driver_sql("INSERT INTO tool (id) SELECT * FROM frame")
        with connection.begin_nested() as nested:
            connection.exec_driver_sql("DELETE FROM tool")
            nested.rollback()
        assert connection.fetch("SELECT id FROM tool ORDER BY id") == [(1,), (2,)]
        frame["id"][0] = 9
        nested = connection.begin_nested()
        connection.exec_driver_sql("DELETE FROM tool")
        with pytest.raises(exc.ReplayDivergence, match="tool"):
            nested.rollback()
        assert connection.fetch("SELECT count(*) FROM tool") == [(0,)]


def test_sequence_drawn_from_by_hand(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE numbers")
        connection.commit()
        drawn = [connection.exec_driver_sql("SELECT nextval('numbers')").scalar()]
        connection.exec_driver_sql("INSERT INTO tool VALUES (?, 'saw')", (drawn[0],))
        nested = connection.begin_nested()
        connection.exec_driver_sql("DELETE FROM tool")
        drawn.append(connection.exec_driver_sql("SELECT nextval('numbers')").scalar())
        nested.rollback()
        drawn.append(connection.exec_driver_sql("SELECT nextval('numbers')").scalar())
        assert connection.fetch("SELECT id FROM tool") == [(drawn[0],)]
        assert len(set(drawn)) == 3


def test_sequence_made_in_the_transaction_goes_on_where_it_was(engine):
    with engine.connect() as connection:
        connection.exec_driver_sql("CREATE SEQUENCE numbers")
        assert connection.exec_driver_sql("SELECT nextval('numbers')").scalar() == 1
        nested = connection.begin_nested()
        connection.exec_driver_sql("SELECT nextval('numbers')")
        nested.rollback()
        assert connection.exec_driver_sql("SELECT nextval('numbers')").scalar() == 2
