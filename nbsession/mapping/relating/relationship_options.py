"""What the options of a relationship say: given as columns, as strings, or as functions that give either.

Knows classes and tables by name; knows no join.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.declaring.said_in_strings import evaluated
from nbsession.sql.columns import bare
from nbsession.sql.selectable import FromClause

if TYPE_CHECKING:
    from nbsession.mapping.relating.relationships import Relationship


def expression_said(declared: Relationship, given: Any) -> Any:
    """A condition, a column, or several."""
    if callable(given) and not hasattr(given, "__clause_element__") and not isinstance(given, FromClause):
        given = given()
    return bare(evaluated(given, finder(declared), str(declared)) if isinstance(given, str) else given)


def columns_said(declared: Relationship, given: Any) -> list[Any]:
    """Columns, of an option that takes one, several, attributes, or not yet mapped ones."""
    given = expression_said(declared, given)
    many = given if isinstance(given, (list, tuple, set)) else [given]
    many = [expression_said(declared, one) for one in many]
    return [bare(one.__clause_element__() if hasattr(one, "__clause_element__") else one) for one in many]


def table_said(declared: Relationship, given: Any) -> Any:
    """An association table, or None.

    :raises InvalidRequestError: there is none of that name.
    """
    if callable(given) and not isinstance(given, FromClause):
        given = given()
    if not isinstance(given, str):
        return given
    for metadata in _metadata(declared):
        if given in metadata.tables:
            return metadata.tables[given]
    if not given.isidentifier():
        return evaluated(given, finder(declared), str(declared))
    raise InvalidRequestError(
        f"When initializing relationship {declared}, expression {given!r} failed to locate a name: no table of that name is in "
        "the metadata. Define the association table before the first use of the class."
    )


def ordering_said(declared: Relationship) -> tuple[Any, ...]:
    """The expressions of ``order_by``."""
    given = declared.order_by
    if callable(given) and not hasattr(given, "asc"):
        given = given()
    if given is None or given is False:
        return ()
    many = given if isinstance(given, (list, tuple)) else [given]
    found: list[Any] = []
    for one in many:
        if isinstance(one, str):
            known = getattr(declared.mapper.class_, one, None) if one.isidentifier() else None
            one = expression_said(declared, one) if known is None else known
        found += one if isinstance(one, list) else [one]
    return tuple(found)


def finder(declared: Relationship) -> Callable[[str], Any]:
    """What a name in such a string means: a mapped class, or a table."""

    def find(name: str) -> Any:
        for mapper in (declared.parent, declared.mapper):
            if mapper.class_.__name__ == name:
                return mapper.class_
        known = declared.parent.registry.known_class(name)
        if known is not None:
            return known
        return next((m.tables[name] for m in _metadata(declared) if name in m.tables), None)

    return find


def _metadata(declared: Relationship) -> tuple[Any, ...]:
    return declared.parent.registry.metadata, declared.parent.local_table.metadata
