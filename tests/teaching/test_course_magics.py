"""The course's magics come and go with the extension."""

from __future__ import annotations

from pathlib import Path

from tests.teaching.classroom import classroom


def test_exercise_without_a_session_says_what_to_run(tmp_path: Path) -> None:
    with classroom(tmp_path) as room:
        assert "UsageError: %%exercise: no session is open" in room.run("%%exercise 1a\npass")


def test_magics_go_with_the_extension(tmp_path: Path) -> None:
    with classroom(tmp_path) as room:
        assert room.run("%session check --help").startswith("%session check TASK")
        room.run("%unload_ext nbsession")
        assert room.ip.find_line_magic("predict") is None
        room.run("%load_ext nbsession")
        assert "no verb 'check'" not in room.run("%session check 1a")
        assert room.ip.find_cell_magic("exercise") is not None
