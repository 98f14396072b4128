"""Connections, transactions, text() and the rows of results."""

import sys

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

engine = create_engine(sys.argv[1])

with engine.connect() as connection:
    print(connection.execute(text("SELECT 'the doors are open' AS notice")).all())
    connection.execute(text("CREATE TABLE readings (room VARCHAR(20), degrees INTEGER)"))
    connection.execute(
        text("INSERT INTO readings (room, degrees) VALUES (:room, :degrees)"),
        [{"room": "hall", "degrees": 18}, {"room": "cellar", "degrees": 12}],
    )
    connection.commit()

with engine.begin() as connection:
    connection.execute(
        text("INSERT INTO readings (room, degrees) VALUES (:room, :degrees)"),
        [{"room": "attic", "degrees": 25}, {"room": "study", "degrees": 21}],
    )

with engine.connect() as connection:
    result = connection.execute(text("SELECT room, degrees FROM readings ORDER BY degrees"))
    for row in result:
        print(f"{row.room}: {row.degrees}", row[0], row.degrees == row[1])
    result = connection.execute(text("SELECT room, degrees FROM readings ORDER BY degrees"))
    for room, degrees in result:
        print("unpacked", room, degrees)
    result = connection.execute(text("SELECT room, degrees FROM readings ORDER BY degrees"))
    for mapping in result.mappings():
        print("mapping", mapping["room"], mapping["degrees"], sorted(mapping))
    result = connection.execute(
        text("SELECT room, degrees FROM readings WHERE degrees > :least ORDER BY room"), {"least": 20}
    )
    print("keys", list(result.keys()), "rows", [tuple(row) for row in result.all()])

with Session(engine) as session:
    statement = text("SELECT room, degrees FROM readings WHERE degrees > :least ORDER BY degrees DESC")
    for row in session.execute(statement, {"least": 15}):
        print("session", row.room, row.degrees)
    session.execute(
        text("UPDATE readings SET degrees = :degrees WHERE room = :room"), [{"room": "hall", "degrees": 19}]
    )
    session.commit()
    print(session.scalar(text("SELECT degrees FROM readings WHERE room = 'hall'")))
    session.execute(text("DELETE FROM readings"))
    session.rollback()
    print(session.execute(text("SELECT count(*) FROM readings")).scalar_one())

with engine.connect() as connection:
    connection.execute(text("DELETE FROM readings"))
    # left without a commit: nothing of it stays
with engine.connect() as connection:
    print("still", connection.execute(text("SELECT count(*) FROM readings")).scalar())
