"""Why there is, or is not, an INSERT, UPDATE or DELETE for an object. Plans a flush; sends, loads and changes nothing."""

from __future__ import annotations

from typing import Any

from nbsession.exc import UnmappedInstanceError
from nbsession.mapping.inspection import inspect_mapped
from nbsession.notebook.recording.journal import Journal
from nbsession.notebook.recording.snapshots import Card, PlanStep
from nbsession.notebook.recording.sources import require
from nbsession.notebook.reporting.card_builder import card_of
from nbsession.notebook.reporting.plan_builder import plan_of
from nbsession.notebook.reporting.reports import WhyReport
from nbsession.notebook.views.object_card import last_move
from nbsession.notebook.views.plain import one_line
from nbsession.tracking.history import members_of
from nbsession.tracking.instance_state import state_of

MUTABLE = (dict, list, set, bytearray)
ADD = ["session.add(obj)", "puts it into the session: the next flush sends its INSERT"]


def why_of(session: Any, obj: Any, journal: Journal) -> WhyReport:
    """Why a flush would write an object, or not.

    :param obj: anything; of something that is not mapped it says just that.
    """
    require(session, "why")
    try:
        state_of(obj)
    except UnmappedInstanceError:
        return _unmapped(obj)
    card = card_of(obj, journal, to_delete=obj in session.deleted)
    report = _said_of(session, obj, card, journal)
    moved = last_move(card)
    if card["moved"] is not None:
        report["because"].append(f"last move: {moved}")
    return report


def _unmapped(obj: Any) -> WhyReport:
    name = "the class " + obj.__name__ if isinstance(obj, type) else f"a {type(obj).__name__}"
    answer = "no statement: it is not an object of a mapped class, so it has no row"
    because = [f"what was given is {name}"]
    if isinstance(obj, (list, tuple, set)):
        because.append("a list of objects is not in a session just because its members are")
    return {"label": one_line(name), "state": "", "answer": answer, "because": because, "next": []}


def _said_of(session: Any, obj: Any, card: Card, journal: Journal) -> WhyReport:
    looked = inspect_mapped(obj)
    report: WhyReport = {"label": card["label"], "state": card["state"], "answer": "", "because": [], "next": []}
    owner = looked.session
    if owner is not None and owner is not session:
        report["answer"] = "no statement from this session: it is in another one"
        report["because"] = ["an object belongs to one session at a time"]
    elif card["state"] == "transient":
        report["answer"] = "no INSERT: it is transient, no session knows it"
        report["because"] = ["making an object sends nothing", *_named_by(session, obj)]
        report["next"] = [ADD]
    elif card["state"] == "detached":
        report["answer"] = "no statement: it is detached, in no session"
        report["because"] = ["what is changed on it now is seen by no flush until it is in a session again"]
        report["next"] = [["session.add(obj)", "puts it back, changes and all"]]
    elif card["state"] == "deleted":
        report["answer"] = "no further statement: its DELETE was sent"
        report["next"] = [["session.rollback()", "takes it back"], ["session.commit()", "makes it final"]]
    else:
        _of_a_member(session, obj, card, journal, report)
    return report


def _of_a_member(session: Any, obj: Any, card: Card, journal: Journal, report: WhyReport) -> None:
    """Of an object that is pending or persistent here."""
    plan = session.flush_plan()
    numbers = {step.number for step in plan.steps if any(each is obj for each in step.objects)}
    described = plan_of(session, journal)
    steps = [step for step in described["steps"] if step["number"] in numbers]
    if steps:
        report["answer"] = f"the next flush sends {_listed(steps)}"
        report["because"] += [_changed(card)] if card["state"] == "persistent" and _changed(card) else []
        report["because"] += [reason for step in steps for reason in step["reasons"]]
        report["next"] = [["%session plan", "shows the whole flush in its order"]]
        return
    skipped = [reason for other, reason in plan.skipped if other is obj]
    report["answer"] = "no statement: there is nothing to write"
    if skipped:
        report["because"] += [str(reason) for reason in skipped]
    elif "expired" in card["flags"] and all(each["current"] is None for each in card["attributes"]):
        report["because"].append("it is expired: what it held was dropped, and is read again when touched")
    else:
        report["because"].append("no attribute differs from what was last read or written")
    changed_inside = _mutable(obj, card)
    if changed_inside:
        report["because"].append(
            f"{', '.join(changed_inside)}: a change inside a list or dictionary is not seen, only an assignment is"
        )
        report["next"] = [
            ["obj.attribute = new_value", "an assignment is seen"],
            ["flag_modified(obj, 'attribute')", "says that its inside was changed"],
        ]


def _listed(steps: list[PlanStep]) -> str:
    return " and ".join(f"{step['verb']} {step['table']} (step {step['number']})" for step in steps)


def _changed(card: Card) -> str:
    changed = [each for each in card["attributes"] if each["changed"] and each["kind"] != "many"]
    return ", ".join(f"{each['name']} {each['committed'] or '?'} → {each['current']}" for each in changed)


def _mutable(obj: Any, card: Card) -> list[str]:
    columns = [each["name"] for each in card["attributes"] if each["kind"] == "column"]
    return [name for name in columns if type(obj.__dict__.get(name)) in MUTABLE]


def _named_by(session: Any, obj: Any) -> list[str]:
    """Objects of the session that name it over a relationship, which does not cascade."""
    found = []
    for holder in (*session.new, *session.identity_map.values()):
        for relationship in state_of(holder).mapper.relationships:
            value = holder.__dict__.get(relationship.key)
            members = (value,) if not relationship.uselist else members_of(value)
            if any(member is obj for member in members):
                name = f"{type(holder).__name__}.{relationship.key}"
                if not relationship.cascade.save_update:
                    found.append(f"{name} of an object of this session names it, but has no save-update cascade")
                else:
                    found.append(f"{name} of an object of this session names it: the next flush or add() takes it in")
    return found[:3]
