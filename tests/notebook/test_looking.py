"""Looking adds no fact and no statement: views, representations, completion and inspection."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from nbsession import Session, inspect
from nbsession.notebook import views
from nbsession.notebook.page.export import page_of
from nbsession.notebook.page.widget import Dashboard
from nbsession.notebook.recording.recorder import recorder_of
from tests.notebook.conftest import Shell
from tests.notebook.library import Loan, Member
from tests.support import statements_of

VIEWS: dict[str, Callable[[Session, Any], object]] = {
    "board": lambda session, obj: views.board(session),
    "card": lambda session, obj: views.card(session, obj),
    "plan": lambda session, obj: views.plan(session),
    "stack": lambda session, obj: views.stack(session),
    "sql": lambda session, obj: views.sql(session, internal=True),
    "timeline": lambda session, obj: views.timeline(session, internal=True),
    "identity": lambda session, obj: views.identity(session),
    "graph": lambda session, obj: views.graph(session),
    "cascade": lambda session, obj: [views.graph(session, obj, deed) for deed in ("delete", "add", "merge", "expunge")],
    "why": views.why,
    "error": lambda session, obj: views.error(ValueError("no"), session),
    "page": lambda session, obj: page_of(session),
    "dashboard": lambda session, obj: Dashboard(session)._repr_mimebundle_(),
    "snapshot": lambda session, obj: recorder_of(session).snapshot(with_plan=True),
    "repr": lambda session, obj: repr(obj),
    "dir": lambda session, obj: dir(obj),
    "vars": lambda session, obj: vars(obj),
    "inspect": lambda session, obj: inspect(obj).attrs.name.history,
    "str": lambda session, obj: str(obj),
}


@pytest.fixture
def busy(session: Session) -> Member:
    """Expired, changed, pending and unloaded things side by side; anything that touches them would flush and load."""
    ada, bob = Member(name="Ada"), Member(name="Bob")
    session.add_all([ada, bob])
    session.commit()
    bob.name = "Bob B."
    session.add(Loan(member_id=None, note="pending"))
    assert "name" not in vars(ada)
    return ada


def test_no_view_is_left_out() -> None:
    """Those of the outside and of the changes ask the database, unheard: see test_showing.py."""
    assert set(views.__all__) - {"View", "outside", "changes"} <= VIEWS.keys()


@pytest.mark.parametrize("look", VIEWS)
def test_looking_adds_no_fact_and_no_statement(session: Session, busy: Member, look: str) -> None:
    recorder_of(session)
    event, before = session.bus.seq, (len(session.new), len(session.dirty), session.in_transaction())
    with statements_of(session) as sent:
        for _ in range(3):
            VIEWS[look](session, busy)
    assert session.bus.seq == event
    assert sent == []
    assert (len(session.new), len(session.dirty), session.in_transaction()) == before
    assert "name" not in vars(busy)


@pytest.mark.parametrize("look", VIEWS)
def test_looking_begins_no_transaction(session: Session, look: str) -> None:
    obj = Member(name="alone")
    VIEWS[look](session, obj)
    assert not session.in_transaction()
    assert session.bus.seq == 0


def test_looking_twice_gives_the_same_text(session: Session, busy: Member) -> None:
    for view in (views.board, views.plan, views.stack, views.sql, views.timeline, views.identity, views.graph):
        assert str(view(session)) == str(view(session))
    assert str(views.card(session, busy)) == str(views.card(session, busy))


KEYS = ["ada.na", "ada.loans.", "ada.name.", "bob.loans[0].", "ada."]


@pytest.mark.parametrize("typed", KEYS)
def test_completion_of_an_attribute_loads_nothing(library: Shell, typed: str) -> None:
    _make_busy(library)
    session, event = library["session"], library["session"].bus.seq
    with statements_of(session) as sent, provisionalcompleter():
        list(library.ip.Completer.completions(typed, len(typed)))
    assert (session.bus.seq, sent) == (event, [])


@pytest.mark.parametrize("inspected", ["ada.name", "ada.loans", "ada", "session", "Member"])
@pytest.mark.parametrize("detail", [0, 1])
def test_inspection_loads_nothing(library: Shell, inspected: str, detail: int) -> None:
    _make_busy(library)
    session, event = library["session"], library["session"].bus.seq
    with statements_of(session) as sent:
        library.ip.object_inspect(inspected, detail)
        with suppress(KeyError):  # how it says that there is no such thing
            library.ip.object_inspect_mime(inspected, detail)
    assert (session.bus.seq, sent) == (event, [])


def test_a_whole_round_of_looking_adds_no_event_and_no_statement(library: Shell) -> None:
    """Every view, dir(), repr, completion and inspection, one after the other, on a session with everything in it."""
    _make_busy(library)
    session, ada = library["session"], library["ada"]
    event, state = session.bus.seq, (len(session.new), len(session.dirty), session.in_transaction())
    with statements_of(session) as sent, provisionalcompleter():
        for look in VIEWS.values():
            look(session, ada)
        for verb in (
            "show",
            "state ada",
            "timeline",
            "plan",
            "log",
            "identity",
            "graph",
            "graph ada",
            "stack",
            "why ada",
        ):
            assert "Error" not in library.run(f"%session {verb}")
        library.run("dir(ada), repr(ada), repr(session), vars(ada), repr(session.new), session.dirty; %whos")
        for typed in KEYS:
            list(library.ip.Completer.completions(typed, len(typed)))
        for name in ("ada", "ada.name", "ada.loans", "session", "Member"):
            library.ip.object_inspect(name, 1)
    assert (session.bus.seq, sent) == (event, [])
    assert (len(session.new), len(session.dirty), session.in_transaction()) == state
    assert "name" not in vars(ada) and "loans" not in vars(ada)


def test_after_looking_attributes_load_as_always(library: Shell) -> None:
    _make_busy(library)
    with provisionalcompleter():
        list(library.ip.Completer.completions("ada.loans.", 10))
    assert library.run("print(ada.name, ada.loans)") == "Ada []"


def test_a_callback_between_cells_loads_as_always(library: Shell) -> None:
    _make_busy(library)
    assert library["ada"].name == "Ada"


def _make_busy(library: Shell) -> None:
    library.run("ada, bob = Member(name='Ada'), Member(name='Bob'); session.add_all([ada, bob]); session.commit()")
    library.run("session.add(Loan(note='pending'))")
    assert "name" not in vars(library["ada"])
