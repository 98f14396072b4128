"""A CREATE TABLE taken apart, for what SQLite's pragmas do not tell: names, checks, computed columns. Knows words only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
      | (?P<text>'(?:[^']|'')*')
      | (?P<word>\w+)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_CONSTRAINTS = (
    "PRIMARY",
    "UNIQUE",
    "CHECK",
    "FOREIGN",
    "REFERENCES",
    "GENERATED",
    "AS",
    "NOT",
    "NULL",
    "DEFAULT",
    "COLLATE",
)


class Token(NamedTuple):
    """A word, a name in quotation marks, a literal or a sign, with its place in the text.

    :ivar depth: how many brackets it is in.
    """

    kind: str
    text: str
    start: int
    depth: int

    @property
    def name(self) -> str:
        """As a name: without quotation marks."""
        if self.kind != "quoted":
            return self.text
        mark = self.text[-1]
        return self.text[1:-1] if mark == "]" else self.text[1:-1].replace(mark * 2, mark)

    def says(self, *words: str) -> bool:
        """Is it one of these keywords?"""
        return self.kind == "word" and self.text.upper() in words


class CreatedText:
    """What a CREATE TABLE says.

    :ivar primary_key_name: of the primary key, or None.
    :ivar unique: names of the unique constraints by their columns, in small letters; so ``foreign_keys``.
    :ivar checks: (condition, name or None).
    :ivar computed: column, in small letters, to the expression.
    :ivar rowids: are rows numbered? Not in a table WITHOUT ROWID.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self.primary_key_name: str | None = None
        self.unique: dict[tuple[str, ...], str | None] = {}
        self.foreign_keys: dict[tuple[str, ...], str | None] = {}
        self.checks: list[tuple[str, str | None]] = []
        self.computed: dict[str, str] = {}
        tokens = list(_tokens(sql))
        body = [token for token in tokens if token.depth]
        end = max((n for n, token in enumerate(tokens) if token.depth), default=-1)
        tail = [token.text.upper() for token in tokens[end + 1 :]]
        self.rowids = "ROWID" not in tail
        for item in _parted(body):
            self._read(item)

    def _read(self, item: list[Token]) -> None:
        """One column with its constraints, or one constraint of the table."""
        column = None if item[0].says("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN") else item[0].name.lower()
        name: str | None = None
        top = [n for n, token in enumerate(item) if token.depth == 1]
        for place, n in enumerate(top):
            if place == 0 and column is not None:
                continue
            token = item[n]
            before = item[top[place - 1]] if place else None
            if before is not None and before.says("CONSTRAINT"):
                name = token.name
                continue
            if token.says(*_CONSTRAINTS):
                self._constraint(token, item, n, column, name)
                if not token.says("AS"):  # GENERATED ALWAYS AS
                    name = None

    def _constraint(self, token: Token, item: list[Token], n: int, column: str | None, name: str | None) -> None:
        if token.says("CHECK"):
            self.checks.append((self._within(item, n), name))
        elif token.says("AS") and column is not None:
            self.computed[column] = self._within(item, n)
        elif token.says("PRIMARY"):
            self.primary_key_name = name
        elif token.says("UNIQUE"):
            self.unique[(column,) if column is not None else _names(item, n)] = name
        elif token.says("REFERENCES") and column is not None:
            self.foreign_keys[(column,)] = name
        elif token.says("FOREIGN"):
            self.foreign_keys[_names(item, n)] = name

    def _within(self, item: list[Token], n: int) -> str:
        """The text in the brackets that follow."""
        inside = _bracketed(item, n)
        if not inside:
            return ""
        return self.sql[inside[0].start : inside[-1].start + len(inside[-1].text)].strip()


def _tokens(sql: str) -> Iterator[Token]:
    depth = 0
    for found in _TOKEN.finditer(sql):
        kind, text = str(found.lastgroup), found.group()
        if kind == "space":
            continue
        if text == ")" and kind == "sign":
            depth -= 1
        if not (depth == 0 and text in "()"):
            yield Token(kind, text, found.start(), depth)
        if text == "(" and kind == "sign":
            depth += 1


def _parted(body: Sequence[Token]) -> Iterator[list[Token]]:
    """What stands between the commas of the first level."""
    item: list[Token] = []
    for token in body:
        if token.depth == 1 and token.kind == "sign" and token.text == ",":
            if item:
                yield item
            item = []
        else:
            item.append(token)
    if item:
        yield item


def _bracketed(item: list[Token], n: int) -> list[Token]:
    """The tokens in the first pair of brackets after a place."""
    inside: list[Token] = []
    for token in item[n + 1 :]:
        if token.depth > 1:
            inside.append(token)
        elif inside or (token.kind == "sign" and token.text == ")"):
            break
    return inside


def _names(item: list[Token], n: int) -> tuple[str, ...]:
    """The names in the brackets that follow, in small letters."""
    return tuple(part[0].name.lower() for part in _split(_bracketed(item, n)) if part)


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    part: list[Token] = []
    for token in tokens:
        if token.kind == "sign" and token.text == "," and token.depth == 2:
            yield part
            part = []
        else:
            part.append(token)
    yield part
