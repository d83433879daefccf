"""Where a replay leaves the record, whoever sits at the terminal says how it goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sdk.terminals import Terminal

SOURCES = Path(__file__).parents[2] / "sdk" / "src"
PROGRAM = """
import sys, playhead

@playhead.tool(effects="read", default="the stub's")
def look_up(city):
    return f"{city}: rain"

def run(cities):
    print([look_up(city) for city in cities.split(",")])

if len(sys.argv) == 2:
    with playhead.session("asked", file="a.playhead"):
        run(sys.argv[1])
else:
    at = int(sys.argv[3]) if sys.argv[3:] else None
    with playhead.replay("a.playhead", on_divergence="ask", allow_live=sys.argv[2:3], at=at):
        run(sys.argv[1])
"""
PROMPT = "\n> "


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a program and its record."""
    folder = tmp_path_factory.mktemp("asking")
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, "program.py", "Oslo,Bergen"]
    subprocess.run(command, cwd=folder, env=around(), check=True, capture_output=True)
    return folder


def around() -> dict[str, str]:
    return {"PYTHONPATH": str(SOURCES), "PATH": os.environ["PATH"], "NO_COLOR": "1"}


def replay(folder: Path, cities: str, *more: str) -> Terminal:
    return Terminal([sys.executable, "program.py", cities, *(more or [""])], folder, around())


def test_it_shows_the_call_and_what_is_near_which_may_be_chosen(folder):
    terminal = replay(folder, "Rome,Bergen")

    shown = terminal.read_until(PROMPT)
    assert "tool look_up in lane 0: it asks something else than recorded" in shown
    assert "/input/city: expected 'Oslo', got 'Rome'" in shown
    assert 'asked: {"city": "Rome"}' in shown
    assert 'tool look_up {"city": "Oslo"} -> "Oslo: rain"' in shown
    assert "make the call for real" not in shown
    terminal.type("d\n")
    assert "got      'Rome'" in terminal.read_until(PROMPT)
    terminal.type("1\n")
    assert "['Oslo: rain', 'Bergen: rain']" in terminal.end()[1]


def test_answers_are_typed_or_a_stubs_or_made_for_real(folder):
    terminal = replay(folder, "Rome,Bern,Bonn,Lima", "tool:*")
    for typed in ('"sun"\n', 't\n{"sky":\n"sun"}\n', "b\n", "what\n"):
        terminal.read_until(PROMPT)
        terminal.type(typed)
    assert "l make the call for real" in terminal.read_until(PROMPT)
    terminal.type("l\n")

    code, rest = terminal.end()
    assert "['sun', {'sky': 'sun'}, \"the stub's\", 'Lima: rain']" in rest
    assert code == 0


def test_it_goes_on_without_asking_again(folder):
    terminal = replay(folder, "Rome,Bern,Bonn")
    terminal.read_until(PROMPT)

    terminal.type("e\n")

    assert "['Oslo: rain', 'Bergen: rain', \"the stub's\"]" in terminal.end()[1]


def test_it_stops_also_by_the_end_of_what_is_typed(folder):
    terminal = replay(folder, "Rome,Bergen")
    terminal.read_until(PROMPT)

    terminal.type("\x04")

    code, rest = terminal.end()
    assert (code, "Divergence" in rest) == (1, True)


def test_without_a_terminal_nobody_is_asked_and_the_replay_stops(folder):
    command = [sys.executable, "program.py", "Rome", ""]
    ended = subprocess.run(
        command,
        cwd=folder,
        env=around(),
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Divergence: step 3, tool look_up in lane 0" in ended.stderr


def test_a_step_that_is_as_recorded_can_be_asked_at_too(folder):
    terminal = replay(folder, "Oslo,Bergen", "", "4")

    shown = terminal.read_until(PROMPT)
    assert "step 4 is reached: tool look_up in lane 0" in shown
    assert "left the record" not in shown
    terminal.type('"fog"\n')

    assert "['Oslo: rain', 'fog']" in terminal.end()[1]
