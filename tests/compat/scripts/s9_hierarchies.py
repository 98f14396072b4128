"""Classes that inherit: in one table, in several; queries of all of them, and of one kind."""

import sys

from sqlalchemy import ForeignKey, create_engine, func, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column, relationship, selectinload

engine = create_engine(sys.argv[1])


class Base(DeclarativeBase):
    pass


class Branch(Base):
    __tablename__ = "branches"
    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]
    items: Mapped[list["Item"]] = relationship(back_populates="branch", order_by="Item.id")


class Item(Base):
    __tablename__ = "items"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    title: Mapped[str]
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("branches.id"))
    branch: Mapped[Branch | None] = relationship(back_populates="items")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "item"}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.title!r})"


class Film(Item):
    __tablename__ = "films"
    id: Mapped[int] = mapped_column(ForeignKey("items.id"), primary_key=True)
    minutes: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "film"}


class Map(Item):
    __tablename__ = "maps"
    id: Mapped[int] = mapped_column(ForeignKey("items.id"), primary_key=True)
    scale: Mapped[int]
    __mapper_args__ = {"polymorphic_identity": "map"}


class SeaChart(Map):
    depths: Mapped[str | None]
    __mapper_args__ = {"polymorphic_identity": "chart"}


Base.metadata.create_all(engine)
session = Session(engine)
oslo, rome = Branch(id=1, town="Oslo"), Branch(id=2, town="Rome")
session.add_all([oslo, rome])
session.flush()
session.add_all(
    [
        Item(id=1, title="Globe", branch=oslo),
        Film(id=2, title="Metropolis", minutes=153, branch=rome),
        Map(id=3, title="City of Rome", scale=5000, branch=rome),
        SeaChart(id=4, title="Skagerrak", scale=90000, depths="deep", branch=oslo),
    ]
)
session.commit()
session.expunge_all()

print(session.scalars(select(Item).order_by(Item.id)).all())
film = session.scalars(select(Item).where(Item.kind == "film")).one()
print(film.minutes, film.kind, isinstance(film, Film))
print(session.scalars(select(Map).order_by(Map.id)).all(), session.scalars(select(SeaChart)).all())
print(session.get(Item, 4), session.get(Film, 4), session.get(Map, 3) is session.get(Item, 3))
print([tuple(row) for row in session.execute(select(Film.title, Film.minutes))])
print([tuple(row) for row in session.execute(select(SeaChart.title, SeaChart.depths, SeaChart.scale))])
print(session.scalars(select(Branch.town).join(Branch.items.of_type(Film)).where(Film.minutes > 100)).all())
print(session.scalars(select(Branch.town).where(Branch.items.of_type(Map).any(Map.scale > 9000))).all())
print(session.scalars(select(Item.title).where(Item.branch.has(town="Oslo")).order_by(Item.id)).all())
one, two = aliased(Map), aliased(Map)
print([tuple(row) for row in session.execute(select(one.title, two.title).where(one.scale < two.scale))])
other = aliased(Item)
print(session.scalars(select(other).where(other.title.like("%o%")).order_by(other.id)).all())
counted = select(Item.kind, func.count(Item.id)).group_by(Item.kind).order_by(Item.kind)
print([tuple(row) for row in session.execute(counted)])
for branch in session.scalars(select(Branch).options(selectinload(Branch.items)).order_by(Branch.id)):
    print(branch.town, branch.__dict__["items"])
print([item.branch.town for item in session.query(Map).order_by(Map.id)], session.query(Film).count())

film.title, film.minutes = "Nosferatu", 94
session.flush()
session.expire(film)
print(film.title, film.minutes)
session.execute(update(Item).where(Item.id == 2).values(title="Faust"))
session.execute(update(Film).where(Film.id == 2).values(minutes=107))
print(film.title, film.minutes)
session.delete(session.get(Map, 4))
session.commit()
print(session.scalars(select(Item).order_by(Item.id)).all(), session.query(Map).all())
session.close()
