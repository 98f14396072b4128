"""SELECT with classes: columns, criteria, joins, groups, aliases, subqueries, CTEs, unions, functions, windows."""

import sys

from library import Base, Book, Loan, Member, Subject, fill
from sqlalchemy import (
    String,
    and_,
    case,
    cast,
    create_engine,
    desc,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    type_coerce,
    union,
    union_all,
)
from sqlalchemy.orm import Bundle, Session, aliased

engine = create_engine(sys.argv[1])
Base.metadata.create_all(engine)
session = Session(engine)
fill(session)


def show(what, statement):
    """The rows of a statement, as plain tuples."""
    print(what, [tuple(row) for row in session.execute(statement)])


greta = session.execute(select(Member).where(Member.name == "Greta")).first()
print(greta, greta[0] is session.get(Member, 1), session.scalars(select(Member).order_by(Member.id)).first())
show("columns", select(Member.name, Member.nickname).order_by(Member.id))
row = session.execute(select(Member.name.label("who"), (Member.id * 2).label("double")).where(Member.id == 2)).one()
print(row.who, row.double, row._mapping["who"])
row = session.execute(select(Member, Loan.title).join(Member.loans).order_by(Loan.id)).first()
print(row.Member.name, row.title)
show("text", select(text("'some phrase'"), Member.name).order_by(Member.id).limit(2))
show("literal", select(literal_column("'p'").label("p"), Member.name).order_by(Member.id).limit(1))
print(session.execute(select(Bundle("pair", Member.id, Member.name)).where(Member.id == 3)).one().pair.name)

show("where", select(Member.name).where(Member.name.like("%o%"), Member.id > 2))
show(
    "and or",
    select(Member.name)
    .where(or_(Member.name == "Hugo", and_(Member.id > 2, Member.nickname.is_(None))))
    .order_by(Member.id),
)
show("filter_by", select(Loan.title).filter_by(weeks=4).order_by(Loan.id))
show("in", select(Member.name).where(Member.id.in_([1, 3])).order_by(Member.id))
show("tuple in", select(Member.name).where(tuple_(Member.id, Member.name).in_([(1, "Greta"), (2, "Iris")])))
show("between", select(Loan.title).where(Loan.weeks.between(2, 4)).order_by(Loan.id))

show("join", select(Member.name, Loan.title).join_from(Member, Loan).order_by(Loan.id))
show("join right", select(Member.name, Loan.title).join(Loan).where(Loan.weeks > 4).order_by(Loan.id))
show("select_from", select(func.count("*")).select_from(Loan))
show("on", select(Loan.title).select_from(Member).join(Loan, Member.id == Loan.member_id).where(Member.name == "Hugo"))
show("outer", select(Member.name, Loan.title).outerjoin(Member.loans).where(Loan.id.is_(None)))
show("secondary", select(Book.title, Subject.word).join(Book.subjects).order_by(Book.id, Subject.word))

show("order", select(Loan.title).order_by(Loan.weeks.desc(), Loan.title).limit(3))
show(
    "groups",
    select(Member.name, func.count(Loan.id).label("n"))
    .join(Member.loans)
    .group_by(Member.name)
    .having(func.count(Loan.id) > 1)
    .order_by(desc("n")),
)
show("distinct", select(Loan.title).distinct().order_by(Loan.title))
show("offset", select(Member.name).order_by(Member.id).offset(1).limit(2))

one, two = aliased(Loan), aliased(Loan)
show(
    "aliases",
    select(Member.name)
    .join(Member.loans.of_type(one))
    .join(Member.loans.of_type(two))
    .where(one.title == "Emma", two.title == "Moby Dick"),
)
first, second = aliased(Member), aliased(Member, name="second")
show(
    "pairs",
    select(first.name, second.name).where(first.id < second.id, second.nickname.is_not(None)).order_by(first.id),
)
sequel = aliased(Book)
show("tree", select(Book.title, sequel.title).join(Book.sequels.of_type(sequel)))

counts = select(func.count(Loan.id).label("n"), Loan.member_id).group_by(Loan.member_id).subquery()
show("subquery", select(Member.name, counts.c.n).join(counts, counts.c.member_id == Member.id).order_by(Member.id))
cte = select(func.count(Loan.id).label("n"), Loan.member_id).group_by(Loan.member_id).cte("counts")
show("cte", select(Member.name, cte.c.n).join_from(Member, cte, Member.id == cte.c.member_id).order_by(Member.id))
long = aliased(Loan, select(Loan).where(Loan.weeks >= 4).subquery(), name="long")
for member, loan in session.execute(select(Member, long).join_from(Member, long).order_by(long.id)):
    print("entity in subquery", member.name, loan.title, loan is session.get(Loan, loan.id))
short = aliased(Loan, select(Loan).where(Loan.weeks < 3).cte())
print("entity in cte", session.scalars(select(short).order_by(short.id)).all())
numbers = select(literal_column("1").label("n")).cte("numbers", recursive=True)
numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < 4))
show("recursive", select(numbers.c.n).order_by(numbers.c.n))

n_loans = select(func.count(Loan.id)).where(Loan.member_id == Member.id).scalar_subquery()
show("scalar", select(Member.name, n_loans.label("n")).order_by(Member.id))
show("scalar in where", select(Member.name).where(n_loans > 1).order_by(Member.id))
show("exists", select(Member.name).where(exists().where(Loan.member_id == Member.id)).order_by(Member.id))
busy = (
    select(Loan.member_id)
    .where(Loan.member_id == Member.id)
    .group_by(Loan.member_id)
    .having(func.count(Loan.id) > 1)
    .exists()
)
show("not exists", select(Member.name).where(~busy).order_by(Member.id))

early, late = select(Member).where(Member.id < 2), select(Member).where(Member.id > 3)
show(
    "union rows",
    union_all(
        select(Member.id, Member.name).where(Member.id < 2), select(Member.id, Member.name).where(Member.id == 4)
    ).order_by("id"),
)
print(
    "union entities",
    session.execute(select(Member).from_statement(union_all(early, late).order_by(Member.id))).scalars().all(),
)
either = aliased(Member, union_all(early, late).subquery())
print("union subquery", session.scalars(select(either).order_by(either.name.desc())).all())
print("union once", len(session.execute(union(early, early)).all()))
named = text("SELECT id, name, nickname FROM members WHERE id > :least ORDER BY id").columns(
    Member.id, Member.name, Member.nickname
)
print("from text", session.scalars(select(Member).from_statement(named), {"least": 2}).all())

show(
    "functions",
    select(func.upper(Member.name), func.length(Member.name), func.coalesce(Member.nickname, "-")).order_by(Member.id),
)
show("aggregates", select(func.min(Loan.weeks), func.max(Loan.weeks), func.sum(Loan.weeks)))
show("case", select(Loan.title, case((Loan.weeks < 3, "short"), else_="long")).order_by(Loan.id).limit(3))
show(
    "window",
    select(Loan.title, func.row_number().over(partition_by=Loan.member_id, order_by=Loan.title)).order_by(
        Loan.member_id, Loan.title
    ),
)
show("running", select(Loan.id, func.sum(Loan.weeks).over(order_by=Loan.id)).order_by(Loan.id))
show("cast", select(cast(Member.id, String)).where(Member.id == 1))
show("coerced", select(type_coerce(Member.name, String)).where(Member.id == 1))
show("filter", select(func.count(Loan.id).filter(Loan.weeks > 3)))
print(
    session.scalars(select(Member.name).order_by(Member.id)).all(),
    session.scalar(select(func.count()).select_from(Member)),
)
print(session.execute(select(Member.id, Member.name).order_by(Member.id)).mappings().first()["name"])
print(session.execute(select(Loan.title).order_by(Loan.title)).scalars().unique().all())
session.close()
