"""What a relationship means in a statement: joins, ``any``, ``has``, ``contains``, ``==``. Knows entities, no session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbsession.exc import ArgumentError, InvalidRequestError
from nbsession.mapping.aliased import aliased
from nbsession.mapping.relating.related import Path, columns_of_entity, mapper_of, values_of
from nbsession.sql.elements import NULL, clause_of
from nbsession.sql.expression import and_, literal_column, or_
from nbsession.sql.joins import attribute_of
from nbsession.sql.select import Select
from nbsession.sql.selectable import from_of
from nbsession.sql.subqueries import Exists

if TYPE_CHECKING:
    from nbsession.mapping.relating.relationships import Relationship


class RelationshipOperators:
    """The operators of a relationship, of a class or of an alias.

    :ivar relationship: what was declared.
    :ivar of_entity: the alias or subclass it leads to, where ``of_type()`` said one.
    :ivar extra_criteria: what ``and_()`` added.
    """

    relationship: Relationship
    of_entity: Any = None
    extra_criteria: tuple[Any, ...] = ()

    if not TYPE_CHECKING:
        __hash__ = object.__hash__

    @property
    def parent_entity(self) -> Any:
        """The class or alias the relationship belongs to."""
        raise NotImplementedError

    @property
    def target_entity(self) -> Any:
        """The class or alias it leads to."""
        self.relationship.parent.configure()
        return self.relationship.mapper.class_ if self.of_entity is None else self.of_entity

    def seen_from(self, entity: Any) -> RelatedEntity:
        """The same relationship of an alias."""
        return RelatedEntity(self.relationship, entity, self.of_entity, self.extra_criteria)

    def of_type(self, entity: Any) -> RelatedEntity:
        """The relationship, leading to an alias or a subclass: ``join(User.addresses.of_type(alias))``."""
        return RelatedEntity(self.relationship, self.parent_entity, entity, self.extra_criteria)

    def and_(self, *criteria: Any) -> RelatedEntity:
        """The relationship with more criteria, for a join or a loader option."""
        more = tuple(map(clause_of, criteria))
        return RelatedEntity(self.relationship, self.parent_entity, self.of_entity, self.extra_criteria + more)

    # ------------------------------------------------------------------------------------------ joins

    def __join_target__(self) -> tuple[Any, ...]:
        """The entity to join and the condition, for ``select(A).join(A.b)``; over a table between, its join too."""
        target = self.target_entity
        path = Path(self.relationship, columns_of_entity(self.parent_entity), columns_of_entity(target))
        if path.secondary is None:
            return target, and_(path.near(), *self.extra_criteria)
        return target, and_(path.near(), *self.extra_criteria), path.secondary.join(from_of(target), path.far())

    # ------------------------------------------------------------------------------------------ conditions

    def any(self, criterion: Any = None, **values: Any) -> Any:
        """Rows that have a related one, that meets the criterion and has these values.

        :raises InvalidRequestError: it leads to one object: use :meth:`has`.
        """
        self._require_collection(True, "'any()' not implemented for scalar attributes. Use has().")
        return self._exists(criterion, values)

    def has(self, criterion: Any = None, **values: Any) -> Any:
        """Rows whose related object is there, meets the criterion and has these values.

        :raises InvalidRequestError: it is a collection: use :meth:`any`.
        """
        self._require_collection(False, "'has()' not implemented for collections. Use any().")
        return self._exists(criterion, values)

    def contains(self, other: Any) -> Any:
        """Rows whose collection has this object.

        :raises InvalidRequestError: it leads to one object: use ``==``.
        """
        self._require_collection(True, "'contains' not implemented for scalar attributes. Use ==")
        return self._is_related_to(other)

    def in_(self, other: Any) -> Any:
        """Not for relationships.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError(
            "in_() not yet supported for relationships. For a simple many-to-one, use in_() against the set of foreign key "
            "values."
        )

    def __eq__(self, other: Any) -> Any:
        if other is None or other is NULL:
            return self._is_none()
        self._require_collection(
            False, "Can't compare a collection to an object or collection; use contains() to test for membership."
        )
        return self._is_related_to(other)

    def __ne__(self, other: Any) -> Any:
        if other is None or other is NULL:
            return ~self._is_none()
        self._require_collection(
            False, "Can't compare a collection to an object or collection; use contains() to test for membership."
        )
        same = self._is_related_to(other)
        if not self._holds_key():
            target = self.relationship.mapper
            value = values_of(self._object(other), target)
            return ~self._exists(and_(*[target.columns[key] == value(key) for key in target.pk_keys]), {})
        here = columns_of_entity(self.parent_entity)
        return or_(~same, *[here(key) == None for key, _ in self.relationship.pairs])  # noqa: E711

    def _require_collection(self, wanted: bool, message: str) -> None:
        self.relationship.parent.configure()
        if bool(self.relationship.uselist) is not wanted:
            raise InvalidRequestError(f"{message} ({self.relationship})")

    def _holds_key(self) -> bool:
        return self.relationship.direction.name == "MANYTOONE"

    def _object(self, other: Any) -> Any:
        if not hasattr(type(other), "__mapper__"):
            raise ArgumentError(
                "Mapped instance expected for relationship comparison to object. Classes, queries and other SQL elements are "
                f"not accepted in this context; for comparison with a subquery, use {self.relationship}.has(**criteria)."
            )
        return other

    def _is_none(self) -> Any:
        if not self._holds_key():
            return ~self._exists(None, {})
        here = columns_of_entity(self.parent_entity)
        return and_(*[here(key) == None for key, _ in self.relationship.pairs])  # noqa: E711

    def _is_related_to(self, other: Any) -> Any:
        declared = self.relationship
        values = values_of(self._object(other), declared.mapper)
        path = Path(declared, columns_of_entity(self.parent_entity), values)
        if path.secondary is None:
            return path.near()
        return _exists_of([path.secondary], [path.near(), path.far()])

    def _exists(self, criterion: Any, values: dict[str, Any]) -> Any:
        """``EXISTS`` of a related row. A table that is on both sides is aliased on the far one."""
        parent, target = self.parent_entity, self.target_entity
        given = None if criterion is None else clause_of(criterion)
        if self.of_entity is None and _share_a_table(parent, target):
            target = aliased(target)
            given = None if given is None else target.__mapper__.adapt(given)
        path = Path(self.relationship, columns_of_entity(parent), columns_of_entity(target))
        criteria = [path.condition(), *self.extra_criteria, *([] if given is None else [given])]
        if target.__mapper__.single_criterion is not None:
            criteria.append(target.__mapper__.single_criterion)
        criteria += [attribute_of(target, key) == value for key, value in values.items()]
        froms = [from_of(target), *([] if path.secondary is None else [path.secondary])]
        return _exists_of(froms, criteria)


class RelatedEntity(RelationshipOperators):
    """``alias.addresses``, ``User.addresses.of_type(alias)``: a relationship between entities that are said.

    :ivar key: the attribute's name.
    """

    def __init__(self, relationship: Relationship, parent: Any, target: Any, criteria: tuple[Any, ...]) -> None:
        self.relationship = relationship
        self.key = relationship.key
        self._parent = parent
        self.of_entity = target
        self.extra_criteria = criteria

    @property
    def class_(self) -> type:
        """The class of the parent."""
        return mapper_of(self._parent).class_

    @property
    def parent_entity(self) -> Any:
        """The class or alias the relationship belongs to."""
        return self._parent

    def __repr__(self) -> str:
        return f"<RelatedEntity {self._parent.__name__}.{self.key}>"

    @property
    def property(self) -> Relationship:
        """The relationship, by SQLAlchemy's name."""
        return self.relationship


def with_parent(instance: Any, prop: Any, from_entity: Any = None) -> Any:
    """The criterion for rows related to an object: ``select(Address).where(with_parent(user, User.addresses))``.

    :param instance: the parent; its key is asked for when the statement is executed.
    :param prop: the relationship of the parent's class that leads to the rows.
    :param from_entity: an alias of the related class, if the rows are read through one.
    :raises ArgumentError: it is no relationship.
    """
    if not isinstance(prop, RelationshipOperators):
        raise ArgumentError(
            f"with_parent() takes a relationship such as {type(instance).__name__}.children, got {prop!r}."
        )
    declared = prop.relationship
    declared.parent.configure()
    target = from_entity if from_entity is not None else prop.target_entity
    path = Path(declared, values_of(instance, declared.parent), columns_of_entity(target))
    if path.secondary is None:
        return path.near()
    return _exists_of([path.secondary], [path.near(), path.far()])


def _share_a_table(one: Any, other: Any) -> bool:
    mine = {id(part) for part in from_of(one).parts()}
    return any(id(part) in mine for part in from_of(other).parts())


def _exists_of(froms: list[Any], criteria: list[Any]) -> Any:
    select = Select(literal_column("1")).select_from(*froms).where(*criteria).correlate_except(*froms)
    return Exists(select)
