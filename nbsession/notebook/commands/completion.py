"""What the Tab key offers after ``%session``. Text and names in, candidates out; no attribute of an object is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from nbsession.notebook.commands.arguments import VERBS, Verb
from nbsession.notebook.reporting.readings import maps, others

URLS = ("sqlite://", "sqlite:///", "duckdb://", "duckdb:///")


class Candidate(NamedTuple):
    """A completion."""

    text: str
    kind: str
    """``verb``, ``option``, ``object``, ``savepoint`` or ``url``"""


def completions(line: str, namespace: Mapping[str, Any], savepoints: list[str]) -> tuple[str, list[Candidate]] | None:
    """What may follow.

    :param line: the line up to the cursor.
    :param namespace: the notebook's variables.
    :param savepoints: names of the open savepoints.
    :return: the fragment under the cursor and what it may become; None if the line is no ``%session`` line.

    >>> completions("%session ro", {}, [])
    ('ro', [Candidate(text='rollback', kind='verb')])
    """
    words = line.split()
    if not words or words[0] != "%session" or not line.lstrip().startswith("%session "):
        return None
    fragment = "" if line[-1].isspace() else words[-1]
    done = words[1:] if not fragment else words[1:-1]
    if not done:
        candidates = [Candidate(name, "verb") for name in VERBS]
    elif done[0] in VERBS:
        fragment, candidates = _after_verb(VERBS[done[0]], done[1:], fragment, namespace, savepoints)
    else:
        candidates = []
    return fragment, [each for each in candidates if each.text.startswith(fragment)]


def _after_verb(
    verb: Verb, done: list[str], fragment: str, namespace: Mapping[str, Any], savepoints: list[str]
) -> tuple[str, list[Candidate]]:
    if verb.takes_objects:
        fragment = fragment.rpartition(",")[2].lstrip()
        return fragment, [Candidate(name, "object") for name in sorted(mapped_names(namespace))]
    takes_value = {option.name for option in verb.options if option.value}
    if done and done[-1] in takes_value:
        return fragment, []
    options = [Candidate(option.name, "option") for option in verb.options if option.name not in done]
    options += [] if done else [Candidate("--help", "option")]
    if verb.name == "open" and not any("://" in word for word in done) and not fragment.startswith("-"):
        return fragment, [*(Candidate(url, "url") for url in URLS), *options]
    if verb.name in ("rollback", "release") and not done:
        return fragment, [*(Candidate(name, "savepoint") for name in reversed(savepoints)), *options]
    return fragment, options


def mapped_names(namespace: Mapping[str, Any]) -> list[str]:
    """Variables that hold an instance of a mapped class."""
    return [
        name
        for name, value in tuple(namespace.items())
        if not name.startswith("_") and not isinstance(value, type) and is_mapped(value)
    ]


def is_mapped(value: Any) -> bool:
    """Is it an instance of a mapped class? Reads the class only."""
    return maps(type(value)) or any(known(value) is not None for known in others)
