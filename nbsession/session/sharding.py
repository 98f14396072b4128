"""``ShardedSession``: one session over several databases that have the same tables. Functions of yours say what lies where."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

from nbsession.database.result import Result
from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.registry import class_mapper
from nbsession.session.flush.flush_plan import Step
from nbsession.session.identity import normal_ident
from nbsession.session.querying.orm_execute import ORMExecuteState
from nbsession.session.session import Session
from nbsession.session.shards import Places, ShardedIdentityMap, by_shard


class set_shard_id(NamedTuple):
    """An option of a statement or query: ask this shard and no other.

    >>> session.scalars(select(Report).options(set_shard_id("north")))
    """

    shard_id: Any


class ShardedSession(Session):
    """A session over several databases with the same tables: each object lies in one of them.

    A key need be unique in its shard only. A statement is asked of every shard that ``execute_chooser`` names, one after another:
    ordering and limits hold within each shard. Related objects are looked for in the shard of the object that refers to them.

    :param shard_chooser: function (mapper, instance, clause=None) -> shard: where a new object goes.
    :param identity_chooser: function ``(mapper, primary_key, *, lazy_loaded_from, execution_options, bind_arguments,
        **kw)`` -> shards, in the order in which ``get()`` asks them.
    :param execute_chooser: function (ORMExecuteState) -> the shards that a statement is asked of.
    :param shards: the engines, or connections, by shard.
    :param options: as for :class:`Session`.

    >>> session = ShardedSession(
    ...     shards={"north": north, "south": south},
    ...     shard_chooser=lambda mapper, instance, clause=None: instance.side if instance is not None else "north",
    ...     identity_chooser=lambda mapper, primary_key, **kw: ["north", "south"],
    ...     execute_chooser=lambda context: ["north", "south"],
    ... )
    """

    def __init__(
        self,
        shard_chooser: Callable[..., Any],
        identity_chooser: Callable[..., Iterable[Any]],
        execute_chooser: Callable[[ORMExecuteState], Iterable[Any]],
        shards: Mapping[Any, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.shard_chooser = shard_chooser
        self.identity_chooser = identity_chooser
        self.execute_chooser = execute_chooser
        self.shards: dict[Any, Any] = {}
        self.places = Places()
        self.unit_of_work.identity_map = ShardedIdentityMap(self.places)
        for shard_id, bind in (shards or {}).items():
            self.bind_shard(shard_id, bind)

    def bind_shard(self, shard_id: Any, bind: Any) -> None:
        """Says where a shard is.

        :param bind: an Engine or a Connection.
        """
        self.shards[shard_id] = bind

    # ------------------------------------------------------------------------------------------ where to

    def get_bind(
        self, mapper: Any = None, *, shard_id: Any = None, instance: Any = None, clause: Any = None, bind: Any = None
    ) -> Any:
        """The engine of a shard: the one named, that of the instance, the one being worked on, or the one that is chosen.

        :raises InvalidRequestError: it is not bound.
        """
        if bind is not None:
            return bind
        if isinstance(mapper, type):
            mapper = class_mapper(mapper)
        if shard_id is None:
            shard_id = self.shard_of(instance) if instance is not None else self.places.current
        if shard_id is None:
            shard_id = self.shard_chooser(mapper, None, clause=clause)
        if shard_id not in self.shards:
            known = ", ".join(map(repr, self.shards)) or "none"
            raise InvalidRequestError(f"Shard {shard_id!r} is bound to no engine. Bound are: {known}.")
        return self.shards[shard_id]

    def shard_of(self, instance: Any) -> Any:
        """The shard of an object; a new one is given its shard now."""
        shard = self.places.of(instance)
        if shard is None:
            shard = self.shard_chooser(class_mapper(type(instance)), instance)
            self.places.put(instance, shard)
        return shard

    def parts_of(self, step: Step) -> Iterator[tuple[Any, Step]]:
        """The parts of a flush's step, shard by shard."""
        for obj in (*step.objects, *(parent for parent, _ in step.links_between)):
            self.shard_of(obj)
        old = dict(zip(map(id, step.objects), step.replaces, strict=False))
        parents = [parent for parent, _ in step.links_between]
        fills = step.fills
        for shard, objects in by_shard(step.objects or parents, self.places).items():
            part, members = copy(step), set(map(id, objects))
            if step.objects:
                part.objects = objects
                part.links = [link for link in step.links if id(link.child) in members]
                part.replaces = [old[id(obj)] for obj in objects if id(obj) in old]
            part.fills, fills = fills, []
            part.links_between = [pair for pair in step.links_between if id(pair[0]) in members]
            yield self.get_bind(step.mapper, shard_id=shard), part

    # ------------------------------------------------------------------------------------------ asking

    def execute(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
        **choice: Any,
    ) -> Result:
        """Runs a statement in every shard that ``execute_chooser`` names, or in the one it says itself; the rows one after another.

        As for :meth:`Session.execute`; ``bind_arguments={"shard_id": ...}`` or the option ``set_shard_id`` name one shard.
        """
        arguments = {**(bind_arguments or {}), **choice}
        options: Sequence[Any] = getattr(statement, "option_list", ())
        named = [option.shard_id for option in options if isinstance(option, set_shard_id)]
        if named:
            others = tuple(option for option in options if not isinstance(option, set_shard_id))
            statement = statement._copy(option_list=others)
        if "shard_id" in arguments:
            named = [arguments["shard_id"]]
        if not named and "bind" not in arguments:
            named = [self.places.current] if self.places.current is not None else []
            named = named or list(self.execute_chooser(ORMExecuteState(self, statement, params, arguments)))
            if not named:
                raise ArgumentError("execute_chooser named no shard: there is nowhere to run the statement.")
        results = [self._run(statement, params, execution_options, arguments, shard) for shard in named or (None,)]
        return results[0] if len(results) == 1 else _one_after_another(results)

    def _run(self, statement: Any, params: Any, options: Any, arguments: Mapping[str, Any], shard: Any) -> Result:
        where = {**arguments, "shard_id": shard} if shard is not None else arguments
        with self.places.working_on(shard):
            return super().execute(statement, params, execution_options=options, bind_arguments=where)

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        """As :meth:`Session.get`, shard by shard in the order that ``identity_chooser`` says.

        :param options: also ``bind_arguments={"shard_id": ...}`` or ``identity_token=`` for one shard alone.
        """
        given = dict(options.pop("bind_arguments", None) or {})
        token = options.pop("identity_token", None)
        mapper = class_mapper(entity, options.get("entity_name"))
        normal = normal_ident(mapper, ident)
        if normal is None:
            return None
        shard = given.get("shard_id", token if token is not None else self.places.current)
        shards = [shard] if shard is not None else self.identity_chooser(
            mapper,
            normal if isinstance(normal, tuple) else (normal,),
            lazy_loaded_from=None,
            execution_options=dict(options.get("execution_options") or {}),
            bind_arguments=given,
        )  # fmt: skip
        for one in shards:
            with self.places.working_on(one):
                found = super().get(entity, ident, **options)
            if found is not None:
                return found
        return None

    # ------------------------------------------------------------------- what objects ask is asked of their shard

    def load_missing(self, obj: Any, key: str) -> Any:
        """Loads the column values an object lacks; returns one."""
        with self.places.working_on(self.places.of(obj)):
            return super().load_missing(obj, key)

    def load_related(self, obj: Any, key: str, raising: bool = True) -> Any:
        """Loads a relationship from the object's own shard."""
        with self.places.working_on(self.places.of(obj)):
            return super().load_related(obj, key, raising)

    def still_there(self, obj: Any) -> bool:
        """An expired object is loaded; one whose row is gone leaves the identity map."""
        with self.places.working_on(self.places.of(obj)):
            return super().still_there(obj)

    def refresh(self, obj: Any, *args: Any, **options: Any) -> None:
        """As :meth:`Session.refresh`, from the object's shard."""
        with self.places.working_on(self.places.of(obj)):
            super().refresh(obj, *args, **options)

    def add(self, obj: Any) -> None:
        """As :meth:`Session.add`; a detached object comes back to its shard."""
        with self.places.working_on(self.places.of(obj)):
            super().add(obj)

    def delete(self, obj: Any) -> None:
        """As :meth:`Session.delete`, in the object's shard."""
        with self.places.working_on(self.places.of(obj)):
            super().delete(obj)


def _one_after_another(results: Sequence[Result]) -> Result:
    keys = tuple(results[0].keys())
    return Result([tuple(row) for result in results for row in result.all()], keys)
