"""What an open dashboard costs: a flush with and without one, a storm of events, and the time from an event to the paint.

The first two need no browser: a watcher does with each patch what the widget does. CPU time of the whole process is
measured, so that the thread that sends counts too. The last runs a notebook in JupyterLab in Chromium.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nbsession import DeclarativeBase, Mapped, Session, create_engine, mapped_column
from nbsession.notebook.recording.cells import clock
from nbsession.notebook.recording.recorder import recorder_of, stop_listening
from nbsession.notebook.recording.snapshots import merged

QUIET = 1.5
"""seconds without a patch after which nothing more is to be told"""
FORGOTTEN = 64 << 20
"""bytes that are written to empty the processor's caches"""
STORM = 10_000
"""events a second"""
CELL = """
import time
from nbsession import DeclarativeBase, Mapped, Session, create_engine, mapped_column
from nbsession.notebook.page.widget import Dashboard

class Base(DeclarativeBase):
    pass

class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
session = Session(engine)
Dashboard(session)
"""
STEPS = """
items, when = [Item(name=str(n)) for n in range({events})], []
time.sleep(1)
for item in items:
    session.add(item)
    when.append(time.time() * 1000)
    time.sleep(0.15)
print(when)
"""
# The moment after a frame in which the count of pending objects was new: what a rAF callback queues runs after the paint.
WATCH = """() => {
  const count = document.querySelector(".nbs-lane[data-state=pending] .nbs-count");
  window.painted = {};
  new MutationObserver(() => {
    const shown = count.textContent;
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => { window.painted[shown] ??= performance.timeOrigin + performance.now(); };
      channel.port2.postMessage(null);
    });
  }).observe(count, { childList: true, characterData: true, subtree: true });
}"""


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    price: Mapped[int]
    note: Mapped[str | None]


class Page:
    """What a widget does with patches, and how many and how large they were.

    :ivar shown: the snapshot that the page has.
    """

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.sizes: list[int] = []
        self.last = 0.0

    def __call__(self, patch: dict[str, Any]) -> None:
        self.shown.update(merged(self.shown, patch))
        self.sizes.append(len(json.dumps(patch)))
        self.last = time.perf_counter()

    def wait_until_quiet(self) -> None:
        """Until everything that happened before has been told."""
        self.last = time.perf_counter()
        while time.perf_counter() - self.last < QUIET:
            time.sleep(0.05)


@contextmanager
def watched(on: bool) -> Iterator[tuple[Session, Page]]:
    """A session on an empty database, with a dashboard or without."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    session, page = Session(engine), Page()
    if on:
        recorder = recorder_of(session)
        page.shown = dict(recorder.snapshot().as_json())
        recorder.subscribe(page)
    yield session, page
    if on:
        stop_listening(session)
    session.close()
    engine.dispose()


def flushing(n: int, rounds: int) -> dict[str, float]:
    """CPU time of a flush, as a ratio with and without a dashboard: of INSERTs and of UPDATEs. Each is a cell of its own."""
    spent: dict[tuple[str, bool], list[float]] = {}
    for number in range(rounds):
        for on in (False, True) if number % 2 else (True, False):
            with watched(on) as (session, page):
                with cell():
                    items = [Item(name=f"i{number}", price=number) for number in range(n)]
                    session.add_all(items)
                page.wait_until_quiet()  # without a dashboard too: a pause has its cost
                spent.setdefault(("insert", on), []).append(_cpu(session.flush))
                with cell():
                    for item in items:
                        item.price += 1
                page.wait_until_quiet()
                spent.setdefault(("update", on), []).append(_cpu(session.flush))
    median = {which: statistics.median(times) for which, times in spent.items()}
    return {work: median[work, True] / median[work, False] for work in ("insert", "update")}


@contextmanager
def cell() -> Iterator[None]:
    """What is done inside is a cell of a notebook: the recorder is told of its begin and its end."""
    clock.start(None)
    try:
        yield
    finally:
        clock.end(None)


def _cpu(act: Callable[[], object]) -> float:
    """CPU seconds of what is done, in a cell of its own.

    The garbage collector has just looked at all objects. Where there are few it leaves the session's in the processor's
    caches, and where a dashboard remembers thousands of events it does not: between two cells nobody finds them there.
    """
    gc.collect()
    bytearray(FORGOTTEN).replace(b"\0", b"x")
    with cell():
        began = time.process_time()
        act()
        return time.process_time() - began


def storm(seconds: float) -> dict[str, float]:
    """Attributes set :data:`STORM` times a second while a dashboard is open: messages and bytes a second, and CPU."""
    with watched(True) as (session, page):
        item = Item(name="one", price=0)
        session.add(item)
        session.flush()
        page.wait_until_quiet()
        page.sizes.clear()
        began, cpu, done = time.perf_counter(), time.process_time(), 0
        while (passed := time.perf_counter() - began) < seconds:
            for _ in range(int(STORM * passed) - done):
                item.price += 1
                done += 1
            time.sleep(0.005)
        cpu = time.process_time() - cpu
        sent = len(page.sizes)
        page.wait_until_quiet()
        (card,) = page.shown["cards"].values()
        final = next(each["current"] for each in card["attributes"] if each["name"] == "price")
        assert final == str(item.price) == str(done), "the page does not show the end"
        return {
            "events": done / seconds,
            "messages": sent / seconds,
            "kilobytes": sum(page.sizes) / 1000 / seconds,
            "cpu": cpu / seconds,
        }


def painting(events: int) -> dict[str, float]:
    """Milliseconds from an event in the kernel to the paint in Chromium, in JupyterLab, on this machine."""
    from playwright.sync_api import sync_playwright

    from tests.browser.chromium import launch
    from tests.browser.lab import Lab, Notebook, write_notebook

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        lab = Lab(Path(folder))
        browser = launch(playwright)
        try:
            lab.wait()
            write_notebook(lab.folder / "paint.ipynb", [CELL, STEPS.format(events=events)])
            notebook = Notebook(browser.new_page(), lab, "paint.ipynb")
            notebook.run(0)
            notebook.page.locator(".nbs-lane[data-state=pending] .nbs-count").wait_for()
            notebook.page.evaluate(WATCH)
            notebook.run(1)
            when = json.loads(notebook.text(1))
            painted = notebook.page.evaluate("() => window.painted")
        finally:
            browser.close()
            lab.stop()
    lags = sorted(painted[str(number)] - at for number, at in enumerate(when, 1) if str(number) in painted)
    return {
        "seen": len(lags) / len(when),
        "median": statistics.median(lags),
        "95 %": lags[int(0.95 * len(lags))],
        "longest": lags[-1],
    }


def run(n: int, *, rounds: int, events: int) -> dict[str, Any]:
    """All three.

    :return: a JSON-able dict.
    """
    works: dict[str, Callable[[], dict[str, float]]] = {
        "flush": lambda: flushing(n, rounds),
        "storm": lambda: storm(3.0),
        "paint": lambda: painting(events),
    }
    found: dict[str, Any] = {"n": n}
    for name, measure in works.items():
        print(f"  dashboard: {name}", file=sys.stderr, flush=True)
        found[name] = measure()
    return found
