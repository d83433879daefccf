"""The code that pages show to be copied is run as far as it goes without a server."""

from __future__ import annotations

import ast
import inspect
import shlex

import playhead
import pytest
from playhead.cli import parser

from apps.core.ids import uuid7
from apps.replays.pages_code import snippets_for
from apps.sessions.models import Session

HOSTILE = (
    "x; rm -rf ~",
    "$(reboot)",
    "-- --help",
    "a'b\"c",
    "name\nexport EVIL=1",
    "refund.playhead",
    "../../etc/passwd",
)


def shown(external_id=None, at=9):
    session = Session(pk=uuid7(), external_id=external_id)
    return snippets_for(session, server="https://playhead.example", at=at)


def client_calls(code):
    """Return each call of the client in the code, by its name, with what it is given."""
    for node in ast.walk(ast.parse(code)):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_call and isinstance(node.func.value, ast.Name) and node.func.value.id == "playhead":
            named = {keyword.arg: ast.literal_eval(keyword.value) for keyword in node.keywords}
            yield node.func.attr, [ast.literal_eval(one) for one in node.args], named


def test_the_shown_python_is_what_the_client_takes():
    code = shown("refund-4411")
    calls = [*client_calls(code.python), *client_calls(code.fork_python)]

    assert [name for name, _, _ in calls] == ["init", "replay", "init", "fork"]
    for name, given, named in calls:
        inspect.signature(getattr(playhead, name)).bind(*given, **named)


@pytest.mark.parametrize("name", ["command", "fork_command", "export", "offline"])
def test_the_shown_commands_are_what_the_client_takes(name):
    program, *rest = shlex.split(getattr(shown("refund-4411"), name))

    options = parser().parse_args(rest)

    assert program == "playhead"
    assert options.session in ("refund-4411", "refund-4411.playhead")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_a_shell_would_read_is_not_shown(name):
    session = Session(pk=uuid7(), external_id=name)

    code = snippets_for(session, server="https://playhead.example", at=1)

    assert code.name == str(session.pk)
    assert name not in "".join((code.command, code.python, code.export, code.test, code.file))
