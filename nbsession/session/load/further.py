"""Gives objects the columns of their subclasses that stand in the rows of their parent class. Knows rows, sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbsession.mapping.polymorphic_entity import FurtherColumn


def give_further(
    objects: Sequence[Any], rows: Sequence[Any], start: int, further: Sequence[FurtherColumn], dialect: Any
) -> None:
    """Gives each object what it lacks of the columns of its class.

    :param objects: one per row; None where the row holds none.
    :param start: the place of the first of these columns in a row.
    """
    by_class: dict[type, list[tuple[str, int, Any]]] = {}
    for obj, row in zip(objects, rows, strict=True):
        if obj is None:
            continue
        wanted = by_class.get(type(obj))
        if wanted is None:
            wanted = by_class[type(obj)] = [
                (one.key, place, dialect.result_processor(one.column.type))
                for place, one in enumerate(further, start)
                if isinstance(obj, one.mapper.class_)
            ]
        values = obj.__dict__
        for key, place, process in wanted:
            if key not in values:
                value = row[place]
                values[key] = value if process is None or value is None else process(value)
