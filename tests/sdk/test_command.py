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
