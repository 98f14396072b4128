"""A walk through the ORM part of a tutorial, of our own: what an object lives through, step by step."""

import sys
from contextlib import suppress

from sqlalchemy import create_engine, delete, insert, inspect, select, text, update
from sqlalchemy.exc import IntegrityError, PendingRollbackError
from sqlalchemy.orm import Session, make_transient, selectinload
from sqlalchemy.orm.exc import DetachedInstanceError

from tests.notebook.watching.model import Base, Loan, Member

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)

# two rows by the unit of work
ada = Member(name="Ada")
bob = Member(name="Bob", email="bob@shop", loans=[Loan(title="Drill"), Loan(title="Saw")])
session = Session(engine)
session.add(ada)
session.add(bob)
session.new
session.flush()
assert session.get(Member, ada.id) is ada
session.commit()
assert inspect(ada).expired
ada.name

# changing: the row follows at the next query
ada.name = "Ada Lovelace"
session.dirty
found = session.execute(select(Member).where(Member.name == "Ada Lovelace")).scalar_one()
assert found is ada
session.rollback()
ada.name

# statements that change many rows
session.execute(update(Member).where(Member.name == "Ada").values(email="ada@shop"))
session.execute(insert(Loan), [{"title": "Pick"}, {"title": "Rake"}])
session.execute(delete(Loan).where(Loan.title == "Pick"))
session.commit()

# deleting, and taking it back
session.delete(bob)
session.flush()
assert inspect(bob).deleted
session.rollback()
assert inspect(bob).persistent
cleo = Member(name="Cleo")
session.add(cleo)
session.flush()
session.delete(cleo)
session.flush()
session.rollback()
assert inspect(cleo).transient
session.delete(bob)
session.rollback()

# relationships
drill = bob.loans[0]
plane = Loan(title="Plane")
bob.loans.append(plane)
assert plane in session
bob.loans.remove(drill)
session.flush()
drill_is = inspect(drill).deleted
session.commit()
axe = Loan(title="Axe", member=ada)
session.add(axe)
session.commit()
for loan in session.scalars(select(Loan).order_by(Loan.id)):
    loan.member
members = session.scalars(select(Member).options(selectinload(Member.loans)).order_by(Member.id)).all()
titles = [[loan.title for loan in member.loans] for member in members]
session.expire(bob)
bob.loans

# a flush that fails
twin = Member(name="Twin", email="bob@shop")
session.add(twin)
with suppress(IntegrityError):
    session.flush()
with suppress(PendingRollbackError):
    session.scalars(select(Member)).all()
session.rollback()
assert inspect(twin).transient
twin.email = None
session.add(twin)
session.commit()

# in no session
session.expunge(ada)
assert inspect(ada).detached
merged = session.merge(ada)
session.add(Member(name="Dee"))
session.execute(text("SELECT 1")).all()
session.commit()
session.delete(twin)
session.commit()
make_transient(ada)
session.close()
with suppress(DetachedInstanceError):
    bob.loans
session.add(bob)
bob.loans
session.refresh(bob)
session.expunge_all()

with Session(engine) as second, second.begin():
    second.add(Member(name="Eve"))
try:
    with Session(engine) as third, third.begin():
        third.add(Member(name="Fay"))
        third.flush()
        raise KeyError
except KeyError:
    pass
with Session(engine, autoflush=False, expire_on_commit=False) as fourth:
    gus = Member(name="Gus")
    fourth.add(gus)
    fourth.scalars(select(Member.name)).all()
    fourth.commit()
    gus.name
