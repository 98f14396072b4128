"""What every piece of a statement has in common: its parts, its shape, its text.

A *shape* is what stays the same when only literal values change; it is the key under which a compiled statement is
kept. Walking a clause collects the shape and the bound values together. Knows no rendering.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from nbsession.sql.elements import BindParameter

    C = TypeVar("C", bound="ClauseElement")

next_uid: Callable[[], int] = count(1).__next__
"""Numbers for tables and columns: they stand for identity in shapes, and unlike ``id()`` are never used twice."""


_OTHER_DATABASES = ("postgresql_", "mysql_", "mariadb_", "mssql_", "oracle_")


def refuse_options(what: str, options: Mapping[str, Any]) -> None:
    """Refuses keywords that nobody here knows. Those for another database are let through: they say nothing to ours.

    :param what: who got them, for the message.
    :raises TypeError: there is one.
    """
    for name in options:
        if not name.startswith(_OTHER_DATABASES):
            raise TypeError(
                f"Additional arguments should be named <dialectname>_<argument>, got '{name}'. {what} has no such option here: "
                "leave it out."
            )


class ShapeWalk:
    """What one walk over a statement collects: the parts of the key, and the binds in order."""

    __slots__ = ("binds", "key", "seen")

    def __init__(self) -> None:
        self.key: list[Any] = []
        self.binds: list[BindParameter] = []
        self.seen: dict[int, int] = {}

    def seen_before(self, thing: object) -> bool:
        """Whether an alias or subquery was walked already; writes its number in this statement either way."""
        number = self.seen.get(id(thing))
        if number is not None:
            self.key.append(-number)  # negative: never taken for a uid
            return True
        self.seen[id(thing)] = len(self.seen) + 1
        return False


class ClauseElement:
    """A piece of SQL.

    Subclasses name their parts: ``_children`` are slots that hold clauses (or tuples of them, or None), ``_plain`` are
    slots that hold hashable facts. Walking and cloning follow from that.
    """

    __slots__ = ()
    visit_name: ClassVar[str] = "clause"
    _children: ClassVar[tuple[str, ...]] = ()
    _plain: ClassVar[tuple[str, ...]] = ()

    def _shape(self, walk: ShapeWalk) -> None:
        key = walk.key
        key.append(self.visit_name)
        for name in self._plain:
            key.append(getattr(self, name))
        for name in self._children:
            part = getattr(self, name)
            if part is None:
                key.append(None)
            elif type(part) is tuple:
                key.append(len(part))
                for one in part:
                    one._shape(walk)
            else:
                part._shape(walk)

    def _clone(self: C) -> C:
        """A shallow copy."""
        cls = type(self)
        copy = cls.__new__(cls)
        for base in cls.__mro__:
            for name in getattr(base, "__slots__", ()):
                if name != "__weakref__" and hasattr(self, name):
                    setattr(copy, name, getattr(self, name))
        if hasattr(self, "__dict__"):
            copy.__dict__.update(self.__dict__)
        return copy

    def __str__(self) -> str:
        from nbsession.sql.compile import readable

        return readable(self)

    def compile(self, bind: Any = None, *, dialect: Any = None, compile_kwargs: Mapping[str, Any] | None = None) -> Any:
        """The SQL text as a string: for an engine or dialect, or (without one) for reading.

        :param compile_kwargs: ``{"literal_binds": True}`` writes the values into the text.
        """
        from nbsession.sql.compile import readable

        dialect = dialect or getattr(bind, "dialect", None)
        literal = bool((compile_kwargs or {}).get("literal_binds"))
        return readable(self, rendering=getattr(dialect, "name", "readable"), literal_binds=literal)


class Executable(ClauseElement):
    """A statement: immutable, each method returns a changed copy.

    What was never set stays a class attribute, so that a copy costs one dict copy.
    """

    kind: ClassVar[str] = "select"
    option_list: tuple[Any, ...] = ()
    execution_options_: Mapping[str, Any] = {}
    _values: Mapping[str, Any] = {}

    def _copy(self: E, **changes: Any) -> E:
        copy = object.__new__(type(self))
        state = copy.__dict__
        state.update(self.__dict__)
        state.pop("_walked", None)
        state.update(changes)
        return copy

    def walked(self) -> ShapeWalk:
        """The walk over this statement, made once: a statement never changes."""
        walk: ShapeWalk | None = self.__dict__.get("_walked")
        if walk is None:
            walk = ShapeWalk()
            self._shape(walk)
            self.__dict__["_walked"] = walk
        return walk

    @property
    def is_select(self) -> bool:
        """Is it a SELECT? ORM entities from SQL of one's own are not."""
        return self.kind == "select"

    @property
    def is_dml(self) -> bool:
        """Is it an INSERT, UPDATE or DELETE? Which of them say ``is_insert``, ``is_update`` and ``is_delete``."""
        return self.kind in ("insert", "update", "delete")

    @property
    def is_insert(self) -> bool:
        """Is it an INSERT?"""
        return self.kind == "insert"

    @property
    def is_update(self) -> bool:
        """Is it an UPDATE?"""
        return self.kind == "update"

    @property
    def is_delete(self) -> bool:
        """Is it a DELETE?"""
        return self.kind == "delete"

    @property
    def is_text(self) -> bool:
        """Is it SQL given as text?"""
        return self.kind == "text"

    def options(self: E, *options: Any) -> E:
        """With options for whoever executes it (loader options of the ORM)."""
        return self._copy(option_list=self.option_list + options)

    def execution_options(self: E, **options: Any) -> E:
        """With options for the connection or session that executes it."""
        return self._copy(execution_options_={**self.execution_options_, **options})

    def get_execution_options(self) -> Mapping[str, Any]:
        """What :meth:`execution_options` set."""
        return self.execution_options_

    def _parameter_shape(self, parameters: Mapping[str, Any] | None) -> Hashable:
        """What of the execution's parameters decides the text: the lengths of expanding lists."""
        lengths = None
        for bind in self.walked().binds:
            if bind.expanding and bind.key is not None:
                value = (parameters or {}).get(bind.key, self._values.get(bind.key, bind.value))
                lengths = (*(lengths or ()), len(value) if value is not None else 0)
        return lengths

    def params(self: E, *given: Mapping[str, Any], **values: Any) -> E:
        """With values for its named parameters (:func:`bindparam`, ``:name`` in :func:`text`)."""
        merged = dict(self._values)
        for one in given:
            merged.update(one)
        merged.update(values)
        return self._copy(_values=merged)


E = TypeVar("E", bound=Executable)


def shape_key(statement: Executable, parameters: Mapping[str, Any] | None = None) -> Hashable:
    """The key under which the compiled form of a statement can be kept; for one rendering.

    Equal for statements that differ in bound values only. Tables and columns count by identity.

    :param parameters: the values it is executed with: their names decide the columns of ``insert(table)``, and
        the length of a list decides the text of an expanding parameter.
    """
    walk = statement.walked()
    extra = statement._parameter_shape(parameters) if parameters or statement._values else None
    return (*walk.key, extra) if extra is not None else tuple(walk.key)
