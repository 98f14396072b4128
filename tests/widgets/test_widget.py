"""The widget's Python side: what it sends, what it holds, what it shows where no widget runs."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from traitlets import TraitError

from nbsession import DeclarativeBase, Engine, Mapped, Session, mapped_column
from nbsession.notebook.page import actions
from nbsession.notebook.page.widget import Dashboard
from nbsession.notebook.recording.recorder import recorder_of, stop_listening
from tests.widgets.conftest import Show
from tests.widgets.instrument import fixture


class Base(DeclarativeBase):
    pass


class Member(Base):
    __tablename__ = "member"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    Base.metadata.create_all(engine)
    session = Session(engine)
    yield session
    stop_listening(session)
    session.close()


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What dashboards send to their pages."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(Dashboard, "send", lambda self, content, buffers=None: messages.append(content))
    return messages


def test_bundle_has_widget_text_and_html(session: Session) -> None:
    session.add(Member(name="<b>Ada</b>"))
    shown = Dashboard(session)._repr_mimebundle_()
    assert shown is not None
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
    assert "Member+" in shown[0]["text/plain"] and "object at 0x" not in shown[0]["text/plain"]
    assert "Member+" in shown[0]["text/html"] and "<b>Ada" not in shown[0]["text/html"]


@pytest.mark.parametrize("view", ["board", "card", "plan", "sql"])
def test_every_view_has_its_text(session: Session, view: str) -> None:
    shown = Dashboard(session, view=view)._repr_mimebundle_()
    assert shown is not None and shown[0]["text/plain"]


def test_unknown_view_is_refused(session: Session) -> None:
    with pytest.raises(TraitError, match="nonsense"):
        Dashboard(session, view="nonsense")


def test_patches_name_the_revision_before_and_keep_the_trait_in_step(
    session: Session, sent: list[dict[str, Any]]
) -> None:
    dashboard = Dashboard(session)
    seen = dashboard.snapshot["revision"]
    ada = Member(name="Ada")
    session.add(ada)
    recorder_of(session).snapshot()
    session.flush()
    ada.name = "Ada B."
    recorder_of(session).snapshot()
    assert len(sent) >= 2
    for patch in sent:
        assert patch["kind"] == "patch" and patch["since"] == seen and patch["revision"] > seen
        seen = patch["revision"]
    now = recorder_of(session).snapshot().as_json()
    assert {**dashboard.snapshot, "revision": 0} == {**now, "revision": 0}
    assert set(dashboard.get_state()["snapshot"]) == set(now)


def test_session_is_held_weakly_and_its_end_is_told(engine: Engine, sent: list[dict[str, Any]]) -> None:
    Base.metadata.create_all(engine)
    session = Session(engine)
    dashboard = Dashboard(session)
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None
    assert sent[-1]["session"]["open"] is False
    assert dashboard.snapshot["session"]["open"] is False
    assert dashboard._repr_mimebundle_() is not None


def test_close_ends_listening_and_may_be_called_again(session: Session, sent: list[dict[str, Any]]) -> None:
    first, second = Dashboard(session), Dashboard(session)
    first.close()
    first.close()
    session.add(Member(name="Ada"))
    recorder_of(session).snapshot()
    told = len(sent)
    assert told == 1, "the second is still told"
    second.close()
    session.flush()
    recorder_of(session).snapshot()
    assert len(sent) == told
    dashboard = weakref.ref(second)
    del first, second
    gc.collect()
    assert dashboard() is None


def test_message_from_the_page_goes_to_the_funnel_and_nowhere_else(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted: list[Any] = []
    monkeypatch.setattr(actions.funnel, "submit", lambda recorder, message, reply: submitted.append(message))
    dashboard = Dashboard(session)
    dashboard._handle_custom_msg({"kind": "action", "verb": "flush"}, [])
    dashboard._handle_custom_msg("not a message", [])
    assert submitted == [{"kind": "action", "verb": "flush"}]


def test_page_that_missed_a_patch_is_given_everything(
    session: Session, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_once(recorder: Any, message: Any, reply: Callable[[Any], None]) -> None:
        reply(actions.carry_out(recorder, message))

    monkeypatch.setattr(actions.funnel, "submit", at_once)
    given: list[Any] = []
    dashboard = Dashboard(session)
    monkeypatch.setattr(dashboard, "send_state", lambda key: given.append((key, dict(dashboard.snapshot))))
    first = dashboard.snapshot["revision"]
    session.add(Member(name="Ada"))
    dashboard._recorder.snapshot()
    dashboard._handle_custom_msg({"kind": "show", "view": "board", "revision": first}, [])
    ((key, snapshot),) = given
    assert key == "snapshot" and snapshot["revision"] > first and snapshot["lanes"][1]["count"] == 1
    assert sent[-1]["kind"] == "answer"
    dashboard._handle_custom_msg({"kind": "show", "view": "board", "revision": snapshot["revision"]}, [])
    assert len(given) == 1, "a page that knows the latest revision is told nothing"
    dashboard._handle_custom_msg({"kind": "action", "verb": "no such verb"}, [])
    assert sent[-1]["ok"] is False and "no such verb" in sent[-1]["text"]


def test_page_and_kernel_merge_patches_alike(
    show: Show, session: Session, monkeypatch: pytest.MonkeyPatch, sent: list[dict[str, Any]]
) -> None:
    busy = fixture("busy")
    dashboard = Dashboard(session)
    dashboard.snapshot = fixture("busy")
    page = show("busy")
    lanes = [{**lane, "tokens": lane["tokens"][1:]} for lane in busy["lanes"]]
    entry = busy["log"][0]
    patches: list[dict[str, Any]] = [
        {"running": True, "as_of": {"cell": "In[8]", "event": 30}},
        {"cards": {"12": {**busy["cards"]["12"], "label": "Tool#12 new"}, "999": busy["cards"]["12"]}},
        {"lanes": lanes},
        {"log": [{**entry, "n": n} for n in (41, 36, *range(42, 700))], "log_total": 700},
        {"moves": [], "plan": {"steps": [], "skipped": [], "notes": ["none"]}},
    ]
    for revision, patch in enumerate(patches, 100):
        dashboard._tell({"kind": "patch", "revision": revision, **patch})
        page.send(sent[-1])
        assert page.page.evaluate("() => nbs.model.get('snapshot')") == dashboard.snapshot, patch.keys()


def test_in_a_shadow_tree_the_dashboard_is_not_docked(show: Show) -> None:
    """Outside it no style sheet of the widget holds: marimo shows each output in a tree of its own."""
    shown = show("empty")
    shown.page.evaluate("""async () => {
      const host = document.createElement("div");
      document.body.append(host);
      nbs.model.set("docked", true);
      await nbs.render(host.attachShadow({ mode: "open" }));
    }""")
    shown.settle()
    shown.page.get_by_text("the dashboard cannot stay beside the code").wait_for()
    assert shown.page.evaluate("() => document.querySelectorAll('.nbs-dock .nbs').length") == 1, "the other one is"


def test_page_asks_for_what_was_told_before_it_listened(show: Show) -> None:
    assert show("busy").greeting == {"kind": "show", "view": "board", "revision": fixture("busy")["revision"]}
