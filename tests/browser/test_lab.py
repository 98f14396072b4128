"""The fixtures themselves: a cell runs in a real notebook and its output is seen."""

from __future__ import annotations

from tests.browser.conftest import OpenNotebook


def test_cell_runs_and_its_output_is_seen(notebook: OpenNotebook) -> None:
    nb = notebook("smoke.ipynb", "print('seen', 6 * 7)", "1 / 0")
    assert nb.run(0).strip() == "seen 42"
    assert "ZeroDivisionError" in nb.run(1)
    assert nb.errors == []


def test_output_is_seen_while_the_cell_still_runs(notebook: OpenNotebook) -> None:
    nb = notebook("running.ipynb", "import time; print('started', flush=True); time.sleep(2); print('ended')")
    nb.start(0)
    nb.output(0).get_by_text("started").wait_for()
    assert "ended" not in nb.text(0)
    nb.wait_until_idle()
    nb.output(0).get_by_text("ended").wait_for()


def test_widget_click_reaches_the_kernel(notebook: OpenNotebook) -> None:
    button = "import ipywidgets; b = ipywidgets.Button(description='press'); n = []; b.on_click(n.append); b"
    nb = notebook("click.ipynb", button, "len(n)")
    nb.run(0)
    nb.page.get_by_role("button", name="press").click()
    assert "1" in nb.run(1)


def test_theme_switches_and_is_photographed(notebook: OpenNotebook) -> None:
    nb = notebook("theme.ipynb", "print('dark or light')")
    nb.run(0)
    nb.theme("dark")
    assert nb.screenshot("smoke-dark").stat().st_size > 1000
    nb.theme("light")
    assert nb.screenshot("smoke-light").stat().st_size > 1000


def test_each_test_has_a_kernel_of_its_own(notebook: OpenNotebook) -> None:
    nb = notebook("smoke.ipynb", "'b' in globals()")
    assert nb.run(0).strip().endswith("False")
