"""What may follow ``%session``: verbs, options and arguments. Knows words only; runs nothing.

A line that makes no sense raises :class:`BadUsage`, whose message is one line and says what would be right.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType


class BadUsage(Exception):
    """A line that ``%session`` does not understand. The message is one line."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a verb.

    :ivar value: the kind of value it takes: ``N`` for a number, another word for text, or empty for none.
    """

    name: str
    value: str
    says: str


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb.

    :ivar argument: what it takes: ``URL``, ``EXPR`` (Python, to the end of the line), ``[NAME]``, ``[TABLE]``, or empty for
        nothing; brackets mean that it may be left out.
    :ivar run: what it does, if another package brings it: what it returns is shown.
    """

    name: str
    says: str
    argument: str = ""
    options: tuple[Option, ...] = ()
    run: Callable[[Call], object] | None = None

    @property
    def takes_objects(self) -> bool:
        """Is its argument Python, to the end of the line?"""
        return self.argument in ("EXPR", "[EXPR]")

    @property
    def usage(self) -> str:
        """``%session log [--cell N] [--last K] [--internal]``."""
        options = [f"[{option.name} {option.value}]" if option.value else f"[{option.name}]" for option in self.options]
        return " ".join(part for part in ("%session", self.name, self.argument, *options) if part)

    @property
    def help(self) -> str:
        """The usage, what it does, and each option."""
        lines = [self.usage, f"    {self.says}"]
        lines += [f"    {f'{option.name} {option.value}'.strip():<14} {option.says}" for option in self.options]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Call:
    """A line that was understood."""

    verb: Verb
    argument: str = ""
    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    wants_help: bool = False


_VERBS = (
    Verb(
        "open",
        "Makes an engine and a session, binds them to `engine` and `session`, and shows the dashboard.",
        "URL",
        (
            Option("--name", "NAME", "the variable for the session"),
            Option("--reflect", "", "map the tables that are there, and make variables of their classes"),
            Option("--sandbox", "", "work on a private copy of the file, which itself is never touched"),
            Option("--echo", "", "print every statement as it is sent"),
        ),
    ),
    Verb("show", "Shows the dashboard of the current session."),
    Verb("dock", "Shows the dashboard beside the code, where it stays in sight; its button puts it back."),
    Verb("list", "Lists the sessions of this notebook: what they hold, and who holds them."),
    Verb("watch", "Makes a session the current one: one of nbsession, or a Session of SQLAlchemy 2.", "EXPR"),
    Verb("add", "Puts an object, or several with commas, into the session: transient → pending.", "EXPR"),
    Verb("delete", "Marks an object for deletion: the next flush sends its DELETE.", "EXPR"),
    Verb("expunge", "Takes an object out of the session; its row stays.", "EXPR"),
    Verb("merge", "Copies an object onto the session's own object for its row.", "EXPR"),
    Verb("refresh", "Reads an object's row now; changes that were not flushed are lost.", "EXPR"),
    Verb("expire", "Drops what an object holds, all objects if none is named: read again when touched.", "[EXPR]"),
    Verb("begin", "Begins a transaction; without it the first statement does."),
    Verb("flush", "Sends what is new, changed and deleted. Nothing is committed."),
    Verb("commit", "Flushes, and makes everything since BEGIN permanent."),
    Verb("rollback", "Takes back everything since BEGIN, or with a name everything since that savepoint.", "[NAME]"),
    Verb("savepoint", "Flushes, and sets a point to which a rollback can return.", "[NAME]"),
    Verb("release", "Ends a savepoint, the last if none is named; what was done in it stays.", "[NAME]"),
    Verb(
        "checkpoint",
        "Makes each cell a unit: one that raises leaves no trace in rows or objects, and `undo` takes cells back.",
        "on|off",
    ),
    Verb(
        "undo",
        "Takes back the last cell, or the last N cells: rows and objects are as before; needs `checkpoint on`. `undo cell` takes "
        "back what the last cell added that added something.",
        "[N|cell]",
    ),
    Verb("receipt", "Shows, or no longer shows, one line under each cell: what moved, what was sent.", "on|off"),
    Verb("forget", "Lets go of what outputs and tracebacks hold: Out[n], _, the last error."),
    Verb("schema", "Shows what differs between the mapped classes and the database's tables."),
    Verb(
        "remap",
        "Shows which columns of classes that were defined again their tables lack; classes are remapped by running their cell.",
        options=(Option("--alter", "", "add them, inside the session's transaction"),),
    ),
    Verb("why", "Says why a flush would write an object, or not.", "EXPR"),
    Verb("plan", "Shows what a flush would send, in which order and why. Sends nothing."),
    Verb("diff", "Shows all that changed since BEGIN, sent or waiting: look it over before a commit."),
    Verb(
        "timeline",
        "Shows what happened, in what order, and which call of which cell caused it.",
        options=(
            Option("--cell", "N", "only what In[N] did"),
            Option("--last", "K", "only the last K events"),
            Option("--internal", "", "also what the engine asks for itself"),
        ),
    ),
    Verb(
        "log",
        "Shows the statements sent: values, rows, causes.",
        options=(
            Option("--cell", "N", "only what In[N] sent"),
            Option("--last", "K", "only the last K statements"),
            Option("--internal", "", "also what the engine asks for itself"),
        ),
    ),
    Verb("state", "Shows one object: what it holds, what the database holds, what a flush would write.", "EXPR"),
    Verb("identity", "Shows the identity map: which object stands for which row, and who holds it."),
    Verb(
        "graph",
        "Shows the relationships between objects; with an object, what `delete` (or the deed named first: add, merge, "
        "expunge, refresh) would do to the others. A dry run.",
        "[EXPR]",
    ),
    Verb("outside", "Shows what this session sees beside what everyone else sees.", "[TABLE]"),
    Verb(
        "export", "Writes a page of its own that replays what happened, without a kernel and without a network.", "FILE"
    ),
    Verb("stack", "Shows the transaction and its savepoints: what survives if you stop now."),
    Verb("close", "Ends the session: its objects leave it, and what was not committed is lost.", "[SESSION]"),
)
_known = {verb.name: verb for verb in _VERBS}
VERBS: Mapping[str, Verb] = MappingProxyType(_known)
"""name to verb, in the order in which they are listed"""


def add_verbs(*verbs: Verb) -> None:
    """Makes verbs known that another package brings, with what they do."""
    _known.update({verb.name: verb for verb in verbs})


def drop_verbs(*verbs: Verb) -> None:
    """Forgets them."""
    for verb in verbs:
        _known.pop(verb.name, None)


def overview() -> str:
    """All verbs with what they do."""
    return "\n".join(f"{verb.usage}\n    {verb.says}" for verb in VERBS.values())


def parse(line: str) -> Call:
    """Understands what follows ``%session``.

    :raises BadUsage: a verb, option or argument that there is not, is missing, or makes no sense.

    >>> parse("log --last 3").options
    {'last': 3}
    >>> parse("flsh")
    Traceback (most recent call last):
    nbsession.notebook.commands.arguments.BadUsage: no verb 'flsh'; did you mean 'flush'? Verbs: open, show, add, ...
    """
    name, _, rest = line.strip().partition(" ")
    verb = _verb(name or "show")
    rest = rest.strip()
    if rest in ("--help", "-h", "?"):
        return Call(verb, wants_help=True)
    if verb.takes_objects:
        if not rest and verb.argument == "EXPR":
            raise BadUsage(f"{verb.name} needs an object: {verb.usage}")
        return Call(verb, rest)
    return _with_options(verb, _words(rest))


def _verb(name: str) -> Verb:
    try:
        return VERBS[name]
    except KeyError:
        raise BadUsage(f"no verb {name!r}{did_you_mean(name, VERBS)} Verbs: {', '.join(VERBS)}") from None


def did_you_mean(word: str, known: Mapping[str, object] | list[str], stop: str = ".") -> str:
    """``; did you mean 'flush'?`` if something known is like the word, else just a full stop."""
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else stop


def _words(text: str) -> list[str]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.escape, lexer.commenters = True, "", ""
    try:
        return list(lexer)
    except ValueError:
        raise BadUsage(f"a quotation mark is not closed in {text!r}") from None


def _with_options(verb: Verb, words: list[str]) -> Call:
    known = {option.name: option for option in verb.options}
    options: dict[str, str | int | bool] = {}
    arguments: list[str] = []
    position = 0
    while position < len(words):
        word, _, attached = (
            words[position].partition("=") if words[position].startswith("--") else (words[position], "", "")
        )
        position += 1
        if not word.startswith("-"):
            arguments.append(word)
            continue
        if word not in known:
            legal = ", ".join(known) or "none"
            raise BadUsage(f"{verb.name} has no option {word!r}{did_you_mean(word, known)} Options: {legal}")
        option = known[word]
        value = attached
        if option.value and not attached:
            if position >= len(words):
                raise BadUsage(f"{word} needs a value: {verb.usage}")
            value, position = words[position], position + 1
        options[word.lstrip("-")] = _value(verb, option, value)
    return Call(verb, _argument(verb, arguments), options)


def _value(verb: Verb, option: Option, text: str) -> str | int | bool:
    if not option.value:
        return True
    if option.value not in ("N", "K"):
        return text
    if not text.isdecimal():
        raise BadUsage(f"{option.name} needs a number, not {text!r}: {verb.usage}")
    return int(text)


def _argument(verb: Verb, arguments: list[str]) -> str:
    most = 1 if verb.argument else 0
    if len(arguments) > most:
        raise BadUsage(
            f"{verb.name} takes {'one argument' if most else 'no argument'}, not {' '.join(arguments)!r}: {verb.usage}"
        )
    if not arguments and verb.argument and not verb.argument.startswith("["):
        raise BadUsage(f"{verb.name} needs a {verb.argument}: {verb.usage}")
    given = arguments[0] if arguments else ""
    if verb.argument == "on|off" and given not in ("on", "off"):
        raise BadUsage(f"{verb.name} is turned on or off, not {given!r}: {verb.usage}")
    if verb.argument == "[N|cell]" and given not in ("", "cell") and not (given.isdecimal() and int(given)):
        raise BadUsage(f"{verb.name} takes a number from 1 up, not {given!r}: {verb.usage}")
    return given
