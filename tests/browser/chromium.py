"""Finds a Chromium that really starts, or fetches one. Knows nothing of notebooks.

Run as ``python -m tests.browser.chromium`` it names what it found, or says in one line that there is none, and fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "microsoft-edge", "msedge")
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]


class NoBrowser(Exception):
    """There is no browser, and none can be had."""


def launch(playwright: Playwright) -> Browser:
    """Starts the browser that :func:`provide` settled on, without a window."""
    return playwright.chromium.launch(headless=True, args=FLAGS, **provide())


@cache
def provide() -> dict[str, Any]:
    """The launch options of a browser that starts; fetched or installed if need be, once per process.

    :raises NoBrowser: the tests cannot run here, and why.
    """
    named = os.environ.get("NBSESSION_CHROMIUM")
    if named:
        if starts({"executable_path": named}):
            return {"executable_path": named}
        raise NoBrowser(f"NBSESSION_CHROMIUM={named} is not a browser that starts.")
    for get in (already_there, playwright_install, apt_install):
        if get():
            for options in found():
                if starts(options):
                    return options
    raise NoBrowser(
        "no Chromium, Chrome or Edge starts on this machine, and neither playwright nor apt-get could install one. "
        "Install one, or name it in NBSESSION_CHROMIUM."
    )


def found() -> Iterator[dict[str, Any]]:
    """Launch options worth trying, in order: on PATH, playwright's own, installed in the usual places."""
    for name in NAMES:
        path = shutil.which(name)
        if path:
            yield {"executable_path": path}
    yield {}
    yield {"channel": "chrome"}
    yield {"channel": "msedge"}


def starts(options: dict[str, Any]) -> bool:
    """Does it start and show a page? A name on PATH may be no more than an advice to install a browser."""
    command = [sys.executable, "-c", STARTS, repr(options), repr(FLAGS)]
    try:
        return subprocess.run(command, capture_output=True, timeout=60).returncode == 0
    except subprocess.TimeoutExpired:
        return False


# In a process of its own: playwright's loop would stay in this one.
STARTS = """
import ast, sys
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    options, flags = map(ast.literal_eval, sys.argv[1:])
    browser = playwright.chromium.launch(headless=True, args=flags, timeout=40_000, **options)
    assert browser.new_page().evaluate("1 + 1") == 2
    browser.close()
"""


def already_there() -> bool:
    """Nothing to fetch: what is there may do."""
    return True


def playwright_install() -> bool:
    """Lets playwright download its own Chromium."""
    print("No browser found. Fetching playwright's Chromium ...", flush=True)
    try:
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        return subprocess.run(command, capture_output=True, timeout=900).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def apt_install() -> bool:
    """Installs the distribution's Chromium, as root on Debian and its like."""
    if not (sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    print("Installing the distribution's Chromium ...", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    packages = ["install", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]
    for arguments in (["update"], packages):
        code = subprocess.run([*APT, *arguments], env=environment, stdout=subprocess.DEVNULL).returncode
    return code == 0


def main() -> int:
    """Names the browser, or says why there is none."""
    try:
        options = provide()
        with sync_playwright() as playwright:
            browser = launch(playwright)
            print(
                f"browser: {options.get('executable_path') or options.get('channel') or 'playwright'} {browser.version}"
            )
            browser.close()
    except (NoBrowser, Error) as error:
        print(f"browser tests cannot run: {str(error).splitlines()[0]}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
