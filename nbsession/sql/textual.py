"""SQL as text: ``text("select * from users where id = :id")``, with named parameters.

Knows where ``:name`` is a parameter (not in strings, comments or ``::casts``). Reads nothing else of the text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError
from nbsession.sql.base import Executable, ShapeWalk
from nbsession.sql.elements import BindParameter, ColumnClause, clause_of
from nbsession.sql.select_base import SelectBase
from nbsession.sql.types import NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKENS = re.compile(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|::)|\\(?P<escaped>:)|(?<![\w:]):(?P<name>[A-Za-z_]\w*)""",
    re.S,
)


class TextClause(Executable):
    """SQL text; made by :func:`text`.

    :ivar pieces: the text cut at its parameters: strings, and names as one-tuples.
    """

    visit_name = "text"
    kind = "text"
    type = NULLTYPE
    key = None

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ArgumentError(f"text() expects a string of SQL, got {text!r}.")
        self.text = text
        self.pieces = _cut(text)
        self._binds: dict[str, BindParameter] = {
            piece[0]: BindParameter(piece[0], required=True) for piece in self.pieces if isinstance(piece, tuple)
        }

    def bindparams(self, *binds: BindParameter, **values: Any) -> TextClause:
        """With values, or with typed parameters in place of its own.

        :raises ArgumentError: for a name that the text does not have.
        """
        known = dict(self._binds)
        for bind in binds:
            self._require(str(bind.key))
            known[str(bind.key)] = bind
        for name, value in values.items():
            self._require(name)
            known[name] = BindParameter(name, value, known[name].type if known[name].type is not NULLTYPE else None)
        return self._copy(_binds=known)

    def _require(self, name: str) -> None:
        if name not in self._binds:
            raise ArgumentError(f"This text() construct doesn't define a bound parameter named {name!r}")

    def columns(self, *columns: Any, **types: Any) -> TextualSelect:
        """As a SELECT with known columns: by position as columns, or by name with types."""
        made = [clause_of(one) for one in columns]
        made += [ColumnClause(name, type_) for name, type_ in types.items()]
        return TextualSelect(self, tuple(made))

    def __clause_element__(self) -> TextClause:
        return self

    def __and__(self, other: Any) -> Any:
        from nbsession.sql.expression import and_

        return and_(self, other)

    def __or__(self, other: Any) -> Any:
        from nbsession.sql.expression import or_

        return or_(self, other)

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += ("text", self.text)
        for bind in self._binds.values():
            bind._shape(walk)


class TextualSelect(SelectBase):
    """Text that is known to select certain columns; made by ``text(...).columns(...)``."""

    visit_name = "textual_select"

    def __init__(self, element: TextClause, columns: tuple[Any, ...]) -> None:
        self.element = element
        self.column_args = columns
        self.raw_columns = columns

    def exported_pairs(self) -> Iterable[tuple[str, Any]]:
        """Name and column of each column."""
        return [(column.name, column) for column in self.column_args]

    def get_final_froms(self) -> tuple[Any, ...]:
        """Unknown: the text says it."""
        return ()

    def _shape(self, walk: ShapeWalk) -> None:
        walk.key += ("columns", len(self.column_args), *[(one.name, one.type.key) for one in self.column_args])
        self.element._shape(walk)


def _cut(text: str) -> tuple[str | tuple[str], ...]:
    pieces: list[str | tuple[str]] = []
    buffer, end = "", 0
    for match in _TOKENS.finditer(text):
        buffer += text[end : match.start()]
        end = match.end()
        if match["name"]:
            pieces += (buffer, (match["name"],))
            buffer = ""
        else:
            buffer += match["escaped"] or match["skip"]
    pieces.append(buffer + text[end:])
    return tuple(pieces)


def text(sql: str) -> TextClause:
    """SQL as it is written, with parameters as ``:name`` (``\\:`` for a colon).

    >>> session.execute(text("select name from users where id = :id"), {"id": 3})      # doctest: +SKIP
    """
    return TextClause(sql)
