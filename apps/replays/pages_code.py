"""The code and the commands that run a session again, as they are shown to be copied."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from apps.sessions.models import Session

# Names that mean the same in a shell, in Python, in an address and as a file.
PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
FILE_SUFFIX = ".playhead"
UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST_STEM = 60
AGENT = "python my_agent.py"


@dataclass(frozen=True, slots=True)
class Snippets:
    """What is shown of one session: commands, Python, and a test."""

    # How the client is told which session is meant.
    name: str
    file: str
    environment: str
    command: str
    python: str
    export: str
    offline: str
    test: str
    # Empty where no step was chosen.
    fork_command: str = ""
    fork_python: str = ""


def snippets_for(session: Session, *, server: str, at: int | None) -> Snippets:
    """Return the code for a session, with the fork at a step counted from 1."""
    name = name_of(session)
    file = file_of(session, name)
    return Snippets(
        name=name,
        file=file,
        environment=environment(server),
        command=f"playhead replay {shlex.quote(name)} -- {AGENT}",
        python=python_replay(name),
        export=f"playhead export {shlex.quote(name)} {file}",
        offline=f"playhead replay {file} -- {AGENT}",
        test=pytest_code(file),
        fork_command=f"playhead fork {shlex.quote(name)} --at {at} -- {AGENT}" if at else "",
        fork_python=python_fork(name, at) if at else "",
    )


def name_of(session: Session) -> str:
    """Return the sender's own name where it can be copied anywhere, else Playhead's id.

    A name is recorded text: quotes, blanks or a leading dash in it would be read by a shell.
    """
    external = session.external_id or ""
    is_plain = PLAIN.fullmatch(external) and not external.endswith(FILE_SUFFIX)
    return external if is_plain else str(session.pk)


def file_of(session: Session, name: str) -> str:
    return UNSAFE.sub("-", name)[:LONGEST_STEM] + FILE_SUFFIX


def environment(server: str) -> str:
    return f"export PLAYHEAD_URL={shlex.quote(server)}\nexport PLAYHEAD_API_KEY=YOUR_PROJECT_KEY"


def python_replay(name: str) -> str:
    return f"""\
import playhead

from my_agent import run_agent

playhead.init()

with playhead.replay({name!r}) as replay:
    run_agent()

print(replay.report.text())
replay.report.assert_faithful()
"""


def python_fork(name: str, at: int) -> str:
    return f"""\
import playhead

from my_agent import run_agent

playhead.init()

with playhead.fork({name!r}, {at}, overrides={{"model": "another-model"}}):
    run_agent()
"""


def pytest_code(file: str) -> str:
    return f"""\
import pytest

from my_agent import run_agent


@pytest.mark.playhead({file!r})
def test_the_agent_does_the_same_again():
    run_agent()
"""
