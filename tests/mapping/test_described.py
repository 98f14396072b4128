"""What ``inspect()`` of a mapped class tells."""

from __future__ import annotations

import pytest

from nbsession import DeclarativeBase, ForeignKey, Mapped, exc, inspect, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "a"}

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author")


class Poet(Author):
    __tablename__ = "poet"
    __mapper_args__ = {"polymorphic_identity": "p"}

    id: Mapped[int] = mapped_column(ForeignKey("author.id"), primary_key=True)
    metre: Mapped[str | None]


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")


def test_attributes_by_kind_and_by_name() -> None:
    """Line 23.6: attrs, column_attrs, relationships and c, in order and by key."""
    mapper = inspect(Poet)
    assert mapper.attrs.keys() == ["id", "kind", "metre", "books"]
    assert [one.key for one in mapper.column_attrs] == ["id", "kind", "metre"]
    assert mapper.relationships.keys() == ["books"] and mapper.relationships.books.mapper is inspect(Book)
    assert mapper.relationships["books"] is mapper.relationships[0] and "books" in mapper.relationships
    assert mapper.c.metre is Poet.__table__.c.metre and mapper.column_attrs.metre.columns == [mapper.c.metre]
    assert mapper.attrs.get("nothing") is None and "metre" in mapper.attrs
    with pytest.raises(AttributeError, match="There is no 'nothing': there is id, kind, metre, books"):
        _ = mapper.attrs.nothing
    with pytest.raises(KeyError):
        mapper.attrs["nothing"]
    assert mapper.attrs.items()[0] == ("id", mapper.attrs.id) and mapper.attrs.values() == list(mapper.attrs)


def test_tables_and_the_hierarchy() -> None:
    """Line 23.6: what a mapper is made of."""
    author, poet = inspect(Author), inspect(Poet)
    assert poet.local_table is Poet.__table__ and author.persist_selectable is author.mapped_table is Author.__table__
    assert "JOIN" in str(poet.persist_selectable) and poet.inherits is author and poet.is_mapper
    assert list(author.polymorphic_iterator()) == [author, poet] and author.common_parent(poet)
    assert not author.common_parent(inspect(Book))
    assert poet.primary_key == (Author.__table__.c.id,) and poet.polymorphic_map["p"] is poet and poet.class_ is Poet


def test_properties_are_found_by_name_and_by_column() -> None:
    """Line 23.6: get_property and its kin."""
    mapper = inspect(Poet)
    assert mapper.get_property("metre") is mapper.get_property_by_column(Poet.__table__.c.metre)
    assert mapper.has_property("books") and not mapper.has_property("nothing")
    assert [one.key for one in mapper.iterate_properties] == mapper.attrs.keys()
    assert Poet.kind.property is mapper.attrs.kind  # type: ignore[attr-defined]
    with pytest.raises(exc.InvalidRequestError, match="has no property 'nothing'"):
        mapper.get_property("nothing")


def test_keys_of_objects() -> None:
    """Line 16.2: the primary key of an object, whether it has a row or not."""
    mapper = inspect(Poet)
    assert mapper.primary_key_from_instance(Poet(id=3)) == [3]
    assert mapper.primary_key_from_instance(Poet()) == [None]
    assert mapper.identity_key_from_instance(Poet(id=3)) == (Author, (3,), None)
    assert mapper.identity_key_from_primary_key([4]) == (Author, (4,), None)
