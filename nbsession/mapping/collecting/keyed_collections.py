"""Dicts of related objects: each member's key is worked out from the member. Knows no relationship."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession.exc import InvalidRequestError
from nbsession.mapping.attributes import describe
from nbsession.mapping.collecting.collections import InstrumentedDict, collection
from nbsession.tracking.instance_state import NO_VALUE

__all__ = [
    "KeyFuncDict",
    "MappedCollection",
    "attribute_keyed_dict",
    "attribute_mapped_collection",
    "column_keyed_dict",
    "column_mapped_collection",
    "keyfunc_mapping",
    "mapped_collection",
]


class KeyFuncDict(InstrumentedDict):
    """A dict of related objects that works out a member's key.

    :param keyfunc: function of the member that gives its key.
    :param dict_args: as for dict.
    :param ignore_unpopulated_attribute: leave out a member whose key is not known yet, instead of raising.
    """

    def __init__(
        self, keyfunc: Callable[[Any], Any], *dict_args: Any, ignore_unpopulated_attribute: bool = False
    ) -> None:
        self.keyfunc = keyfunc
        self.ignore_unpopulated_attribute = ignore_unpopulated_attribute
        super().__init__(*dict_args)

    @collection.appender
    @collection.internally_instrumented
    def set(self, value: Any) -> None:
        """Adds a member under its own key.

        :raises InvalidRequestError: its key is not known yet.
        """
        key = self.keyfunc(value)
        if key is not NO_VALUE:
            self[key] = value
        elif not self.ignore_unpopulated_attribute:
            attribute = getattr(self, "_nbs_attribute", None)
            raise InvalidRequestError(
                f"In event triggered from population of attribute '{attribute or 'of a dict'}' (potentially from a backref), "
                f"can't populate value in KeyFuncDict; dictionary key derived from {describe(value)} is not populated. Set "
                "it before the object is related to its parent, or give ignore_unpopulated_attribute=True."
            )

    @collection.remover
    @collection.internally_instrumented
    def remove(self, value: Any) -> None:
        """Removes a member.

        :raises InvalidRequestError: another one is under its key.
        """
        key = self.keyfunc(value)
        if key is NO_VALUE and self.ignore_unpopulated_attribute:
            return
        if self[key] is not value and self[key] != value:
            raise InvalidRequestError(
                f"Can not remove '{describe(value)}' from collection; collection holds '{describe(self[key])}' for key "
                f"'{key}'. Possible cause: is the KeyFuncDict key function based on mutable properties or properties that "
                "only obtain values after flush?"
            )
        del self[key]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


MappedCollection = KeyFuncDict


def keyfunc_mapping(keyfunc: Callable[[Any], Any], *, ignore_unpopulated_attribute: bool = False) -> Callable[[], Any]:
    """A collection class: a dict whose keys a function gives.

    :param keyfunc: function of the member that gives its key.

    >>> relationship(collection_class=keyfunc_mapping(lambda note: note.title.lower()))
    """
    return lambda: KeyFuncDict(keyfunc, ignore_unpopulated_attribute=ignore_unpopulated_attribute)


def attribute_keyed_dict(attr_name: str, *, ignore_unpopulated_attribute: bool = False) -> Callable[[], Any]:
    """A collection class: a dict whose keys are an attribute of the members.

    >>> relationship(collection_class=attribute_keyed_dict("title"))
    """

    def key_of(member: Any) -> Any:
        if attr_name in member.__dict__:
            return member.__dict__[attr_name]
        mapper = getattr(type(member), "__mapper__", None)
        if mapper is None or attr_name not in mapper.attributes:
            return getattr(member, attr_name)
        found = getattr(member, attr_name)
        return found if attr_name in member.__dict__ else NO_VALUE

    return keyfunc_mapping(key_of, ignore_unpopulated_attribute=ignore_unpopulated_attribute)


def column_keyed_dict(mapping_spec: Any, *, ignore_unpopulated_attribute: bool = False) -> Callable[[], Any]:
    """A collection class: a dict whose keys are a column of the members, or a tuple of several.

    :param mapping_spec: a column, or a list of columns.

    >>> relationship(collection_class=column_keyed_dict(notes.c.title))
    """
    several = isinstance(mapping_spec, (list, tuple))
    columns = [
        c.__clause_element__() if hasattr(c, "__clause_element__") else c
        for c in (mapping_spec if several else [mapping_spec])
    ]

    def key_of(member: Any) -> Any:
        mapper = type(member).__mapper__
        values = []
        for column in columns:
            key = mapper.key_of(column)
            value = getattr(member, key)
            if key not in member.__dict__:
                return NO_VALUE
            values.append(value)
        return tuple(values) if several else values[0]

    return keyfunc_mapping(key_of, ignore_unpopulated_attribute=ignore_unpopulated_attribute)


mapped_collection = keyfunc_mapping
attribute_mapped_collection = attribute_keyed_dict
column_mapped_collection = column_keyed_dict
