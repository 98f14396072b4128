"""Cuts a failing program down, and writes it as a short script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy

from tests.fuzz.player import Step
from tests.fuzz.world import Settings


def shrink(program: Sequence[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """The smallest program that leaving out steps and values leads to.

    :param fails: does a program still fail?
    """
    small = list(program)
    size = max(1, len(small) // 2)
    while size:
        at, cut = 0, False
        while at < len(small):
            trial = small[:at] + small[at + size :]
            if trial and fails(trial):
                small, cut = trial, True
            else:
                at += size
        size = size // 2 if size > 1 else int(cut)
    for at, step in enumerate(small):
        if step[0] == "new":
            for key in sorted(step[3]):
                trial = deepcopy(small)
                trial[at][3].pop(key)
                if fails(trial):
                    small = trial
    return small


def script(settings: Settings, program: Sequence[Step]) -> str:
    """A program as one would type it; the session's options come first."""
    on = [name for name in ("autoflush", "expire_on_commit") if not settings[name]]
    lines = [
        f"session = Session(engine{''.join(f', {name}=False' for name in on)})"
        f"  # {'with' if settings['rows'] else 'without'} rows, foreign keys {'on' if settings['fk'] else 'off'}"
    ]
    return "\n".join([*lines, *map(line, program)])


def line(step: Step) -> str:
    """One step as one would type it."""
    kind, *a = step
    name = [part.replace("@", "_").replace("'", "_") if isinstance(part, str) else part for part in a]
    if kind == "new":
        return f"{name[0]} = {a[1]}({', '.join(f'{key}={value!r}' for key, value in a[2].items())})"
    if kind in ("set", "ref"):
        return f"{name[0]}.{a[1]} = {name[2] if kind == 'ref' else repr(a[2])}"
    if kind == "setlist":
        return f"{name[0]}.{a[1]} = [{', '.join(map(str, (other.replace('@', '_') for other in a[2])))}]"
    if kind in ("read", "del"):
        return f"{'del ' if kind == 'del' else ''}{name[0]}.{a[1]}"
    if kind in ("append", "remove"):
        return f"{name[0]}.{a[1]}.{kind}({name[2]})"
    if kind == "merge":
        return f"{name[0]} = session.merge({name[1]}, load={a[2]})"
    if kind in ("get", "query"):
        return f"session.get({a[0]}, {a[1]!r})" if kind == "get" else f"session.query({a[0]}).all()  # {a[1] or 'all'}"
    if kind == "sql":
        return f"session.execute(text({a[0]!r}), {a[1]!r})"
    if kind in ("nested_commit", "nested_rollback"):
        return f"savepoint.{kind.removeprefix('nested_')}()"
    if kind == "begin_nested":
        return "savepoint = session.begin_nested()"
    if kind == "use":
        return f"session = sessions[{a[0]}]"
    rest = [str(name[0]), *(repr(part) for part in a[1:] if part is not None)] if a else []
    return f"session.{kind}({', '.join(rest)})"
