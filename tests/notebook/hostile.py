"""Strings that try to be more than text, and a session in which a user could have put them. Driven through every view."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from nbsession import DeclarativeBase, Engine, ForeignKey, Mapped, Session, mapped_column, relationship, text
from nbsession.exc import NbsessionError

SCRIPT = "<script>window.broken=1</script>"
HOSTILE = {
    "script": SCRIPT,
    "image": "<img src=x onerror=window.broken=1>",
    "svg": "<svg/onload=window.broken=1><animate onbegin=window.broken=1>",
    "ends the table": f"</td></tr></table></div></details>{SCRIPT}",
    "ends the script": f"</script>{SCRIPT}<!--",
    "ends the style": "</style><style>* { display: none }</style>",
    "attribute": '" onmouseover="window.broken=1" autofocus onfocus="window.broken=1" x="',
    "apostrophe": "' onmouseover='window.broken=1' style='position:fixed;inset:0' x='",
    "link": "<a href=javascript:window.broken=1>click</a> [click](javascript:window.broken=1)",
    "frame": "<iframe srcdoc='<script>parent.broken=1</script>'></iframe><object data=x><embed src=x>",
    "form": "<form action=//example.invalid><input name=x><button formaction=javascript:window.broken=1>",
    "entities": "&lt;script&gt;window.broken=1&lt;/script&gt; &#60;img src=x onerror=window.broken=1&#62;",
    "template": "${window.broken=1} {{window.broken=1}} <%= window.broken=1 %>",
    "style": "background:url(javascript:window.broken=1);-moz-binding:url(x);width:expression(window.broken=1)",
    "comment": "<!-- --!> <![CDATA[ ]]> <?php ?> -->",
    "names of JavaScript": "__proto__ constructor toString",
    "formula": "{0} {title} %s %(x)s $& $1 \\1",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m\rgone",
    "directions": "\u202eevil\u2066\u200b\ufeff",
    "line ends": "one\u2028two\u2029three\r\nfour\tfive",
    "no character": "\ud800\x00",
}
"""what is tried, and the string"""


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelf"
    name: Mapped[str] = mapped_column(primary_key=True)
    note: Mapped[str | None] = mapped_column(unique=True)
    books: Mapped[list[Book]] = relationship(back_populates="shelf", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "book"
    title: Mapped[str] = mapped_column(primary_key=True)
    shelf_name: Mapped[str | None] = mapped_column(ForeignKey("shelf.name"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="books")


STORABLE = tuple(each.replace("\x00", "").replace("\ud800", "") for each in HOSTILE.values())
"""as a database takes them"""


def poison(engine: Engine, look: Callable[[Session], object]) -> Session:
    """A session in which keys, values, savepoints, SQL, comments in it and errors are hostile; some sent, some not.

    :param look: called with the session before anything happens, so that all of it is recorded.
    """
    Base.metadata.create_all(engine)
    session = Session(engine)
    look(session)
    session.add_all([Shelf(name=each, note=each, books=[Book(title=each)]) for each in STORABLE])
    session.commit()
    every = session.query(Shelf).all()
    for shelf in every:
        assert len(shelf.books) == 1
        shelf.note = f"{shelf.note}!"
    session.flush()
    for each in HOSTILE.values():
        with suppress(NbsessionError, UnicodeError, ValueError, TypeError):
            session.execute(text("SELECT :value AS said -- " + each.replace(":", "")), {"value": each})
        with suppress(NbsessionError, UnicodeError, ValueError, TypeError):
            session.begin_nested(name=each)
    every[0].note = "changed " + STORABLE[0]
    session.delete(every[1])
    session.add(Shelf(name="new " + STORABLE[2], note=STORABLE[3]))
    return session
