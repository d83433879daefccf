"""The command and the pytest plugin: programs and tests that say nothing of replays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, random, uuid
from concurrent.futures import ThreadPoolExecutor
import playhead

@playhead.tool
def look_up(city):
    return random.SystemRandom().random()

with ThreadPoolExecutor(3) as pool:
    print(uuid.uuid4(), list(pool.map(look_up, ["Oslo", "Oslo", os.environ.get("CITY", "Rome")])))
if "FAIL" in os.environ:
    raise SystemExit(int(os.environ["FAIL"]))
"""
TEST = """
import pytest, random, playhead

@playhead.tool
def look_up(city):
    return random.SystemRandom().random()

@pytest.mark.playhead("oslo.playhead")
def test_oslo():
    assert look_up(__CITY__) < 1
"""


@pytest.fixture
def run(tmp_path):
    """Runs a command in a folder that holds the program, without a server."""
    (tmp_path / "program.py").write_text(PROGRAM)

    def run_one(*asked: str, **around: str) -> subprocess.CompletedProcess[str]:
        paths = {"PYTHONPATH": str(ROOT / "sdk" / "src"), "PATH": os.environ["PATH"]}
        command = [sys.executable, *asked]
        return subprocess.run(
            command, cwd=tmp_path, env=paths | around, capture_output=True, text=True, check=False
        )

    return run_one


def test_a_program_is_recorded_replayed_and_told_where_it_differs(run, tmp_path):
    program = ["--", sys.executable, "program.py"]
    recorded = run("-m", "playhead", "record", "--file", "a.playhead", *program)
    assert recorded.returncode == 0, recorded.stderr

    again = run("-m", "playhead", "replay", "a.playhead", *program)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout.startswith(recorded.stdout)
    assert "identical" in again.stdout

    changed = run("-m", "playhead", "replay", "--json", "a.playhead", *program, CITY="Bergen")
    report = json.loads(changed.stdout)
    assert changed.returncode == 1
    assert report["divergences"][0]["differences"][0]["got"] == "Bergen"


def test_a_fork_runs_other_tools_and_a_program_that_fails_by_itself_is_told_apart(run, tmp_path):
    program = ["--", sys.executable, "program.py"]
    (tmp_path / "others.py").write_text("def sun(city):\n    return f'sun in {city}'\n")
    run("-m", "playhead", "record", "--file", "a.playhead", *program)

    asked = [
        "fork",
        "a.playhead",
        "--at",
        "4",
        "--tool",
        "look_up=others:sun",
        "--file",
        "b.playhead",
    ]
    forked = run("-m", "playhead", *asked, *program)
    assert (forked.returncode, forked.stderr) == (0, "")
    assert "'sun in Oslo', 'sun in Rome'" in forked.stdout

    gone = run("-m", "playhead", *asked[:4], "--tool", "look_up=others:rain", *program)
    assert gone.returncode == 2
    assert gone.stderr.splitlines()[-1].startswith("playhead: others:rain is not there")

    failed = run("-m", "playhead", "replay", "--json", "a.playhead", *program, FAIL="5")
    assert (failed.returncode, json.loads(failed.stdout.partition("\n")[2])["exit_code"]) == (3, 3)
    assert "but the program itself ended with 5" in failed.stderr


def test_two_sessions_are_compared_and_a_broken_file_is_refused(run, tmp_path):
    program = ["--", sys.executable, "program.py"]
    for name, city in (("a", "Rome"), ("b", "Bergen")):
        run("-m", "playhead", "record", "--file", f"{name}.playhead", *program, CITY=city)

    assert run("-m", "playhead", "diff", "a.playhead", "a.playhead").returncode == 0
    told = run("-m", "playhead", "diff", "a.playhead", "b.playhead")
    assert told.returncode == 1
    assert "tool look_up" in told.stdout
    (tmp_path / "c.playhead").write_text("{}")
    broken = run("-m", "playhead", "diff", "a.playhead", "c.playhead")
    assert (broken.returncode, broken.stdout) == (2, "")
    assert "is no recording" in broken.stderr


def test_a_marked_test_is_replayed_and_its_report_says_how_well(run, tmp_path):
    asked = ["-m", "pytest", "-q", "-p", "playhead.pytest_plugin", "--junit-xml=r.xml"]
    test = tmp_path / "test_oslo.py"
    test.write_text(TEST.replace("__CITY__", '"Oslo"'))

    assert "Record it with pytest --playhead-update" in run(*asked).stdout
    assert run(*asked, "--playhead-update").returncode == 0
    assert run(*asked).returncode == 0
    properties = {
        one.get("name"): one.get("value")
        for one in ElementTree.parse(tmp_path / "r.xml").iter("property")
    }
    assert properties["playhead_fidelity"] == "1.0"
    test.write_text(TEST.replace("__CITY__", '"Rome"'))
    assert "expected 'Oslo', got 'Rome'" in run(*asked).stdout
