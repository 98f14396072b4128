"""Brings values back: what was expired, what was deferred, what refresh() asks for, and objects of a key, as plans say.

Knows sessions and plans; relationships that are touched are loaded in :mod:`nbsession.session.load.lazy`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Relationship
from nbsession.session.load.load_context import NO_WISHES, Wishes, give_wishes, wishes_of, wishes_of_expired
from nbsession.session.load.load_plans import NOTHING_SAID, EntityPlan, LaterPlan, loads_plainly, plan_of
from nbsession.session.load.loading import load_by_key, load_columns, load_whole, row_is_gone
from nbsession.session.load.reading import wishes_from
from nbsession.session.load.told import read_told, somebody_listens
from nbsession.session.querying.orm_execute import Loading
from nbsession.sql.expression import bindparam
from nbsession.sql.select import Select
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import ident_of, state_of
from nbsession.tracking.unset import is_expired, unset_of

if TYPE_CHECKING:
    from nbsession.session.session import Session


def load_touched(session: Session, obj: Any, key: str) -> bool:
    """Loads a column value that an object lacks, and what comes along with it. False: its row is gone.

    A deferred column brings its group; of an expired object everything comes; else the other columns that it lacks.

    :raises InvalidRequestError: an option says that it must not be touched.
    """
    mapper, wishes = obj._nbs_state.mapper, wishes_of(obj)
    if not obj.__dict__ and wishes is NO_WISHES and key not in mapper.deferred_keys and loads_plainly(mapper):
        return load_whole(session, obj) if not somebody_listens(session) else _load_whole(session, obj)
    expired = is_expired(obj)
    if expired:
        wishes = wishes_of_expired(obj)
    plan = plan_of(mapper, wishes)
    if key in plan.deferred:
        if wishes.column(mapper, key) == "raise":
            raise InvalidRequestError(
                f"'{mapper.class_.__name__}.{key}' is not available due to raiseload=True. Load it with the object: "
                f"undefer({mapper.class_.__name__}.{key})."
            )
        along = mapper.loaded_with(key) if key in mapper.deferred else (key,)
        return _load_columns(session, obj, [k for k in along if k not in obj.__dict__])
    if expired:
        return load_expired(session, obj)
    lacking = [
        k for k in mapper.column_keys if k not in obj.__dict__ and k not in plan.deferred and k not in unset_of(obj)
    ]
    return _load_columns(session, obj, lacking or (key,))


class Asked(NamedTuple):
    """What a read asks of a row, settled before the flush that the read brings about.

    :ivar ident: the row's key.
    :ivar status: the object's state.
    :ivar keys: the attributes that were not there.
    """

    ident: Any
    status: ObjectState
    keys: tuple[str, ...]

    @classmethod
    def of(cls, obj: Any, key: str) -> Asked:
        """A read of a column that an object lacks."""
        held, unset, state = obj.__dict__, unset_of(obj), obj._nbs_state
        keys = tuple(k for k in state.mapper.selected_keys if k == key or (k not in held and k not in unset))
        return cls(ident_of(obj), state.status, keys)

    def lost_its_row(self, obj: Any) -> bool:
        """Did the flush change the object's key, or delete its row or give it to another object?"""
        return ident_of(obj) != self.ident or state_of(obj).status is not self.status

    def load(self, session: Session, obj: Any) -> None:
        """Takes what lies under the key by now, also in place of what the flush has loaded.

        :raises ObjectDeletedError: nothing does.
        """
        before = {key: obj.__dict__.pop(key) for key in self.keys if key in obj.__dict__}
        if not load_columns(session, obj, self.keys, self.ident):
            obj.__dict__.update(before)
            raise row_is_gone(obj, moved=ident_of(obj) != self.ident)


def load_expired(session: Session, obj: Any, for_update: bool = False, wishes: Wishes | None = None) -> bool:
    """Loads an object of which nothing is there, with its eager relationships. False: its row is gone.

    :param wishes: what options ask for; by default what is left of those that it was loaded with.
    """
    mapper = state_of(obj).mapper
    plan = plan_of(mapper, wishes_of_expired(obj) if wishes is None else wishes)
    if plan.keys is None and not plan.joined and not plan.later and not for_update:
        return _load_whole(session, obj)
    if not _is_here(session, obj):
        return load_columns(session, obj, [k for k in plan.keys or mapper.selected_keys if k not in obj.__dict__])
    return read_by_key(session, mapper, ident_of(obj), plan, None, for_update, Loading(obj)) is obj


def _is_here(session: Session, obj: Any) -> bool:
    """Is it the object that a row of its key belongs to?"""
    state = state_of(obj)
    return state.status is ObjectState.PERSISTENT and session.find(state.mapper, ident_of(obj)) is obj


def _load_whole(session: Session, obj: Any) -> bool:
    if not somebody_listens(session) or not _is_here(session, obj):
        return load_whole(session, obj)
    mapper = state_of(obj).mapper
    return read_by_key(session, mapper, ident_of(obj), plan_of(mapper), loading=Loading(obj)) is obj


def _load_columns(session: Session, obj: Any, keys: Sequence[str]) -> bool:
    if not somebody_listens(session) or not _is_here(session, obj):
        return load_columns(session, obj, keys)
    mapper = state_of(obj).mapper
    part = EntityPlan(mapper, wishes_of(obj), ())
    wanted = {*mapper.pk_keys, mapper.polymorphic_on, *keys}
    part.keys = tuple(key for key in mapper.column_keys if key in wanted)
    return read_by_key(session, mapper, ident_of(obj), part, loading=Loading(obj)) is obj


def load_anew(session: Session, obj: Any, for_update: bool) -> bool:
    """What refresh() does, of an object that was just expired: options count as when it was loaded. False: its row is gone."""
    wishes = wishes_of(obj)
    if wishes.groups:
        wishes = wishes.without(state_of(obj).mapper, ())
    found = load_expired(session, obj, for_update, wishes)
    if wishes.columns or wishes.other_columns or wishes.other_relations:
        give_wishes((obj,), wishes.without(state_of(obj).mapper))  # what it did not bring was expired
    return found


def load_by_ident(
    session: Session, mapper: Mapper, ident: Any, options: Sequence[Any], populate_existing: bool, for_update: bool
) -> Any:
    """The object of a key, by a SELECT; None if there is no such row.

    :param options: loader options.
    :param populate_existing: an object that is here already takes the row's values.
    """
    listened = somebody_listens(session)
    if not (options or populate_existing or for_update or listened) and loads_plainly(mapper):
        return load_by_key(session, mapper, ident)
    plan = plan_of(mapper, wishes_from(mapper, options)) if options else plan_of(mapper)
    if plan.plain and not populate_existing and not for_update and not listened:
        return load_by_key(session, mapper, ident)
    return read_by_key(session, mapper, ident, plan, {} if populate_existing else None, for_update)


def read_by_key(
    session: Session,
    mapper: Mapper,
    ident: Any,
    plan: EntityPlan,
    overwritten: dict[int, Any] | None = None,
    for_update: bool = False,
    loading: Loading | None = None,
) -> Any:
    """The object of a key, by a SELECT as a plan says; None if there is no such row.

    :param loading: why, for hooks; None: it is a get().
    """
    values = mapper.identity_key(ident)[1]
    params = {f"pk_{number}": value for number, value in enumerate(values, 1) if value is not None}
    criteria = [
        column == (None if value is None else bindparam(f"pk_{number}", type_=column.type))
        for number, (column, value) in enumerate(zip(mapper.primary_key, values, strict=True), 1)
    ]
    statement = Select(mapper.class_).where(*criteria)
    if for_update:
        statement = statement.with_for_update()
    if overwritten is not None:
        statement = statement.execution_options(populate_existing=True)
    reading = read_told(session, mapper, statement, params, [plan], overwritten, loading=loading)
    return reading.columns[0][0] if reading.columns[0] else None


def refresh_names(session: Session, obj: Any, names: Sequence[str], for_update: bool = False) -> bool:
    """Loads some attributes of an object, which it has forgotten before. False: its row is gone."""
    mapper, ident = state_of(obj).mapper, ident_of(obj)
    if all(name in mapper.columns for name in names) and not for_update:
        return _load_columns(session, obj, names)
    wanted = {*mapper.pk_keys, *names}
    if not _is_here(session, obj):
        return _refresh_displaced(session, obj, wanted)
    whole = plan_of(mapper, wishes_of(obj))
    part = EntityPlan(mapper, whole.wishes, ())
    part.keys = tuple(key for key in mapper.column_keys if key in wanted)
    part.joined = tuple(one for one in whole.joined if one.adds_join and one.declared.key in wanted)
    come = {one.declared.key for one in part.joined}
    later = [one for one in whole.later if one.declared.key in wanted]
    come.update(one.declared.key for one in later)
    lazily = [d for d in mapper.relationships if d.key in wanted and d.key not in come]
    parents = [d for d in lazily if d.to_one_by_key and d.mapper.base_mapper is mapper.base_mapper]
    part.later = (
        *later,
        *(
            LaterPlan(declared, "immediate", whole.wishes.relations.get(declared.key, NOTHING_SAID))
            for declared in lazily
            if declared not in parents
        ),
    )
    found = read_by_key(session, mapper, ident, part, None, for_update, Loading(obj)) is obj
    for declared in parents if found else ():
        _take_present(session, obj, declared)
    return found


def _refresh_displaced(session: Session, obj: Any, wanted: Collection[str | None]) -> bool:
    """The same for one whose row the flush before gave to another object, or deleted: it takes the row that is there."""
    mapper = state_of(obj).mapper
    if not load_columns(session, obj, [key for key in mapper.column_keys if key in wanted]):
        return False
    for declared in mapper.relationships:
        if declared.key in wanted and declared.to_one_by_key and declared.mapper.base_mapper is mapper.base_mapper:
            _take_present(session, obj, declared)
        elif declared.key in wanted:
            session.load_related(obj, declared.key, raising=False)
    return True


def _take_present(session: Session, obj: Any, declared: Relationship) -> None:
    """Of a tree's parent only what is here is taken: its own parent would be loaded next, and so on."""
    for local, _ in declared.pairs:
        getattr(obj, local)
    ident = declared.target_ident(obj.__dict__)
    present = None if ident is None else session.find(declared.mapper, ident)
    if ident is None or present is not None:
        obj.__dict__[declared.key] = present


def require_found(obj: Any, found: bool) -> None:
    """Refuses to go on without a row.

    :raises InvalidRequestError: it is gone.
    """
    if not found:
        raise InvalidRequestError(f"Could not refresh instance '{describe(obj)}': its row is not there any more.")
