"""The tour in a real JupyterLab, from top to bottom, as a reader runs it; its first dashboard follows all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook
from tests.browser.test_dashboard import dashboard, lane

TOUR = Path(__file__).parents[2] / "notebooks" / "00_tour.ipynb"


@pytest.mark.parametrize("database", ["sqlite", "duckdb"])
def test_the_tour_runs_from_top_to_bottom_and_its_first_dashboard_follows(
    notebook: OpenNotebook, database: str, tmp_path: Path
) -> None:
    tour = json.loads(TOUR.read_text(encoding="utf-8"))
    cells = {cell["id"]: index for index, cell in enumerate(tour["cells"])}
    first = tour["cells"][cells["data"]]
    source = "".join(first["source"]).replace('"NBSESSION_DATABASE", "sqlite"', f'"NBSESSION_DATABASE", "{database}"')
    assert f'"{database}")' in source
    first["source"] = source
    for cell in tour["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    copy = tmp_path / "tour.ipynb"
    copy.write_text(json.dumps(tour), encoding="utf-8")

    nb = notebook(f"tour-{database}.ipynb", copy_of=copy)
    seen = {}
    for name, index in cells.items():
        if tour["cells"][index]["cell_type"] != "code":
            continue
        shown = nb.run(index)
        assert "Traceback" not in shown, f"{name}: {shown}"
        if name in ("transient", "pending", "persistent", "deleted", "detached"):
            live = dashboard(nb, cells["open"])
            label = {"transient": "Loan+1", "pending": "Loan+1"}.get(name, "Loan#75")
            expect(lane(live, name).get_by_text(label, exact=True)).to_have_count(1)
            seen[name] = label
    assert len(seen) == 5
    assert "'member': 65, 'loan': 75, 'loan_line': 162" in nb.text(cells["read-back"])
    assert nb.errors == []
