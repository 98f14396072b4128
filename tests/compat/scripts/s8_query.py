"""The older query, which speaks the same language."""

import sys

from library import Base, Book, Loan, Member, Subject, fill
from sqlalchemy import create_engine, func, or_, text
from sqlalchemy.exc import MultipleResultsFound, NoResultFound
from sqlalchemy.orm import Session, aliased, joinedload

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)
fill(session)

query = session.query(Member).order_by(Member.id)
print(query.all())
print([m.name for m in query.filter(or_(Member.name == "Hugo", Member.nickname == "Ivy"))])
print(query.filter_by(name="Iris").one(), query.first(), query.count(), query[1], query[1:3])
for attempt in (query.filter_by(name="nobody"), query):
    try:
        attempt.one()
    except (NoResultFound, MultipleResultsFound) as error:
        print(type(error).__name__)
print(query.filter_by(name="nobody").one_or_none(), query.filter_by(name="nobody").first())
print(session.query(Member.id, Member.name).filter(Member.id < 3).order_by(Member.id).all())
print(session.query(Member.name).filter(Member.id == 1).scalar())
print(session.query(Loan.title, func.count(Loan.id)).group_by(Loan.title).having(func.count(Loan.id) > 1).all())
print([(m.name, loan.title) for m, loan in session.query(Member, Loan).join(Loan).order_by(Loan.id).limit(2)])
print([m.name for m in query.join(Member.loans).filter(Loan.title == "Emma")])
print([m.name for m in query.outerjoin(Member.loans).filter(Loan.id == None)])  # noqa: E711
print([b.title for b in session.query(Book).join(Book.subjects).filter(Subject.word == "love").order_by(Book.id)])
other = aliased(Loan)
print(
    [
        m.name
        for m in query.join(Member.loans).join(other, Member.loans).filter(Loan.title == "Dune", other.title == "Heidi")
    ]
)
sub = session.query(Loan.member_id, func.count("*").label("n")).group_by(Loan.member_id).subquery()
print(session.query(Member.name, sub.c.n).outerjoin(sub, Member.id == sub.c.member_id).order_by(Member.id).all())
print([m.name for m in query.filter(Member.loans.any(Loan.weeks > 4))])
print([m.name for m in query.filter(~session.query(Loan).filter(Loan.member_id == Member.id).exists())])
print([m.name for m in query.filter(Member.id.in_(session.query(Loan.member_id).filter(Loan.title == "Emma")))])
low, high = session.query(Member).filter(Member.id < 2), session.query(Member).filter(Member.id > 3)
print([m.name for m in low.union(high).order_by(Member.name.desc())])
print(session.query(Member).from_statement(text("SELECT * FROM members WHERE id = :id")).params(id=2).all())
print(query.with_entities(Member.name).limit(2).all(), query.add_columns(Member.name).first()[1])
print(query.options(joinedload(Member.loans)).filter(Member.id == 4).one().__dict__["loans"])
print(session.query(Loan).with_parent(session.get(Member, 1)).order_by(Loan.id).all())
print(session.query(Member).filter(Member.name == "Hugo").update({"nickname": "H"}), session.get(Member, 2).nickname)
print(session.query(Loan).filter(Loan.title == "Heidi").delete(), session.query(Loan).count())
session.rollback()
print(session.query(Loan.title).distinct().count())
session.close()
