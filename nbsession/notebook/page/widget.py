"""The live dashboard as a widget: one synced snapshot, then patches. Knows recorder and page; touches no session.

The page is given whole snapshots (the ``snapshot`` trait) and patches (messages), and sends what a person asks for; see
:mod:`nbsession.notebook.recording.snapshots` for the format and :mod:`nbsession.notebook.page.actions` for the way in. Each patch
names in ``since`` the revision that the page must have seen, so that a page that missed one asks for everything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any
from weakref import finalize, ref

import anywidget
import traitlets
from IPython.core.getipython import get_ipython
from ipywidgets import Layout

from nbsession.notebook.page.actions import funnel
from nbsession.notebook.page.assets import asset_path, joined_module
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorder_of
from nbsession.notebook.recording.snapshots import Snapshot, merged
from nbsession.notebook.recording.sources import session_in
from nbsession.notebook.views import event_timeline, flush_plan, identity_map, relationship_graph, sql_log, state_board
from nbsession.notebook.views.view import View

VIEWS = ("board", "card", "plan", "sql", "timeline", "changes", "outside", "identity", "graph")
"""the tabs"""

_STATIC: Mapping[str, Callable[[Snapshot], View]] = {
    "plan": flush_plan.view,
    "sql": sql_log.view,
    "timeline": event_timeline.view,
    "identity": identity_map.view,
    "graph": relationship_graph.view,
}

if sys.platform == "emscripten":  # JupyterLite: None would reach the page as JavaScript's undefined, and be left out
    from pyodide.ffi import jsnull

    def _for_the_page(value: Any, _widget: object = None) -> Any:
        if isinstance(value, Mapping):
            return {key: _for_the_page(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [_for_the_page(part) for part in value]
        return jsnull if value is None else value

else:

    def _for_the_page(value: Any, _widget: object = None) -> Any:
        return value


class Dashboard(anywidget.AnyWidget):
    """Shows a session live: its objects' states, the next flush, the SQL sent, the transaction; its verbs as buttons.

    It holds the session weakly, and may be shown several times, inside a ``VBox`` too. :meth:`close` ends it.

    :param session: a Session, or a ``scoped_session``.
    :param view: the tab it opens on: one of :data:`VIEWS`, as ``'board'`` or ``'timeline'``.
    :raises ArgumentError: it is no session.
    :raises TraitError: there is no such tab.

    :ivar docked: is it shown beside the code, where it stays in sight, instead of in an output? May be set.
    :ivar snapshot: what the page has been told, as plain data; to be read, not changed.

    >>> Dashboard(session, view="plan")                                                            # doctest: +SKIP
    """

    _esm = joined_module()
    _css = asset_path("dashboard.css").read_text(encoding="utf-8")  # as a Path it would hold every dashboard for ever

    snapshot = traitlets.Dict().tag(sync=True, to_json=_for_the_page)
    view = traitlets.Enum(VIEWS, "board").tag(sync=True)
    docked = traitlets.Bool(False).tag(sync=True)

    def __init__(self, session: Any, view: str = "board", **traits: Any) -> None:
        _follow_notebook()
        session = session_in(session)
        self._recorder = recorder_of(session)
        snapshot = self._recorder.snapshot().as_json()
        traits.setdefault("layout", Layout(width="100%"))  # fills a line, or takes its share of an HBox
        super().__init__(snapshot=snapshot, view=view, **traits)
        self._stop: Callable[[], None] = self._recorder.subscribe(self._tell)
        self.on_msg(self._hear)
        here = ref(self)
        self._farewell = finalize(session, lambda: _say_gone(here()))
        self._farewell.atexit = False

    def close(self) -> None:
        """Takes the dashboard off the page and stops listening to the session."""
        if "_farewell" in self.__dict__:
            self._stop()
            self._farewell.detach()
            self.on_msg(self._hear, remove=True)
        super().close()

    # ── to the page ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _tell(self, patch: Mapping[str, Any]) -> None:
        """Sends a patch, and keeps the trait in step without sending it: a page loaded again is given the trait."""
        since = self.snapshot["revision"]
        if patch["revision"] <= since:
            return
        self.snapshot.update(merged(self.snapshot, patch))
        self.send(_for_the_page({**patch, "since": since}))

    def _tell_all(self, known: int | None) -> None:
        """Sends the whole snapshot to a page that has missed patches: one that knows an older revision than was told."""
        if known is not None and known >= self.snapshot["revision"]:
            return
        snapshot = self._recorder.snapshot().as_json()
        self.snapshot.clear()
        self.snapshot.update(snapshot)
        self.send_state("snapshot")  # setting the trait would send nothing: here it is in step with every patch

    # ── from the page ────────────────────────────────────────────────────────────────────────────────────────────────
    def _hear(self, _widget: object, message: Any, _buffers: object) -> None:
        """Hands what the page asks for to the funnel. May run on another thread than the session's: touches nothing."""
        if not isinstance(message, dict):
            return

        def reply(answer: dict[str, Any]) -> None:
            if message.get("kind") == "show" and message.get("token") is None:
                self._tell_all(message.get("revision"))
            self.send(_for_the_page(answer))

        funnel.submit(self._recorder, message, reply)

    # ── where there is no page ───────────────────────────────────────────────────────────────────────────────────────
    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The widget, and the view as text and HTML for GitHub, nbconvert and whoever else runs no widget."""
        shown = super()._repr_mimebundle_(**options)
        if shown is None:
            return None
        data, metadata = shown
        static = _STATIC.get(self.view, state_board.view)(self._recorder.snapshot())
        return {**data, "text/plain": static.text, "text/html": static.html}, metadata


def _follow_notebook() -> None:
    """Does what loading the extension does for a dashboard: cells are numbered, and buttons wait for their end."""
    shell = get_ipython()
    if shell is not None:
        clock.attach(shell)
    funnel.attach()


def _say_gone(dashboard: Dashboard | None) -> None:
    """The session was garbage-collected: the last snapshot stays, and says so."""
    if dashboard is not None:
        told = dashboard.snapshot
        gone = {**told["session"], "open": False}
        dashboard._tell({"kind": "patch", "revision": told["revision"] + 1, "session": gone})
