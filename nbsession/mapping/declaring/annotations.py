"""Reads ``Mapped[...]`` annotations. Knows the typing notations; knows nothing of tables.

A name that cannot be resolved yet (a class defined further down, or imported for type checkers only) stays a name.
"""

from __future__ import annotations

import builtins
import functools
import operator
import sys
import types
from collections.abc import Collection, Mapping
from typing import Any, ForwardRef, Generic, NamedTuple, TypeVar, Union, get_args, get_origin, overload

from nbsession.exc import ArgumentError

if sys.version_info >= (3, 14):
    import annotationlib

T = TypeVar("T")


class Mapped(Generic[T]):
    """Marks an attribute as mapped, and tells its Python type: ``name: Mapped[str | None]``.

    For type checkers an attribute of an instance is a ``T``, and that of the class an expression.
    """

    @overload
    def __get__(self, instance: None, owner: Any) -> Any: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> T: ...
    def __get__(self, instance: object | None, owner: Any) -> Any:
        """Only for type checkers: mapping puts a real attribute in its place."""
        raise NotImplementedError

    def __set__(self, instance: Any, value: T) -> None:
        """Only for type checkers."""
        raise NotImplementedError


class MappedType(NamedTuple):
    """What an annotation says.

    :ivar inner: the type within, a class, or a name where it cannot be resolved yet.
    :ivar optional: may it be None?
    :ivar collection: ``list``, ``set``, another class of collection, or None.
    :ivar member: of another class of collection, such as a dict: the type of its members.
    """

    inner: Any
    optional: bool
    collection: type | None
    member: Any = None


class Unresolved:
    """Base of the stand-ins for names that do not exist yet; the stand-in's ``__name__`` is the name."""


class _Names(dict[str, Any]):
    """A namespace in which an unknown name is a stand-in class, so that ``Optional[Later]`` can be evaluated."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            return getattr(builtins, name)
        return type(name, (Unresolved,), {})


def read_annotation(annotation: Any, cls: type, key: str) -> MappedType | None:
    """What an annotation in a class body means.

    :param annotation: as found in ``__annotations__``: a type or a string.
    :param cls: the class, for its module's names.
    :param key: the attribute, for messages.
    :return: None if it is not a ``Mapped[...]``.
    :raises ArgumentError: it is one that cannot be understood.
    """
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        if "Mapped" not in annotation:
            return None
        annotation = _evaluate(annotation, cls, key)
    if annotation is Mapped:
        return MappedType(None, True, None)
    origin = get_origin(annotation)
    if not (isinstance(origin, type) and issubclass(origin, Mapped)):
        return None
    (inner,) = get_args(annotation)
    return _unwrap(inner, cls, key)


def annotations_of(cls: type) -> Mapping[str, Any]:
    """The annotations in a class's own body, by name: a type, a string, or a forward reference to what is not there yet.

    Since Python 3.14 a class holds a function that makes them, instead of the annotations themselves.
    """
    body = vars(cls)
    if sys.version_info >= (3, 14):
        annotate = annotationlib.get_annotate_from_class_namespace(body)
        if annotate is not None:
            return annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF, owner=cls)
    found: Mapping[str, Any] = body.get("__annotations__", {})
    return found


def in_source_order(assigned: list[str], annotated: list[str]) -> list[str]:
    """Names of a class body in the order of the source, as far as two lists tell it: those assigned, and those annotated.

    What stands in both lists orders the rest: up to it first what is only assigned, after it what is only annotated.

    >>> in_source_order(["table", "id", "x", "made"], ["id", "name", "made"])
    ['table', 'id', 'name', 'x', 'made']
    """
    anchors = set(assigned) & set(annotated)
    found: list[str] = []
    current, other = iter(assigned), iter(annotated)
    while True:
        for name in current:
            if name in anchors:
                anchors.discard(name)
                break
            found.append(name)
        else:
            return [*found, *other]
        current, other = other, current


def _evaluate(text: str, cls: type, key: str) -> Any:
    module = sys.modules.get(cls.__module__)
    names = _Names(vars(module) if module is not None else {})
    names.setdefault("Mapped", Mapped)
    names[cls.__name__] = cls
    try:
        return eval(text, {}, names)  # an annotation of the user's own source, evaluated as typing does
    except Exception as error:
        raise ArgumentError(f"Cannot read the annotation {text!r} of '{cls.__name__}.{key}': {error}") from error


def _unwrap(inner: Any, cls: type, key: str) -> MappedType:
    inner, optional = _without_none(_named(inner, cls, key))
    inner = _named(inner, cls, key)
    origin = get_origin(inner)
    if origin in (list, set):
        (member,) = get_args(inner)
        return MappedType(_named(member, cls, key), optional, origin)
    if origin is not None and not isinstance(origin, type):
        raise ArgumentError(f"The annotation of '{cls.__name__}.{key}' is not understood: {inner!r}")
    if origin is not None and issubclass(origin, Collection):
        members = get_args(inner)
        return MappedType(origin, optional, None, _named(members[-1], cls, key) if members else None)
    return MappedType(inner, optional, None)


def _named(inner: Any, cls: type, key: str) -> Any:
    """Resolves strings and forward references to a type, or to a bare name."""
    if isinstance(inner, ForwardRef):
        inner = inner.__forward_arg__
    if isinstance(inner, str):
        inner = _evaluate(inner, cls, key)
    if isinstance(inner, type) and issubclass(inner, Unresolved) and inner is not Unresolved:
        return inner.__name__
    return inner


def _without_none(inner: Any) -> tuple[Any, bool]:
    if get_origin(inner) in (Union, types.UnionType):
        parts = [a for a in get_args(inner) if a is not type(None)]
        optional = len(parts) < len(get_args(inner))
        return (parts[0] if len(parts) == 1 else functools.reduce(operator.or_, parts)), optional
    return inner, False
