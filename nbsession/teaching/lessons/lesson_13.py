"""The capstone, stocktake: one script, six wishes, six beliefs that are not so, and no error message.

The script is kept in six pieces, each with its bug and mended: starter, solution and wrong answers are put together of them.
"""

from __future__ import annotations

from nbsession.teaching.lesson import Code, Exercise, Lesson, Notes, WrongAnswer
from nbsession.teaching.lessons.lesson_13_rules import REQUIREMENTS, six_drafts

# ── the script ───────────────────────────────────────────────────────────────────────────────────────────────────────
PIECES = {
    1: Code(
        """
        # 1. two new members
        ada = Member(card_no="TS-1065", name="Ada Nyberg", joined_on=TODAY, branch_id=2)
        bo = Member(card_no="TS-1066", name="Bo Lind", joined_on=TODAY, branch_id=1)
        session.add(bo)
        """
    ),
    2: Code(
        """
        # 2. more time for loan 69; then reminders for what is late
        loans = session.scalars(select(Loan).where(Loan.id.in_([69, 73, 74]))).all()
        session.execute(text("UPDATE loan SET due_on = '2025-07-23' WHERE id = 69"))
        for loan in loans:
            if loan.due_on < TODAY:
                session.add(Notice(member_id=loan.member_id, sent_on=TODAY, text=f"Loan {loan.id} is late."))
        session.commit()
        """
    ),
    3: Code(
        """
        # 3. the drafts of the branches, without the bad ones
        try:
            for draft in drafts:
                session.add(Notice(**draft))
            session.flush()
        except IntegrityError:
            session.rollback()
        session.commit()
        """
    ),
    4: Code(
        """
        # 4. Marta's card is given up
        marta, wei = session.get(Member, 2), session.get(Member, 3)
        for loan in list(marta.loans):
            session.delete(loan)
        session.delete(marta)
        session.commit()
        session.close()
        """
    ),
    5: Code(
        """
        # 5. both names on Wei's card
        wei.name = "Wei and Marta"
        session.commit()
        """
    ),
    6: Code(
        """
        # 6. a word to everybody
        session.add(Notice(sent_on=TODAY, text="The stocktake is done."))
        session.flush()
        """
    ),
}
"""the script as it was found: each piece with its bug"""


def instead(number: int, old: str, new: str) -> Code:
    """A piece of the script with other lines in it."""
    assert old in PIECES[number], f"piece {number} has no {old!r}"
    return Code(PIECES[number].replace(old, new))


MENDED = {
    1: instead(1, "session.add(bo)", "session.add_all([ada, bo])"),
    2: Code(
        """
        # 2. more time for loan 69; then reminders for what is late
        session.execute(text("UPDATE loan SET due_on = '2025-07-23' WHERE id = 69"))
        for loan in session.scalars(select(Loan).where(Loan.id.in_([69, 73, 74]), Loan.due_on < TODAY)):
            session.add(Notice(member_id=loan.member_id, sent_on=TODAY, text=f"Loan {loan.id} is late."))
        session.commit()
        """
    ),
    3: Code(
        """
        # 3. the drafts of the branches, without the bad ones
        for draft in drafts:
            try:
                with session.begin_nested():
                    session.add(Notice(**draft))
            except IntegrityError:
                pass
        session.commit()
        """
    ),
    4: instead(4, "session.delete(loan)", "loan.member = wei"),
    5: instead(5, "wei.name", "session.add(wei)\nwei.name"),
    6: instead(6, "session.flush()", "session.commit()"),
}
"""the pieces without their bugs"""


def script(*bugs: int, **others: Code) -> Code:
    """The script with these bugs left in it.

    :param others: other pieces in place of the mended ones, by ``p4``, the number of the piece.
    """
    pieces = MENDED | {number: PIECES[number] for number in bugs} | {int(key[1:]): code for key, code in others.items()}
    return Code("\n\n".join(pieces[number] for number in sorted(pieces)))


def with_one_bug(number: int, says: str) -> WrongAnswer:
    """All is mended but one."""
    return WrongAnswer(script(number), says=f"One wish is open. Wish {number}: {says}")


STOCKTAKE = Exercise(
    "13a",
    "Mend the script so that all six wishes of the list are fulfilled.",
    REQUIREMENTS,
    (
        "Take the first open wish. Which row is missing, or too many? Then look for the event which should have "
        "written it, or has: is it not there, too early, taken back, or not committed?",
        "1 who was told of Ada? 2 when did the loans read their day? 3 what does a rollback undo? 4 which rule has "
        "`Loan.lines`? 5 in which session is `wei` after `close`? 6 what does a flush keep?",
        "1 `session.add_all([ada, bo])`. 2 first the UPDATE, then the query. 3 `with session.begin_nested():` "
        "for each draft, inside the `try`. 4 `loan.member = wei`. 5 `session.add(wei)` before the name. 6 "
        "`session.commit()`.",
    ),
    script(),
    (
        WrongAnswer(Code(f"{script(*PIECES)}\n_ = 'all bugs'"), says="Open are the wishes 1, 2, 3, 4, 5 and 6. Wish 1"),
        with_one_bug(1, "Ada Nyberg is not in the file. `ada` is transient"),
        with_one_bug(2, "Member 11 is reminded of loan 69"),
        with_one_bug(3, "None of the 4 good drafts are in the file"),
        with_one_bug(4, "4 loans are gone, and 9 lines with them"),
        with_one_bug(5, "In the file Wei's card says Wei Becker. `wei` is detached"),
        with_one_bug(6, "The last notice is not in the file: what was sent is not committed"),
        WrongAnswer(  # a query gives fresh values
            script(
                p2=instead(
                    2,
                    "for loan in loans:",
                    "loans = session.scalars(select(Loan).where(Loan.id.in_([69, 73, 74]))).all()\nfor loan in loans:",
                )
            ),
            says="One wish is open. Wish 2: Member 11 is reminded",
        ),
        WrongAnswer(  # one savepoint for all
            script(p3=instead(3, "    session.flush()\nexcept", "    session.begin_nested().commit()\nexcept")),
            says="One wish is open. Wish 3: None of the 4 good drafts",
        ),
        WrongAnswer(  # the loans are said to follow by themselves
            script(p4=instead(4, "for loan in list(marta.loans):\n    session.delete(loan)\n", "")),
            says="Open are the wishes 4, 5 and 6. Wish 4: Marta's row is still in the file, and the database",
        ),
        WrongAnswer(  # the column is told, and not the object
            script(p4=instead(4, "session.delete(loan)", "loan.member_id = 3")),
            says="Whose list are her loans in when she goes?",
        ),
        WrongAnswer(  # merge, and then the wrong one of two
            script(p5=instead(5, "wei.name", "session.merge(wei)\nwei.name")),
            says="One wish is open. Wish 5: In the file Wei's card says Wei Becker",
        ),
        WrongAnswer(
            Code(f'{script()}\nsession.get(Member, 1).name = "Elif"\nsession.commit()'),
            says="2 rows of `member` are changed",
        ),
    ),
    "Six wishes, no error message, six beliefs less. What you looked at is what you will look at next time.",
    starter=script(*PIECES),
    prepare=six_drafts,
)

NOTES = Notes(
    timing=(
        ("The story and the list of wishes: everybody says what the file must hold in the end", 5),
        ("The script read aloud, in pairs: who finds a bug by reading?", 6),
        ("Look: question, and view", 4),
        ("Exercise 13a, alone or in pairs, one wish after the other", 22),
        ("Round: who found which bug by which view?", 4),
        ("The same in SQLAlchemy 2, key points of the course, what to do next", 4),
    ),
    expect={
        "1": "is found by reading. Ask for the second sign: no INSERT for her in the timeline.",
        "2": "the query is moved down, or repeated: only the first helps, if nobody has read the loans before.",
        "3": "a commit for each draft, a rollback in the loop. It passes: ask what a stop in the middle leaves.",
        "4": "`loan.member_id = 3`, or `marta.loans` without `list`: the error is the same, her list still holds loans.",
        "5": "the last to be found: the object has the new name, and says so when asked. Ask the file.",
        "6": "is found at once, or not at all: the session that flushed sees its row.",
    },
    draw="A table with the six wishes, and the columns 'object', 'session', 'transaction', 'file'. For each bug: how far "
    "did it come?",
    skip="The round; or let each pair take two wishes only.",
    break_live=Code(
        """
        # the seventh bug: the name is put right, and stays wrong in the file. Why is no UPDATE sent?
        session.rollback()
        wei = session.get(Member, 3)
        name = wei.name
        session.execute(text("UPDATE member SET name = 'Nobody' WHERE id = 3"))
        wei.name = name
        session.commit()
        next_door(URL, "SELECT name FROM member WHERE id = 3")
        """
    ),
)

LESSON = Lesson(
    number=13,
    title="Stocktake",
    notebook="13_stocktake.ipynb",
    minutes=45,
    predictions=(),
    exercises=(STOCKTAKE,),
    notes=NOTES,
)
