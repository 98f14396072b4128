"""Classes for the tables that a database has: ``automap_base()``. Knows declarative mapping; a bind reads the tables.

SQLAlchemy's names (``sqlalchemy.ext.automap``). More than there: what Python cannot say gets a name that it can, every foreign key
has its relationship, in the same order each time, and what was not mapped is told in ``Base.unmapped``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from nbsession.exc import InvalidRequestError
from nbsession.mapping.declaring import automap_names as names
from nbsession.mapping.declaring.automap_names import (
    attribute_names,
    classname_for_table,
    name_for_collection_relationship,
    name_for_scalar_relationship,
    said_in_python,
)
from nbsession.mapping.declaring.automap_relationships import (
    Linking,
    NameFor,
    Rules,
    generate_relationship,
    link_of,
)
from nbsession.mapping.declaring.declarative import DeclarativeBase, Declared, map_declared, read_declared
from nbsession.sql.schema import MetaData, Table

__all__ = [
    "AutomapBase",
    "Classes",
    "automap_base",
    "classname_for_table",
    "generate_relationship",
    "name_for_collection_relationship",
    "name_for_scalar_relationship",
]


class Classes:
    """The mapped classes, by name: ``Base.classes.users`` or ``Base.classes["users"]``. The table's name does, too."""

    def __init__(self) -> None:
        self._by_name: dict[str, Any] = {}
        self._by_table: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __getitem__(self, name: str) -> Any:
        if name in self._by_name:
            return self._by_name[name]
        return self._by_table[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name or name in self._by_table

    def __iter__(self) -> Iterator[Any]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._by_name]

    def keys(self) -> list[str]:
        """The names."""
        return list(self._by_name)

    def values(self) -> list[Any]:
        """The classes."""
        return list(self._by_name.values())

    def items(self) -> list[tuple[str, Any]]:
        """Names with classes."""
        return list(self._by_name.items())

    def get(self, name: str, default: Any = None) -> Any:
        """The class of a name, or the default."""
        return self._by_name.get(name, self._by_table.get(name, default))

    def add(self, name: str, table: str, cls: Any) -> None:
        """One more."""
        self._by_name[name] = self._by_table[table] = cls

    def __repr__(self) -> str:
        return f"<classes {', '.join(self._by_name) or '(none)'}>"


class AutomapBase:
    """What :func:`automap_base` puts beneath a declarative base. Classes declared on it are mapped by ``prepare()``.

    :cvar classes: the classes that ``prepare()`` made.
    :cvar by_module: the same by module, for those to which ``modulename_for_table`` gave one: ``Base.by_module["app"].users``.
    :cvar unmapped: by table, why it has no class.
    """

    __slots__ = ()

    classes: ClassVar[Classes]
    by_module: ClassVar[dict[str, Classes]]
    unmapped: ClassVar[dict[str, str]]
    metadata: ClassVar[MetaData]
    _waiting: ClassVar[list[type[Any]]]
    _done: ClassVar[set[str]]

    @classmethod
    def prepare(
        cls,
        autoload_with: Any = None,
        engine: Any = None,
        reflect: bool = False,
        schema: str | None = None,
        classname_for_table: Callable[[type[Any], str, Table], str] | None = None,
        modulename_for_table: Callable[[type[Any], str, Table], str | None] | None = None,
        collection_class: Any = None,
        name_for_scalar_relationship: NameFor | None = None,
        name_for_collection_relationship: NameFor | None = None,
        generate_relationship: Callable[..., Any] | None = None,
        reflection_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Reads the tables of a database, and maps each to a class, with relationships made of foreign keys.

        It may be called again: tables that are new since then are mapped.

        :param autoload_with: an engine or connection; None: the tables are in the metadata already.
        :param engine: the same, by its older name, with ``reflect=True``.
        :param schema: read this schema.
        :param classname_for_table: function (base, name, table) -> the class's name; by default the table's.
        :param modulename_for_table: function like it -> the class's module, or None; such a class is in ``by_module``.
        :param collection_class: of collections; by default list.
        :param name_for_scalar_relationship: function (base, class, other class, constraint) -> the attribute's name.
        :param name_for_collection_relationship: the same for collections.
        :param generate_relationship: makes the relationships: see the function of this name.
        :param reflection_options: for ``MetaData.reflect``: ``{"only": [...]}``, ``{"views": True}``.
        :raises InvalidRequestError: ``reflect=True`` without an engine.
        """
        base: type[AutomapBase] = next(one for one in cls.__mro__ if "_waiting" in vars(one))
        bind = autoload_with if autoload_with is not None else engine
        if reflect and bind is None:
            raise InvalidRequestError("prepare(reflect=True) needs an engine: prepare(autoload_with=engine).")
        declared = [read_declared(one) for one in base._waiting if _says_table(one)]
        if bind is not None:
            options = {
                "schema": schema,
                "extend_existing": True,
                "autoload_replace": False,
                **(reflection_options or {}),
            }
            cls.metadata.reflect(bind, **options)
        rules = Rules(
            base,
            list if collection_class is None else collection_class,
            name_for_scalar_relationship or names.name_for_scalar_relationship,
            name_for_collection_relationship or names.name_for_collection_relationship,
            generate_relationship or _GENERATE,
        )
        classes = base._map_waiting(declared)
        fresh = [table for key, table in sorted(cls.metadata.tables.items()) if key not in base._done]
        base._done.update(table.key for table in fresh)
        naming = classname_for_table or names.classname_for_table
        links = {table: found for table in fresh if table not in classes and (found := link_of(table)) is not None}
        for table in fresh:
            if table in links:
                first, second = (one.referred_table.name for one in links[table])
                base.unmapped[table.key] = f"a link table: {first} and {second} have each other as many"
            elif table not in classes and base._can_be_mapped(table):
                module = modulename_for_table and modulename_for_table(base, table.name, table)
                classes[table] = base._map(table, naming(base, table.name, table), module)
        known = {vars(one)["__table__"]: one for one in base.__subclasses__() if "__mapper__" in vars(one)}
        linking = Linking(rules, {**known, **classes})
        for table in sorted(classes, key=lambda one: one.key):
            linking.follow(table)
        for table, constraints in links.items():
            linking.through(table, constraints)

    @classmethod
    def _map_waiting(cls, declared: list[Declared]) -> dict[Table, type[Any]]:
        """Maps the classes that people declared, now that their tables are complete."""
        classes: dict[Table, type[Any]] = {}
        by_class = {one.cls: one for one in declared}
        for waiting in cls._waiting:
            one = by_class.get(waiting) or read_declared(waiting)
            columns = one.body.columns
            for name, column in attribute_names(one.table).items() if waiting in by_class else ():
                if not any(column is own for own in columns.values()):
                    columns[said_in_python(name, columns)] = column
            map_declared(waiting, one)
            classes.setdefault(one.table, waiting)
        cls._waiting.clear()
        return classes

    @classmethod
    def _can_be_mapped(cls, table: Table) -> bool:
        if len(table.primary_key):
            return True
        cls.unmapped[table.key] = (
            "a view: which columns tell its rows apart is not certain; say it with a class of your own"
            if table.is_view
            else "no primary key: nothing tells its rows apart"
        )
        return False

    @classmethod
    def _map(cls, table: Table, wished: str, module: str | None) -> type[Any]:
        """A class for a table."""
        room = cls.classes if module is None else cls.by_module.setdefault(module, Classes())
        name = said_in_python(wished, room.keys())
        body: dict[str, Any] = {"__table__": table, "__module__": module or __name__, "_maps_now": True}
        body.update(attribute_names(table))
        kind = "view" if table.is_view else "table"
        body["__doc__"] = f"A row of the {kind} {table.name!r}: {', '.join(attribute_names(table))}."
        made: type[Any] = type(DeclarativeBase)(name, (cls,), body)
        room.add(name, table.key, made)
        return made

    def __init_subclass__(cls, **options: Any) -> None:
        if vars(cls).get("_maps_now") or "_waiting" in vars(cls) or vars(cls).get("__abstract__"):
            super().__init_subclass__(**options)
        else:
            cls._waiting.append(cls)


_GENERATE = generate_relationship


def _says_table(cls: type[Any]) -> bool:
    """Has it a table of its own? Else it lies in its parent's, which must be mapped first."""
    return any("__tablename__" in vars(one) or "__table__" in vars(one) for one in cls.__mro__ if one is not object)


def automap_base(
    declarative_base: type[Any] | None = None, *, metadata: MetaData | None = None, name: str = "Base"
) -> Any:
    """A declarative base whose ``prepare()`` maps the tables that a database has.

    :param declarative_base: an existing base to build on; by default a new one.
    :param metadata: for a new base: where the tables are.
    :param name: of a new base.

    >>> Base = automap_base()
    >>> Base.prepare(autoload_with=create_engine("sqlite:///shop.db"))
    >>> Order = Base.classes.orders
    """
    if declarative_base is None:
        body = {} if metadata is None else {"metadata": metadata}
        declarative_base = type(DeclarativeBase)(name, (DeclarativeBase,), body)
    return type(DeclarativeBase)(
        declarative_base.__name__,
        (AutomapBase, declarative_base),
        {
            "__slots__": (),
            "__abstract__": True,
            "classes": Classes(),
            "by_module": {},
            "unmapped": {},
            "_waiting": [],
            "_done": set(),
        },
    )
