"""Threads that change the same few rows at once, with savepoints: what was committed is there, and nothing else."""

from __future__ import annotations

import random
import threading

import pytest

from nbsession import DeclarativeBase, ForeignKey, Mapped, Session, create_engine, exc, mapped_column, text

ROWS = 4
REFUSED = (exc.OperationalError, exc.IntegrityError, exc.SerializationError)


class Base(DeclarativeBase):
    pass


class Counter(Base):
    __tablename__ = "counter"
    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    counter_id: Mapped[int] = mapped_column(ForeignKey("counter.id"))


def transaction(session, chance):
    """Counts up, writes notes, deletes; partly in savepoints rolled back. Returns by how much sum and notes change."""
    added = notes = 0
    for _ in range(chance.randint(1, 3)):
        counter = session.get(Counter, chance.randint(1, ROWS))
        if counter is None:
            continue
        match chance.choice(["count", "count", "note", "delete", "undone"]):
            case "count":
                counter.n += 1
                added += 1
            case "note":
                session.add(Note(counter_id=counter.id))
                notes += 1
            case "delete":
                session.delete(counter)
                session.add(Counter(id=chance.randint(10, 10**6), n=counter.n))
            case "undone":
                savepoint = session.begin_nested()
                counter.n += 1000
                session.add(Note(counter_id=counter.id))
                session.flush()
                savepoint.rollback()
        session.flush()
    session.commit()
    return added, notes


@pytest.mark.parametrize("where", ["memory", "file"])
def test_threads_lose_nothing(where, tmp_path):
    engine = create_engine("duckdb://" if where == "memory" else f"duckdb:///{tmp_path / 'x.duckdb'}")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Counter(id=number, n=0) for number in range(1, ROWS + 1)])
        session.commit()
    done, wrong = [], []

    def work(seed):
        chance = random.Random(seed)
        for _ in range(10):
            with Session(engine) as session:
                try:
                    done.append(transaction(session, chance))
                except REFUSED:
                    session.rollback()
                except BaseException as error:
                    wrong.append(error)
                    raise

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and done
    with Session(engine) as session:
        assert session.scalar(text("SELECT sum(n) FROM counter")) == sum(added for added, _ in done)
        assert session.scalar(text("SELECT count(*) FROM note")) == sum(notes for _, notes in done)
        assert session.scalar(text("SELECT count(*) FROM note ANTI JOIN counter ON counter_id = counter.id")) == 0
    races = engine._source._database.races
    assert not races._open and not races._left
    engine.dispose()
