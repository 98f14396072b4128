"""A page of its own that replays what a session did: the record, the dashboard's files, nothing from the network.

The page draws with the same module and style sheet as the live dashboard; where a kernel would answer there is a record.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

from nbsession.notebook.page.assets import asset_path, joined_module
from nbsession.notebook.recording.recorder import recorder_of

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:">
<title>{title}</title>
<style>
body {{ margin: 16px auto; max-width: 1600px; padding: 0 12px; background: #ffffff; color: #1c2430;
 font: 14px/1.5 system-ui, sans-serif }}
@media (prefers-color-scheme: dark) {{ body {{ background: #0d1117; color: #e6ebf2 }} }}
{css}
</style>
</head>
<body>
<header>
<h1 style="font-size:17px">{title}</h1>
<p>{says}</p>
</header>
<main id="dashboard"></main>
<noscript>This page replays a record with JavaScript, which is turned off here.</noscript>
<script type="application/json" id="record">{record}</script>
<script type="application/json" id="module">{module}</script>
<script type="module">
const read = (id) => JSON.parse(document.getElementById(id).textContent);
const record = read("record");
const state = {{ snapshot: record.now, record, view: "timeline" }};
const model = {{
  get: (name) => state[name],
  set() {{}},
  save_changes() {{}},
  on() {{}},
  off() {{}},
  send() {{ throw new Error("this page is a record: nobody listens"); }},
}};
const address = URL.createObjectURL(new Blob([read("module")], {{ type: "text/javascript" }}));
const widget = await (await import(address)).default();
await widget.initialize({{ model }});
await widget.render({{ model, el: document.getElementById("dashboard") }});
</script>
</body>
</html>
"""


def page_of(session: Any) -> str:
    """The page, as HTML.

    :param session: a Session.
    """
    recorder = recorder_of(session)
    now = recorder.snapshot()
    data = recorder.record.data()
    frames = len(data["frames"])
    title = f"{now.session['name']} on {now.session['database']}"
    says = (
        f"A record of what an nbsession session did, {frames:,} moments up to event {now.as_of['event']:,}. "
        "The slider puts every view back to a moment; nothing is sent anywhere."
    )
    return TEMPLATE.format(
        title=escape(f"nbsession: {title}"),
        says=escape(says),
        css=asset_path("dashboard.css").read_text(encoding="utf-8"),
        record=_inert({**data, "now": now.as_json()}),
        module=_inert(joined_module()),
    )


def export(session: Any, path: str | Path) -> Path:
    """Writes the page to a file.

    :param session: a Session.
    :param path: the file; it is overwritten if it is there.
    :return: the file's path.
    :raises OSError: it cannot be written.
    """
    target = Path(path)
    target.write_text(page_of(session), encoding="utf-8")
    return target


def _inert(data: Any) -> str:
    """JSON that no HTML parser takes for anything but text."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
