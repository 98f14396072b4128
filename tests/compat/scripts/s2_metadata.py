"""Tables made by hand and by classes, created, looked at and dropped."""

import sys

from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, create_engine, insert, inspect, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

engine = create_engine(sys.argv[1])

metadata = MetaData()
rooms = Table("rooms", metadata, Column("id", Integer, primary_key=True), Column("name", String(30), nullable=False))
desks = Table(
    "desks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room_id", ForeignKey("rooms.id"), nullable=False),
    Column("seats", Integer, default=1),
)
print(list(rooms.c.keys()), rooms.c.name.name, rooms.c.name.nullable, [c.name for c in rooms.primary_key])
print([table.name for table in metadata.sorted_tables], desks.c.room_id.references(rooms.c.id))
metadata.create_all(engine)

with engine.begin() as connection:
    result = connection.execute(insert(rooms).values(name="hall"))
    print("key", tuple(result.inserted_primary_key))
    connection.execute(insert(rooms), [{"name": "cellar"}, {"name": "attic"}])
    connection.execute(
        insert(desks).values(room_id=select(rooms.c.id).where(rooms.c.name == "attic").scalar_subquery())
    )
    print([tuple(row) for row in connection.execute(select(rooms).order_by(rooms.c.id))])
    print([tuple(row) for row in connection.execute(select(desks.c.room_id, desks.c.seats))])
    chosen = select(rooms.c.id, rooms.c.id + 10).where(rooms.c.name != "attic")
    connection.execute(insert(desks).from_select(["room_id", "seats"], chosen))
    print(sorted(tuple(row) for row in connection.execute(select(desks.c.room_id, desks.c.seats))))
    made = connection.execute(insert(rooms).returning(rooms.c.id, rooms.c.name), [{"name": "porch"}, {"name": "study"}])
    print([tuple(row) for row in made])


class Base(DeclarativeBase):
    pass


class Reader(Base):
    __tablename__ = "readers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(30))
    since: Mapped[int | None]
    cards: Mapped[list["Card"]] = relationship(back_populates="reader")


class Card(Base):
    __tablename__ = "cards"
    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str]
    reader_id = mapped_column(ForeignKey("readers.id"))
    reader: Mapped[Reader] = relationship(back_populates="cards")


print(sorted(Base.metadata.tables), [column.key for column in Reader.__table__.columns])
print(
    Reader.__table__.c.name.nullable,
    Reader.__table__.c.since.nullable,
    type(Card.__table__.c.reader_id.type).__name__.upper(),
)
Base.metadata.create_all(engine)
looked = inspect(engine)
print(sorted(looked.get_table_names()))
print([column["name"] for column in looked.get_columns("readers")])
reader = Reader(name="Greta")
print(reader.name, reader.id, reader.since, reader.cards)
mapper = inspect(Reader)
print(mapper.local_table.name, [column.key for column in mapper.primary_key], sorted(mapper.attrs.keys()))

again = MetaData()
again.reflect(engine, only=["rooms"])
print([column.name for column in again.tables["rooms"].columns])


class Hut(Base):
    __table__ = Table("huts", Base.metadata, Column("id", Integer, primary_key=True), Column("place", String(20)))


Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Hut(place="lake"))
    session.commit()
    print(session.scalars(select(Hut.place)).all())
Base.metadata.drop_all(engine)
metadata.drop_all(engine)
print(inspect(engine).get_table_names())
