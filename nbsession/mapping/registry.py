"""The registry: mapped classes that know each other by name. Configures their relationships together, when first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import WeakSet, WeakValueDictionary

from nbsession.exc import ArgumentError, InvalidRequestError, UnmappedClassError
from nbsession.mapping.attribute_events import inherited_listeners
from nbsession.mapping.constructors import give_constructor, watch_constructions
from nbsession.mapping.declaring.mapper_arguments import MapperArguments
from nbsession.mapping.declaring.properties import Properties, read_properties
from nbsession.mapping.entity_names import MAPPERS_KEY, NamedEntity, mapper_named
from nbsession.mapping.instrumentation import (
    collect_validators,
    instrument_plain_class,
    release_plain_class,
    sets_itself,
)
from nbsession.mapping.listening import class_hooks
from nbsession.mapping.mapper import Mapper
from nbsession.mapping.relating.relationships import Relationship
from nbsession.mapping.watched import watched
from nbsession.sql.schema import MetaData

registries: WeakSet[registry] = WeakSet()


class registry:
    """Mapped classes that know each other by name, and their metadata.

    :param metadata: the tables; a new MetaData by default.
    :ivar waiting: mappers whose relationships are not resolved yet; constructors look at it.
    :ivar afterwards: called once, when they are.

    >>> reg = registry()
    >>> reg.map_imperatively(User, users, properties={"addresses": relationship(Address)})
    """

    def __init__(self, *, metadata: MetaData | None = None) -> None:
        self.metadata = metadata if metadata is not None else MetaData()
        self._classes: WeakValueDictionary[str, type] = WeakValueDictionary()
        self._mapped: WeakSet[type] = WeakSet()
        registries.add(self)
        self.waiting: list[Mapper] = []
        self.afterwards: list[Callable[[], None]] = []
        self._configuring = False

    @property
    def mappers(self) -> list[Mapper]:
        """The mappers of its classes."""
        mapped = [vars(cls) for cls in list(self._mapped) if "__mapper__" in vars(cls)]
        return [one for own in mapped for one in {own["__mapper__"], *own.get(MAPPERS_KEY, {}).values()}]

    def map_imperatively(
        self,
        class_: type,
        local_table: Any = None,
        *,
        properties: Mapping[str, Any] | None = None,
        inherits: Any = None,
        **arguments: Any,
    ) -> Mapper:
        """Maps a plain class to a table, or to a join of tables.

        :param class_: a class; its instances need a ``__dict__``.
        :param local_table: the table or join; a subclass that lies in its parent's table has none. Every column becomes an
            attribute of its name.
        :param properties: relationships by attribute name, columns to be mapped under another name, ``deferred(column)``,
            and lists of columns that are one attribute.
        :param inherits: the mapped class that it inherits from, or its mapper.
        :param arguments: what ``__mapper_args__`` may say.
        :return: the mapper.
        :raises ArgumentError: the class is mapped already, or a property is neither column nor relationship.
        """
        cls = class_
        named = vars(cls).get(MAPPERS_KEY)
        if "__mapper__" in vars(cls) and (named is None or arguments.get("entity_name") in named):
            raise ArgumentError(f"Class '{cls.__name__}' already has been instrumented: it is mapped already.")
        parent = class_mapper(inherits) if isinstance(inherits, type) else inherits
        if parent is not None and not issubclass(cls, parent.class_):
            raise ArgumentError(f"Class '{cls.__name__}' does not inherit from '{parent.class_.__name__}'")
        if parent is None and local_table is None:
            raise ArgumentError(f"Mapper of {cls.__name__} has no local_table: give a table, or inherits=.")
        found = read_properties(cls, local_table, properties or {})
        said = MapperArguments.of(arguments, cls)
        mapper = self.add(cls, parent.local_table if local_table is None else local_table, found, parent, said)
        if vars(cls)["__mapper__"] is mapper:
            instrument_plain_class(cls, mapper)
        watch_constructions(cls, mapper)
        return mapper

    def add(
        self,
        cls: type,
        table: Any,
        properties: Properties,
        inherits: Mapper | None = None,
        arguments: MapperArguments | None = None,
    ) -> Mapper:
        """Makes the mapper of a class, and puts the column attributes in place."""
        mapper = Mapper(cls, table, self, properties, inherits, arguments)
        validators = collect_validators(cls)
        cls.__nbs_validators__ = validators  # type: ignore[attr-defined]
        if mapper.entity_name is not None:
            setattr(cls, MAPPERS_KEY, {**vars(cls).get(MAPPERS_KEY, {}), mapper.entity_name: mapper})
        primary = "__mapper__" not in vars(cls) or mapper.entity_name is None
        for key, attribute in mapper.attributes.items():
            attribute.validators = validators.get(key, ())
            inherited_listeners(attribute, inherits.attributes.get(key) if inherits is not None else None)
            if primary or key not in vars(cls):
                setattr(cls, key, watched(attribute) if sets_itself(cls) else attribute)
        mapper.refresh_free_keys()
        for key, declared in properties.relationships.items():
            mapper.add_relationship(key, declared)
        if primary:
            cls.__mapper__ = mapper  # type: ignore[attr-defined]
            cls.__table__ = table  # type: ignore[attr-defined]
        self._classes[cls.__name__] = cls
        self._mapped.add(cls)
        self.waiting.append(mapper)
        return mapper

    def known_class(self, name: str) -> type | None:
        """The mapped class of a name, or None."""
        return self._classes.get(name)

    def find_class(self, name: str) -> type:
        """The mapped class of a name; a dotted name may say its module.

        :raises InvalidRequestError: there is none.
        """
        found = self._classes.get(name.rpartition(".")[2])
        if found is None:
            raise InvalidRequestError(
                f"When initializing mappers, expression {name!r} failed to locate a name: no class of that name is mapped "
                f"here (mapped: {', '.join(sorted(self._classes)) or 'none'}). Define it before the first use."
            )
        return found

    def configure(self) -> None:
        """Resolves the relationships of classes mapped since the last time.

        :raises InvalidRequestError: a related class is not mapped (yet). Nothing is lost: it is tried again.
        """
        if self._configuring or not self.waiting:
            return
        self._configuring = True
        try:
            for hook in class_hooks.everywhere("before_configured"):
                hook()
            waiting = sorted(self.waiting, key=lambda mapper: len(mapper.lineage))
            for mapper in waiting:
                mapper.resolve_relationships(self.find_class)
            for mapper in waiting:
                mapper.make_backrefs()
            for mapper in waiting:
                for declared in mapper.declared.values():
                    declared.pair_up()
            for mapper in waiting:
                mapper.configured = True
                mapper.forget_derived()
            self.waiting[:] = [m for m in self.waiting if not m.configured]
        finally:
            self._configuring = False
        while self.afterwards:
            self.afterwards.pop()()
        if class_hooks.count:
            for mapper in waiting:
                for hook in class_hooks.of(mapper.class_, "mapper_configured"):
                    hook(mapper, mapper.class_)
            for hook in class_hooks.everywhere("after_configured"):
                hook()

    def add_later(self, mapper: Mapper, key: str, declared: Relationship) -> None:
        """A relationship is added to a class that is mapped already; it is resolved at the next use of the class."""
        mapper.add_relationship(key, declared)
        for one in mapper.self_and_descendants:
            one.configured = False
            if one not in self.waiting:
                self.waiting.append(one)
            self._refit(one)

    def on_new_attributes(self, mapper: Mapper) -> None:
        """A backref added a relationship and resolved it."""
        for declared in mapper.declared.values():
            declared.pair_up()
        for one in mapper.self_and_descendants:
            one.resolve_relationships(self.find_class)
            self._refit(one)

    def _refit(self, mapper: Mapper) -> None:
        """An attribute was added after the class body: the constructor takes it too."""
        mapper.forget_derived()
        self.fit_constructor(mapper)

    def fit_constructor(self, mapper: Mapper) -> None:
        """Generates the constructor of a declarative class anew, for the attributes it has now."""
        from nbsession.mapping.declaring.declarative import DeclarativeBase

        if issubclass(mapper.class_, DeclarativeBase):
            give_constructor(mapper.class_, mapper, DeclarativeBase)

    def set_aside(self, mapper: Mapper) -> None:
        """A class is no longer known: nobody finds it by its name, and its parent has one subclass less."""
        cls = mapper.class_
        if self._classes.get(cls.__name__) is cls:
            del self._classes[cls.__name__]
        self._mapped.discard(cls)
        self.waiting[:] = [one for one in self.waiting if one is not mapper]
        mapper.leave_hierarchy()

    def take_back(self, mapper: Mapper) -> None:
        """It is known again."""
        self._classes[mapper.class_.__name__] = mapper.class_
        self._mapped.add(mapper.class_)
        if not mapper.configured:
            self.waiting.append(mapper)
        mapper.join_hierarchy()

    def dispose(self) -> None:
        """Forgets its classes; plain ones are plain again."""
        for mapper in self.mappers:
            release_plain_class(mapper.class_, (MAPPERS_KEY, *mapper.attributes))
        self._classes.clear()
        self._mapped.clear()
        self.waiting.clear()


def class_mapper(cls: type, entity_name: str | None = None) -> Mapper:
    """The mapper of a class, configured.

    :param entity_name: of a class with several mappings, the name of the one that is meant.
    :raises UnmappedClassError: it is not mapped.
    :raises InvalidRequestError: it is not mapped under that name.
    """
    mapper = getattr(cls, "__mapper__", None)
    if type(mapper) is not Mapper or not isinstance(cls, type):
        if isinstance(cls, NamedEntity):
            return mapper_named(cls.__mapper__.class_, cls.__mapper__.entity_name)
        raise UnmappedClassError(cls)
    if mapper.entity_name != entity_name:
        return mapper_named(cls, entity_name)
    return mapper if mapper.configured else configured_mapper(mapper)


def configure_all(cls: type) -> None:
    """Resolves the relationships of all classes mapped with this one, those mapped later included: they may have back
    references to it. Of a class that is not mapped, nothing.
    """
    mapper = getattr(cls, "__mapper__", None)
    if isinstance(mapper, Mapper) and mapper.registry.waiting:
        mapper.registry.configure()


def configured_mapper(mapper: Mapper) -> Mapper:
    """The mapper, with its relationships resolved."""
    if not mapper.configured:
        mapper.configure()
    return mapper
