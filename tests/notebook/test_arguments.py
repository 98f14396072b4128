"""What ``%session`` understands, and its one-line answers to what it does not."""

from __future__ import annotations

import pytest

from nbsession.notebook.commands.arguments import VERBS, BadUsage, overview, parse


def test_no_verb_is_show() -> None:
    assert parse("").verb.name == "show"


def test_every_verb_of_the_issue_is_there() -> None:
    assert set(VERBS) == {
        *("open", "show", "list", "add", "delete", "expunge", "merge", "refresh", "expire"),
        *("begin", "flush", "commit", "rollback", "savepoint", "release", "close"),
        *("plan", "diff", "log", "timeline", "state", "why", "stack", "identity", "graph", "outside"),
        *("checkpoint", "undo", "receipt", "forget", "schema", "export", "remap", "watch", "dock"),
    }


def test_an_expression_is_taken_to_the_end_of_the_line() -> None:
    assert parse("add Member(name='a b', n = 3), other").argument == "Member(name='a b', n = 3), other"


def test_options_come_before_or_after_the_argument() -> None:
    for line in ("open sqlite:///a.db --name s --echo", "open --name=s --echo sqlite:///a.db"):
        call = parse(line)
        assert (call.argument, dict(call.options)) == ("sqlite:///a.db", {"name": "s", "echo": True})


def test_a_windows_path_and_one_with_blanks_come_through() -> None:
    assert parse(r"open sqlite:///C:\data\shop.db").argument == r"sqlite:///C:\data\shop.db"
    assert parse("open 'sqlite:///my shop.db'").argument == "sqlite:///my shop.db"
    assert parse("open sqlite:///a#b.db").argument == "sqlite:///a#b.db"


def test_help_of_a_verb() -> None:
    call = parse("log --help")
    assert call.wants_help
    assert call.verb.help.startswith("%session log [--cell N] [--last K] [--internal]\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_is_in_the_overview(verb: str) -> None:
    assert VERBS[verb].usage in overview()
    assert parse(f"{verb} --help").wants_help


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("flsh", "no verb 'flsh'; did you mean 'flush'? Verbs: open, show,"),
        ("xyzzy", "no verb 'xyzzy'. Verbs: open, show,"),
        ("FLUSH", "no verb 'FLUSH'; did you mean 'flush'?"),
        ("flush now", "flush takes no argument, not 'now': %session flush"),
        ("open", "open needs a URL: %session open URL [--name NAME] [--reflect] [--sandbox] [--echo]"),
        ("open a b", "open takes one argument, not 'a b'"),
        (
            "open sqlite:// --nme x",
            "open has no option '--nme'; did you mean '--name'? Options: --name, --reflect, --sandbox, --echo",
        ),
        ("open sqlite:// --name", "--name needs a value"),
        ("open 'sqlite://", "a quotation mark is not closed"),
        ("log --cell x", "--cell needs a number, not 'x'"),
        ("log --cell -3", "--cell needs a number, not '-3'"),
        ("flush --x", "flush has no option '--x'. Options: none"),
        ("add", "add needs an object: %session add EXPR"),
        ("rollback a b", "rollback takes one argument, not 'a b'"),
    ],
)
def test_what_makes_no_sense_is_one_line(line: str, message: str) -> None:
    with pytest.raises(BadUsage) as caught:
        parse(line)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
