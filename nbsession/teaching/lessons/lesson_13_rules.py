"""What is wished of the stocktake's script, and how each wish is judged: by the rows, states and events that it leaves.

Knows no line of the script: any way to fulfil a wish is as good.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from datetime import date
from typing import Any

from nbsession.events import Fact, Marked, StatementExecuted, StatesMoved, TransactionMoved
from nbsession.teaching.attempt import Attempt
from nbsession.teaching.lesson import Requirement, Wrong
from nbsession.teaching.requirements import leaves
from nbsession.teaching.toolshed import toolshed_rows

MARTA, WEI = 2, 3
LOANS = [row[0] for row in toolshed_rows()["loan"] if row[1] == MARTA]
BOTH = "Wei and Marta"
CLOSING = "The stocktake is done."


# ── the drafts ───────────────────────────────────────────────────────────────────────────────────────────────────────
BAD: dict[int, dict[str, Any]] = {2: {"text": None}, 4: {"id": 7}}


def six_drafts(session: Any, names: MutableMapping[str, Any]) -> None:
    """The drafts: one without a text, one with a number that is taken."""
    names["drafts"] = [
        {"member_id": 20 + n, "sent_on": date(2025, 7, 9), "text": f"Please come by, no. {n}.", **BAD.get(n, {})}
        for n in range(6)
    ]


# ── what happened ────────────────────────────────────────────────────────────────────────────────────────────────────
def sending(words: str) -> Callable[[Fact], bool]:
    """Was it a statement that begins so?"""
    return lambda fact: isinstance(fact, StatementExecuted) and fact.sql.startswith(words)


def failing(table: str) -> Callable[[Fact], bool]:
    """Was it a statement about this table that failed?"""
    return lambda fact: isinstance(fact, StatementExecuted) and bool(fact.error) and f" {table} " in fact.sql


def the_first_delete(attempt: Attempt) -> tuple[int, int] | None:
    """From where the first loan is marked to the first DELETE of a loan: what takes its lines along."""
    marks = (fact.seq for fact in attempt.facts if isinstance(fact, Marked) and fact.mark == "to delete")
    sent = (fact.seq for fact in attempt.facts if sending("DELETE FROM loan ")(fact))
    first, last = next(marks, None), next(sent, None)
    return (first, last) if first is not None and last is not None else None


def after_the_close(attempt: Attempt) -> tuple[int, int] | None:
    """From where members left the session to the next COMMIT: nothing is between."""
    closed = next((fact.seq for fact in attempt.facts if leaving(fact)), None)
    ends = [fact.seq for fact in attempt.facts if isinstance(fact, TransactionMoved) and fact.trigger == "commit"]
    return None if closed is None else (closed, next((end for end in ends if end > closed), attempt.facts[-1].seq))


def leaving(fact: Fact) -> bool:
    """Did a member who has a row leave the session?"""
    return isinstance(fact, StatesMoved) and (fact.cls, fact.before, fact.after) == ("Member", "persistent", "detached")


# ── the wishes ───────────────────────────────────────────────────────────────────────────────────────────────────────
def joined(attempt: Attempt) -> Wrong | None:
    """Both new members are in the file."""
    for variable, card, name, branch in (("ada", "TS-1065", "Ada Nyberg", 2), ("bo", "TS-1066", "Bo Lind", 1)):
        row = next((row for row in attempt.added("member") if row[1] == card), None)
        if row is None and attempt.state(variable) == "transient":
            return Wrong(
                f"{name} is not in the file. `{variable}` is transient: a constructor makes a Python object, and no "
                "session has been told of it.",
                "timeline",
                attempt.transaction_of(sending("INSERT INTO member")),
            )
        if row is None:
            return Wrong(f"{name} is not in the file.", "timeline")
        if (row[2], row[5]) != (name, branch):
            return Wrong(f"The row of card {card} says {row[2]}, branch {row[5]}; not {name}, branch {branch}.", "log")
    return None


def reminded(attempt: Attempt) -> Wrong | None:
    """Loan 69 has more time; who is late after that has one reminder, and nobody else."""
    then = attempt.transaction_of(sending("INSERT INTO notice"))
    due = next(row[3] for row in attempt.rows("loan") if row[0] == 69)
    if due != "2025-07-23":
        return Wrong(f"Loan 69 is due on {due} in the file; it shall be 2025-07-23.", "log")
    for key, member, late in ((69, 11, False), (73, 42, True), (74, 15, True)):
        sent = [row[1] for row in attempt.added("notice") if row[3] == f"Loan {key} is late."]
        if late and sent != [member]:
            return Wrong(
                f"Loan {key} is late, and member {member} has {len(sent) or 'no'} reminders of it.", "log", then
            )
        if sent and not late:
            return Wrong(
                f"Member {member} is reminded of loan {key}, which is not late any more. When were the loans read, and "
                "when was the row changed? Plain SQL tells no object.",
                "log",
                then,
            )
    return None


def stored(attempt: Attempt) -> Wrong | None:
    """All good drafts, each once, and none of the bad ones."""
    good = [f"Please come by, no. {n}." for n in range(6) if n not in BAD]
    found = sorted(text for row in attempt.added("notice") if (text := str(row[3])).startswith("Please come by"))
    missing = [text for text in good if text not in found]
    if missing:
        return Wrong(
            f"{len(good) - len(missing) or 'None'} of the {len(good)} good drafts are in the file. What does "
            "a rollback take along?",
            "timeline",
            attempt.transaction_of(failing("notice")),
        )
    if found != good or attempt.changed("notice"):
        return Wrong(f"Of the drafts the file has {', '.join(found)}; the bad ones shall stay out.", "outside")
    return None


def handed_over(attempt: Attempt) -> Wrong | None:
    """Marta's row is gone; her loans are Wei's, with all lines."""
    loans, lines = len(attempt.gone("loan")), len(attempt.gone("loan_line"))
    if loans or lines:
        return Wrong(
            f"{loans} loans are gone, and {lines} lines with them: by which rule? Loans and lines shall go over to Wei.",
            "timeline",
            the_first_delete(attempt),
        )
    if any(row[0] == MARTA for row in attempt.rows("member")):
        why = "and the database does not take a loan without a member" if attempt.failures else "nobody has deleted it"
        return Wrong(
            f"Marta's row is still in the file, {why}. Whose list are her loans in when she goes?",
            "timeline",
            attempt.transaction_of(failing("loan")),
        )
    others = [row for row in attempt.rows("loan") if row[0] in LOANS and row[1] != WEI]
    if others:
        return Wrong(f"Loan {others[0][0]} is in the name of member {others[0][1]}, not of Wei, member {WEI}.", "log")
    return None


def renamed(attempt: Attempt) -> Wrong | None:
    """Wei's card has both names."""
    name = next((row[2] for row in attempt.rows("member") if row[0] == WEI), "nobody")
    if name != BOTH:
        why = "`wei` is detached. Which session should write what is changed on it?"
        if attempt.state("wei") != "detached":
            why = f"{attempt.unsaved[:1].upper()}{attempt.unsaved[1:]}." if attempt.unsaved else ""
        return Wrong(f"In the file Wei's card says {name}. {why}".strip(), "timeline", after_the_close(attempt))
    return None


def told(attempt: Attempt) -> Wrong | None:
    """The last notice is committed."""
    if not any(row[1] is None and row[3] == CLOSING for row in attempt.added("notice")):
        left = f": {attempt.unsaved}" if attempt.unsaved else ""
        return Wrong(f"The last notice is not in the file{left}. What survives if you stop now?", "stack")
    return None


WISHES: dict[int, Requirement] = {1: joined, 2: reminded, 3: stored, 4: handed_over, 5: renamed, 6: told}


def wish(number: int, judge: Requirement) -> Requirement:
    """A wish as a requirement: if it is open, all that are open are named, and why this one is."""

    def judged(attempt: Attempt) -> Wrong | None:
        wrong = judge(attempt)
        if wrong is None:
            return None
        *others, last = [key for key, each in WISHES.items() if each(attempt) is not None]
        which = f"Open are the wishes {', '.join(map(str, others))} and {last}." if others else "One wish is open."
        return replace(wrong, says=f"{which} Wish {number}: {wrong.says}")

    return judged


NOTHING_ELSE = (
    leaves("member", added=2, gone=1, changed=1),
    leaves("loan", changed=1 + len(LOANS)),
    leaves("loan_line"),
    leaves("tool"),
    leaves("notice", added=2 + 6 - len(BAD) + 1),
)
"""the tables differ from the fresh Toolshed in what was wished, and in nothing else"""

REQUIREMENTS = (*(wish(number, judge) for number, judge in WISHES.items()), *NOTHING_ELSE)
"""the six wishes, and nothing else"""
