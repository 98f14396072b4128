"""INSERT, UPDATE and DELETE to be rendered and run: program, and parameters of the execution.

The expected rows in golden.json were made by SQLAlchemy 2.1 on SQLite from the same programs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbsession import sql as q
from nbsession.sql import Column, ForeignKey, Integer, MetaData, String, Table

metadata = MetaData()
a = Table(
    "a",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("n", Integer, default=7),
    Column("seen", Integer, default=lambda: 42, onupdate=99),
    Column("srv", String, server_default="dflt"),
)
b = Table(
    "b",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("a_id", Integer, ForeignKey("a.id")),
    Column("v", Integer),
)

SCRIPT = """
create table a (id integer primary key, name varchar, n integer, seen integer, srv varchar default 'dflt');
create table b (id integer primary key, a_id integer, v integer);
insert into a values (1, 'x', 1, 1, 's'), (2, 'y', 2, 2, 's'), (3, 'z', null, 3, 's');
insert into b values (1, 1, 10), (2, 1, 20), (3, 2, 30);
"""

CHANGES: dict[str, tuple[Callable[[], q.Executable], Any]] = {
    "ins": (lambda: q.insert(a).values(id=10, name="q"), None),
    "ins_p": (lambda: q.insert(a), {"id": 11, "name": "p"}),
    "ins_mix": (lambda: q.insert(a).values(name="v"), {"id": 12}),
    "ins_over": (lambda: q.insert(a).values(id=1, name="v"), {"id": 13}),
    "ins_multi": (lambda: q.insert(a).values([{"id": 20, "name": "m"}, {"id": 21, "name": "n"}]), None),
    "ins_none": (lambda: q.insert(a).values(id=22, name=None, n=None), None),
    "ins_expr": (lambda: q.insert(a).values(id=q.func.abs(-30), name="u" + q.literal("w")), None),
    "ins_sub": (lambda: q.insert(a).values(id=40, n=q.select(q.func.max(b.c.v)).scalar_subquery()), None),
    "ins_tuple": (lambda: q.insert(a).values((50, "t", 1, 2, "z")), None),
    "ins_dict": (lambda: q.insert(a).values({"id": 51}), None),
    "ins_colkey": (lambda: q.insert(a).values({a.c.id: 52, a.c.name: "ck"}), None),
    "ins_sel": (lambda: q.insert(b).from_select(["id", "a_id"], q.select(a.c.id + 100, a.c.id)), None),
    "ins_sel_def": (lambda: q.insert(a).from_select(["id", "name"], q.select(b.c.id + 60, q.literal("fs"))), None),
    "ins_ret": (lambda: q.insert(a).values(id=70, name="r").returning(a.c.id, a.c.name), None),
    "ins_ret_t": (lambda: q.insert(b).values(id=71, v=1).returning(b), None),
    "ins_bind": (lambda: q.insert(a).values(id=q.bindparam("k"), name=q.bindparam("nm")), {"k": 80, "nm": "bb"}),
    "upd": (lambda: q.update(a).where(a.c.id == 1).values(name="U"), None),
    "upd_expr": (lambda: q.update(a).values(n=a.c.n + 1), None),
    "upd_p": (lambda: q.update(a).where(a.c.id == 2), {"name": "byparam"}),
    "upd_bind": (
        lambda: q.update(a).where(a.c.id == q.bindparam("b_id")).values(name=q.bindparam("b_name")),
        {"b_id": 3, "b_name": "bn"},
    ),
    "upd_bindp": (lambda: q.update(a).where(a.c.id == q.bindparam("b_id")), {"b_id": 3, "name": "zz"}),
    "upd_none": (lambda: q.update(a).values(name=None).where(a.c.id.in_([1, 2])), None),
    "upd_corr": (
        lambda: q.update(a).values(n=q.select(q.func.sum(b.c.v)).where(b.c.a_id == a.c.id).scalar_subquery()),
        None,
    ),
    "upd_in": (lambda: q.update(a).where(a.c.id.in_(q.select(b.c.a_id))).values(name="has"), None),
    "upd_exists": (lambda: q.update(a).where(q.exists().where(b.c.a_id == a.c.id)).values(name="ex"), None),
    "upd_from": (lambda: q.update(a).where(a.c.id == b.c.a_id, b.c.v == 30).values(name="fr"), None),
    "upd_fromv": (lambda: q.update(a).where(a.c.id == b.c.a_id, b.c.v == 30).values(n=b.c.v), None),
    "upd_ret": (lambda: q.update(a).where(a.c.id == 1).values(name="k").returning(a.c.id, a.c.name), None),
    "del": (lambda: q.delete(a).where(a.c.id == 1), None),
    "del_all": (lambda: q.delete(a), None),
    "del_in": (lambda: q.delete(a).where(a.c.id.in_(q.select(b.c.a_id))), None),
    "del_ex": (lambda: q.delete(a).where(~q.exists().where(b.c.a_id == a.c.id)), None),
    "del_ret": (lambda: q.delete(a).where(a.c.id == 1).returning(a.c.id), None),
    "del_param": (lambda: q.delete(a).where(a.c.id == q.bindparam("z")), {"z": 2}),
    "tbl": (lambda: a.insert().values(id=90), None),
    "text": (lambda: q.text("update a set name=:n where id=:i"), {"n": "T", "i": 1}),
    "textq": (lambda: q.text("update a set name='12:30:45' where id=:i"), {"i": 1}),
    "sel_exp": (
        lambda: q.select(a.c.id).where(a.c.id.in_(q.bindparam("ids", expanding=True))).order_by(a.c.id),
        {"ids": [1, 3]},
    ),
    "sel_exp0": (lambda: q.select(a.c.id).where(a.c.id.in_(q.bindparam("ids", expanding=True))), {"ids": []}),
    "ret_expr": (lambda: q.insert(a).values(id=95, name="l").returning(a.c.id + 1, q.func.upper(a.c.name)), None),
}
