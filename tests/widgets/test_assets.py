"""The files of widgets/: found, joined in order, and free of what would parse a value as HTML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nbsession.notebook.page import assets

FOLDER = Path(__file__).parents[2] / "widgets"


def test_every_file_ships_and_nothing_else_does() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.js" for name in assets.MODULES} | {"dashboard.css"}


def test_joined_module_is_one_module_with_one_export() -> None:
    text = assets.joined_module()
    assert re.findall(r"^import .*", text, re.MULTILINE) == []
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default () => {"]
    for name in assets.MODULES:
        assert f"// ---- widgets/{name}.js\n" in text


def test_missing_file_names_the_places() -> None:
    with pytest.raises(FileNotFoundError, match=r"'nothing\.css' is missing: looked in .*_static and .*widgets"):
        assets.asset_path("nothing.css")


def test_import_of_a_later_module_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "MODULES", tuple(reversed(assets.MODULES)))
    with pytest.raises(ValueError, match=r"widgets/dashboard\.js imports from dom\.js, which does not stand before it"):
        assets.joined_module()


def test_installed_files_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("nbsession/_static", "widgets"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "dashboard.css").write_text(folder)
    monkeypatch.setattr(assets, "_HERE", tmp_path / "nbsession")
    assert assets.asset_path("dashboard.css").read_text() == "nbsession/_static"


@pytest.mark.parametrize("name", assets.MODULES)
def test_no_string_is_ever_parsed_as_html_or_code(name: str) -> None:
    text = assets.asset_path(f"{name}.js").read_text(encoding="utf-8")
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|Function\(", text) == []
    )
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) <= 250
