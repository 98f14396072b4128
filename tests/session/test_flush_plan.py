"""The flush plan: a value that says what a flush would send, in what order and why, and that costs nothing to look at."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from nbsession import CircularDependencyError, FlushError, Session, inspect
from nbsession.session.flush.flush_plan import FlushPlan, KeyOf
from nbsession.session.flush.topology import components, rounds
from nbsession.tracking.instance_state import state_of
from tests.session.models import City, Country, Crate, Loan, Member, Node, Screw, Shelf, Tool
from tests.support import statements_of

Rows = Callable[[str], list[tuple[Any, ...]]]


def shape(plan: FlushPlan) -> list[str]:
    return [str(step) for step in plan.steps]


def table_of(sql: str) -> tuple[str, str]:
    """The verb and the table of a statement that a flush sent."""
    words = sql.replace('"', "").split()
    verb = words[0].upper()
    place = {"INSERT": words.index("INTO") + 1 if "INTO" in words else 0, "UPDATE": 1, "DELETE": 2}[verb]
    return verb, words[place]


def written(statements: list[str]) -> list[tuple[str, str]]:
    """Verb and table of each statement that writes, runs of one kind once."""
    found: list[tuple[str, str]] = []
    for sql in statements:
        if sql.split()[0].upper() in ("INSERT", "UPDATE", "DELETE") and (not found or found[-1] != table_of(sql)):
            found.append(table_of(sql))
    return found


# ── order, edges, reasons ────────────────────────────────────────────────────────────────────────────────────────────
def test_nothing_to_do(session: Session) -> None:
    plan = session.flush_plan()
    assert not plan and plan.steps == () and plan.skipped == () and plan.notes == ()
    assert str(plan) == "nothing to flush"


def test_parents_are_inserted_first_whatever_the_order_of_add(session: Session) -> None:
    """Line 21.1: parents are inserted first whatever the order of add."""
    ada = Member(name="Ada")
    loan, tool = Loan(note="a", member=ada), Tool(name="saw")
    session.add_all([loan, tool])
    session.add(ada)
    plan = session.flush_plan()
    assert sorted(shape(plan)) == ["INSERT loan (1)", "INSERT member (1)", "INSERT tool (1)"]
    insert_loan = next(s for s in plan.steps if s.table == "loan")
    insert_member = next(s for s in plan.steps if s.table == "member")
    assert insert_loan.after == (insert_member.number,)
    assert insert_loan.reasons == (f"loan.member_id needs member.id of step {insert_member.number}",)
    assert f"(after {insert_member.number}: loan.member_id needs member.id" in str(plan)
    assert insert_member.after == () and insert_member.reasons == ()


def test_rows_show_values_and_keys_yet_to_be_made(session: Session) -> None:
    ada, loan = Member(name="Ada"), Loan(note="a")
    session.add_all([ada, loan])
    loan.member = ada
    members, loans = session.flush_plan().steps
    assert list(members.rows()) == [(ada, {"name": "Ada", "age": None})]
    ((obj, row),) = loans.rows()
    assert obj is loan and row == {"member_id": KeyOf(ada), "note": "a"}
    assert repr(row["member_id"]).startswith("key of <Member at ")
    session.flush()
    session.add(Loan(note="b", member=ada))
    ada.loans.append(Loan(note="c"))
    for step in session.flush_plan().steps:
        for _, row in step.rows():
            assert row.get("member_id", 1) == 1


def test_updates_name_the_changed_columns_only(session: Session) -> None:
    """Line 21.7: updates name the changed columns only."""
    a, b, c = (Member(name=n, age=1) for n in "abc")
    session.add_all([a, b, c])
    session.commit()
    assert a.name and b.name and c.name
    c.age, b.age, a.name = 5, 6, "x"
    plan = session.flush_plan()
    found = {(step.columns, tuple(o.name for o in step.objects)) for step in plan.steps}
    assert found == {(("age",), ("b", "c")), (("name",), ("x",))}
    assert dict(next(s for s in plan.steps if s.columns == ("name",)).rows())[a] == {"name": "x"}


def test_what_has_no_net_change_is_skipped_with_the_reason(session: Session) -> None:
    """Line 9.7: what has no net change is skipped with the reason."""
    ada = Member(name="Ada")
    session.add(ada)
    session.commit()
    assert ada.name
    ada.name = "Bob"
    ada.name = "Ada"
    plan = session.flush_plan()
    assert not plan and plan.skipped == ((ada, "no net change"),)
    assert ada in session.dirty
    session.flush()
    assert ada not in session.dirty


def test_children_go_before_parents_are_deleted(session: Session, rows: Rows) -> None:
    """Line 21.1: deletes children-first after all saves."""
    country = Country(code="DE", cities=[City(number=1), City(number=2)])
    new = Member(name="new")
    session.add(country)
    session.commit()
    assert len(country.cities) == 2
    session.delete(country)
    for city in country.cities:
        session.delete(city)
    session.add(new)
    assert shape(session.flush_plan()) == ["INSERT member (1)", "DELETE city (2)", "DELETE country (1)"]
    session.flush()
    assert rows("SELECT count(*) FROM city") == [(0,)]


def test_a_tree_is_inserted_level_by_level_and_deleted_from_the_leaves(session: Session) -> None:
    """Line 21.1: rows of a class that refers to itself are sorted one by one."""
    root = Node(name="root", children=[Node(name="a", children=[Node(name="a1")]), Node(name="b")])
    leaf_first = root.children[0].children[0]
    session.add(leaf_first)
    session.add(root)
    plan = session.flush_plan()
    assert [sorted(o.name for o in s.objects) for s in plan.steps] == [["root"], ["a", "b"], ["a1"]]
    assert [step.after for step in plan.steps] == [(), (1,), (2,)]
    assert plan.steps[2].reasons == ("node.parent_id needs node.id of step 2",)
    session.flush()
    session.delete(root)
    plan = session.flush_plan()
    assert [step.verb for step in plan.steps] == ["DELETE"] * 3
    assert [sorted(o.name for o in s.objects) for s in plan.steps] == [["a1", "b"], ["a"], ["root"]]


def test_rows_that_need_each_others_keys_are_refused_by_name(session: Session) -> None:
    """Line 23.6: CircularDependencyError names the objects."""
    a, b = Node(name="a"), Node(name="b")
    session.add_all([a, b])
    with session.no_autoflush:
        a.parent, b.parent = b, a
    with pytest.raises(CircularDependencyError, match=r"need each other's keys: <Node at .*>, <Node at "):
        session.flush_plan()
    with pytest.raises(CircularDependencyError):
        session.flush()
    session.rollback()
    assert inspect(a).transient and inspect(b).transient


def test_an_object_that_is_its_own_parent_is_refused(session: Session) -> None:
    a = Node(name="a")
    a.parent = a
    session.add(a)
    with pytest.raises(CircularDependencyError):
        session.flush_plan()


def test_a_circle_of_rows_is_refused_also_where_they_exist(session: Session, rows: Rows) -> None:
    """Line 21.1: only by their foreign keys, or with post_update, can rows refer to themselves."""
    a, b = Node(id=1, name="a"), Node(id=2, name="b")
    session.add_all([a, b])
    session.commit()
    a.parent, b.parent = b, a
    with pytest.raises(CircularDependencyError, match="Circular dependency detected"):
        session.flush()
    session.rollback()
    a.parent = a
    with pytest.raises(CircularDependencyError):
        session.flush()
    session.rollback()
    a.parent_id = 1
    session.flush()
    assert rows("SELECT id, parent_id FROM node ORDER BY id") == [(1, 1), (2, None)]


def test_a_row_switch_is_one_update_of_every_column(session: Session, rows: Rows) -> None:
    """Lines 21.4, 22.17: a row switch is one update of every column."""
    old = Member(id=1, name="old", age=9)
    session.add(old)
    session.commit()
    session.delete(old)
    new = Member(id=1, name="new")
    session.add(new)
    (step,) = session.flush_plan().steps
    assert (step.verb, step.objects, step.replaces) == ("UPDATE", [new], [old])
    with statements_of(session) as sent:
        session.flush()
    assert written(sent) == [("UPDATE", "member")]
    assert rows("SELECT id, name, age FROM member") == [(1, "new", None)]
    assert inspect(new).persistent and inspect(old).deleted and session.get(Member, 1) is new
    session.rollback()
    assert inspect(old).persistent and old.name == "old" and inspect(new).transient


def test_two_newcomers_for_one_row_are_refused(session: Session) -> None:
    """Line 22.4: two newcomers for one row are refused."""
    old = Member(id=1, name="old")
    session.add(old)
    session.commit()
    session.delete(old)
    session.add_all([Member(id=1, name="x"), Member(id=1, name="y")])
    with pytest.raises(FlushError, match="conflicts with another new instance of this flush"):
        session.flush()


def test_a_row_switch_in_a_tree_keeps_the_row(session: Session, rows: Rows) -> None:
    """Line 22.13: a row switch in a tree keeps the row."""
    session.add(Node(id=1, name="old"))
    session.commit()
    session.delete(session.get(Node, 1))
    session.add(Node(id=1, name="new"))
    session.commit()
    assert rows("SELECT id, name FROM node") == [(1, "new")]


# ── a plan costs nothing ─────────────────────────────────────────────────────────────────────────────────────────────
def snapshot(session: Session) -> dict[str, Any]:
    """All that is known of the session's objects."""
    objects = [*session.new, *session.identity_map.all(), *session.deleted]
    return {
        "rooms": [list(map(id, room)) for room in (session.new, session.dirty, session.deleted)],
        "states": [(id(o), state_of(o), inspect(o).key) for o in objects],
        "values": [{k: list(v) if isinstance(v, list) else v for k, v in vars(o).items()} for o in objects],
        "histories": [[(a.key, a.history) for a in inspect(o).attrs] for o in objects],
        "transaction": session.in_transaction(),
    }


@pytest.fixture
def busy(session: Session) -> Session:
    """A session with something of everything to flush, and something unloaded."""
    ada = Member(name="Ada", loans=[Loan(note="a"), Loan(note="b")])
    shelf = Shelf(label="one", tools=[Tool(name="saw"), Tool(name="axe")])
    crate = Crate(screws=[Screw()])
    session.add_all([ada, shelf, crate, Node(name="root", children=[Node(name="leaf")])])
    session.commit()
    assert ada.loans and shelf.tools
    ada.loans.pop()  # an orphan
    ada.age = 3
    session.add(Loan(note="new", member=ada))
    session.delete(shelf)
    session.delete(session.query(Crate).one())
    session.query(Node).filter_by(name="leaf").one().name = "changed"
    return session


def test_looking_at_a_plan_sends_publishes_loads_and_changes_nothing(busy: Session) -> None:
    facts: list[Any] = []
    before = snapshot(busy)
    stop = busy.subscribe(facts.append)
    with statements_of(busy.bind) as sent:
        for _ in range(3):
            plan = busy.flush_plan()
            str(plan), repr(plan.steps), [list(step.rows()) for step in plan.steps]
    stop()
    assert sent == [] and facts == []
    after = snapshot(busy)
    assert after == before


def test_two_looks_show_the_same(busy: Session) -> None:
    one, two = busy.flush_plan(), busy.flush_plan()
    assert str(one) == str(two) and [s.objects for s in one.steps] == [s.objects for s in two.steps]
    assert [list(s.rows()) for s in one.steps] == [list(s.rows()) for s in two.steps]


def test_the_flush_sends_what_the_plan_shows(busy: Session) -> None:
    """Line 21.1: the order planned is the order sent."""
    plan = busy.flush_plan()
    planned = [(step.verb, step.table) for step in plan.steps]
    with statements_of(busy) as sent:
        busy.flush()
    merged = [p for i, p in enumerate(planned) if i == 0 or planned[i - 1] != p]
    assert written(sent) == merged


def test_the_plan_is_what_flush_started_announces(busy: Session) -> None:
    facts: list[Any] = []
    plan = busy.flush_plan()
    busy.subscribe(facts.append)
    busy.flush()
    (started,) = [f for f in facts if type(f).__name__ == "FlushStarted"]
    assert list(started.steps) == shape(plan)
    assert dataclasses.asdict(started)["steps"] == started.steps


def test_a_plan_says_what_it_does_not_know_without_loading(session: Session) -> None:
    shelf, crate = Shelf(label="one", tools=[Tool()]), Crate(screws=[Screw()])
    session.add_all([shelf, crate])
    session.commit()
    session.delete(shelf)
    session.delete(crate)
    assert session.flush_plan().notes == ("tools of Shelf#1 not loaded: would SELECT",)
    with statements_of(session) as sent:
        session.flush()
    assert any(s.startswith("SELECT") and "tool" in s for s in sent)
    assert not any(s.startswith("SELECT") and "screw" in s for s in sent)


def test_a_plan_of_some_objects(session: Session) -> None:
    """Line 9.2: a plan of some objects."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    (step,) = session.flush_plan([bob]).steps
    assert step.objects == [bob]
    session.flush([bob])
    assert inspect(ada).pending and inspect(bob).persistent
    assert session.flush_plan([]).steps[0].objects == [ada]  # no objects: all
    session.flush([])
    assert inspect(ada).persistent


def test_an_orphan_is_shown_as_a_delete(session: Session) -> None:
    """Line 9.3: an orphan is shown as a delete."""
    ada = Member(name="Ada", loans=[Loan(note="a")])
    session.add(ada)
    session.commit()
    loan = ada.loans.pop()
    plan = session.flush_plan()
    assert shape(plan) == ["DELETE loan (1)"] and plan.steps[0].objects == [loan]
    assert loan not in session.deleted
    session.flush()
    assert inspect(loan).deleted


def test_a_nullified_child_is_shown_as_an_update(session: Session) -> None:
    """Line 18.3: a nullified child is shown as an update."""
    shelf = Shelf(tools=[Tool(name="saw")])
    session.add(shelf)
    session.commit()
    (tool,) = shelf.tools
    session.delete(shelf)
    plan = session.flush_plan()
    assert shape(plan) == ["UPDATE tool (1)", "DELETE shelf (1)"]
    assert list(plan.steps[0].rows()) == [(tool, {"shelf_id": None})]


# ── the order underneath ─────────────────────────────────────────────────────────────────────────────────────────────
def test_components_are_in_dependency_order_and_otherwise_stable() -> None:
    assert components("dcba", {"a": "b", "d": "c"}) == [["c"], ["d"], ["b"], ["a"]]
    assert components("abc", {}) == [["a"], ["b"], ["c"]]
    assert components("abc", {"a": "b", "b": "a", "c": "a"}) == [["a", "b"], ["c"]]


def test_components_of_a_long_chain_do_not_recurse() -> None:
    count = 5_000
    found = components(range(count), {n: [n + 1] for n in range(count - 1)})
    assert [c[0] for c in found] == list(reversed(range(count)))


def test_rounds_stop_before_a_circle() -> None:
    assert list(rounds({"c": "b", "b": "a", "a": "", "d": ""})) == [["a", "d"], ["b"], ["c"]]
    assert list(rounds({"a": "b", "b": "a", "c": "", "d": "ca"})) == [["c"]]
