"""The mapper: one class, one table, and what each makes of the other. Knows no session and no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.attribute_events import on_refit
from nbsession.mapping.collecting.collection_attributes import attribute_for
from nbsession.mapping.declaring.mapper_arguments import MapperArguments
from nbsession.mapping.declaring.properties import Properties
from nbsession.mapping.described import Described, Keyed
from nbsession.mapping.entity_names import NamedEntity
from nbsession.mapping.inheritance import generated_among
from nbsession.mapping.instrumentation import sets_itself, setters_of
from nbsession.mapping.mutable import column_attribute
from nbsession.mapping.relating.relationships import Relationship
from nbsession.mapping.watched import watched
from nbsession.states import ObjectState
from nbsession.tracking.instance_state import CommonState, no_session

if TYPE_CHECKING:
    from nbsession.mapping.registry import registry
    from nbsession.sql.schema import Column


class Mapper(Described):
    """How a class meets a table.

    :param table: its own table, or a join; of a class without one, its parent's.
    :param properties: its attributes that are not inherited; the relationships among them are added later.
    :param inherits: the mapper of the class it inherits from.
    :param arguments: what ``__mapper_args__`` says.
    :ivar class_: the class.
    :ivar local_table: its own table; of a class without one, the inherited table.
    :ivar attributes: key to attribute, columns first.
    :ivar pk_keys: keys of the primary key's columns.
    :ivar memo: what other layers keep by mapper: generated functions, texts.
    :ivar generated: the column whose values the database makes, or None.
    :ivar relationships: the relationships, once configured.
    :ivar transient: the state that its new objects share.
    :ivar detached: the state of its objects that left a session.
    :ivar gone: the state of its objects whose row was deleted for good.
    :ivar left: that of those who left their session after the DELETE, so that nobody knows whether the row is there.
    :ivar said: how a declarative class was declared.
    :ivar retired: why its class is used no longer, in words: another took its name.
    """

    said: Any
    retired = ""

    def __init__(
        self,
        cls: type,
        table: Any,
        owner: registry,
        properties: Properties,
        inherits: Mapper | None = None,
        arguments: MapperArguments | None = None,
    ) -> None:
        self.class_ = cls
        self.registry = owner
        self.configured = False
        self.memo = {}
        self._take_place(table, properties, inherits, arguments or MapperArguments())
        self.attributes: dict[str, Any] = {key: column_attribute(key, c, self) for key, c in self.columns.items()}
        primary = self._primary_columns()
        if not primary:
            raise ArgumentError(
                f"Mapper {cls.__name__} could not assemble any primary key columns for mapped table '{table.name}': "
                "mark a column with primary_key=True."
            )
        missing = [c.name for c in primary if id(c) not in self._keys_of]
        if missing:
            raise ArgumentError(f"Primary key column(s) {missing} of '{table.name}' are not mapped by {cls.__name__}.")
        primary = list({self._keys_of[id(c)]: c for c in reversed(primary)}.values())[::-1]  # joined ones count once
        self.primary_key = tuple(primary)
        self.pk_keys = tuple(self._keys_of[id(c)] for c in primary)
        self.generated = generated_among(self.tables[0].primary_key if inherits is None else self.primary_key)
        self._read_arguments()
        self.declared: dict[str, Relationship] = {} if inherits is None else dict(inherits.declared)
        self.give_state, self.give_ident, self.give_dict = setters_of(cls)
        self.transient = CommonState(self, ObjectState.TRANSIENT, no_session)
        self.undone = CommonState(self, ObjectState.TRANSIENT, no_session, noting=True)
        self.detached = CommonState(self, ObjectState.DETACHED, no_session)
        self.gone = CommonState(self, ObjectState.DETACHED, no_session)
        self.left = CommonState(self, ObjectState.DETACHED, no_session)
        self.refresh_free_keys()

    def deleted_before(self, state: Any) -> bool:
        """Is it the state of a detached object whose row a flush has deleted?"""
        return state.common is self.gone or state.common is self.left

    # ------------------------------------------------------------------------------------------- building

    def add_relationship(self, key: str, declared: Relationship) -> None:
        """Adds a relationship; it is resolved when the mapper is configured."""
        if key in self.attributes:
            raise ArgumentError(f"'{self.class_.__name__}.{key}' is mapped twice.")
        declared.key, declared.parent = key, self
        for mapper in self.self_and_descendants:
            mapper.declared.setdefault(key, declared)
        self.declared[key] = declared
        if self._is_primary:
            self._put(key, UnresolvedRelationship(key, self))

    def resolve_relationships(self, find_class: Callable[[str], type]) -> None:
        """First pass of configuring: targets and directions, and the attributes."""
        if self.inherits is not None:
            self.inherits.resolve_relationships(find_class)
        for key, declared in self.declared.items():
            if key in self.attributes:
                continue
            validators = getattr(self.class_, "__nbs_validators__", {}).get(key, ())
            if declared.parent is not self and self.inherits is not None:
                inherited = self.inherits.attributes[key]
                if inherited.validators == validators:
                    self.attributes[key] = inherited
                    continue
            else:
                declared.resolve(find_class)
            attribute = attribute_for(declared, self)
            attribute.validators = validators
            self.attributes[key] = attribute
            if self._is_primary:
                self._put(key, attribute)

    def make_backrefs(self) -> None:
        """Second pass: the attributes that ``backref`` asks for on the other side."""
        for declared in list(self.declared.values()):  # on one's own class a backref adds to them
            if declared.make_backref():
                declared.mapper.resolve_relationships(self.registry.find_class)
                declared.mapper.registry.on_new_attributes(declared.mapper)

    def configure(self) -> None:
        """Resolves the relationships of the whole registry, once.

        :raises InvalidRequestError: a related class cannot be found.
        """
        if not self.configured:
            self.registry.configure()

    @property
    def retirement(self) -> str:
        """Why none of its objects can be in a session."""
        return f"Class '{self.class_.__name__}' is used no longer: {self.retired}."

    def refresh_free_keys(self) -> None:
        """New objects may store these columns without a note: all that have no validator. Of stored ones a note is enough."""
        self.plain_keys = frozenset(k for k in self.columns if not self.attributes[k].validators)
        self.quiet_keys = frozenset(k for k in self.plain_keys if self.attributes[k].quiet)
        self.transient.clear()
        self.transient.update(self.plain_keys)

    def refit(self) -> None:
        """An attribute's listeners changed: which writes need a note is worked out again."""
        self.refresh_free_keys()
        self.registry.fit_constructor(self)
        for attend in on_refit:
            attend()

    def _put(self, key: str, attribute: Any) -> None:
        """Puts an attribute on the class."""
        setattr(self.class_, key, watched(attribute) if sets_itself(self.class_) else attribute)

    @property
    def _is_primary(self) -> bool:
        """Are the attributes on the class its own? Of several mappings of a class, only those of one are."""
        return vars(self.class_).get("__mapper__", self) is self

    # ------------------------------------------------------------------------------------------ answering

    @cached_property
    def entity(self) -> Any:
        """What a SELECT takes for it: the class; of a mapping with a name, a stand-in for it."""
        return self.class_ if self.entity_name is None else NamedEntity(self)

    @cached_property
    def selected_columns(self) -> tuple[Column, ...]:
        """The columns a SELECT of this entity asks for, in the order of :attr:`selected_keys`."""
        return tuple(map(self.columns.__getitem__, self.selected_keys))

    @property
    def relationships(self) -> Keyed:
        """The relationships, resolved; also by key."""
        self.configure()
        return self._relationships

    @cached_property
    def _relationships(self) -> Keyed:
        return Keyed(self.declared.values())

    @property
    def mapped_keys(self) -> frozenset[str]:
        """All attribute keys; configures first."""
        self.configure()
        return self._mapped_keys

    @cached_property
    def _mapped_keys(self) -> frozenset[str]:
        return frozenset(self.attributes)

    @cached_property
    def orphan_relationships(self) -> tuple[Relationship, ...]:
        """Those with delete-orphan cascade."""
        return tuple(r for r in self.relationships if r.cascade.delete_orphan)

    @cached_property
    def owners(self) -> tuple[Relationship, ...]:
        """The delete-orphan relationships that our references are the other side of."""
        others = [r.reverse.relationship for r in self.relationships if r.reverse is not None]
        return tuple(other for other in others if other.cascade.delete_orphan)

    def forget_derived(self) -> None:
        """Attributes were added: what was derived from them is worked out again."""
        for name in ("_relationships", "_mapped_keys", "orphan_relationships", "owners"):
            vars(self).pop(name, None)
        self.forget_memo()

    def forget_all_derived(self) -> None:
        """Columns came, or are other than they were: all that was derived from them is worked out again."""
        for name in tuple(vars(self)):
            if isinstance(getattr(type(self), name, None), cached_property):
                del vars(self)[name]
        self.forget_memo()

    def maps(self, column: Any) -> bool:
        """Is a column of its tables one of its attributes?"""
        return id(column) in self._keys_of

    def key_of(self, column: Any) -> str:
        """The attribute of a column.

        :raises InvalidRequestError: the class does not map it.
        """
        try:
            return self._keys_of[id(column)]
        except KeyError:
            raise InvalidRequestError(f"Column '{column}' is not mapped by {self.class_.__name__}.") from None

    def ident_from_values(self, values: Any) -> Any:
        """The form in which objects carry their key: one value, or a tuple if composite.

        :param values: a value, or a sequence of values in the order of the primary key.
        """
        if len(self.pk_keys) == 1:
            if isinstance(values, (tuple, list)):
                (values,) = values
            return values
        return tuple(values)

    def ident_of_values(self, values: Mapping[str, Any]) -> Any:
        """The key in an object's ``__dict__``, or None if part of it is missing."""
        if len(self.pk_keys) == 1:
            return values.get(self.pk_keys[0])
        parts = tuple(values.get(k) for k in self.pk_keys)
        return None if None in parts else parts

    def partial_ident(self, values: Mapping[str, Any]) -> Any:
        """The composite key in an object's ``__dict__`` of which a part is None, if that may be; else None."""
        if not self.allow_partial_pks or not all(key in values for key in self.pk_keys):
            return None
        parts = tuple(values[key] for key in self.pk_keys)
        return parts if any(part is not None for part in parts) else None

    def key_values(self, ident: Any) -> dict[str, Any]:
        """Primary key attribute to value."""
        return dict(zip(self.pk_keys, self.identity_key(ident)[1], strict=True))

    def identity_key(self, ident: Any) -> tuple[type, tuple[Any, ...], str | None]:
        """``(class, (primary key, ...), entity name or None)``: how an identity map names an object."""
        return self.base_mapper.class_, ident if len(self.pk_keys) > 1 else (ident,), self.entity_name

    def __repr__(self) -> str:
        tables = self.tables[-1:] if self.inherits is not None else self.tables
        return f"<Mapper {self.class_.__name__} on {', '.join(table.name for table in tables)}>"


class UnresolvedRelationship:
    """Stands for a relationship until its mapper is configured, which its first use does."""

    def __init__(self, key: str, mapper: Mapper) -> None:
        self.key = key
        self.mapper = mapper

    def __get__(self, obj: Any, owner: type) -> Any:
        self.mapper.configure()
        return getattr(owner if obj is None else obj, self.key)
