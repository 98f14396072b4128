"""Relationships that a class gets when it is in use already: plans made before are made anew."""

from __future__ import annotations

from typing import Any

from nbsession import Column, DeclarativeBase, Engine, ForeignKey, Integer, Session, String, relationship, select
from tests.support import statements_of


def mapped(engine: Engine) -> tuple[Any, Any]:
    class Base(DeclarativeBase):
        pass

    class Shop(Base):
        __tablename__ = "shop"
        id = Column(Integer, primary_key=True)
        name = Column(String)

    class Ware(Base):
        __tablename__ = "ware"
        id = Column(Integer, primary_key=True)
        name = Column(String)
        shop_id = Column(ForeignKey("shop.id"))

    Base.metadata.create_all(engine)
    return Shop, Ware


def test_an_eager_relationship_added_after_the_first_load_is_loaded(engine: Engine) -> None:
    """Line 21.20"""
    Shop, Ware = mapped(engine)
    with Session(engine) as session:
        session.add(Shop(id=1))
        session.add(Ware(id=1, shop_id=1))
        session.commit()
        assert session.get(Ware, 1).shop_id == 1 and session.get(Shop, 1).id == 1
        session.expunge_all()
        Ware.shop = relationship(Shop, lazy="joined")
        with statements_of(session) as sent:
            ware = session.get(Ware, 1)
            assert ware.shop.id == 1
        assert len(sent) == 1 and "JOIN shop" in sent[0]
        assert [one.shop.id for one in session.scalars(select(Ware))] == [1]


def test_a_relationship_added_after_the_first_flush_fills_keys(engine: Engine) -> None:
    """Line 21.9"""
    Shop, Ware = mapped(engine)
    with Session(engine) as session:
        session.add_all([Shop(), Ware(name="x")])
        session.commit()
        Ware.shop = relationship(Shop, backref="wares")
        shop = Shop(wares=[Ware()])
        session.add(shop)
        session.flush()
        assert shop.wares[0].shop_id == shop.id


def test_what_was_never_set_is_still_forgotten_by_expire_once_a_relationship_came(engine: Engine) -> None:
    """Line 10.6"""
    Shop, Ware = mapped(engine)
    with Session(engine) as session:
        ware = Ware(id=1)
        session.add(ware)
        session.flush()
        Ware.shop = relationship(Shop)
        session.connection().exec_driver_sql("UPDATE ware SET name = 'by hand'")
        assert ware.name is None
        session.expire(ware)
        assert ware.name == "by hand"
