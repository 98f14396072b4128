"""What each error means, in plain words: the rule behind it, what to type next, its name elsewhere. Knows words only.

The names elsewhere are those of SQLAlchemy 2.1, Hibernate/JPA and Django, for who comes from there or goes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Explanation(NamedTuple):
    """One kind of error.

    :ivar plain: what happened, in a sentence.
    :ivar rule: the rule behind it.
    :ivar next: pairs of what to type and what that does.
    :ivar elsewhere: pairs of a library and its word for it.
    """

    plain: str
    rule: str
    next: tuple[tuple[str, str], ...]
    elsewhere: tuple[tuple[str, str], ...] = ()


ROLLBACK = ("session.rollback()", "ends it; objects are again what they were before")

_TABLE: dict[str, Explanation] = {
    "IntegrityError": Explanation(
        "The database refused a row: it breaks a constraint (a key used twice, a missing parent, a NULL).",
        "A flush sends everything or nothing: the failed one has taken its whole transaction with it.",
        (
            ROLLBACK,
            ("with session.begin_nested(): ...", "next time: undoes only what is inside"),
        ),
        (("SQLAlchemy", "IntegrityError"), ("JPA", "PersistenceException"), ("Django", "IntegrityError")),
    ),
    "PendingRollbackError": Explanation(
        "An earlier flush failed, and its transaction waits for a rollback.",
        "Catching the error does not end the transaction: until a rollback nothing can be sent.",
        (ROLLBACK,),
        (
            ("SQLAlchemy", "PendingRollbackError"),
            ("JPA", "transaction marked rollback-only"),
            ("Django", "TransactionManagementError"),
        ),
    ),
    "DetachedInstanceError": Explanation(
        "A value has to be read from the database, and the object is in no session that could read it.",
        "commit() and rollback() expire what objects hold; close() and expunge() take them out of the session.",
        (
            ("session.add(obj)", "puts it back: its values are read when touched"),
            ("obj = session.merge(obj)", "gives the session's own object for its row"),
            ("Session(engine, expire_on_commit=False)", "next time: values stay"),
        ),
        (("SQLAlchemy", "DetachedInstanceError"), ("Hibernate", "LazyInitializationException")),
    ),
    "StaleDataError": Explanation(
        "An UPDATE or DELETE met another number of rows than there are objects: somebody changed or deleted them.",
        "Each object stands for one row, as it was when it was read.",
        (ROLLBACK, ("session.refresh(obj)", "after that: reads the row as it is now")),
        (("SQLAlchemy", "StaleDataError"), ("JPA", "OptimisticLockException")),
    ),
    "FlushError": Explanation(
        "The objects are in no shape to be written.",
        "Before a flush sends anything it looks at every object; it refuses what no row could hold.",
        (("%session plan", "shows what a flush would send, and why"), ROLLBACK),
        (("SQLAlchemy", "FlushError"),),
    ),
    "CircularDependencyError": Explanation(
        "Rows need each other's keys in a circle, so none can be written first.",
        "One row of the circle has to be written without its foreign key, and updated after.",
        (("relationship(..., post_update=True)", "writes that one key with a second statement"),),
        (("SQLAlchemy", "CircularDependencyError"),),
    ),
    "ObjectDeletedError": Explanation(
        "The object's row is gone.",
        "An object that is expired is read again when it is touched; there was nothing to read.",
        (("session.expunge(obj)", "lets go of it"), ROLLBACK),
        (("SQLAlchemy", "ObjectDeletedError"), ("JPA", "EntityNotFoundException")),
    ),
    "SerializationError": Explanation(
        "Another connection committed meanwhile, so this transaction cannot be rebuilt up to its savepoint.",
        "DuckDB has no savepoints: they are rebuilt by writing again what came before, on an unchanged database.",
        (("run the cells since BEGIN again", "nothing half done stays"),),
        (("PostgreSQL", "could not serialize access"),),
    ),
    "ReplayDivergence": Explanation(
        "Going back to a savepoint means writing again what came before it, and that came out differently.",
        "random(), now() and the like give other values each time.",
        (("compute such values in Python", "sent as parameters they replay exactly"),),
    ),
    "SavepointError": Explanation(
        "The savepoint is not there, or cannot be used.",
        "A savepoint lives until it is released, rolled back, or its transaction ends.",
        (("%session stack", "shows the savepoints that are open"),),
    ),
    "NoResultFound": Explanation(
        "Exactly one row was asked for, and there is none.",
        "one() and scalar_one() want one row; first() and one_or_none() take none as an answer.",
        (("....one_or_none()", "gives None where there is no row"),),
        (("SQLAlchemy", "NoResultFound"), ("Django", "DoesNotExist")),
    ),
    "MultipleResultsFound": Explanation(
        "Exactly one row was asked for, and there are several.",
        "one() refuses to choose; first() takes the first.",
        (("....first()", "gives the first row"), ("....all()", "gives them all")),
        (("SQLAlchemy", "MultipleResultsFound"), ("Django", "MultipleObjectsReturned")),
    ),
    "OperationalError": Explanation(
        "The database could not be reached, is locked, or could not carry on.",
        "One writer at a time: SQLite locks the file while another connection writes, DuckDB while another process has it open.",
        (("%session list", "shows the sessions of this notebook and what they hold"), ROLLBACK),
        (("SQLAlchemy", "OperationalError"), ("Django", "OperationalError")),
    ),
    "ProgrammingError": Explanation(
        "The database does not understand the SQL, or does not know a name in it.",
        "Tables are made by Base.metadata.create_all(engine), not by defining classes.",
        (("%session log --last 1", "shows the statement as it was sent"),),
        (("SQLAlchemy", "ProgrammingError"), ("Django", "ProgrammingError")),
    ),
    "DataError": Explanation(
        "A value does not fit its column.",
        "What cannot be stored exactly is refused, not rounded.",
        (("%session plan", "shows the values that a flush would send"), ROLLBACK),
        (("SQLAlchemy", "DataError"), ("Django", "DataError")),
    ),
    "UnmappedInstanceError": Explanation(
        "The session was given something that is not an object of a mapped class.",
        "Only objects of mapped classes have rows: not lists, not dictionaries, not classes.",
        (("session.add_all([...])", "adds the objects of a list"),),
        (("SQLAlchemy", "UnmappedInstanceError"),),
    ),
    "ArgumentError": Explanation("An argument makes no sense here.", "The message says which, and what would.", ()),
    "InvalidRequestError": Explanation(
        "The request does not fit the state that things are in.",
        "What may be done with an object depends on its state.",
        (("%session state EXPR", "shows what state an object is in, and what moved it there"),),
        (("SQLAlchemy", "InvalidRequestError"),),
    ),
}
EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(_TABLE)
"""the name of an error's class to what it means"""

GENERAL = Explanation("This was refused.", "The message says why.", ())


def explained(error: type[BaseException]) -> Explanation:
    """What a class of errors means: its own explanation, or that of the nearest class it comes from.

    >>> from nbsession.exc import IllegalTransition
    >>> explained(IllegalTransition).plain
    'The request does not fit the state that things are in.'
    """
    return next((EXPLANATIONS[cls.__name__] for cls in error.__mro__ if cls.__name__ in EXPLANATIONS), GENERAL)
