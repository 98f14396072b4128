"""Reads what ``select(...).from_statement(...)`` asks for from the rows of any statement. Knows which column is which."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.result import Result
from nbsession.exc import InvalidRequestError
from nbsession.mapping.mapper import Mapper
from nbsession.session.load.following import load_after
from nbsession.session.load.load_context import NO_WISHES, EntityLoad
from nbsession.session.load.loading import objects_of_rows
from nbsession.session.load.reading import plans_for
from nbsession.sql.elements import clause_of
from nbsession.sql.from_statement import FromStatement
from nbsession.sql.selectable import columns_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


class ReadyValues:
    """Stands for a dialect where rows hold Python values already: nothing is left to convert."""

    def __init__(self, dialect: Any) -> None:
        self._dialect = dialect
        self.name = f"{dialect.name}, ready values"

    def result_processor(self, type_: Any) -> Any:
        """Nothing to do."""
        return None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)


class PerhapsReady(ReadyValues):
    """The same where nobody knows: a value that is of the type's kind already stays as it is."""

    def __init__(self, dialect: Any) -> None:
        super().__init__(dialect)
        self.name = f"{dialect.name}, perhaps ready values"

    def result_processor(self, type_: Any) -> Any:
        """What converts the values that need it."""
        process, kind = self._dialect.result_processor(type_), type_.python_type
        return None if process is None else lambda value: value if isinstance(value, kind) else process(value)


def read_from_statement(
    session: Session, connection: Any, statement: FromStatement, params: Any, mappers: Sequence[Mapper | None]
) -> Result:
    """The objects and values of a :class:`FromStatement`.

    :raises InvalidRequestError: the rows lack a column of the primary key.
    """
    element = statement.element
    if statement._values:
        element = element.params(statement._values)
    result = connection.execute(element, params)
    shown = _shown_columns(element)
    dialect = connection.dialect if shown is None else ReadyValues(connection.dialect)
    populate = bool(statement.execution_options_.get("populate_existing"))
    return results_of(session, dialect, statement.raw_columns, mappers, result, shown, populate, statement.option_list)


def results_of(
    session: Session,
    dialect: Any,
    raw_columns: Sequence[Any],
    mappers: Sequence[Mapper | None],
    result: Result,
    shown: Sequence[Any] | None,
    populate: bool = False,
    options: Sequence[Any] = (),
) -> Result:
    """What was asked for, from rows whose columns come in any order.

    :param options: loader options; relationships come by statements of their own.
    :param shown: the columns of the rows, where the statement says them; text has names only.
    """
    rows: Sequence[Any] = result.all()
    names = list(result.keys())
    columns: list[Sequence[Any]] = []
    keys: list[str] = []
    place = 0
    overwritten: dict[int, Any] | None = {} if populate else None
    plans = plans_for(raw_columns, mappers, options, joins=False)
    for raw, mapper, plan in zip(raw_columns, mappers, plans, strict=True):
        if mapper is not None:
            places = _places(raw, mapper, names, shown, () if plan is None else plan.deferred)
            chosen = [tuple([row[i] for i in places.values()]) for row in rows]
            how = EntityLoad(tuple(places), overwritten, NO_WISHES if plan is None else plan.wishes)
            objects = objects_of_rows(session, mapper, dialect, chosen, how=how)
            if plan is not None and plan.later:
                load_after(session, plan, objects, overwritten)
            columns.append(objects)
            keys.append(raw.__name__)
            place += len(places)
        else:
            name = getattr(raw, "key", None) or getattr(raw, "name", None)
            at = _find(clause_of(raw), names, shown)
            at = min(place, len(names) - 1) if at is None else at
            columns.append([row[at] for row in rows])
            keys.append(str(name or names[at]))
            place += 1
    return Result(list(zip(*columns, strict=True)) if rows else [], tuple(keys), result.rowcount)


def _shown_columns(element: Any) -> list[Any] | None:
    if hasattr(element, "exported_pairs"):
        return [column for _, column in element.exported_pairs()]
    returned = getattr(element, "raw_returning", None)
    return None if returned is None else [column for raw in returned for column in columns_of(raw)]


def _places(
    raw: Any, mapper: Mapper, names: list[str], shown: Sequence[Any] | None, deferred: Collection[str]
) -> Mapping[str, int]:
    """Attribute key to place in the row, of the columns that are there and not deferred."""
    found: dict[str, int] = {}
    for key, column in raw.__mapper__.columns.items():
        place = None if key in deferred else _find(column, names, shown)
        if place is not None:
            found[key] = place
    missing = [key for key in mapper.pk_keys if key not in found]
    if missing:
        raise InvalidRequestError(
            f"Could not locate column '{missing[0]}' of {raw.__name__}'s primary key in the statement's rows, which have: "
            f"{', '.join(names)}. Select it too."
        )
    return found


def _find(column: Any, names: list[str], shown: Sequence[Any] | None) -> int | None:
    """The place of a column: of the column itself or what shows it, else by its name."""
    column = getattr(column, "original", column)
    for place, one in enumerate(shown or ()):
        while one is not None:
            if one is column:
                return place
            one = getattr(one, "base", None)
    name = getattr(column, "name", None)
    table = getattr(getattr(column, "table", None), "name", None)
    for wanted in (name, f"{table}_{name}"):
        if wanted in names:
            return names.index(wanted)
    return None
