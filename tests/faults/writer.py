"""The process that is killed: ``python -m tests.faults.writer URL`` commits numbered transactions until it is.

Writes to its standard output a dot before each statement, and the number of each transaction after its commit. Transaction
*n* writes five entries, deletes those of *n* − 3, counts itself, and in every second one a savepoint comes and goes.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from nbsession import DeclarativeBase, Mapped, Session, create_engine, event, mapped_column, select

PARTS = 5
KEPT = 3


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]
    part: Mapped[int]


class Count(Base):
    """One row: how many transactions there were."""

    __tablename__ = "count"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}


def write(session: Session, number: int) -> None:
    """One transaction, committed."""
    count = session.get(Count, 1) or Count(id=1)
    count.value = number
    session.add(count)
    session.add_all([Entry(number=number, part=part) for part in range(PARTS - 1)])
    for entry in session.scalars(select(Entry).where(Entry.number <= number - KEPT)):
        session.delete(entry)
    if number % 2:
        with session.begin_nested() as savepoint:
            session.add(Entry(number=number, part=99))
            session.flush()
            savepoint.rollback()
    session.add(Entry(number=number, part=PARTS - 1))
    session.commit()


def tick(*_: Any, **__: Any) -> None:
    """Says that a statement comes."""
    os.write(1, b".")


def main(url: str) -> None:
    """Goes on from what is in the database, for ever."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    for hook in ("before_cursor_execute", "commit"):
        event.listen(engine, hook, tick)
    with Session(engine) as session:
        number = session.scalar(select(Count.value)) or 0
        while True:
            number += 1
            write(session, number)
            os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
