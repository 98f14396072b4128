"""Related objects: both sides in step, cascades, many to many, trees, and how they are loaded."""

import sys

from library import Base, Book, Loan, Member, Subject, fill, rows
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, contains_eager, joinedload, lazyload, load_only, raiseload, selectinload

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)

zoe = Member(name="Zoe")
print(zoe.loans)
loan = Loan(title="Heidi")
zoe.loans.append(loan)
print(loan.member is zoe)
other = Loan(title="Dune", member=zoe)
print([one.title for one in zoe.loans])
session.add(zoe)
print(loan in session, other in session, loan.member_id)
session.commit()
print(zoe.id, loan.member_id == zoe.id, [one.title for one in zoe.loans])
zoe.loans.remove(loan)
session.commit()
print(rows(session), inspect(loan).detached)
session.delete(zoe)
session.commit()
print(rows(session))

fill(session)
session.expunge_all()

jonas = session.scalars(select(Member).where(Member.name == "Jonas")).one()
print("loans" in jonas.__dict__, jonas.loans, "loans" in jonas.__dict__)
print(jonas.loans[0].member is jonas)

emma = session.scalars(select(Book).where(Book.title == "Emma")).one()
print(emma.subjects, emma.subjects[0].books)
sea = session.scalars(select(Subject).where(Subject.word == "sea")).one()
emma.subjects.append(sea)
print(sea.books)
session.commit()
print(session.get(Book, 3).subjects)
emma.subjects.remove(sea)
session.commit()
print(sea.books, session.get(Book, 3).subjects)

dune = session.get(Book, 1)
print(dune.sequels, dune.sequels[0].sequel_of is dune)
session.expunge_all()

# -- how related objects are loaded
for member in session.scalars(select(Member).options(selectinload(Member.loans)).order_by(Member.id)):
    print("selectin", member.name, [one.title for one in member.__dict__["loans"]])
session.expunge_all()
for member in session.scalars(select(Member).options(joinedload(Member.loans)).order_by(Member.id)).unique():
    print("joined", member.name, [one.title for one in member.__dict__["loans"]])
session.expunge_all()
statement = select(Loan).options(joinedload(Loan.member, innerjoin=True)).order_by(Loan.id)
print([(one.title, one.__dict__["member"].name) for one in session.scalars(statement)])
session.expunge_all()
statement = (
    select(Loan).join(Loan.member).where(Member.name == "Jonas").options(contains_eager(Loan.member)).order_by(Loan.id)
)
print([(one.title, one.__dict__["member"].name) for one in session.scalars(statement)])
session.expunge_all()
try:
    session.scalars(select(Member).options(raiseload(Member.loans)).order_by(Member.id)).first().loans
except InvalidRequestError as error:
    print("raised:", "is not available due to lazy='raise'" in str(error))
session.expunge_all()
book = session.scalars(
    select(Book).options(selectinload(Book.subjects).selectinload(Subject.books)).where(Book.id == 4)
).one()
print(sorted((one.word, [b.title for b in one.__dict__["books"]]) for one in book.__dict__["subjects"]))
session.expunge_all()
member = session.scalars(
    select(Member).options(load_only(Member.name), lazyload(Member.loans)).where(Member.id == 1)
).one()
print("nickname" in member.__dict__, member.nickname, member.name)
session.expunge_all()
statement = select(Member).options(selectinload(Member.loans.and_(Loan.weeks > 3))).order_by(Member.id)
print([(one.name, [loan.title for loan in one.loans]) for one in session.scalars(statement)])
session.close()
