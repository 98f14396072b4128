"""``%session``: the magic command, its completion, its life in a shell. Knows IPython; what verbs do is in verbs.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from nbsession.exc import ArgumentError, SavepointError
from nbsession.mapping.declaring.redefining import redefinitions
from nbsession.notebook.commands import checkpoints, remarks, showing, verbs
from nbsession.notebook.commands.after_cells import cell_ended
from nbsession.notebook.commands.arguments import BadUsage, Call, did_you_mean, overview, parse
from nbsession.notebook.commands.completion import completions
from nbsession.notebook.commands.current import NoOpenSession, current, current_session
from nbsession.notebook.commands.fresh import forget_fresh, run_fresh
from nbsession.notebook.commands.looking import guard, unguard
from nbsession.notebook.commands.own_sql import run_sql
from nbsession.notebook.commands.redefined import Redefined
from nbsession.notebook.commands.reflected import reflect, url_of
from nbsession.notebook.commands.roll import session_called
from nbsession.notebook.commands.sandbox import sandbox_of
from nbsession.notebook.commands.shell_cells import CELL_USAGE, forget_outputs, run_inside
from nbsession.notebook.commands.survivors import survivors
from nbsession.notebook.page import actions
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.labels import labels
from nbsession.notebook.recording.newcomers import newcomers
from nbsession.notebook.recording.recorder import recorded_sessions, recorder_of, stop_listening
from nbsession.notebook.recording.sources import NotForThisEngine, is_watched
from nbsession.notebook.views.relationship_graph import DEEDS

NAME = re.compile(r"[^\W\d]\w*")


@magics_class
class SessionMagics(Magics):
    """The magics that ``%load_ext nbsession`` brings."""

    shell: Any

    @no_var_expand
    @line_magic
    def session(self, line: str) -> None:
        """Works with the notebook's session."""
        try:
            call = parse(line)
            if call.wants_help:
                print(call.verb.help)
            else:
                self._run(call)
        except (BadUsage, NoOpenSession, NotForThisEngine, _NoSavepoint) as error:
            raise UsageError(f"%session: {error}") from None

    @no_var_expand
    @cell_magic("session")  # type: ignore[arg-type]  # IPython's types say nothing of what it returns
    def session_cell(self, line: str, cell: str) -> None:
        """Runs the cell as SQL (``sql``), from where its first run began (``fresh``), or inside a transaction (``--commit``) or
        savepoint (``--savepoint``).
        """
        try:
            self._run_cell(line.split(), cell)
        except (BadUsage, NoOpenSession, NotForThisEngine) as error:
            raise UsageError(f"%%session: {error}") from None

    session.__doc__ = (
        f"Works with the notebook's session.\n\n{overview()}\n\n%session VERB --help says more of one verb."
    )

    def _run(self, call: Call) -> None:
        special: dict[str, Callable[[Call], Any]] = {
            "open": self._open,
            "watch": self._watch,
            "state": self._one,
            "why": self._one,
            "graph": self._graph,
            "checkpoint": self._switch,
            "receipt": self._switch,
            "undo": self._undo,
            "forget": self._forget,
            "close": self._close,
        }
        answer = (call.verb.run or special.get(call.verb.name, self._plain))(call)
        if isinstance(answer, str):
            print(answer)
        elif answer is not None:
            display(answer)  # type: ignore[no-untyped-call]  # and not returned: Out would hold it

    def _run_cell(self, words: list[str], cell: str) -> None:
        if words == ["sql"]:
            display(run_sql(current_session(), cell, self.shell.user_ns))  # type: ignore[no-untyped-call]
        elif words == ["fresh"]:
            run_fresh(self.shell, current_session(), cell)
        elif words in (["--commit"], ["--savepoint"]):
            run_inside(self.shell, current_session(), cell, savepoint=words == ["--savepoint"])
        else:
            raise BadUsage(f"{' '.join(words) or 'nothing'!r} is not known here: {CELL_USAGE}")

    # ── verbs that need more than their function ─────────────────────────────────────────────────────────────────────
    def _plain(self, call: Call) -> Any:
        """A verb that is its function."""
        options: dict[str, Any] = dict(call.options)
        function = getattr(verbs, call.verb.name, None) or getattr(showing, call.verb.name)
        if call.verb.takes_objects:
            return function(*(self._objects(call.argument) if call.argument else ()))
        if call.verb.argument == "[NAME]":
            return self._named(function, call)
        if call.verb.argument:
            return function(call.argument or None)
        return function(**options)

    def _named(self, function: Callable[[str | None], Any], call: Call) -> Any:
        if call.verb.name == "savepoint" and call.argument and not NAME.fullmatch(call.argument):
            raise BadUsage(f"{call.argument!r} is no name for a savepoint: letters, digits and _")
        if call.verb.name != "savepoint":
            session = current_session()
            names = verbs.savepoint_names(session)
            if call.argument and call.argument not in names:
                known = f" Open: {', '.join(names)}" if names else " None is open."
                raise _NoSavepoint(f"no savepoint {call.argument!r}{did_you_mean(call.argument, names)}{known}")
            if call.verb.name == "release" and not names:
                raise _NoSavepoint("no savepoint is open: %session savepoint NAME sets one")
        return function(call.argument or None)

    def _open(self, call: Call) -> Any:
        name = str(call.options.get("name", "session"))
        if not NAME.fullmatch(name):
            raise BadUsage(f"{name!r} is no name for a variable")
        url = url_of(self.shell.var_expand(call.argument))
        earlier = self.shell.user_ns.get(name)
        if earlier is not None and earlier is current.opened:
            print(f"the session opened before as {name} is closed:")
            print(verbs.close(earlier))
        in_sandbox = bool(call.options.get("sandbox"))
        try:
            session = verbs.open(url, name=name, echo=bool(call.options.get("echo")), sandbox=in_sandbox)
        except ArgumentError as error:
            if in_sandbox:
                raise BadUsage(str(error)) from None
            raise
        copy = sandbox_of(session)
        if copy is not None:
            print(copy.note)
        before = survivors.told(session)
        if before:
            print(before)
        self.shell.push({name: session, "engine": session.bind})
        if call.options.get("reflect"):
            found = reflect(session)
            self.shell.push(found.put_into(self.shell.user_ns))
            print(found.told())
        return verbs.show(session)

    def _watch(self, call: Call) -> Any:
        session = self._value(call.argument)
        try:
            print(verbs.watch(session, name=call.argument if NAME.fullmatch(call.argument) else "session"))
        except ArgumentError as error:
            raise BadUsage(str(error)) from None
        return verbs.show()

    def _one(self, call: Call) -> Any:
        """A verb that shows one thing: what the expression gives, a list too."""
        value = self._value(call.argument)
        if call.verb.name == "state" and isinstance(value, (tuple, list)):
            if len(value) != 1:
                raise BadUsage("state shows one object: %session state EXPR")
            value = value[0]
        return getattr(showing, call.verb.name)(value)

    def _graph(self, call: Call) -> Any:
        deed, _, rest = call.argument.partition(" ")
        if deed not in DEEDS or not rest.strip():
            deed, rest = "delete", call.argument
        if not rest:
            return showing.graph()
        objects = self._objects(rest)
        if len(objects) != 1:
            raise BadUsage("graph tries one object: %session graph [DEED] EXPR")
        return showing.graph(objects[0], deed)

    def _switch(self, call: Call) -> Any:
        return getattr(verbs, call.verb.name)(call.argument == "on")

    def _undo(self, call: Call) -> Any:
        return verbs.undo("cell" if call.argument == "cell" else int(call.argument or 1))

    def _forget(self, call: Call) -> Any:
        return forget_outputs(self.shell)

    def _close(self, call: Call) -> Any:
        session = session_called(call.argument) if call.argument else current_session()
        if session is None:
            raise BadUsage(f"no session {call.argument!r}: %session list shows them")
        engine = current.engine if session is current.opened else None
        if is_watched(session):
            return verbs.close(session)  # its variable is not ours
        answer = verbs.close(session)
        for name, value in tuple(self.shell.user_ns.items()):
            if not name.startswith("_") and (value is session or (engine is not None and value is engine)):
                self.shell.del_var(name, by_name=True)
        return answer

    def _objects(self, expression: str) -> tuple[Any, ...]:
        """What an expression gives: one object, or several from a tuple or list."""
        value = self._value(expression)
        return tuple(value) if isinstance(value, (tuple, list)) else (value,)

    def _value(self, expression: str) -> Any:
        try:
            code = compile(expression, "<%session>", "eval")
            return eval(code, self.shell.user_global_ns, self.shell.user_ns)
        except SyntaxError:
            raise BadUsage(f"not a Python expression: {expression}") from None
        except NameError as error:
            name = error.name or ""
            known = [each for each in self.shell.user_ns if not each.startswith("_")]
            raise BadUsage(f"no variable {name!r}{did_you_mean(name, known)}") from None


class _NoSavepoint(SavepointError):
    """A savepoint's name that is not known: one line, no traceback."""


# ── life in a shell ──────────────────────────────────────────────────────────────────────────────────────────────────
_loaded: list[tuple[Any, SessionMagics]] = []


def load(shell: Any) -> None:
    """``%load_ext nbsession``; again: does nothing."""
    if any(each is shell for each, _ in _loaded):
        return
    magics = SessionMagics(shell)
    shell.register_magics(magics)
    clock.attach(shell)
    clock.on_end.append(_after_cell)
    remarks.begin()
    newcomers.open()
    actions.funnel.attach()
    shell.Completer.custom_matchers.append(_matcher)
    guard(shell)
    redefinitions.watch(Redefined())
    _loaded.append((shell, magics))


def unload(shell: Any) -> None:
    """``%unload_ext nbsession``: the shell is as it was; sessions stay open."""
    for each, magics in tuple(_loaded):
        if each is not shell:
            continue
        unguard(shell)
        redefinitions.watch(None)
        shell.Completer.custom_matchers.remove(_matcher)
        for kind in ("line", "cell"):
            shell.magics_manager.magics[kind].pop("session", None)
        shell.magics_manager.registry.pop("SessionMagics", None)
        if magics in shell.configurables:
            shell.configurables.remove(magics)
        clock.on_end.remove(_after_cell)
        remarks.end()
        forget_fresh()
        checkpoints.forget_all()
        clock.detach()
        for session in recorded_sessions():
            if not recorder_of(session).watched:
                stop_listening(session)
        if not recorded_sessions():
            newcomers.close()
            labels.clear()
        actions.funnel.detach()
        _loaded.remove((each, magics))


_after_cell = cell_ended(display)


def _matcher(context: Any) -> dict[str, Any]:
    from IPython.core.completer import SimpleCompletion

    line = context.line_with_cursor[: context.cursor_position]
    found = None
    if line.lstrip().startswith("%session"):
        try:
            savepoints = verbs.savepoint_names(current_session())
        except NoOpenSession:
            savepoints = []
        found = completions(line, clock.namespace, savepoints)
    if found is None:
        return {"completions": [], "suppress": False}
    fragment, candidates = found
    return {
        "completions": [SimpleCompletion(each.text, type=each.kind) for each in candidates],
        "matched_fragment": fragment,
        "suppress": True,
        "ordered": True,
    }


_matcher.matcher_api_version = 2  # type: ignore[attr-defined]
_matcher.matcher_identifier = "nbsession"  # type: ignore[attr-defined]
