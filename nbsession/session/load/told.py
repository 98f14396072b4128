"""SELECTs of the session's own, by key or for a relationship, as ``do_orm_execute`` hooks are told of them.

Knows hooks and how a statement is read. While nobody listens, :func:`somebody_listens` is all that is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbsession.database.result import Result
from nbsession.mapping.mapper import Mapper
from nbsession.session.load.load_plans import EntityPlan
from nbsession.session.load.reading import Reading, read_entities
from nbsession.session.querying.orm_execute import Loading, ORMExecuteState

if TYPE_CHECKING:
    from nbsession.session.session import Session


def somebody_listens(session: Session) -> bool:
    """Is there a ``do_orm_execute`` hook?"""
    return "do_orm_execute" in session.hooks.heard and session.hooks.listens("do_orm_execute")


def read_told(
    session: Session,
    mapper: Mapper,
    statement: Any,
    params: Mapping[str, Any] | None,
    plans: Sequence[EntityPlan | None],
    overwritten: dict[int, Any] | None = None,
    peek: Sequence[str] = (),
    loading: Loading | None = None,
) -> Reading:
    """Executes a SELECT, if there are hooks through them: one may change it, or answer itself.

    :param mapper: the class that it is about.
    :param loading: why it is executed; None: it is a get().
    """
    hooks = session.hooks.of("do_orm_execute")
    if not hooks:
        return read_entities(session, session.connection_of(mapper), statement, params, plans, overwritten, peek)

    def run(statement: Any, params: Any, bind_arguments: Any) -> Result:
        connection = session.connection_for(session.get_bind(**bind_arguments))
        reading = read_entities(session, connection, statement, params, plans, overwritten, peek)
        return Result(list(zip(*reading.columns, strict=True)), tuple(reading.names))

    choice = {"mapper": mapper, "clause": statement}
    rows = ORMExecuteState(session, statement, params, choice, run, hooks, loading).invoke_statement().all()
    width = len(peek) + len(plans)
    columns: list[Sequence[Any]] = [[row[place] for row in rows] for place in range(width)]
    return Reading(columns, [""] * width, False)
