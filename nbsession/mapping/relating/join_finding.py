"""Finds how the rows of a relationship join: by foreign keys, or by the condition that was given.

Knows tables and mappers; knows no object. The answer is a :class:`~nbsession.mapping.relating.joining.Joining`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from nbsession.exc import AmbiguousForeignKeysError, ArgumentError, NoForeignKeysError
from nbsession.mapping.relating.join_marks import MarkedColumn, conditions_of, equated, marks_in, with_marks
from nbsession.mapping.relating.joining import Direction, Joining, tables_of
from nbsession.sql.expression import and_
from nbsession.sql.visitors import iterate

if TYPE_CHECKING:
    from nbsession.mapping.mapper import Mapper


class Wanted:
    """What a relationship says of its join, evaluated.

    :ivar name: the relationship, for messages.
    :ivar foreign: ``id`` of the columns of ``foreign_keys``, or None.
    :ivar remote: ``id`` of the columns of ``remote_side``, or None.
    """

    def __init__(
        self,
        name: str,
        *,
        foreign_keys: Iterable[Any] | None,
        remote_side: Iterable[Any] | None,
        uselist: bool | None,
        viewonly: bool,
    ) -> None:
        self.name = name
        self.foreign = None if foreign_keys is None else {id(c) for c in foreign_keys}
        self.remote = None if remote_side is None else {id(c) for c in remote_side}
        self.uselist = uselist
        self.viewonly = viewonly


def joining_of(parent: Mapper, target: Mapper, secondary: Any, primary: Any, onward: Any, wanted: Wanted) -> Joining:
    """Finds the join of a relationship.

    :param secondary: the association table, or None.
    :param primary: the ``primaryjoin`` that was given, or None: by foreign keys.
    :param onward: the ``secondaryjoin`` that was given, or None.
    :raises NoForeignKeysError: no foreign key joins the tables.
    :raises ArgumentError: several do, or the condition makes no sense.
    """
    if secondary is not None:
        return _through(parent, target, secondary, primary, onward, wanted)
    if primary is not None:
        return _by_condition(parent, target, primary, wanted)
    return _by_foreign_keys(parent, target, wanted)


# ------------------------------------------------------------------------------------------ direct


def _by_foreign_keys(parent: Mapper, target: Mapper, wanted: Wanted) -> Joining:
    out = _keys_between(tables_of(parent), tables_of(target), wanted)
    into = _keys_between(tables_of(target), tables_of(parent), wanted)
    if any(table in tables_of(target) for table in tables_of(parent)):
        if wanted.remote is not None:
            to_one = [fk for fk in out if id(fk.column) in wanted.remote]
            out, into = to_one, [] if to_one else [fk for fk in into if id(fk.parent) in wanted.remote]
        elif set(out) == set(into):
            out = []  # on one table both directions have the same foreign key: remote_side tells where to-one is meant
    if out and into:
        out, into = ([], into) if wanted.uselist else (out, [])
    found = _one_constraint(out or into, wanted, parent, target)
    if out:
        pairs = [(fk.parent, fk.column) for fk in found]
        made = Joining(parent, target, Direction.MANYTOONE, _marked(pairs))
    else:
        pairs = [(fk.column, fk.parent) for fk in found]
        made = Joining(parent, target, Direction.ONETOMANY, _marked(pairs))
    made.pairs = tuple((parent.key_of(near), target.key_of(far)) for near, far in pairs)
    return made


def _keys_between(children: Iterable[Any], parents: Iterable[Any], wanted: Wanted) -> list[Any]:
    """The foreign keys from the first of these tables that has any; one that makes a sub table's key joins nothing else."""
    parents = tuple(parents)
    children = tuple(children)

    def inherits(fk: Any) -> bool:
        to = fk.column.table
        return bool(fk.parent.primary_key) and to is not fk.parent.table and any(to is one for one in children)

    for child in children:
        keys = [
            fk
            for constraint in sorted(child.foreign_key_constraints, key=_position)
            for fk in constraint.elements
            if fk.resolves()
            and any(fk.column.table is table for table in parents)
            and not inherits(fk)
            and (wanted.foreign is None or id(fk.parent) in wanted.foreign)
        ]
        if keys:
            return keys
    return []


def _position(constraint: Any) -> int:
    """Constraints of a table in the order of their first columns."""
    column = next(iter(constraint.elements)).parent
    return list(column.table.c).index(column)


def _one_constraint(keys: list[Any], wanted: Wanted, parent: Mapper, target: Mapper) -> list[Any]:
    if not keys:
        raise NoForeignKeysError(
            f"Could not determine join condition between parent/child tables on relationship {wanted.name} - there are no "
            f"foreign keys linking these tables, '{parent.local_table.name}' and '{target.local_table.name}'. Ensure that "
            "referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or specify a 'primaryjoin' "
            "expression."
        )
    if len({fk.constraint if fk.constraint is not None else fk for fk in keys}) > 1:
        raise AmbiguousForeignKeysError(
            f"Could not determine join condition between parent/child tables on relationship {wanted.name} - there are "
            f"multiple foreign key paths linking the tables: several foreign keys join them ('{parent.local_table.name}' and "
            f"'{target.local_table.name}'). Specify the 'foreign_keys' argument (foreign_keys=[...]), providing a list of those "
            "columns which should be counted as containing a foreign key reference to the parent table."
        )
    return keys


def _marked(pairs: Iterable[tuple[Any, Any]]) -> Any:
    return and_(*(near == MarkedColumn(far, remote=True) for near, far in pairs))


def _by_condition(parent: Mapper, target: Mapper, primary: Any, wanted: Wanted) -> Joining:
    """By the condition given: each column is near or remote, and one of each pair refers to the other."""
    foreign = _referring(primary, wanted)
    _, marked = marks_in(primary)
    near, far = _columns_of(parent), _columns_of(target)
    read = {id(part) for part in iterate(primary) if part.visit_name == "column"}
    shared = not read & (near ^ far) and bool(
        near & far
    )  # else the columns that one side alone has tell the others' side
    if read & (far - near) and not read & (near - far):
        far = far - near

    any_marked_foreign = bool(marks_in(primary)[0])
    referring: list[tuple[Any, bool]] = []

    def refers(column: Any, mark: MarkedColumn | None) -> bool:
        if any_marked_foreign and wanted.foreign is None:
            return mark is not None and mark.foreign
        return id(column) in foreign

    def is_remote(column: Any, mark: MarkedColumn | None) -> bool:
        if wanted.remote is not None:
            return id(column) in wanted.remote
        if marked:
            return mark is not None and mark.remote
        return refers(column, mark) if shared else id(column) in far

    def decide(column: Any, mark: MarkedColumn | None) -> bool:
        there = is_remote(column, mark)
        if refers(column, mark):
            referring.append((column, there))
        return there

    condition = with_marks(primary, decide)
    pairs = [(a, b) for a, b in equated(condition) if id(a) in foreign or id(b) in foreign]
    if not pairs and not (wanted.viewonly and referring):
        raise _no_pairs(primary, foreign, wanted)
    with_itself = {id(a) for a, b in pairs if a is b}
    sides = {there for column, there in referring if id(column) not in with_itself}
    if len(sides) != 1:
        raise ArgumentError(
            f"Can't determine relationship direction for relationship '{wanted.name}' - foreign key columns within the join "
            "condition are present in both the parent and the child's mapped tables. Ensure that only those columns "
            "referring to a parent column are marked as foreign, either via the foreign() annotation or via the "
            "foreign_keys argument."
        )
    (to_many,) = sides
    made = Joining(parent, target, Direction.ONETOMANY if to_many else Direction.MANYTOONE, condition)
    made.pairs = tuple((parent.key_of(a), target.key_of(b)) for a, b in pairs)
    made.simple = len(pairs) == len(list(conditions_of(condition)))
    return made


def _columns_of(mapper: Mapper) -> set[int]:
    return {id(column) for table in tables_of(mapper) for column in table.c}


def _referring(condition: Any, wanted: Wanted) -> set[int]:
    """``id`` of the columns that refer: as said, as marked, or by the foreign keys of the columns compared."""
    if wanted.foreign is not None:
        return wanted.foreign
    marked, _ = marks_in(condition)
    if marked:
        return marked
    columns = [part for part in iterate(condition) if part.visit_name == "column"]
    return {id(a) for a in columns for b in columns if any(fk.resolves() and fk.column is b for fk in a.foreign_keys)}


def _no_pairs(condition: Any, foreign: set[int], wanted: Wanted) -> ArgumentError:
    text = _readable(condition)
    if not foreign:
        return ArgumentError(
            f"Could not locate any relevant foreign key columns for primary join condition '{text}' on relationship "
            f"{wanted.name}.  Ensure that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or "
            "are annotated in the join condition with the foreign() annotation."
        )
    return ArgumentError(
        f"Could not locate any simple equality expressions involving locally mapped foreign key columns for primary join "
        f"condition '{text}' on relationship {wanted.name}.  Ensure that referencing columns are associated with a "
        "ForeignKey or ForeignKeyConstraint, or are annotated in the join condition with the foreign() annotation, and "
        "that one column of the parent is compared with '=='."
    )


def _readable(condition: Any) -> str:
    return str(with_marks(condition, lambda column, mark: False))


# ---------------------------------------------------------------------------------- through an association table


def _through(parent: Mapper, target: Mapper, secondary: Any, primary: Any, onward: Any, wanted: Wanted) -> Joining:
    own = {id(column) for column in secondary.c}

    def in_secondary(column: Any, mark: MarkedColumn | None) -> bool:
        return id(column) in own

    condition = _toward(parent, secondary, wanted, "parent") if primary is None else with_marks(primary, in_secondary)
    beyond = _toward(target, secondary, wanted, "child") if onward is None else with_marks(onward, in_secondary)
    made = Joining(parent, target, Direction.MANYTOMANY, condition, secondary, beyond)
    made.secondary_pairs = tuple((parent.key_of(a), b) for a, b in equated(condition))
    made.target_pairs = tuple((target.key_of(a), b) for a, b in equated(beyond))
    for pairs, said in ((made.secondary_pairs, condition), (made.target_pairs, beyond)):
        if not pairs:
            raise _no_pairs(said, {1}, wanted)
    made.simple = len(made.secondary_pairs) == len(list(conditions_of(condition)))
    return made


def _toward(mapper: Mapper, secondary: Any, wanted: Wanted, side: str) -> Any:
    """The condition between a mapper's row and the association row, by the association's foreign keys."""
    keys = _keys_between([secondary], tables_of(mapper), wanted)
    if not keys:
        raise NoForeignKeysError(
            f"Could not determine join condition between parent/child tables on relationship {wanted.name} - there are no "
            f"foreign keys linking these tables via secondary table '{secondary.name}' to '{mapper.local_table.name}'. "
            "Ensure that referencing columns are associated with a ForeignKey or ForeignKeyConstraint, or specify "
            "'primaryjoin' and 'secondaryjoin' expressions."
        )
    if len({fk.constraint if fk.constraint is not None else fk for fk in keys}) > 1:
        raise AmbiguousForeignKeysError(
            f"Could not determine join condition between parent/child tables on relationship {wanted.name} - there are "
            f"multiple foreign key paths linking the tables via secondary table '{secondary.name}'. Say with "
            "'primaryjoin' and 'secondaryjoin' which columns of it belong to which side."
        )
    return _marked((fk.column, fk.parent) for fk in keys)
