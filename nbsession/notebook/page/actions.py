"""The one way in for what a person does on the page: buttons and requests. Knows threads and the verbs; draws nothing.

A message from the page may arrive on another thread than the cells' (ipykernel 7 runs widgets' messages in subshells),
where SQLite refuses the session's connection and DuckDB races. So every message is handed to the loop of the main
thread, waits there for the end of a running cell, and is then carried out; what follows is recorded with the button as
its cause.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from nbsession.events import tokens
from nbsession.notebook.commands import verbs
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import Recorder
from nbsession.notebook.reporting.card_builder import label_of
from nbsession.notebook.reporting.cascade_builder import cascade_of
from nbsession.notebook.reporting.comparing import compare
from nbsession.notebook.reporting.waiting_builder import waiting_of

logger = logging.getLogger("nbsession.notebook")

Reply = Callable[[dict[str, Any]], None]


class Funnel:
    """Carries messages from any thread to the main one, between cells."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[Callable[[], None]] = []

    def attach(self) -> None:
        """Keeps the running loop, if there is one. To be called on the main thread; again: does no harm."""
        with contextlib.suppress(RuntimeError):  # no loop: a terminal, a script
            self._loop = asyncio.get_running_loop()
        if self._cell_ended not in clock.on_end:
            clock.on_end.append(self._cell_ended)

    def detach(self) -> None:
        """Forgets the loop; what waits is dropped."""
        self._loop = None
        self._waiting.clear()
        if self._cell_ended in clock.on_end:
            clock.on_end.remove(self._cell_ended)

    def submit(self, recorder: Recorder, message: Mapping[str, Any], reply: Reply) -> None:
        """Carries out a message from the page as soon as no cell runs, on the main thread.

        :param recorder: of the session that the page shows.
        :param message: what the page sent, as ``{"kind": "action", "verb": "flush"}``.
        :param reply: called with the answer, on the main thread.
        """

        def job() -> None:
            reply(carry_out(recorder, message))

        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._arrive, job)
        elif threading.current_thread() is threading.main_thread():
            self._arrive(job)
        else:
            reply(_answer(message, False, "not carried out: load the extension first, with %load_ext nbsession"))

    def _arrive(self, job: Callable[[], None]) -> None:
        if clock.running:
            self._waiting.append(job)
        else:
            self._run(job)

    def _cell_ended(self, presumed: str | None, actual: str | None) -> None:
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            self._run(job)

    def _run(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:
            logger.exception("an answer could not be given")


funnel = Funnel()


def carry_out(recorder: Recorder, message: Mapping[str, Any]) -> dict[str, Any]:
    """Carries out a message from the page, here and now.

    :return: ``{"kind": "answer", "verb": ..., "ok": ..., "text": ...}``; for ``show`` with a token, a ``card`` too.
    """
    kind = message.get("kind")
    session = recorder.session
    if session is None:
        return _answer(message, False, "the session is closed: %session open begins a new one")
    try:
        if kind == "action":
            return _act(recorder, session, message)
        if kind == "plan":
            recorder.snapshot(with_plan=True)
            return _answer(message, True, "")
        if kind == "show":
            return _show(recorder, message)
        if kind == "record":
            recorder.snapshot()
            return {"kind": "record", **recorder.record.data()}
        if kind == "report":
            return _report(recorder, session, message)
    except Exception as error:
        recorder.snapshot()
        return _answer(message, False, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
    return _answer(message, False, f"unknown message {kind!r}")


def _act(recorder: Recorder, session: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    verb, name = str(message.get("verb")), message.get("name") or None
    obj = None
    if verb in OBJECT_VERBS:
        obj = tokens.object(int(message.get("token", 0)))
        if obj is None:
            return _answer(message, False, "the object is gone: nothing held it any more")
    code = _code(verb, name, label_of(obj, recorder.journal) if obj is not None else "")
    with recorder.acting(f"button: {code}"):
        if verb in OBJECT_VERBS:
            text = OBJECT_VERBS[verb](session, obj)
        elif verb in SESSION_VERBS:
            text = SESSION_VERBS[verb](session, name)
        else:
            return _answer(message, False, f"unknown verb {verb!r}")
    recorder.snapshot()
    return _answer(message, True, text or code)


def _show(recorder: Recorder, message: Mapping[str, Any]) -> dict[str, Any]:
    answer = _answer(message, True, "")
    if message.get("token") is not None:
        obj = tokens.object(int(message["token"]))
        if obj is None:
            return _answer(message, False, "the object is gone: nothing held it any more")
        answer["card"] = recorder.card(obj)
    if message.get("view") == "plan":
        recorder.snapshot(with_plan=True)
    return answer


def _report(recorder: Recorder, session: Any, message: Mapping[str, Any]) -> dict[str, Any]:
    """What no snapshot holds: what others see, what changed since BEGIN, what a deed would do."""
    view = str(message.get("view"))
    report: dict[str, Any] = {"kind": "report", "view": view, "as_of": recorder.snapshot().as_of}
    if view in ("outside", "changes"):
        report["comparison"] = compare(session, recorder.journal)
        report["waiting"] = waiting_of(session, recorder.journal)
        return report
    if view == "graph":
        obj = tokens.object(int(message.get("token", 0)))
        if obj is None:
            return _answer(message, False, "the object is gone: nothing held it any more")
        report["cascade"] = cascade_of(session, str(message.get("deed", "delete")), obj, recorder.journal)
        return report
    return _answer(message, False, f"unknown view {view!r}")


def _code(verb: str, name: Any, label: str) -> str:
    """The code that a button stands for."""
    if verb in OBJECT_VERBS:
        return f"session.{verb}({label})"
    if verb == "savepoint":
        return f"session.begin_nested(name={name!r})" if name else "session.begin_nested()"
    if verb in ("rollback to", "release"):
        return f"%session {'rollback' if verb == 'rollback to' else verb} {name or ''}".rstrip()
    return f"session.{verb}()"


def _rollback_to(session: Any, name: Any) -> str:
    if not name:
        raise ValueError("no savepoint was named")
    return verbs.rollback(name, session)


SESSION_VERBS: Mapping[str, Callable[[Any, Any], str]] = {
    "flush": lambda session, name: verbs.flush(session),
    "commit": lambda session, name: verbs.commit(session),
    "rollback": lambda session, name: verbs.rollback(None, session),
    "rollback to": _rollback_to,
    "savepoint": lambda session, name: verbs.savepoint(name, session),
    "release": lambda session, name: verbs.release(name, session),
}
OBJECT_VERBS: Mapping[str, Callable[[Any, Any], str]] = {
    "add": lambda session, obj: verbs.add(obj, session=session),
    "delete": lambda session, obj: verbs.delete(obj, session=session),
    "expunge": lambda session, obj: verbs.expunge(obj, session=session),
    "refresh": lambda session, obj: str(session.refresh(obj) or ""),
    "expire": lambda session, obj: str(session.expire(obj) or ""),
}


def _answer(message: Mapping[str, Any], ok: bool, text: str) -> dict[str, Any]:
    plain = str(text)  # an Answer is a str for json, and not for marimo's encoder
    return {"kind": "answer", "verb": message.get("verb") or message.get("kind"), "ok": ok, "text": plain}
