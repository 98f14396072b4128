"""Rows by the unit of work: new objects, the identity map, changes, deletes, rolling back, closing."""

import sys

from library import Base, Loan, Member
from sqlalchemy import create_engine, inspect, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.exc import DetachedInstanceError

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)


def condition(obj):
    """The names of the conditions an object is in."""
    told = inspect(obj)
    return [name for name in ("transient", "pending", "persistent", "deleted", "detached") if getattr(told, name)]


greta, hugo = Member(name="Greta", nickname="Gigi"), Member(name="Hugo")
print(greta, condition(greta))
session = Session(engine)
session.add(greta)
session.add(hugo)
print(condition(greta), greta in session, len(session.new), [m.name for m in session.new])
session.flush()
print(greta.id, hugo.id, condition(greta), len(session.new))
some = session.get(Member, hugo.id)
print(some, some is hugo)
session.commit()
print(condition(greta), inspect(greta).expired)

greta.nickname = "Gg"
print(greta in session.dirty, inspect(greta).attrs.nickname.history.added)
print(session.execute(select(Member.nickname).where(Member.id == greta.id)).scalar_one(), greta in session.dirty)

iris = Member(name="Iris", loans=[Loan(title="Emma")])
session.add(iris)
session.delete(hugo)
print(hugo in session.deleted, session.execute(select(Member).where(Member.name == "Hugo")).first())
print(hugo in session, condition(hugo), [loan.title for loan in iris.loans])

session.rollback()
print(condition(hugo), condition(iris), greta.__dict__.get("nickname"))
print(greta.nickname, hugo in session, session.scalars(select(Member.name).order_by(Member.id)).all())
print(iris.name, iris in session)

with session.begin_nested() as savepoint:
    session.add(Member(name="Jonas"))
    session.flush()
    savepoint.rollback()
print(session.scalars(select(Member.name).order_by(Member.id)).all())
with session.begin_nested():
    session.add(Member(name="Klara"))
print(session.scalars(select(Member.name).order_by(Member.id)).all())
session.commit()

session.close()
try:
    print(greta.name)
except DetachedInstanceError as error:
    print("detached:", str(error).split(";")[0].split("is not bound")[1])
print(object_session(greta), condition(greta))
session.add(greta)
print(greta.name, condition(greta), object_session(greta) is session)
session.expunge(greta)
print(condition(greta))
session.close()

with Session(engine) as session, session.begin():
    session.add(Member(name="Lena"))
with Session(engine, autoflush=False) as session:
    session.add(Member(name="Marta"))
    print(session.scalars(select(Member.name).order_by(Member.id)).all(), len(session.new))
    copy = session.merge(Member(id=1, name="Greta the First"))
    print(copy.name, copy.nickname, session.is_modified(copy))
    session.refresh(copy)
    print(copy.name, session.is_modified(copy))
    try:
        session.delete(Member(name="nobody"))
    except InvalidRequestError as error:
        print("refused:", "is not persisted" in str(error))
    session.rollback()
with Session(engine) as session:
    print(session.scalars(select(Member.name).order_by(Member.id)).all())
    print(session.get(Member, 999), session.get_one(Member, 1).name)
