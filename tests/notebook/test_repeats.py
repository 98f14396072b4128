"""N+1: the log names what was loaded one by one, the line that did it, and the query that does it at once."""

from __future__ import annotations

import pytest

from nbsession import Session
from nbsession.notebook import views
from nbsession.notebook.recording import repeats
from nbsession.notebook.recording.recorder import recorder_of
from tests.notebook.conftest import Shell
from tests.notebook.library import Loan, Member


@pytest.fixture
def loans(library: Shell) -> Shell:
    """Five members with a loan each, all expired; the next cell is In[4]."""
    library.run(
        "session.add_all([Member(name=f'm{n}', loans=[Loan()]) for n in range(5)]); session.commit()\n"
        "from nbsession import select, selectinload"
    )
    return library


def repeated(shell: Shell) -> list[str]:
    """What the log says of repeats, each on one line."""
    said = " ".join(shell.run("%session log").split())
    return [part.partition(" 1. ")[0].strip() for part in said.split("N+1: ")[1:]]


def test_the_badge_names_relationship_cell_line_and_fix(loans: Shell) -> None:
    loans.run("members = session.scalars(select(Member)).all()\n\ntotal = sum(len(m.loans) for m in members)")
    (said,) = repeated(loans)
    assert said.startswith("Member.loans was loaded 5 times, a statement each (In[4], line 3: total = sum(len(m.loans)")
    assert "once for all: select(Member).options(selectinload(Member.loans))" in said


def test_the_fix_is_one(loans: Shell) -> None:
    loans.run(
        "session.expunge_all()\nmembers = session.scalars(select(Member).options(selectinload(Member.loans))).all()"
    )
    loans.run("total = sum(len(m.loans) for m in members)")
    assert repeated(loans) == []


def test_a_line_inside_a_function_names_the_function(loans: Shell) -> None:
    loans.run("def total(members):\n    return sum([len(m.loans) for m in members])")
    loans.run("n = total(session.scalars(select(Member)).all())")
    assert "line 2 of total()" in repeated(loans)[0] or "line 2: return sum" in repeated(loans)[0]


def test_expired_objects_read_one_by_one_are_told_too(loans: Shell) -> None:
    loans.run("members = session.scalars(select(Member)).all(); session.commit()")
    loans.run("names = [m.name for m in members]")
    (said,) = repeated(loans)
    assert said.startswith("Member.name was loaded 5 times, a statement each (In[5], line 1: names = [m.name")
    assert "once for all: session.scalars(select(Member)).all()" in said


def test_twice_is_no_pattern_and_another_cell_begins_anew(loans: Shell) -> None:
    loans.run("members = session.scalars(select(Member)).all()")
    loans.run("a = [m.loans for m in members[:2]]")
    loans.run("b = [m.loans for m in members[2:4]]")
    assert repeated(loans) == []


def test_outside_a_notebook_the_line_names_its_file(session: Session) -> None:
    recorder = recorder_of(session)
    session.add_all([Member(name=f"m{n}", loans=[Loan()]) for n in range(4)])
    session.commit()
    for member in session.query(Member).all():
        assert len(member.loans) == 1
    (repeat,) = recorder.snapshot().repeats
    assert repeat["count"] == 4 and repeat["last"] - repeat["first"] == 3
    assert repeat["line"].startswith("test_repeats.py, line ") and repeat["line"].endswith("len(member.loans) == 1")
    assert "N+1" in views.sql(session).html and not recorder.journal.lines


def test_groups_are_bounded(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "KEPT", 2)
    recorder = recorder_of(session)
    session.add_all([Member(name="m", loans=[Loan(note="a")])])
    session.commit()
    member, loan = session.query(Member).one(), session.query(Loan).one()
    for _ in range(3):
        session.expire_all()
        assert (member.name, member.loans, loan.note, loan.member) == ("m", [loan], "a", member)
    assert len(recorder.snapshot().repeats) == 2
