"""Every departure from SQLAlchemy: a program that meets it, and that it is not met any more once our better result is gone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import nbsession
from nbsession import InvalidRequestError, Session
from nbsession.exc import DetachedInstanceError
from nbsession.mapping.attributes import ColumnAttribute
from nbsession.mapping.collecting.collection_attributes import CollectionAttribute
from nbsession.mapping.inspection import InstanceState
from nbsession.mapping.relating.relationship_attributes import ReferenceAttribute
from nbsession.session import attaching, flushing, hook_points, transaction
from nbsession.session.flush import orphans, planning, preparation, workload
from nbsession.session.flush.ordering import Ordering
from nbsession.session.flush.orphans import _Orphans
from nbsession.session.flush.saving import Saving
from nbsession.session.flush.steps import Step as FlushStep
from nbsession.session.load import lazy, loading, refreshing
from nbsession.session.unit_of_work import UnitOfWork
from nbsession.states import ObjectState, Trigger
from nbsession.tracking.instance_state import state_of
from tests.fuzz.comparison import difference
from tests.fuzz.departures import DEPARTURES
from tests.fuzz.departures_page import PAGE, page
from tests.fuzz.model import TABLES
from tests.fuzz.ours import OnSQLite
from tests.fuzz.player import Step
from tests.fuzz.world import Settings

Break = Callable[[pytest.MonkeyPatch], None]


def nobody_is_taken_back(patch: pytest.MonkeyPatch) -> None:
    for module in (orphans, preparation, workload):
        patch.setattr(module, "taken_back", lambda unit, only: [])


def moved_child_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """Who lost a parent is deleted, whoever holds it now."""
    patch.setattr(_Orphans, "_members", lambda self, declared: set())
    nobody_is_taken_back(patch)


def the_first_newcomer_wins(patch: pytest.MonkeyPatch) -> None:
    """Of two new objects for one row, the first takes it over, and the second is not written."""
    switches = planning.row_switches

    def first_only(work: Any, links: Any) -> Any:
        kept, work.inserts = work.inserts, work.inserts[:1]
        work.new_of = {mapper: objects[:1] for mapper, objects in work.new_of.items()}
        found = switches(work, links)
        work.inserts = kept[:1]
        return found

    patch.setattr(planning, "row_switches", first_only)


def stale_references_are_taken_out(patch: pytest.MonkeyPatch) -> None:
    """A reference that is set to nothing insists that its old owner's list holds the object."""
    plain = ReferenceAttribute.set

    def insisting(self: Any, obj: Any, value: Any) -> None:
        plain(self, obj, value)
        if value is None and attaching.is_gone(obj):
            [].remove(obj)

    patch.setattr(ReferenceAttribute, "set", insisting)


def inserted_values_are_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(UnitOfWork, "remember_inserted", lambda self, objects: None)


def taken_over_rows_are_deleted(patch: pytest.MonkeyPatch) -> None:
    """The object whose row was taken over is deleted after all."""
    plain = Ordering.__init__

    def deleting(self: Any, work: Any, linking: Any, saving: Any, switched: Any) -> None:
        plain(self, work, linking, saving, switched)
        self.kept = set()

    patch.setattr(Ordering, "__init__", deleting)


def the_marked_stay_marked(patch: pytest.MonkeyPatch) -> None:
    """Who was given to a parent lives, but stays in session.deleted."""
    patch.setattr(preparation, "taken_back_since", lambda unit, only: [])


def non_members_are_told(patch: pytest.MonkeyPatch) -> None:
    """The other side hears of a removal that is refused."""

    def telling(self: Any, owner: Any, member: Any) -> None:
        reverse = self.relationship.reverse.relationship
        member.__dict__[reverse.key] = [] if reverse.uselist else None

    patch.setattr(CollectionAttribute, "missed", telling)


def non_members_are_let_go(patch: pytest.MonkeyPatch) -> None:
    def letting_go(self: Any, owner: Any, member: Any) -> None:
        self.let_go(owner, member, moved=True)

    patch.setattr(CollectionAttribute, "missed", letting_go)


def refused_removals_are_written(patch: pytest.MonkeyPatch) -> None:
    """A removal that was refused is queued on the other side."""

    def queueing(self: Any, owner: Any, member: Any) -> None:
        self.relationship.reverse.unlink(member, owner)

    patch.setattr(CollectionAttribute, "missed", queueing)


def old_values_stay(patch: pytest.MonkeyPatch) -> None:
    """A row that is taken over keeps what was never set on the newcomer."""
    plain = Saving._take_over

    def keeping(self: Any, taking: list[Any]) -> list[FlushStep]:
        return [
            FlushStep(s.verb, s.shape, s.objects, tuple(k for k in s.columns if k in s.objects[0].__dict__), s.links,
                      s.replaces, fixed=True)
            for s in plain(self, taking)
        ]  # fmt: skip

    patch.setattr(Saving, "_take_over", keeping)


def deleted_once_deleted_ever(patch: pytest.MonkeyPatch) -> None:
    """Whose row was deleted once is called deleted, whatever became of it."""
    once: list[Any] = []
    plain = InstanceState.state

    def remembering(self: Any) -> ObjectState:
        state = plain.fget(self)
        if state is ObjectState.DELETED:
            once.append(self.object)
        return ObjectState.DELETED if state is ObjectState.PERSISTENT and self.object in once else state

    patch.setattr(InstanceState, "state", property(remembering))


def who_was_deleted_is_refused(patch: pytest.MonkeyPatch) -> None:
    def refuse(session: Session, obj: Any) -> None:
        raise attaching.was_deleted(obj)

    patch.setattr(attaching, "check_deletable", refuse)


def reading_who_is_new_again_fails(patch: pytest.MonkeyPatch) -> None:
    plain = ColumnAttribute.__get__

    def failing(self: Any, obj: Any, owner: Any = None) -> Any:
        if obj is not None and state_of(obj).status is ObjectState.TRANSIENT:
            raise DetachedInstanceError("it is in no session")
        return plain(self, obj, owner)

    patch.setattr(ColumnAttribute, "__get__", failing)


def flushes_fail_without_a_word(patch: pytest.MonkeyPatch) -> None:
    def failing(session: Any, only: Any) -> None:
        raise AssertionError

    patch.setattr(flushing, "prepare_flush", failing)


def old_keys_bring_back(patch: pytest.MonkeyPatch) -> None:
    """A rollback brings objects back into the session whose keys were changed in it."""
    plain = transaction.unwind

    def bringing(unit: UnitOfWork, frame: Any, *rest: Any) -> None:
        plain(unit, frame, *rest)
        unit.move_each([obj for obj, _ in frame.rekeyed_objects()], Trigger.ADD)

    patch.setattr(transaction, "unwind", bringing)


def inner_savepoints_are_only_closed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transaction.SessionTransaction, "abandon", lambda self, told: self.close())


def nobody_tells_who_is_gone(patch: pytest.MonkeyPatch) -> None:
    for module in (loading, refreshing):
        patch.setattr(module, "row_is_gone", lambda obj, moved=False: KeyError("skill"))


def nobody_asks_whose_row_is_gone(patch: pytest.MonkeyPatch) -> None:
    """Who is marked and expired is taken to have its row."""
    patch.setattr(preparation, "meet_leaving_holders", lambda session, only: None)


def anybody_is_detached(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(nbsession, "make_transient_to_detached", lambda obj: None)


def a_rollback_refuses(patch: pytest.MonkeyPatch) -> None:
    def refuse(self: Session) -> None:
        raise InvalidRequestError("Instance is not persisted")

    def stumble(*_: Any) -> None:
        raise InvalidRequestError("Instance is not persisted")

    patch.setattr(Session, "rollback", refuse)
    patch.setattr(transaction, "unwind", stumble)


def the_flag_stays(patch: pytest.MonkeyPatch) -> None:
    """Whoever is not inserted after all is told of as deleted."""
    patch.setitem(hook_points.LIFE, ("pending", "transient"), "deleted_to_detached")


def all_sessions_are_one(patch: pytest.MonkeyPatch) -> None:
    """A rollback takes the objects that it makes new again out of any session."""
    plain = transaction.unwind

    def taking(unit: UnitOfWork, frame: Any, *rest: Any) -> None:
        for obj in [reference() for reference in frame.inserted]:
            owner = state_of(obj).session_ref()
            if owner not in (None, unit.session()):
                owner.expunge(obj)
        plain(unit, frame, *rest)

    patch.setattr(transaction, "unwind", taking)


def members_are_missed(patch: pytest.MonkeyPatch) -> None:
    """A queued removal of who is not in the set fails."""

    def missing(obj: Any, declared: Any, members: Any) -> Any:
        raise KeyError(members[0])

    patch.setattr(lazy, "put_related", missing)


def queued_removals_insist(patch: pytest.MonkeyPatch) -> None:
    """A list from which somebody was to be taken whom it does not hold makes an error."""

    def insisting(*given: Any) -> None:
        raise ValueError("list.remove(x): x not in list")

    patch.setattr(lazy, "put_related", insisting)


def the_deleted_are_put_back(patch: pytest.MonkeyPatch) -> None:
    """delete() of who is deleted marks it again."""
    plain = Session.delete

    def delete(session: Session, obj: Any) -> None:
        if attaching.is_gone(obj):
            session.unit_of_work.mark_deleted(obj)
        else:
            plain(session, obj)

    patch.setattr(Session, "delete", delete)


EXAMPLES: list[tuple[str, list[Step], Break]] = [
    (
        "22.1: a child that moved to another parent is moved, though it was expired in between",
        [
            ["get", "User", 1], ["read", "User@1", "addresses"], ["get", "User", 2], ["read", "User@2", "addresses"],
            ["append", "User@1", "addresses", "Address@3"], ["expire", "Address@3", None], ["flush"],
        ],
        moved_child_is_forgotten,
    ),
    (
        "22.4: of two new objects for one deleted row the flush refuses, or the last added stays",
        [
            ["get", "Comp", [1, 1]], ["delete", "Comp@1,1"], ["new", "c1", "Comp", {"a": 1, "b": 1}],
            ["new", "c2", "Comp", {"a": 1, "b": 1}], ["add", "c1"], ["add", "c2"], ["flush"],
        ],
        the_first_newcomer_wins,
    ),
    (
        "22.6: a reference to who is deleted, or queued for who is expunged, makes no ValueError",
        [
            ["query", "Address", None], ["get", "User", 2], ["delete", "Address@3"], ["commit"], ["delete", "User@2"],
            ["refresh", "User@2", None], ["ref", "Address@3", "user", None], ["commit"],
        ],
        stale_references_are_taken_out,
    ),
    (
        "22.7: an object that is transient again has the values it was inserted with",
        [["new", "a1", "Address", {"email": "x"}], ["add", "a1"], ["flush"], ["expire", "a1", None], ["rollback"]],
        inserted_values_are_forgotten,
    ),
    (
        "22.7: an object that is transient again has the values it was inserted with",
        [  # a copy has them, too
            ["new", "u1", "User", {}], ["add", "u1"], ["begin_nested"], ["delete", "u1"], ["flush"],
            ["set", "u1", "name", "y"], ["rollback"], ["pickle", "u2", "u1"],
        ],
        inserted_values_are_forgotten,
    ),
    (
        "22.13: who takes over a row of a tree keeps it",
        [
            ["query", "Node", None], ["delete", "Node@4"], ["new", "n1", "Node", {"id": 4, "name": "q", "parent_id": 2}],
            ["add", "n1"], ["flush"],
        ],
        taken_over_rows_are_deleted,
    ),
    (
        "22.14: deleted, then given to a parent: lives, and leaves session.deleted",
        [
            ["get", "User", 1], ["get", "Address", 3], ["delete", "Address@3"],
            ["append", "User@1", "addresses", "Address@3"], ["flush"],
        ],
        the_marked_stay_marked,
    ),
    (
        "22.14: deleted, then given to a parent: lives, though two flushes follow at once",
        [
            ["get", "User", 1], ["get", "Address", 3], ["delete", "Address@3"],
            ["append", "User@1", "addresses", "Address@3"], ["commit"],
        ],
        nobody_is_taken_back,
    ),
    (
        "22.15: who is no member and removed does not learn of it",
        [["get", "User", 1], ["get", "Address", 3], ["remove", "User@1", "addresses", "Address@3"]],
        non_members_are_told,
    ),
    (
        "22.15: who is no member and removed stays in the session",
        [
            ["new", "u1", "User", {}], ["new", "a1", "Address", {}], ["add", "a1"],
            ["remove", "u1", "addresses", "a1"], ["flush"],
        ],
        non_members_are_let_go,
    ),
    (
        "22.15: a removal that was refused makes no later flush fail",
        [["get", "Order", 2], ["get", "Keyword", 1], ["remove", "Order@2", "keywords", "Keyword@1"], ["flush"]],
        refused_removals_are_written,
    ),
    (
        "22.17: who takes over a row leaves nothing of it: it is as the new object is",
        [["get", "Address", 2], ["new", "a1", "Address", {"id": 2}], ["delete", "Address@2"], ["add", "a1"], ["flush"]],
        old_values_stay,
    ),
    (
        "A: the object of a living row is not called deleted",
        [
            ["new", "o1", "Order", {}], ["add", "o1"], ["flush"], ["delete", "o1"], ["flush"], ["rollback"], ["add", "o1"],
            ["flush"],
        ],
        deleted_once_deleted_ever,
    ),
    (
        "A: who is marked to be deleted is not called deleted before the flush",
        [
            ["new", "o1", "Order", {}], ["add", "o1"], ["flush"], ["delete", "o1"], ["flush"], ["expunge", "o1"], ["delete", "o1"],
        ],
        who_was_deleted_is_refused,
    ),
    (
        "B: delete() of who is deleted already does nothing",
        [
            ["new", "c1", "Comp", {"a": 2, "b": 2}], ["add", "c1"], ["flush"], ["delete", "c1"], ["flush"], ["delete", "c1"],
        ],
        the_deleted_are_put_back,
    ),
    (
        "22.7: what an object that is transient again was inserted with can be read",
        [
            ["new", "a1", "Address", {}], ["add", "a1"], ["flush"], ["expire", "a1", ["user_id"]], ["rollback"],
            ["read", "a1", "user_id"],
        ],
        reading_who_is_new_again_fails,
    ),
    (
        "22.7: what such an object has is no change when it is set again",
        [
            ["new", "c2", "Comp", {"a": 2, "b": 2, "data": "z"}], ["add", "c2"], ["flush"], ["expire", "c2", ["data"]],
            ["delete", "c2"], ["flush"], ["rollback"], ["set", "c2", "data", "z"],
        ],
        inserted_values_are_forgotten,
    ),
    (
        "22.15: who is no member and removed keeps its row",
        [
            ["new", "a1", "Address", {}], ["add", "a1"], ["flush"], ["new", "u1", "User", {}],
            ["remove", "u1", "addresses", "a1"], ["set", "a1", "email", "z"], ["flush"],
        ],
        non_members_are_let_go,
    ),
    (
        "C: what was noted for a list that was not loaded is forgotten by a rollback that makes its object new",
        [
            ["new", "n1", "Node", {}], ["add", "n1"], ["flush"], ["ref", "n1", "parent", "n1"], ["rollback"],
            ["append", "n1", "children", "n1"], ["add", "n1"], ["flush"],
        ],
        flushes_fail_without_a_word,
    ),
    (
        "D: who is in no session is not in its identity map",
        [["get", "Address", 3], ["set", "Address@3", "id", 6], ["flush"], ["expunge", "Address@3"], ["rollback"]],
        old_keys_bring_back,
    ),
    (
        "E: a savepoint that is rolled back by its handle takes the ones within along",
        [
            ["begin_nested"], ["begin_nested"], ["new", "k1", "Keyword", {}], ["add", "k1"], ["flush"],
            ["handle", 0, "rollback"],
        ],
        inner_savepoints_are_only_closed,
    ),
    (
        "F: a column of a subclass is asked of an object whose row is gone: ObjectDeletedError, no KeyError",
        [["query", "Person", None], ["delete", "Engineer@2"], ["read", "Engineer@2", "skill"]],
        nobody_tells_who_is_gone,
    ),
    (
        "G: make_transient_to_detached() of an object without its key is refused",
        [["new", "c1", "Comp", {"a": 1}], ["make_transient_to_detached", "c1"]],
        anybody_is_detached,
    ),
    (
        "H: a rollback does not stumble over who was deleted, and then made transient",
        [["get", "Comp", [1, 1]], ["delete", "Comp@1,1"], ["begin_nested"], ["make_transient", "Comp@1,1"], ["rollback"]],
        a_rollback_refuses,
    ),
    (
        "A: who was deleted before is not told of as deleted again",
        [
            ["new", "o1", "Order", {}], ["add", "o1"], ["flush"], ["delete", "o1"], ["flush"], ["rollback"], ["add", "o1"],
            ["rollback"],
        ],
        the_flag_stays,
    ),
    (
        "22.15: who is no member and removed changes nothing later",
        [
            ["new", "k1", "Keyword", {}], ["add", "k1"], ["query", "Order", None], ["remove", "k1", "orders", "Order@1"],
            ["setlist", "k1", "orders", ["Order@2", "Order@1"]], ["delete", "k1"], ["query", "Order", None],
        ],
        refused_removals_are_written,
    ),
    (
        "I: who is in another session stays there",
        [
            ["new", "c1", "Comp", {"a": 2, "b": 2}], ["add", "c1"], ["flush"], ["expunge", "c1"], ["use", 1], ["add", "c1"],
            ["use", 0], ["rollback"],
        ],
        all_sessions_are_one,
    ),
    (
        "22.6: a set from which somebody is taken whom it does not hold makes no KeyError",
        [
            ["get", "Member", 1], ["read", "Member@1", "club"], ["expunge", "Member@1"], ["new", "c1", "Club", {}],
            ["ref", "Member@1", "club", "c1"], ["read", "Club@1", "members"],
        ],
        members_are_missed,
    ),
    (
        "22.6: a reference to who is deleted, or queued for who is expunged, makes no ValueError",
        [  # whose list was loaded by a key that no row has yet
            ["new", "o1", "Order", {}], ["add", "o1"], ["commit"], ["set", "o1", "id", 2], ["setlist", "o1", "keywords", []],
            ["append", "Keyword@2", "orders", "o1"],
        ],
        queued_removals_insist,
    ),
    (
        "22.13: who takes over a row of a tree keeps it",
        [  # and a child that was to be deleted along
            ["query", "Node", None], ["new", "n1", "Node", {"id": 2}], ["delete", "Node@2"], ["ref", "Node@4", "parent", "n1"],
            ["flush"],
        ],
        taken_over_rows_are_deleted,
    ),
    (
        "22.15: a removal that was refused makes no later flush fail",
        [  # nor a later removal
            ["new", "o1", "Order", {}], ["query", "Keyword", None], ["setlist", "Keyword@2", "orders", ["o1"]],
            ["remove", "Order@2", "keywords", "Keyword@1"], ["remove", "Keyword@1", "orders", "Order@1"],
        ],
        queued_removals_insist,
    ),
    (
        "22.15: who is no member and removed stays in the session",
        [  # so that the database refuses the row of another one
            ["new", "a1", "Address", {"id": 4}], ["new", "u1", "User", {}], ["add", "a1"], ["new", "a2", "Address", {"id": 4}],
            ["remove", "u1", "addresses", "a1"], ["add", "u1"], ["append", "u1", "addresses", "a2"], ["flush"],
        ],
        non_members_are_let_go,
    ),
    (
        "22.15: who is no member and removed keeps its row",
        [  # so that no other one can have it
            ["new", "a1", "Address", {"id": 4}], ["add", "a1"], ["flush"], ["new", "u1", "User", {}],
            ["new", "a2", "Address", {"id": 4}], ["remove", "u1", "addresses", "a1"], ["set", "a1", "email", "x"], ["add", "u1"],
            ["append", "u1", "addresses", "a2"], ["flush"],
        ],
        non_members_are_let_go,
    ),
    (
        "22.17: who takes over a row leaves nothing of it: it is as the new object is",
        [  # also of an orphan
            ["new", "u1", "User", {}], ["query", "Address", None], ["append", "u1", "addresses", "Address@2"],
            ["remove", "u1", "addresses", "Address@2"], ["new", "a1", "Address", {"id": 2}], ["add", "a1"], ["commit"],
        ],
        old_values_stay,
    ),
    (
        "B: delete() of who is deleted already does nothing",
        [  # whoever has its key by now
            ["get", "Address", 3], ["delete", "Address@3"], ["flush"],
            ["sql", "INSERT INTO addresses (id,email) VALUES (:i,'raw')", {"i": 3}], ["delete", "Address@3"],
        ],
        the_deleted_are_put_back,
    ),
    (
        "B: who is inserted under the key of a row that was gone keeps its row",
        [
            ["get", "Comp", [1, 2]], ["sql", "DELETE FROM comps WHERE b = :b", {"b": 2}], ["delete", "Comp@1,2"],
            ["expire", "Comp@1,2", None], ["new", "c1", "Comp", {"a": 1, "b": 2}], ["add", "c1"], ["flush"],
        ],
        nobody_asks_whose_row_is_gone,
    ),
    (
        "B: who is inserted under the key of a row that was gone keeps its row",
        [  # so that a query finds it
            ["get", "Comp", [1, 2]], ["sql", "DELETE FROM comps WHERE b = :b", {"b": 2}], ["delete", "Comp@1,2"],
            ["expire", "Comp@1,2", None], ["new", "c1", "Comp", {"a": 1, "b": 2, "data": "z"}], ["add", "c1"],
            ["query", "Comp", "z"],
        ],
        nobody_asks_whose_row_is_gone,
    ),
    (
        "22.13: who takes over a row of a tree keeps it",
        [  # so that who had it reads what it holds by now
            ["query", "Node", None], ["new", "n1", "Node", {"id": 4, "name": "q"}], ["delete", "Node@4"], ["add", "n1"],
            ["expire", "Node@4", ["name"]], ["read", "Node@4", "name"],
        ],
        taken_over_rows_are_deleted,
    ),
    (
        "C: what was noted for a list that was not loaded is forgotten by a rollback that makes its object new",
        [  # nor by make_transient()
            ["new", "n1", "Node", {"id": 8}], ["make_transient_to_detached", "n1"], ["ref", "n1", "parent", "n1"],
            ["make_transient", "n1"], ["append", "n1", "children", "n1"], ["add", "n1"], ["flush"],
        ],
        flushes_fail_without_a_word,
    ),
    (
        "B: who is inserted under the key of a row that was gone keeps its row",
        [  # so that who is refreshed before, and had it, finds it
            ["get", "Comp", [1, 2]], ["sql", "DELETE FROM comps WHERE b = :b", {"b": 2}], ["delete", "Comp@1,2"],
            ["new", "c1", "Comp", {"a": 1, "b": 2}], ["add", "c1"], ["refresh", "Comp@1,2", None],
        ],
        nobody_asks_whose_row_is_gone,
    ),
    (
        "B: who is inserted under the key of a row that was gone keeps its row",
        [  # so that who had it, and was changed since it was expired, is found by its key
            ["get", "Comp", [1, 2]], ["sql", "DELETE FROM comps WHERE b = :b", {"b": 2}], ["delete", "Comp@1,2"],
            ["expire", "Comp@1,2", None], ["set", "Comp@1,2", "data", "x"], ["new", "c1", "Comp", {"a": 1, "b": 2}], ["add", "c1"],
            ["get", "Comp", [1, 2]],
        ],
        nobody_asks_whose_row_is_gone,
    ),
    (
        "B: who is inserted under the key of a row that was gone keeps its row",
        [  # so that who had it reads of it
            ["get", "Comp", [1, 2]], ["sql", "DELETE FROM comps WHERE b = :b", {"b": 2}], ["delete", "Comp@1,2"],
            ["expire", "Comp@1,2", None], ["new", "c1", "Comp", {"a": 1, "b": 2}], ["add", "c1"], ["read", "Comp@1,2", "data"],
        ],
        nobody_asks_whose_row_is_gone,
    ),
    (
        "22.14: deleted, then given to a parent: lives, though two flushes follow at once",
        [  # also who is given to one that takes over a row of the tree (22.13)
            ["query", "Node", None], ["new", "n1", "Node", {"id": 3}], ["delete", "Node@1"],
            ["setlist", "n1", "children", ["Node@4"]], ["add", "n1"], ["commit"],
        ],
        nobody_is_taken_back,
    ),
    (
        "H: a rollback does not stumble over who was deleted, and then made transient",
        [  # nor that of a flush that fails: its error is told
            ["get", "Comp", [1, 1]], ["delete", "Comp@1,1"], ["begin_nested"], ["make_transient", "Comp@1,1"],
            ["nested_rollback"], ["new", "c1", "Comp", {"a": 1, "b": 2}], ["add", "c1"], ["flush"],
        ],
        a_rollback_refuses,
    ),
]  # fmt: skip
SETTINGS: Settings = {"autoflush": False, "expire_on_commit": True, "fk": False, "rows": True, "tables": list(TABLES)}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Both libraries warn of some of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def met(program: list[Step], name: str) -> list[str]:
    """The departures that a program meets; what differs otherwise is named first.

    :param name: the one it is made for: for some, flushes before reads are part of it, and I is about two sessions.
    """
    used: list[str] = []
    flushes = name.startswith(("F:", "B: who is inserted", "22.13:")) or "changes nothing later" in name
    settings = {**SETTINGS, "autoflush": flushes, "sessions": 1 + name.startswith("I:")}
    settings["moves"] = "told of" in name
    found = difference(settings, program, OnSQLite, used=used)
    return used if found is None else [f"{found.field} differs", *used]


@pytest.mark.parametrize(("name", "program", "_"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_a_departure_is_met_exactly(name: str, program: list[Step], _: Break) -> None:
    """Lines 22.1, 22.4, 22.6, 22.7, 22.13, 22.14, 22.15, 22.17: SQLAlchemy has the defect, and we the better result."""
    assert met(program, name) == [name]


@pytest.mark.parametrize(("name", "program", "breaking"), EXAMPLES, ids=[name for name, _, _ in EXAMPLES])
def test_without_our_better_result_it_is_not_met(
    name: str, program: list[Step], breaking: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaking(monkeypatch)
    assert met(program, name) != [name]


def test_a_step_may_meet_two_departures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is taken over by a new object, and in the same flush another one is wrongly called deleted."""
    program: list[Step] = [
        ["new", "o1", "Order", {}], ["add", "o1"], ["flush"], ["delete", "o1"], ["flush"], ["rollback"],
        ["get", "Address", 2], ["new", "a1", "Address", {"id": 2}], ["delete", "Address@2"], ["add", "a1"],
        ["add", "o1"], ["flush"],
    ]  # fmt: skip
    assert met(program, "22.17") == ["22.17: who takes over a row leaves nothing of it: it is as the new object is"]
    deleted_once_deleted_ever(monkeypatch)
    old_values_stay(monkeypatch)
    assert met(program, "22.17") == []  # SQLAlchemy's result


def test_each_departure_has_an_example() -> None:
    assert {name for name, _, _ in EXAMPLES} == {one.name for one in DEPARTURES}


def test_the_page_tells_them_all() -> None:
    """It is written by ``python -m tests.fuzz --page``."""
    assert PAGE.read_text(encoding="utf-8") == page()
