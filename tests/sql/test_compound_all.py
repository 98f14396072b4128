"""INTERSECT ALL and EXCEPT ALL, where the database has them."""

from __future__ import annotations

import pytest

from nbsession import Engine, OperationalError, except_all, intersect_all, literal_column, select, union_all


def numbers(*values: int) -> list[object]:
    return [select(literal_column(str(value)).label("n")) for value in values]


def test_rows_are_counted(engine: Engine) -> None:
    first, second = union_all(*numbers(1, 1, 2)).subquery(), union_all(*numbers(1, 1, 1, 3)).subquery()
    both = intersect_all(select(first.c.n), select(second.c.n))
    rest = select(second.c.n).except_all(select(first.c.n))
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            for statement in (both, rest):
                with pytest.raises(OperationalError, match="ALL"):
                    connection.execute(statement)
            return
        assert connection.scalars(both).all() == [1, 1]
        assert sorted(connection.scalars(rest)) == [1, 3]
        assert connection.scalars(except_all(select(first.c.n), select(second.c.n))).all() == [2]
