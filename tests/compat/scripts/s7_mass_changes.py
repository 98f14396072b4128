"""INSERT, UPDATE and DELETE by statements of classes, RETURNING, and objects that follow."""

import sys

from library import Base, Loan, Member, fill, rows
from sqlalchemy import bindparam, create_engine, delete, func, insert, select, update
from sqlalchemy.orm import Session

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)

session.execute(insert(Member), [{"id": 20, "name": "Nils"}, {"id": 21, "name": "Oda", "nickname": "O"}])
session.execute(insert(Member).values(id=22, name="Paul"))
made = session.scalars(insert(Member).returning(Member), [{"id": 23, "name": "Quin"}, {"id": 24, "name": "Rosa"}]).all()
print(made, made[0] is session.get(Member, 23))
print(session.execute(insert(Loan).values(id=30, title="Dune", member_id=20).returning(Loan.id, Loan.weeks)).one())
session.rollback()

fill(session)
members = session.scalars(select(Member).order_by(Member.id)).all()
result = session.execute(update(Member).where(Member.name == "Greta").values(nickname="Gretchen"))
print(result.rowcount, members[0].nickname)
session.execute(update(Member).where(Member.id > 2).values(nickname=Member.name + "!"))
print([m.nickname for m in members])
session.execute(
    update(Member).where(Member.name.like("%o%")).values(nickname=func.upper(Member.name)),
    execution_options={"synchronize_session": "fetch"},
)
print([m.nickname for m in members])
session.execute(update(Member).values(nickname="same"), execution_options={"synchronize_session": False})
print(members[0].nickname)
session.expire_all()
print([m.nickname for m in members])
session.rollback()
print([m.nickname for m in members])

session.execute(update(Member), [{"id": 1, "nickname": "one"}, {"id": 2, "nickname": "two", "name": "Hugh"}])
print([(m.name, m.nickname) for m in members[:2]])
session.execute(update(Member).where(Member.name == bindparam("who")).values(nickname="bound"), {"who": "Iris"})
session.refresh(members[2])
print(members[2].nickname)
found = session.scalars(update(Member).where(Member.id < 3).values(nickname="back").returning(Member)).all()
print(sorted(m.name for m in found), members[0].nickname)
newest = select(Loan.title).where(Loan.member_id == Member.id).order_by(Loan.id.desc()).limit(1).scalar_subquery()
session.execute(update(Member).values(nickname=newest))
print(session.scalars(select(Member.nickname).order_by(Member.id)).all())
session.rollback()

result = session.execute(delete(Loan).where(Loan.weeks > 4))
print(result.rowcount, rows(session))
dune = session.get(Loan, 4)
print(session.execute(delete(Loan).where(Loan.title == "Dune").returning(Loan.id, Loan.title)).all(), dune in session)
session.rollback()
print(dune in session, dune.title, rows(session))

query = session.query(Loan).filter(Loan.weeks < 3)
print(query.update({"weeks": Loan.weeks + 10}), session.query(Loan.weeks).order_by(Loan.id).all())
print(session.query(Loan).filter(Loan.weeks > 10).delete(), rows(session))
session.rollback()
session.execute(delete(Loan).where(Loan.member_id.in_(select(Member.id).where(Member.name == "Jonas"))))
session.commit()
print(rows(session), session.query(Member).filter_by(name="Jonas").one().loans)
session.close()
