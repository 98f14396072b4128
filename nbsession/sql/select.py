"""SELECT, step by step: each method returns a changed copy.

Knows what was asked for, in raw form (entities are not expanded). What stands in FROM in the end is worked out in
:mod:`nbsession.sql.froms`, the text in the rendering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import InvalidRequestError
from nbsession.sql.base import ClauseElement, ShapeWalk
from nbsession.sql.elements import clause_of
from nbsession.sql.from_statement import FromStatement
from nbsession.sql.joins import JoinStep, attribute_of
from nbsession.sql.select_base import Sliceable
from nbsession.sql.selectable import FromClause, columns_of, from_of
from nbsession.sql.types import NULLTYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Select(Sliceable):
    """A SELECT; made by :func:`nbsession.select`.

    :ivar raw_columns: what was given to ``select()``: entities, attributes, columns, tables.
    :ivar option_list: what was given to ``options()``.
    """

    visit_name = "select"
    kind = "select"
    _where: tuple[Any, ...] = ()
    _having: tuple[Any, ...] = ()
    _from: tuple[Any, ...] = ()
    _joins: tuple[JoinStep, ...] = ()
    _distinct: bool | tuple[Any, ...] = False
    _correlate: tuple[Any, ...] | None = None
    _correlate_except: tuple[Any, ...] | None = None
    _prefixes: tuple[str, ...] = ()

    def __init__(self, *columns: Any) -> None:
        self.raw_columns = columns
        for raw in columns:
            if type(raw) in _PLAIN_WRONG:
                columns_of(raw)

    # -- what is asked for

    def where(self, *criteria: Any) -> Select:
        """The rows that meet all criteria, beside those given before."""
        return self._copy(_where=self._where + tuple(map(clause_of, criteria)))

    filter = where

    def filter_by(self, **values: Any) -> Select:
        """``where`` with equality, on attributes of what was joined last, or of the first entity."""
        return self.where(*[attribute_of(self._subject(), name) == value for name, value in values.items()])

    def _subject(self) -> Any:
        if self._joins:
            return self._joins[-1].target
        for raw in (*self._from, *self.raw_columns):
            if isinstance(raw, FromClause) or getattr(raw, "__mapper__", None) is not None:
                return raw
            parent = getattr(raw, "parent_entity", None) or getattr(clause_of(raw), "table", None)
            if parent is not None:
                return parent
        raise InvalidRequestError("filter_by() finds no entity or table to filter: select one, or use where().")

    def having(self, *criteria: Any) -> Select:
        """The groups that meet all criteria."""
        return self._copy(_having=self._having + tuple(map(clause_of, criteria)))

    def distinct(self, *expressions: Any) -> Select:
        """Each row once."""
        return self._copy(_distinct=tuple(map(clause_of, expressions)) or True)

    def prefix_with(self, *prefixes: str) -> Select:
        """With words after SELECT."""
        return self._copy(_prefixes=self._prefixes + prefixes)

    def add_columns(self, *columns: Any) -> Select:
        """With more columns."""
        return self._copy(raw_columns=self.raw_columns + columns)

    def with_only_columns(self, *columns: Any, maintain_column_froms: bool = False) -> Select:
        """With these columns instead."""
        kept = self._from + self.columns_clause_froms if maintain_column_froms else self._from
        return self._copy(raw_columns=columns, _from=kept)

    # -- where from

    def select_from(self, *froms: Any) -> Select:
        """With these in FROM."""
        for one in froms:
            from_of(one)
        return self._copy(_from=self._from + froms)

    def join(self, target: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False) -> Select:
        """Joined to a table, an entity, or along a relationship.

        :param onclause: the condition, or a relationship; default: the foreign key between the two.
        """
        return self._copy(_joins=(*self._joins, JoinStep.of(None, target, onclause, isouter, full)))

    def outerjoin(self, target: Any, onclause: Any = None, *, full: bool = False) -> Select:
        """:meth:`join`, keeping the rows that have no partner."""
        return self.join(target, onclause, isouter=True, full=full)

    def join_from(
        self, from_: Any, target: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False
    ) -> Select:
        """:meth:`join` with the left side said."""
        return self._copy(_joins=(*self._joins, JoinStep.of(from_, target, onclause, isouter, full)))

    def outerjoin_from(self, from_: Any, target: Any, onclause: Any = None, *, full: bool = False) -> Select:
        """:meth:`join_from`, keeping the rows that have no partner."""
        return self.join_from(from_, target, onclause, isouter=True, full=full)

    def correlate(self, *froms: Any) -> Select:
        """As a subquery, take these from the statement around it; ``None`` alone: take nothing."""
        given = () if froms and froms[0] in (None, False) else tuple(map(from_of, froms))
        return self._copy(_correlate=(self._correlate or ()) + given if given else ())

    def correlate_except(self, *froms: Any) -> Select:
        """As a subquery, take everything but these from the statement around it."""
        given = () if froms and froms[0] in (None, False) else tuple(map(from_of, froms))
        return self._copy(_correlate_except=given)

    def from_statement(self, statement: Any) -> FromStatement:
        """What is asked for, read from a statement of one's own: text, a union, an INSERT with RETURNING."""
        made = FromStatement(self.raw_columns, statement)
        return made._copy(option_list=self.option_list, execution_options_=self.execution_options_)

    # -- what it says

    @property
    def whereclause(self) -> Any:
        """The criteria as one clause, or None."""
        from nbsession.sql.expression import and_

        return and_(*self._where) if self._where else None

    @property
    def inner_columns(self) -> list[Any]:
        """The columns, with entities expanded."""
        return [column for raw in self.raw_columns for column in columns_of(raw)]

    @property
    def columns_clause_froms(self) -> tuple[Any, ...]:
        """What the columns alone bring into FROM."""
        from nbsession.sql.froms import froms_of_columns

        return tuple(froms_of_columns(self))

    def get_final_froms(self) -> tuple[Any, ...]:
        """What stands in FROM, joins included."""
        from nbsession.sql.froms import final_froms

        return tuple(final_froms(self))

    froms = property(get_final_froms)

    def exported_pairs(self) -> Iterable[tuple[str, Any]]:
        """Name and column of each column, with entities expanded."""
        from nbsession.sql.naming import result_names

        columns = self.inner_columns
        return list(zip(result_names(columns), columns, strict=True))

    def exported_keys(self) -> list[str]:
        """The keys of the columns on ``subquery().c``: of attributes their own, else the name."""
        names = iter(super().exported_keys())
        keys: list[str] = []
        for raw in self.raw_columns:
            mine = [next(names) for _ in columns_of(raw)]
            attribute = None if isinstance(raw, ClauseElement) else getattr(raw, "key", None)
            if attribute is not None and len(mine) == 1 and mine[0] == clause_of(raw).name:
                mine = [attribute]
            keys += mine
        return keys

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """Per argument of ``select()``: name, type, expr and entity."""
        told = []
        for raw in self.raw_columns:
            entity = raw if getattr(raw, "__mapper__", None) is not None else getattr(raw, "parent_entity", None)
            if entity is raw and entity is not None:
                alias = getattr(entity.__mapper__, "is_aliased_class", False)
                name, kind = entity.__mapper__.name if alias else getattr(raw, "__name__", None), raw
            else:
                name = getattr(raw, "key", None) or getattr(raw, "name", None)
                kind = getattr(clause_of(raw), "type", NULLTYPE)
            alias = getattr(getattr(entity, "__mapper__", None), "is_aliased_class", False)
            told.append({"name": name, "type": kind, "aliased": alias, "expr": raw, "entity": entity})
        return told

    def _shape(self, walk: ShapeWalk) -> None:
        key = walk.key
        key += ("select", len(self.raw_columns))
        before = len(walk.binds)
        for raw in self.raw_columns:
            shape_of_raw(raw, walk)
        state = self.__dict__
        for clauses in (self._where, self._having):
            key.append(len(clauses))
            for clause in clauses:
                clause._shape(walk)
        if self._from or self._joins:
            key += (len(self._from), len(self._joins))
            for raw in self._from:
                from_of(raw)._shape(walk)
                criterion = getattr(getattr(raw, "__mapper__", None), "single_criterion", None)
                if criterion is not None:
                    criterion._shape(walk)
            for step in self._joins:
                step._shape(walk)
        if self._distinct:
            key.append("distinct")
            if isinstance(self._distinct, tuple):
                key.append(len(self._distinct))
                for clause in self._distinct:
                    clause._shape(walk)
        if "_correlate" in state or "_correlate_except" in state or self._prefixes:
            key.append(self._prefixes)
            for froms in (self._correlate, self._correlate_except):
                key.append(None if froms is None else len(froms))
                for one in froms or ():
                    one._shape(walk)
        if "_order" in state or "_group" in state or "_limit" in state or "_offset" in state:
            key.append("ends")
            self._shape_ends(walk)
            if self._group:
                # whether `x % 2` in GROUP BY is the `x % 2` of the columns depends on the values: they join the key
                key.append(tuple(map(repr, [bind.value for bind in walk.binds[before:]])))


_PLAIN_WRONG = frozenset((str, int, float, list, tuple, dict, type(None)))


def shape_of_raw(raw: Any, walk: ShapeWalk) -> None:
    """The shape of one argument of ``select()``: of an entity, all its columns."""
    mapper = getattr(raw, "__mapper__", None)
    if mapper is not None:
        columns: Sequence[Any] = mapper.selected_columns
        walk.key.append(len(columns))
        mapper.selectable._shape(walk)
        for column in columns:
            column._shape(walk)
        if mapper.single_criterion is not None:
            mapper.single_criterion._shape(walk)
    elif isinstance(raw, ClauseElement):
        raw._shape(walk)
    elif not hasattr(raw, "__clause_element__") and hasattr(raw, "__column_elements__"):
        for column in raw.__column_elements__():
            column._shape(walk)
    else:
        clause_of(raw)._shape(walk)
