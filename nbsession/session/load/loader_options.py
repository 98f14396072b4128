"""The loader options by name, as functions: each makes a :class:`~nbsession.session.load.load_option.Load`."""

from __future__ import annotations

from typing import Any

from nbsession.exc import ArgumentError
from nbsession.session.load.load_option import Load


def joinedload(*keys: Any, innerjoin: Any = None) -> Load:
    """A relationship is loaded by the same SELECT, with a join. Several keys are a path to the last one.

    >>> session.scalars(select(User).options(joinedload(User.addresses))).unique().all()
    """
    return _along(keys, "joinedload", innerjoin=innerjoin)


def selectinload(*keys: Any, recursion_depth: int | None = None) -> Load:
    """A relationship is loaded for all objects together, by a second SELECT with ``IN``. Several keys are a path to it.

    >>> session.scalars(select(User).options(selectinload(User.addresses))).all()
    """
    return _along(keys, "selectinload", recursion_depth=recursion_depth)


def subqueryload(*keys: Any) -> Load:
    """As :func:`selectinload`, under the name of an older way."""
    return _along(keys, "subqueryload")


def immediateload(*keys: Any, recursion_depth: int | None = None) -> Load:
    """A relationship is loaded at once, by a SELECT for each object."""
    return _along(keys, "immediateload", recursion_depth=recursion_depth)


def lazyload(*keys: Any) -> Load:
    """A relationship is loaded when it is touched; ``lazyload("*")``: all that are not named."""
    return _along(keys, "lazyload")


def raiseload(*keys: Any, sql_only: bool = False) -> Load:
    """Touching a relationship that is not loaded is an error; ``raiseload("*")``: all that are not named.

    :param sql_only: only if it would need a SELECT.
    """
    return _along(keys, "raiseload", sql_only=sql_only)


def noload(*keys: Any) -> Load:
    """A relationship is not loaded: None, or empty."""
    return _along(keys, "noload")


def defaultload(*keys: Any) -> Load:
    """A relationship is loaded as the mapping says; leads on to options about the related objects."""
    return _along(keys, "defaultload")


def contains_eager(*keys: Any, alias: Any = None) -> Load:
    """A relationship is taken from the statement, which joins the related rows already.

    :param alias: the alias it joins, if it is not the class itself.

    >>> select(User).join(User.addresses).where(Address.email == "b").options(contains_eager(User.addresses))
    """
    return _along(keys, "contains_eager", alias=alias)


def _along(keys: tuple[Any, ...], method: str, **settings: Any) -> Load:
    if not keys:
        raise ArgumentError(f"{method}() takes a relationship such as User.addresses.")
    load = Load()
    for key in keys[:-1]:
        load = load.defaultload(key)
    made: Load = getattr(load, method)(keys[-1], **settings)
    return made


def load_only(*attrs: Any, raiseload: bool = False) -> Load:
    """Only these columns (and the primary key) are loaded; the others when they are touched.

    :param raiseload: touching the others is an error.

    >>> session.scalars(select(User).options(load_only(User.name))).all()
    """
    return Load().load_only(*attrs, raiseload=raiseload)


def defer(key: Any, *, raiseload: bool = False) -> Load:
    """A column is loaded when it is touched; ``defer("*")``: all that are not named.

    :param raiseload: touching it is an error.
    """
    return Load().defer(key, raiseload=raiseload)


def undefer(key: Any) -> Load:
    """A deferred column is loaded at once; ``undefer("*")``: all."""
    return Load().undefer(key)


def undefer_group(name: str) -> Load:
    """A group of deferred columns is loaded at once."""
    return Load().undefer_group(name)
