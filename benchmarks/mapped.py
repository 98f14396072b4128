"""The works done by a session: one program, run with nbsession's names and with SQLAlchemy's.

The classes are mapped and the works written once, in the names that both have in common, so that both do the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from benchmarks import data
from benchmarks.data import TABLES, Row
from benchmarks.measure import Stopwatch


class MappedSide:
    """The works by a session.

    :param name: how the table calls it.
    :param api: where the names are found: the nbsession package, or :func:`sqlalchemy_api`.
    :param url: what makes a URL of a file's path, or of None for a memory database.
    :param sequences: generated keys need a sequence that is named in the mapping.
    """

    def __init__(self, name: str, api: Any, url: Callable[[Path | None], str], *, sequences: bool = False) -> None:
        self.name = name
        # DuckDB has no SAVEPOINT, and SQLAlchemy sends one all the same
        self.cannot: Collection[str] = ("savepoint", "savepoint each") if sequences else ()
        self._api = api
        self._url = url
        self._models = make_models(api, sequences=sequences)
        self._path: Path | None = None

    def uses(self, package: str) -> bool:
        """Do the names come from this package, and no other copy of it?"""
        names = (self._api.Session, self._api.create_engine, self._api.DeclarativeBase, self._api.select)
        return all(name.__module__.partition(".")[0] == package for name in names)

    def open(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / f"{self.name}.db"
        self._engine = self._api.create_engine(self._url(self._path))
        self._models.Base.metadata.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()
        if self._path is not None:
            for path in self._path.parent.glob(self._path.name + "*"):
                path.unlink()

    def rows(self, table: str) -> list[Row]:
        order = "shelf, slot" if table == "stock" else "id"
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(f"SELECT {', '.join(TABLES[table])} FROM {table} ORDER BY {order}")
            return [tuple(row) for row in found.fetchall()]

    def do(self, work: str, n: int, watch: Stopwatch) -> list[Row]:
        does: Callable[[Any, int, Stopwatch], list[Row]] = getattr(self, "do_" + work.replace(" ", "_"))
        with self._api.Session(self._engine) as session:
            return does(session, n, watch)

    def do_insert(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, item = data.items(n), self._models.Item
        with watch:
            objects = [item(name=name, qty=qty, price=price, note=note) for name, qty, price, note in rows]
            session.add_all(objects)
            session.flush()
            keys = [(o.id,) for o in objects]
            session.commit()
        return keys

    def do_rollback(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, item = data.items(n), self._models.Item
        with watch:
            objects = [item(name=name, qty=qty, price=price, note=note) for name, qty, price, note in rows]
            session.add_all(objects)
            session.flush()
            keys = [o.id for o in objects]
            session.rollback()
        assert keys == list(range(1, n + 1))
        return [(o.name,) for o in objects if o in session]

    def do_commit(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, item = data.items(data.commit_count(n)), self._models.Item
        with watch:
            keys: list[Row] = []
            for name, qty, price, note in rows:
                one = item(name=name, qty=qty, price=price, note=note)
                session.add(one)
                session.flush()
                keys.append((one.id,))
                session.commit()
        return keys

    def do_savepoint(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, item = data.items(n), self._models.Item
        with watch:
            objects = [item(name=name, qty=qty, price=price, note=note) for name, qty, price, note in rows]
            session.add_all(objects[: n // 2])
            session.flush()
            savepoint = session.begin_nested()
            session.add_all(objects[n // 2 :])
            session.flush()
            savepoint.rollback()
            keys = [(o.id,) for o in objects if o in session]
            session.commit()
        return keys

    def do_savepoint_each(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, item = data.items(data.each_count(n)), self._models.Item
        with watch:
            keys: list[Row] = []
            for number, (name, qty, price, note) in enumerate(rows):
                savepoint = session.begin_nested()
                one = item(name=name, qty=qty, price=price, note=note)
                session.add(one)
                session.flush()
                if number % 2:
                    savepoint.rollback()
                else:
                    keys.append((one.id,))
                    savepoint.commit()
            session.commit()
        return keys

    def do_load(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        self._fill(n)
        with watch:
            objects = session.scalars(self._select(self._models.Item)).all()
        return _said(objects)

    def do_update(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        objects = self._loaded(session, n)
        with watch:
            for item in objects:
                item.qty += 1
            session.flush()
            said = [(item.qty,) for item in objects]
            session.commit()
        return said

    def do_delete(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        objects = self._loaded(session, n)
        with watch:
            for item in objects:
                session.delete(item)
            session.flush()
            session.commit()
        return [(o.id,) for o in objects if o in session]

    def do_get_hit(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        held, item = self._loaded(session, n), self._models.Item
        with watch:
            found = [session.get(item, key) for key in range(1, n + 1)]
        assert all(one is other for one, other in zip(held, found, strict=True))
        return _said(found)

    def do_get_select(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        self._fill(n)
        keys, item = data.select_keys(n), self._models.Item
        with watch:
            found = [session.get(item, key) for key in keys]
        return _said(found)

    def do_graph(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, order, line = data.orders(n), self._models.Order, self._models.Line
        with watch:
            orders = [
                order(name=name, lines=[line(name=text, qty=qty, price=price) for text, qty, price in lines])
                for name, lines in rows
            ]
            session.add_all(orders)
            session.flush()
            keys = [(one.id, one.order_id) for o in orders for one in o.lines]
            session.commit()
        return keys

    def do_composite_insert(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        rows, stock = data.stocks(n), self._models.Stock
        with watch:
            objects = [stock(shelf=a, slot=b, name=name, qty=qty, price=price) for a, b, name, qty, price in rows]
            session.add_all(objects)
            session.flush()
            said = _said_stock(objects)
            session.commit()
        return said

    def do_composite_load(self, session: Any, n: int, watch: Stopwatch) -> list[Row]:
        with self._api.Session(self._engine) as other:
            for shelf, slot, name, qty, price in data.stocks(n):
                other.add(self._models.Stock(shelf=shelf, slot=slot, name=name, qty=qty, price=price))
            other.commit()
        stock = self._models.Stock
        with watch:
            objects = session.scalars(self._api.select(stock).order_by(stock.shelf, stock.slot)).all()
        return _said_stock(objects)

    def _fill(self, n: int) -> None:
        """Items in the table, put there by a session that is gone."""
        with self._api.Session(self._engine) as session:
            for name, qty, price, note in data.items(n):
                session.add(self._models.Item(name=name, qty=qty, price=price, note=note))
            session.commit()

    def _loaded(self, session: Any, n: int) -> list[Any]:
        self._fill(n)
        return list(session.scalars(self._select(self._models.Item)).all())

    def _select(self, item: Any) -> Any:
        return self._api.select(item).order_by(item.id)


def make_models(api: Any, *, sequences: bool) -> SimpleNamespace:
    """Maps the four classes with an API's names."""

    def generated(name: str) -> Any:
        draws = [api.Sequence(f"{name}_id_seq")] if sequences else []
        return api.mapped_column(api.Integer, *draws, primary_key=True)

    class Base(api.DeclarativeBase):  # type: ignore[misc]
        pass

    class Item(Base):
        __tablename__ = "item"
        id = generated("item")
        name = api.mapped_column(api.String, nullable=False)
        qty = api.mapped_column(api.Integer, nullable=False)
        price = api.mapped_column(api.Float, nullable=False)
        note = api.mapped_column(api.String)

    class Stock(Base):
        __tablename__ = "stock"
        shelf = api.mapped_column(api.Integer, primary_key=True, autoincrement=False)
        slot = api.mapped_column(api.Integer, primary_key=True, autoincrement=False)
        name = api.mapped_column(api.String, nullable=False)
        qty = api.mapped_column(api.Integer, nullable=False)
        price = api.mapped_column(api.Float, nullable=False)

    class Order(Base):
        __tablename__ = "orders"
        id = generated("orders")
        name = api.mapped_column(api.String, nullable=False)
        lines = api.relationship("Line", back_populates="order")

    class Line(Base):
        __tablename__ = "line"
        id = generated("line")
        order_id = api.mapped_column(api.Integer, api.ForeignKey("orders.id"), nullable=False)
        name = api.mapped_column(api.String, nullable=False)
        qty = api.mapped_column(api.Integer, nullable=False)
        price = api.mapped_column(api.Float, nullable=False)
        order = api.relationship("Order", back_populates="lines")

    return SimpleNamespace(Base=Base, Item=Item, Stock=Stock, Order=Order, Line=Line)


def sqlalchemy_api() -> SimpleNamespace:
    """SQLAlchemy's names, those of its core and of its ORM together.

    :raises ImportError: SQLAlchemy is not installed.
    """
    parts = importlib.import_module("sqlalchemy"), importlib.import_module("sqlalchemy.orm")
    return SimpleNamespace(**{name: value for part in parts for name, value in vars(part).items() if name[0] != "_"})


def _said(objects: Any) -> list[Row]:
    return [(o.id, o.name, o.qty, o.price, o.note) for o in objects]


def _said_stock(objects: Any) -> list[Row]:
    return [(o.shelf, o.slot, o.name, o.qty, o.price) for o in objects]
