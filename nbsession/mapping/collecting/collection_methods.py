"""The methods of lists, sets and dicts that change them, in the form that tells the attribute what comes and goes.

Each function takes the plain method and returns the one that tells. Knows no relationship: an attribute is what has
``before_add``, ``after_add``, ``before_remove`` and ``after_remove``. A collection that is nobody's is an ordinary one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Method = Callable[..., Any]


def holder_of(collection: Any) -> Any:
    """The object whose collection this is now, or None: it was replaced, expired or never given to one."""
    attribute = getattr(collection, "_nbs_attribute", None)
    if attribute is None:
        return None
    owner = collection._nbs_owner()
    return owner if owner is not None and attribute.holds(owner, collection) else None


# ------------------------------------------------------------------------------------------ lists


def _append(plain: Method) -> Method:
    def append(self: Any, member: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, member)
        attribute = self._nbs_attribute
        (member,) = attribute.before_add(owner, (member,))
        result = plain(self, member)
        attribute.after_add(owner, (member,))
        return result

    return append


def _insert(plain: Method) -> Method:
    def insert(self: Any, index: Any, member: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, index, member)
        (member,) = self._nbs_attribute.before_add(owner, (member,))
        result = plain(self, index, member)
        self._nbs_attribute.after_add(owner, (member,))
        return result

    return insert


def _extend(plain: Method) -> Method:
    def extend(self: Any, members: Iterable[Any]) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, members)
        added = self._nbs_attribute.before_add(owner, list(members))
        result = plain(self, added)
        self._nbs_attribute.after_add(owner, added)
        return result

    return extend


def _iadd(plain: Method) -> Method:
    def __iadd__(self: Any, members: Iterable[Any]) -> Any:
        self.extend(members)
        return self

    return __iadd__


def _imul(plain: Method) -> Method:
    def __imul__(self: Any, times: Any) -> Any:
        if holder_of(self) is None:
            return plain(self, times)
        raise TypeError("A collection of related objects cannot be repeated: an object is related once.")

    return __imul__


def _remove(plain: Method) -> Method:
    def remove(self: Any, member: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, member)
        if plain is list.remove:  # the very object if it is there, else the first equal one
            place = next((i for i, m in enumerate(self) if m is member), None)
            if place is None and member not in self:
                self._nbs_attribute.missed(owner, member)
            self.pop(self.index(member) if place is None else place)
            return None
        self._nbs_attribute.before_remove(owner, (member,))
        result = plain(self, member)
        self._nbs_attribute.after_remove(owner, (member,))
        return result

    return remove


def _pop(plain: Method) -> Method:
    def pop(self: Any, *index: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self, *index)
        gone = (self[index[0] if index else -1],)
        self._nbs_attribute.before_remove(owner, gone)
        member = plain(self, *index)
        self._nbs_attribute.after_remove(owner, gone)
        return member

    return pop


def _clear(plain: Method) -> Method:
    def clear(self: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self)
        members = list(self.values() if isinstance(self, dict) else self)
        self._nbs_attribute.before_remove(owner, members)
        result = plain(self)
        self._nbs_attribute.after_remove(owner, members)
        return result

    return clear


def _delitem(plain: Method) -> Method:
    def __delitem__(self: Any, index: Any) -> None:
        owner = holder_of(self)
        if owner is None:
            plain(self, index)
            return
        gone = self[index] if isinstance(index, slice) else [self[index]]
        self._nbs_attribute.before_remove(owner, gone)
        plain(self, index)
        self._nbs_attribute.after_remove(owner, gone)

    return __delitem__


def _setitem(plain: Method) -> Method:
    def __setitem__(self: Any, index: Any, value: Any) -> None:
        owner = holder_of(self)
        if owner is None:
            plain(self, index, value)
            return
        several = isinstance(index, slice)
        gone, come = (list(self[index]), list(value)) if several else ([self[index]], [value])
        attribute = self._nbs_attribute
        come = attribute.before_add(owner, come, already={id(m) for m in gone})
        attribute.before_remove(owner, gone)
        plain(self, index, come if several else come[0])
        kept, before = {id(m) for m in self}, {id(m) for m in gone}
        attribute.after_remove(owner, [m for m in gone if id(m) not in kept])
        attribute.after_add(owner, [m for m in come if id(m) not in before])

    return __setitem__


LIST_METHODS: dict[str, Callable[[Method], Method]] = {
    "append": _append,
    "insert": _insert,
    "extend": _extend,
    "__iadd__": _iadd,
    "__imul__": _imul,
    "remove": _remove,
    "pop": _pop,
    "clear": _clear,
    "__delitem__": _delitem,
    "__setitem__": _setitem,
}


# ------------------------------------------------------------------------------------------ sets


def _change(self: Any, owner: Any, come: Iterable[Any], gone: Iterable[Any], apply: Callable[[Any, Any], Any]) -> Any:
    """Tells, changes, tells.

    :param apply: the change, by what really comes and goes.
    """
    attribute = self._nbs_attribute
    gone = list(gone)
    added = attribute.before_add(owner, list(come))
    if gone:
        attribute.before_remove(owner, gone)
    result = apply(added, gone)
    attribute.after_add(owner, added)
    attribute.after_remove(owner, gone)
    return result


def _add(plain: Method) -> Method:
    def add(self: Any, member: Any) -> Any:
        owner = holder_of(self)
        if owner is None or member in self:
            if owner is not None:
                self._nbs_attribute.pull_in(owner, member)
            return plain(self, member)
        (member,) = self._nbs_attribute.before_add(owner, (member,))
        result = plain(self, member)
        self._nbs_attribute.after_add(owner, (member,))
        return result

    return add


def _discard(plain: Method) -> Method:
    def discard(self: Any, member: Any) -> Any:
        owner = holder_of(self)
        if owner is None or member not in self:
            return plain(self, member)
        self._nbs_attribute.before_remove(owner, (member,))
        result = plain(self, member)
        self._nbs_attribute.after_remove(owner, (member,))
        return result

    return discard


def _set_pop(plain: Method) -> Method:
    def pop(self: Any) -> Any:
        if holder_of(self) is None or not self:
            return plain(self)
        member = next(iter(self))
        self.remove(member)
        return member

    return pop


def _becoming(result_of: Callable[[set[Any], Any], set[Any]], returns_self: bool) -> Callable[[Method], Method]:
    """A method that makes the set what another operation gives: ``update``, ``|=`` and their kin."""

    def wrap(plain: Method) -> Method:
        def become(self: Any, *others: Any) -> Any:
            owner = holder_of(self)
            if owner is None or (returns_self and not isinstance(others[0], (set, frozenset))):
                return plain(self, *others)
            after = set(self)
            for other in others:
                after = result_of(after, other)

            def apply(added: Iterable[Any], gone: Iterable[Any]) -> None:
                for member in gone:
                    set.discard(self, member)
                for member in added:
                    set.add(self, member)

            _change(self, owner, [m for m in after if m not in self], [m for m in self if m not in after], apply)
            return self if returns_self else None

        return become

    return wrap


def _symmetric(mine: set[Any], other: Any) -> set[Any]:
    return mine.symmetric_difference(other)


SET_METHODS: dict[str, Callable[[Method], Method]] = {
    "add": _add,
    "discard": _discard,
    "remove": _discard,
    "pop": _set_pop,
    "clear": _clear,
    "update": _becoming(lambda mine, other: mine.union(other), False),
    "difference_update": _becoming(lambda mine, other: mine.difference(other), False),
    "intersection_update": _becoming(lambda mine, other: mine.intersection(other), False),
    "symmetric_difference_update": _becoming(_symmetric, False),
    "__ior__": _becoming(lambda mine, other: mine | other, True),
    "__isub__": _becoming(lambda mine, other: mine - other, True),
    "__iand__": _becoming(lambda mine, other: mine & other, True),
    "__ixor__": _becoming(_symmetric, True),
}


# ------------------------------------------------------------------------------------------ dicts


def _dict_setitem(plain: Method) -> Method:
    def __setitem__(self: Any, key: Any, member: Any) -> None:
        owner = holder_of(self)
        if owner is None:
            plain(self, key, member)
            return
        attribute = self._nbs_attribute
        gone = [self[key]] if key in self and self[key] is not member else []
        come = attribute.before_add(owner, [member], already={id(self[key])} if key in self else ())
        if gone:
            attribute.before_remove(owner, gone)
        new = not (key in self and self[key] is come[0])
        plain(self, key, come[0])
        if new:
            attribute.after_add(owner, come)
        attribute.after_remove(owner, gone)

    return __setitem__


def _dict_pop(plain: Method) -> Method:
    def pop(self: Any, key: Any, *default: Any) -> Any:
        owner = holder_of(self)
        if owner is None or key not in self:
            return plain(self, key, *default)
        gone = (self[key],)
        self._nbs_attribute.before_remove(owner, gone)
        member = plain(self, key)
        self._nbs_attribute.after_remove(owner, gone)
        return member

    return pop


def _dict_popitem(plain: Method) -> Method:
    def popitem(self: Any) -> Any:
        owner = holder_of(self)
        if owner is None:
            return plain(self)
        gone = [self[key] for key in (*reversed(self),)[:1]]
        self._nbs_attribute.before_remove(owner, gone)
        item = plain(self)
        self._nbs_attribute.after_remove(owner, gone)
        return item

    return popitem


def _dict_setdefault(plain: Method) -> Method:
    def setdefault(self: Any, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    return setdefault


def _dict_update(plain: Method) -> Method:
    def update(self: Any, *others: Any, **named: Any) -> None:
        for key, member in dict(*others, **named).items():
            if key not in self or self[key] is not member:
                self[key] = member

    return update


def _dict_ior(plain: Method) -> Method:
    def __ior__(self: Any, other: Any) -> Any:
        self.update(other)
        return self

    return __ior__


DICT_METHODS: dict[str, Callable[[Method], Method]] = {
    "__setitem__": _dict_setitem,
    "__delitem__": _delitem,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _dict_setdefault,
    "update": _dict_update,
    "__ior__": _dict_ior,
    "clear": _clear,
}

METHODS: dict[type, dict[str, Callable[[Method], Method]]] = {
    list: LIST_METHODS,
    set: SET_METHODS,
    dict: DICT_METHODS,
}


def quiet(plain: Method) -> Method:
    """A user's own method, during which nothing is told: it may call others that tell."""

    def call(self: Any, *args: Any, **named: Any) -> Any:
        attribute = getattr(self, "_nbs_attribute", None)
        if attribute is None:
            return plain(self, *args, **named)
        self._nbs_attribute = None
        try:
            return plain(self, *args, **named)
        finally:
            self._nbs_attribute = attribute

    return call


def telling(name: str, form: type, plain: Method) -> Method:
    """A method that tells, named and documented as the plain one."""
    method = METHODS[form][name](plain)
    method.__name__ = name
    method.__doc__ = plain.__doc__
    method._nbs_tells = True  # type: ignore[attr-defined]
    return method
