# ruff: noqa: E711, E741 -- comparison with None and a variable for a label are what is tested
"""Statements to be rendered and run: every construct of the sql package, on a small library.

The expected rows in golden.json were made by SQLAlchemy 2.1 on SQLite from the same programs.
"""

from __future__ import annotations

from collections.abc import Callable

from nbsession import sql as q
from nbsession.sql import Column, ForeignKey, Integer, MetaData, String, Table

metadata = MetaData()
u = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(30)),
    Column("town", String(30)),
    Column("age", Integer),
    Column("score", q.Float),
)
b = Table(
    "books",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id")),
    Column("title", String(30)),
    Column("pages", Integer),
)
n = Table(
    "nodes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", Integer, ForeignKey("nodes.id")),
    Column("name", String(10)),
)
t = Table("tags", metadata, Column("id", Integer, primary_key=True), Column("label", String(10)))
bt = Table(
    "book_tags",
    metadata,
    Column("book_id", Integer, ForeignKey("books.id"), primary_key=True),
    Column("tag_id", Integer, ForeignKey("tags.id"), primary_key=True),
)

SCRIPT = """
create table users (id integer primary key, name varchar(30), town varchar(30), age integer, score double);
create table books (id integer primary key, user_id integer, title varchar(30), pages integer);
create table nodes (id integer primary key, parent_id integer, name varchar(10));
create table tags (id integer primary key, label varchar(10));
create table book_tags (book_id integer, tag_id integer, primary key (book_id, tag_id));
insert into users values (1, 'ann', 'rome', 30, 1.5), (2, 'bob', 'oslo', 41, 2.25), (3, 'cat', 'rome', null, null),
    (4, 'dan', null, -7, -3.5), (5, 'Eve_x', 'paris', 41, 0.0);
insert into books values (1, 1, 'b1', 100), (2, 1, 'b2', 250), (3, 2, 'b3', 90), (4, 2, 'b4', 90), (5, 4, 'b5', null),
    (6, null, 'lost', 10);
insert into nodes values (1, null, 'root'), (2, 1, 'a'), (3, 1, 'b'), (4, 2, 'c'), (5, 4, 'd');
insert into tags values (1, 'x'), (2, 'y'), (3, 'z');
insert into book_tags values (1, 1), (1, 2), (2, 2), (3, 3);
"""

SELECTS: dict[str, Callable[[], q.Executable]] = {
    "where": lambda: q.select(u).where(u.c.id == 5),
    "eqnone": lambda: q.select(u.c.id).where(u.c.town == None),
    "nenone": lambda: q.select(u.c.id).where(u.c.town != None),
    "and_or": lambda: q.select(u.c.id).where((u.c.age > 30) & ((u.c.town == "rome") | (u.c.town == "oslo"))),
    "not": lambda: q.select(u.c.id).where(~((u.c.age > 30) & (u.c.town == "oslo"))),
    "not_eq": lambda: q.select(u.c.id).where(~(u.c.town == "rome")),
    "notlike": lambda: q.select(u.c.id).where(u.c.name.not_like("a%")),
    "in": lambda: q.select(u.c.id).where(u.c.id.in_([1, 2, 9])),
    "in_empty": lambda: q.select(u.c.id).where(u.c.id.in_([])),
    "notin_empty": lambda: q.select(u.c.id).where(u.c.town.not_in([])),
    "in_null": lambda: q.select(u.c.id).where(u.c.town.in_(["rome", None])),
    "notin": lambda: q.select(u.c.id).where(u.c.town.not_in(["rome"])),
    "in_select": lambda: q.select(u.c.id).where(u.c.id.in_(q.select(b.c.user_id))),
    "in_strs_empty": lambda: q.select(u.c.id).where(u.c.name.in_([])),
    "not_in_list": lambda: q.select(u.c.id).where(~u.c.id.in_([1, 2])),
    "ilike": lambda: q.select(u.c.id).where(u.c.name.ilike("EVE%")),
    "starts": lambda: q.select(u.c.id).where(u.c.name.startswith("a")),
    "ends": lambda: q.select(u.c.id).where(u.c.name.endswith("t")),
    "contains": lambda: q.select(u.c.id).where(u.c.name.contains("a")),
    "contains_auto": lambda: q.select(u.c.id).where(u.c.name.contains("_", autoescape=True)),
    "contains_esc": lambda: q.select(u.c.id).where(u.c.name.contains("/_", escape="/")),
    "icontains": lambda: q.select(u.c.id).where(u.c.name.icontains("EVE")),
    "startscol": lambda: q.select(u.c.id).where(u.c.name.startswith(u.c.name)),
    "between": lambda: q.select(u.c.id).where(u.c.id.between(2, 4)),
    "notbetween": lambda: q.select(u.c.id).where(~u.c.id.between(2, 4)),
    "is": lambda: q.select(u.c.id).where(u.c.age.is_(None)),
    "isnot": lambda: q.select(u.c.id).where(u.c.age.is_not(None)),
    "isdist": lambda: q.select(u.c.id).where(u.c.town.is_distinct_from("rome")),
    "isndist": lambda: q.select(u.c.id).where(u.c.town.is_not_distinct_from(None)),
    "arith": lambda: q.select(u.c.id + 1, u.c.id - 1, u.c.id * 2, u.c.id % 2).where(u.c.id == 4),
    "div": lambda: q.select(u.c.age / 2, u.c.age // 2, u.c.score / 2).where(u.c.age != None),
    "rdiv": lambda: q.select(100 / u.c.age, 7 - u.c.id).where(u.c.age != None),
    "floordivf": lambda: q.select(u.c.score // 2).where(u.c.age != None),
    "prec": lambda: q.select(
        (u.c.id + 1) * 2,
        u.c.id + 1 * 2,
        (u.c.id - 1) - 1,
        u.c.id - (u.c.id - 1),
        -(u.c.id + 1),
        -u.c.id,
        (u.c.id / 2) / 4,
        u.c.id * (u.c.id % 3),
        20 / (u.c.id * 2),
    ),
    "concat": lambda: q.select(u.c.name + "!", "x" + u.c.name, u.c.name + u.c.town),
    "concat_m": lambda: q.select(u.c.name.concat("z")),
    "cmp_expr": lambda: q.select(u.c.id).where((u.c.age > 30) == (u.c.id > 1)),
    "cmp_label": lambda: q.select((u.c.id > 2).label("big")),
    "label": lambda: q.select((u.c.id + 10).label("more")).where(u.c.id == 2),
    "order_label": lambda: q.select((u.c.id * -1).label("k")).order_by("k"),
    "order_label2": lambda: (lambda l: q.select(l).order_by(l.desc()))((u.c.id * -1).label("k")),
    "order_str": lambda: q.select(u).order_by("name"),
    "order_desc_str": lambda: q.select(u.c.id, u.c.name).order_by(q.desc("name")),
    "order_multi": lambda: q.select(u.c.id).order_by(u.c.age.desc().nulls_last(), u.c.id.asc()),
    "nullsfirst": lambda: q.select(u.c.id).order_by(u.c.age.nulls_first(), u.c.id),
    "order_none": lambda: q.select(u.c.id).order_by(u.c.name.desc()).order_by(None).order_by(u.c.id),
    "limit": lambda: q.select(u.c.id).order_by(u.c.id).limit(2),
    "limoff": lambda: q.select(u.c.id).order_by(u.c.id).limit(2).offset(1),
    "off": lambda: q.select(u.c.id).order_by(u.c.id).offset(3),
    "slice": lambda: q.select(u.c.id).order_by(u.c.id).slice(1, 3),
    "slice2": lambda: q.select(u.c.id).order_by(u.c.id).offset(1).slice(1, 3),
    "distinct": lambda: q.select(u.c.town).distinct().order_by(u.c.town.nulls_last()),
    "count": lambda: q.select(q.func.count()).select_from(u),
    "count2": lambda: q.select(q.func.count(u.c.age)),
    "countd": lambda: q.select(q.func.count(q.distinct(u.c.town))),
    "countd2": lambda: q.select(q.func.count(u.c.town.distinct())),
    "aggs": lambda: q.select(q.func.sum(u.c.age), q.func.min(u.c.name), q.func.max(u.c.score), q.func.avg(u.c.id)),
    "fn": lambda: q.select(
        q.func.lower(u.c.name),
        q.func.length(u.c.name),
        q.func.coalesce(u.c.town, "?"),
        q.func.char_length(u.c.name),
        q.func.abs(u.c.age),
    ),
    "group": lambda: q.select(u.c.town, q.func.count(u.c.id)).group_by(u.c.town).order_by(u.c.town.nulls_first()),
    "having": lambda: (
        q.select(u.c.town, q.func.count(u.c.id).label("n")).group_by(u.c.town).having(q.func.count(u.c.id) > 1)
    ),
    "group_label": lambda: (lambda l: q.select(l, q.func.count()).group_by(l).order_by(l))((u.c.id % 2).label("odd")),
    "group_expr": lambda: q.select(u.c.id % 2, q.func.count()).group_by(u.c.id % 2).order_by(u.c.id % 2),
    "group_str": lambda: q.select((u.c.id % 2).label("odd"), q.func.count()).group_by("odd").order_by("odd"),
    "join": lambda: q.select(u.c.name, b.c.title).join(b).order_by(b.c.id),
    "join_from": lambda: q.select(u.c.name, b.c.title).join_from(u, b).order_by(b.c.id),
    "join_on": lambda: q.select(u.c.name, b.c.title).join(b, b.c.user_id == u.c.id).order_by(b.c.id),
    "outer": lambda: q.select(u.c.name, b.c.title).outerjoin(b).order_by(u.c.id, b.c.id),
    "full": lambda: (
        q.select(u.c.name, b.c.title).join(b, b.c.user_id == u.c.id, full=True).order_by(u.c.id.nulls_last(), b.c.id)
    ),
    "join_sf": lambda: q.select(u.c.name, b.c.title).select_from(u.join(b)).order_by(b.c.id),
    "join_sfo": lambda: q.select(u.c.name, b.c.title).select_from(u.outerjoin(b)).order_by(u.c.id, b.c.id),
    "join_m2m": lambda: q.select(b.c.title, t.c.label).select_from(b).join(bt).join(t).order_by(b.c.id, t.c.id),
    "join_3": lambda: (
        q.select(u.c.name, t.c.label).join(b, u.c.id == b.c.user_id).join(bt).join(t).order_by(b.c.id, t.c.id)
    ),
    "join_nested": lambda: q.select(b.c.title, t.c.label).select_from(b.outerjoin(bt.join(t))).order_by(b.c.id, t.c.id),
    "join_all": lambda: q.select(u.join(b)).order_by(b.c.id),
    "implicit": lambda: q.select(u.c.name, b.c.title).where(u.c.id == b.c.user_id).order_by(b.c.id),
    "where_from": lambda: q.select(u.c.name).where(u.c.id == b.c.user_id).order_by(b.c.id),
    "alias": lambda: (lambda a: q.select(u.c.name, a.c.name).where(u.c.town == a.c.town, u.c.id < a.c.id))(u.alias()),
    "alias_n": lambda: (lambda a: q.select(a).where(a.c.id == 1))(u.alias("zz")),
    "selfjoin": lambda: (lambda a: q.select(n.c.name, a.c.name).join(a, a.c.id == n.c.parent_id).order_by(n.c.id))(
        n.alias()
    ),
    "self_auto": lambda: (
        lambda a: q.select(n.c.name, a.c.name).select_from(n.join(a, n.c.parent_id == a.c.id)).order_by(n.c.id)
    )(n.alias()),
    "two_alias": lambda: (lambda a, c: q.select(a.c.id, c.c.id).where(a.c.id == c.c.id + 1).order_by(a.c.id))(
        u.alias(), u.alias()
    ),
    "subq": lambda: (lambda s: q.select(s.c.name).where(s.c.id > 2).order_by(s.c.id))(
        q.select(u).where(u.c.id < 5).subquery()
    ),
    "subq_named": lambda: (lambda s: q.select(s).order_by(s.c.id))(
        q.select(u.c.id, (u.c.id + 1).label("x")).subquery("sq")
    ),
    "subq_join": lambda: (lambda s: q.select(u.c.name, s.c.n).join(s, s.c.user_id == u.c.id).order_by(u.c.id))(
        q.select(b.c.user_id, q.func.count(b.c.id).label("n")).group_by(b.c.user_id).subquery()
    ),
    "subq_join_fk": lambda: (lambda s: q.select(u.c.name, s.c.title).join(s).order_by(s.c.id))(q.select(b).subquery()),
    "subq_dup": lambda: (lambda s: q.select(s.c.id, s.c.id_1).order_by(s.c.id_1))(
        q.select(u.c.id, b.c.id).join(b).subquery()
    ),
    "subq_anon": lambda: (lambda s: q.select(s))(
        q.select(q.func.count(u.c.id), u.c.id + 1).group_by(u.c.id).having(u.c.id == 1).subquery()
    ),
    "subq2": lambda: (
        lambda s: (lambda s2: q.select(s2))(q.select(s.c.id).where(s.c.id > 1).limit(1).order_by(s.c.id).subquery())
    )(q.select(u.c.id).subquery()),
    "subq_alias": lambda: (
        lambda s: (lambda a: q.select(a.c.id, s.c.id).where(a.c.id == s.c.id).order_by(s.c.id))(s.alias())
    )(q.select(u.c.id).subquery()),
    "scalar": lambda: q.select(
        u.c.name, q.select(q.func.count(b.c.id)).where(b.c.user_id == u.c.id).scalar_subquery()
    ).order_by(u.c.id),
    "scalar_l": lambda: q.select(
        u.c.name, q.select(q.func.count(b.c.id)).where(b.c.user_id == u.c.id).label("n")
    ).order_by("n", u.c.id),
    "scalar_w": lambda: q.select(u.c.id).where(u.c.id == q.select(q.func.max(b.c.user_id)).scalar_subquery()),
    "scalar_a": lambda: q.select(u.c.id + q.select(q.func.max(b.c.id)).scalar_subquery()).order_by(u.c.id),
    "exists": lambda: q.select(u.c.name).where(q.exists().where(b.c.user_id == u.c.id)).order_by(u.c.id),
    "notexists": lambda: q.select(u.c.name).where(~q.exists().where(b.c.user_id == u.c.id)).order_by(u.c.id),
    "exists_sel": lambda: (
        q.select(u.c.name).where(q.select(b.c.id).where(b.c.user_id == u.c.id).exists()).order_by(u.c.id)
    ),
    "exists_e": lambda: q.select(q.exists().where(u.c.id == 3)),
    "exists_alias": lambda: (
        lambda a: q.select(u.c.id).where(q.exists().where(a.c.town == u.c.town, a.c.id != u.c.id)).order_by(u.c.id)
    )(u.alias()),
    "exists_fn": lambda: (
        q.select(u.c.name).where(q.exists(q.select(b.c.id).where(b.c.user_id == u.c.id))).order_by(u.c.id)
    ),
    "exists_corr": lambda: (
        q.select(u.c.name).where(q.select(b.c.id).where(b.c.user_id == u.c.id).correlate(u).exists()).order_by(u.c.id)
    ),
    "exists_corre": lambda: (
        q.select(u.c.name)
        .where(q.select(b.c.id).where(b.c.user_id == u.c.id).correlate_except(b).exists())
        .order_by(u.c.id)
    ),
    "nested_corr": lambda: (
        q.select(u.c.name)
        .where(q.exists().where(b.c.user_id == u.c.id).where(q.exists().where(bt.c.book_id == b.c.id)))
        .order_by(u.c.id)
    ),
    "exists_join": lambda: (
        q.select(u.c.name)
        .where(q.select(b.c.id).join(bt, bt.c.book_id == b.c.id).where(b.c.user_id == u.c.id).exists())
        .order_by(u.c.id)
    ),
    "union": lambda: q.union(q.select(u.c.id), q.select(b.c.id)).order_by("id"),
    "union_all": lambda: q.union_all(q.select(u.c.town), q.select(b.c.title)).order_by("town"),
    "union_m": lambda: q.select(u.c.id).union(q.select(b.c.id)).order_by("id").limit(3),
    "inter": lambda: q.intersect(q.select(u.c.id), q.select(b.c.user_id)).order_by("id"),
    "except": lambda: q.except_(q.select(u.c.id), q.select(b.c.user_id).where(b.c.user_id != None)).order_by("id"),
    "union_sub": lambda: (lambda s: q.select(q.func.count()).select_from(s))(
        q.union(q.select(u.c.id), q.select(b.c.id)).subquery()
    ),
    "union_subc": lambda: (lambda s: q.select(s.c.id).where(s.c.id > 3).order_by(s.c.id))(
        q.union_all(q.select(u.c.id, u.c.name), q.select(b.c.id, b.c.title)).subquery()
    ),
    "union_lab": lambda: q.union_all(q.select(u.c.id.label("k")), q.select(b.c.id)).order_by(q.desc("k")).limit(2),
    "in_union": lambda: (
        q.select(u.c.id).where(u.c.id.in_(q.union(q.select(b.c.user_id), q.select(b.c.id)))).order_by(u.c.id)
    ),
    "union_ordcol": lambda: q.union(q.select(u.c.id), q.select(b.c.id)).order_by(u.c.id),
    "cte": lambda: (lambda c: q.select(c.c.name).order_by(c.c.id))(q.select(u).where(u.c.id < 3).cte()),
    "cte_n": lambda: (lambda c: q.select(u.c.name, c.c.n).join(c, c.c.user_id == u.c.id).order_by(u.c.id))(
        q.select(b.c.user_id, q.func.count().label("n")).group_by(b.c.user_id).cte("per")
    ),
    "cte2": lambda: (
        lambda c: (lambda d: q.select(d.c.id).order_by(d.c.id))(q.select(c.c.id).where(c.c.id > 1).cte("second"))
    )(q.select(u.c.id).cte("first")),
    "cte_twice": lambda: (
        lambda c: (lambda a: q.select(c.c.id, a.c.id).where(c.c.id == a.c.id + 1).order_by(c.c.id))(c.alias("x"))
    )(q.select(u.c.id).cte("f")),
    "cte_in": lambda: (lambda c: q.select(u.c.id).where(u.c.id.in_(q.select(c.c.user_id))).order_by(u.c.id))(
        q.select(b.c.user_id).where(b.c.pages > 95).cte("f")
    ),
    "case": lambda: q.select(u.c.id, q.case((u.c.age > 40, "old"), (u.c.age > 0, "young"), else_="?")).order_by(u.c.id),
    "case_v": lambda: q.select(q.case({"rome": "R", "oslo": "O"}, value=u.c.town, else_="-")).order_by(u.c.id),
    "case_noelse": lambda: q.select(q.case((u.c.id > 3, u.c.name)).label("z")).order_by(u.c.id),
    "case_sum": lambda: q.select(q.func.sum(q.case((u.c.age > 0, 1), else_=0))),
    "cast": lambda: q.select(q.cast(u.c.id, q.String), q.cast(u.c.score, q.Integer), q.cast("12", q.Integer)).where(
        u.c.id == 2
    ),
    "cast_m": lambda: q.select(u.c.id.cast(q.String) + "x").order_by(u.c.id),
    "tcoerce": lambda: q.select(q.type_coerce(u.c.id, q.String)).order_by(u.c.id),
    "literal": lambda: q.select(q.literal(1), q.literal("x").label("s"), q.null(), q.literal_column("1+1")),
    "lit_where": lambda: q.select(u.c.id).where(q.literal(1) == u.c.id),
    "lit_bool": lambda: q.select(u.c.id).where(q.true()).order_by(u.c.id),
    "lit_false": lambda: q.select(u.c.id).where(q.false()),
    "and_empty": lambda: q.select(u.c.id).where(q.and_(True, u.c.id > 4)),
    "or_f": lambda: q.select(u.c.id).where(q.or_(q.false(), u.c.id > 4)),
    "select_lit": lambda: q.select(q.literal(5) + 1),
    "text_w": lambda: q.select(u.c.id).where(q.text("age > 40")).order_by(u.c.id),
    "text_b": lambda: q.select(u.c.id).where(q.text("age > :m").bindparams(m=40)).order_by(u.c.id),
    "text_sel": lambda: q.select(q.text("id, name")).select_from(u).order_by(u.c.id),
    "text_from": lambda: q.select(q.column("id")).select_from(q.text("users")).order_by(q.text("id desc")),
    "text_cols": lambda: (lambda s: q.select(s.c.id).order_by(s.c.id.desc()))(
        q.text("select id from users").columns(id=q.Integer).subquery()
    ),
    "text_plain": lambda: q.text("select id, name from users where id < 3 order by id"),
    "bindp": lambda: q.select(u.c.id).where(u.c.name == q.bindparam("who", "bob")),
    "params": lambda: q.select(u.c.id).where(u.c.name == q.bindparam("who")).params(who="cat"),
    "bind_exp": lambda: q.select(u.c.id).where(u.c.id.in_(q.bindparam("ids", [1, 4], expanding=True))).order_by(u.c.id),
    "over": lambda: q.select(u.c.id, q.func.row_number().over(order_by=u.c.id.desc())).order_by(u.c.id),
    "over_p": lambda: q.select(u.c.id, q.func.count().over(partition_by=u.c.town)).order_by(u.c.id),
    "over_sum": lambda: q.select(b.c.id, q.func.sum(b.c.id).over(order_by=b.c.id, rows=(None, 0))).order_by(b.c.id),
    "filterw": lambda: q.select(q.func.count(u.c.id).filter(u.c.age > 30)),
    "gconcat": lambda: q.select(q.func.group_concat(u.c.name, ";")).where(u.c.id < 2),
    "filter_by": lambda: q.select(u).filter_by(name="bob"),
    "filter_by_j": lambda: q.select(u.c.name).join(b).filter_by(title="b3"),
    "tuple_in": lambda: (
        q.select(b.c.id).where(q.tuple_(b.c.user_id, b.c.pages).in_([(1, 100), (2, 90)])).order_by(b.c.id)
    ),
    "op": lambda: q.select(u.c.id.op("&")(1)).order_by(u.c.id),
    "op2": lambda: q.select((u.c.id + 1).op("&")(3)).order_by(u.c.id),
    "collate": lambda: q.select(u.c.id).order_by(q.collate(u.c.name, "NOCASE")),
    "mixed_float": lambda: q.select(u.c.id).where(u.c.age > 30.5).order_by(u.c.id),
    "neg": lambda: q.select(-u.c.score).order_by(u.c.id),
    "only_cols": lambda: q.select(u).with_only_columns(u.c.id).order_by(u.c.id),
    "add_cols": lambda: q.select(u.c.id).add_columns(u.c.name).order_by(u.c.id),
    "cross": lambda: q.select(u.c.id, t.c.id).where(u.c.id < 3).order_by(u.c.id, t.c.id),
    "dup": lambda: q.select(u.c.id, u.c.id, b.c.id).join(b).order_by(b.c.id),
    "names": lambda: (
        q.select(
            u.c.id,
            b.c.id,
            n.c.id,
            u.c.id + 1,
            u.c.id + 2,
            q.func.max(u.c.id),
            q.func.max(b.c.id),
            q.cast(u.c.age, q.String),
            -u.c.id,
            q.null(),
            q.func.count().label("c"),
        )
        .group_by(u.c.id, b.c.id, n.c.id, u.c.age)
        .order_by(u.c.id, b.c.id, n.c.id)
    ),
    "having_and": lambda: (
        q.select(u.c.town).group_by(u.c.town).having(q.and_(q.func.count() > 0, u.c.town != None)).order_by(u.c.town)
    ),
    "or_m": lambda: (
        q.select(u.c.id)
        .where(q.or_(u.c.id == 1, u.c.name == "dan", q.and_(u.c.id > 4, u.c.age == 41)))
        .order_by(u.c.id)
    ),
    "and_in_or": lambda: (
        q.select(u.c.id)
        .where(q.and_(q.or_(u.c.id == 1, u.c.id == 2), q.or_(u.c.town == "oslo", u.c.age == 30)))
        .order_by(u.c.id)
    ),
    "not_or": lambda: q.select(u.c.id).where(q.not_(q.or_(u.c.id == 1, u.c.id == 2))).order_by(u.c.id),
    "not_in_expr": lambda: q.select(q.not_(u.c.id > 2)).order_by(u.c.id),
    "not_isnull": lambda: q.select(u.c.id).where(~u.c.town.is_(None)).order_by(u.c.id),
    "str_num": lambda: q.select(u.c.id).where(u.c.name == "1"),
    "prefix": lambda: q.select(u.c.town).prefix_with("DISTINCT").order_by(u.c.town.nulls_first()),
    "from_multi": lambda: q.select(q.literal_column("1")).select_from(u, t).where(u.c.id == 1),
    "lateral_where_alias": lambda: (
        lambda a: q.select(a.c.title).where(a.c.user_id == u.c.id, u.c.name == "ann").order_by(a.c.id)
    )(b.alias("bk")),
    "rec": lambda: (
        lambda base: (lambda c: q.select(c.c.id, c.c.lvl).order_by(c.c.id))(
            base.union_all(q.select(n.c.id, base.c.lvl + 1).where(n.c.parent_id == base.c.id))
        )
    )(q.select(n.c.id, q.literal(0).label("lvl")).where(n.c.id == 2).cte("tree", recursive=True)),
    "rec_alias": lambda: (
        lambda base: (
            lambda p: (lambda c: q.select(n.c.name).join(c, c.c.id == n.c.id).order_by(n.c.id))(
                base.union_all(q.select(p.c.id).join(base, p.c.parent_id == base.c.id))
            )
        )(n.alias("p"))
    )(q.select(n.c.id).where(n.c.id == 2).cte(recursive=True)),
    "join_sub_lim": lambda: (
        lambda s: q.select(s.c.name, b.c.title).outerjoin(b, b.c.user_id == s.c.id).order_by(s.c.id, b.c.id)
    )(q.select(u.c.id, u.c.name).order_by(u.c.id).limit(2).subquery()),
    "order_func": lambda: q.select(u.c.id).order_by(q.func.length(u.c.name).desc(), u.c.id),
    "order_case": lambda: q.select(u.c.id).order_by(q.case((u.c.town == "rome", 0), else_=1), u.c.id),
    "sel_from_sub": lambda: q.select(q.func.count()).select_from(q.select(u).where(u.c.id > 2).subquery()),
    "scalar_cmp": lambda: (
        q.select(u.c.id)
        .where(q.select(q.func.count(b.c.id)).where(b.c.user_id == u.c.id).scalar_subquery() > 1)
        .order_by(u.c.id)
    ),
    "any_in_alias": lambda: (
        lambda a: q.select(u.c.id).where(u.c.id.in_(q.select(a.c.user_id).where(a.c.pages == 90))).order_by(u.c.id)
    )(b.alias()),
    "nulls_is_cmp": lambda: q.select(u.c.id).where(u.c.age == q.null()),
    "in_tuple_arg": lambda: q.select(u.c.id).where(u.c.id.in_((1, 2))).order_by(u.c.id),
    "in_exprs": lambda: q.select(u.c.id).where(u.c.id.in_([u.c.age, 2])).order_by(u.c.id),
    "in_gen": lambda: q.select(u.c.id).where(u.c.id.in_({1})).order_by(u.c.id),
    "table_select": lambda: u.select().where(u.c.id == 1),
    "two_subs": lambda: (lambda s1, s2: q.select(s1.c.id, s2.c.id).where(s1.c.id == s2.c.id))(
        q.select(u.c.id).where(u.c.id == 1).subquery(), q.select(u.c.id).where(u.c.id == 1).subquery()
    ),
    "div_int_lit": lambda: q.select(
        q.literal(7) / 2, q.literal(7) // 2, q.literal(-7) // 2, q.literal(7.0) / 2, 7 / q.literal(2)
    ),
    "mod_neg": lambda: q.select(q.literal(-7) % 3),
    "sum_div": lambda: q.select(q.func.sum(u.c.id) / q.func.count(u.c.id)),
    "func_in_where": lambda: q.select(u.c.id).where(q.func.lower(u.c.name) == "eve_x"),
    "func_arith": lambda: q.select(q.func.max(u.c.id) + 1),
    "coalesce_arith": lambda: q.select(q.func.coalesce(u.c.age, 0) * 2).order_by(u.c.id),
    "bool_order": lambda: q.select(u.c.id).order_by((u.c.id > 2).desc(), u.c.id),
    "limit0": lambda: q.select(u.c.id).limit(0),
    "like_esc": lambda: q.select(u.c.id).where(u.c.name.like("%/_x", escape="/")),
    "group_having_label": lambda: (lambda c: q.select(u.c.town, c).group_by(u.c.town).having(c > 1))(
        q.func.count(u.c.id).label("n")
    ),
    "where_label": lambda: (lambda l: q.select(l).where(l > 3).order_by(l))((u.c.id + 0).label("idx")),
    "label_order_by_expr": lambda: (lambda l: q.select(l).order_by(-l))((u.c.id + 0).label("idx")),
}
