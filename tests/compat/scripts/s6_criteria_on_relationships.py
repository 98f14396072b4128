"""Relationships in criteria: any, has, contains, ==, with_parent."""

import sys

from library import Base, Book, Loan, Member, Subject, fill
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session, aliased, with_parent

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)
fill(session)
session.add(Loan(id=7, title="Lost", weeks=1))
session.flush()


def show(what, statement):
    """The single values of a statement."""
    print(what, session.scalars(statement).all())


show("any", select(Member.name).where(Member.loans.any(Loan.title == "Emma")).order_by(Member.id))
show("any by name", select(Member.name).where(Member.loans.any(weeks=1)).order_by(Member.id))
show("none", select(Member.name).where(~Member.loans.any()).order_by(Member.id))
show("has", select(Loan.title).where(Loan.member.has(Member.name == "Greta")).order_by(Loan.id))
show("has by name", select(Loan.title).where(Loan.member.has(nickname="Gigi")).order_by(Loan.id))
show("has not", select(Loan.title).where(~Loan.member.has()).order_by(Loan.id))

hugo, emma = session.get(Member, 2), session.get(Loan, 2)
show("equal", select(Loan.title).where(Loan.member == hugo))
show("not equal", select(Loan.title).where(Loan.member != hugo).order_by(Loan.id))
show("is none", select(Loan.title).where(Loan.member == None))  # noqa: E711
show("is not none", select(Loan.title).where(Loan.member != None).order_by(Loan.id))  # noqa: E711
show("contains", select(Member.name).where(Member.loans.contains(emma)))
show("contains not", select(Member.name).where(~Member.loans.contains(emma)).order_by(Member.id))
show("with_parent", select(Loan.title).where(with_parent(session.get(Member, 4), Member.loans)).order_by(Loan.id))
show("with_parent to one", select(Member.name).where(with_parent(emma, Loan.member)))

love = session.get(Subject, 3)
show("many to many any", select(Book.title).where(Book.subjects.any(Subject.word == "sea")))
show("many to many contains", select(Book.title).where(Book.subjects.contains(love)).order_by(Book.id))
show("many to many contains not", select(Book.title).where(~Book.subjects.contains(love)).order_by(Book.id))
show("many to many with_parent", select(Book.title).where(with_parent(love, Subject.books)).order_by(Book.id))
show("tree any", select(Book.title).where(Book.sequels.any(Book.title == "Dune Messiah")))
show("tree has", select(Book.title).where(Book.sequel_of.has(title="Dune")))
alias = aliased(Member)
show("alias", select(alias.name).where(alias.loans.any(title="Dune")))

new = Member(name="Nora", loans=[Loan(title="Later")])
session.add(new)
show("pending", select(Loan.title).where(Loan.member == new))
session.expire(hugo)
show("expired", select(Loan.title).where(Loan.member == hugo))
session.rollback()
session.close()
