"""``manage.py up`` as a newcomer meets it: one started instance, killed and asked in turn.

The tests stand in the order in which they run: the last ones end the instance. With several
processes each has an instance of its own.
"""

from __future__ import annotations

import http.cookiejar
import re
import stat
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from apps.web.demo.schedule import HERO
from apps.web.supervisor.children import strays
from tests.playhead_process import ROOT, PlayheadProcess, clean_environment

pytestmark = pytest.mark.xdist_group("up")

EVENT = {
    "id": "one",
    "session": "kept",
    "kind": "llm",
    "started_at": "2026-01-05T10:00:00Z",
    "input": [{"role": "user", "content": "Are you still there?"}],
}
# How a child is known by its command line.
CHILDREN = {
    "postgres": r"postgres -D",
    "web server": r"granian config",
    "valkey": r"valkey-server|redis-server",
    "worker": r"celery_workers",
}


@pytest.fixture(scope="module")
def playhead() -> Iterator[PlayheadProcess]:
    """With one session, so that each test can tell whether it is still there."""
    with PlayheadProcess() as process:
        process.key = printed(process, "Project key")
        process.request("/api/v1/events", {"events": [EVENT]})
        yield process


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py and return how it ended."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment() | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def printed(playhead: PlayheadProcess, label: str) -> str:
    """Return what the first start printed beside a label."""
    found = re.search(rf"^{label}\s+(\S+)", playhead.log.read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def kept_sessions(playhead: PlayheadProcess) -> list[str]:
    """Return the client's ids of the sessions that can be read."""
    results = playhead.request("/api/v1/sessions")["results"]
    return [session["external_id"] for session in results]


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process does anything; one that nobody asked after is a zombie."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(look: Callable[[], Any], wanted: Any, seconds: float = 15) -> None:
    """Look again until it is as wanted; stores may be away for a moment."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        try:
            if (last := look()) == wanted:
                return
        except OSError as error:
            last = error
            close = getattr(error, "close", None)
            if close is not None:
                close()
        time.sleep(0.1)
    raise AssertionError(f"{last!r} is not {wanted!r}")


def test_the_first_start_says_where_it_is_and_how_to_sign_in(playhead: PlayheadProcess):
    text = playhead.log.read_text()

    assert f"Playhead runs at {playhead.url}" in text
    assert "@" in printed(playhead, "Sign in with")
    assert printed(playhead, "Project key").startswith("phk_")


def test_secrets_are_readable_by_their_owner_alone(playhead: PlayheadProcess):
    for name in ("env", "first-sign-in"):
        assert stat.S_IMODE((playhead.data / name).stat().st_mode) == 0o600


def test_the_printed_sign_in_signs_in(playhead: PlayheadProcess):
    jar = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    with browser.open(f"{playhead.url}/login/") as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    form = {
        "csrfmiddlewaretoken": token[1] if token else "",
        "login": printed(playhead, "Sign in with"),
        "password": printed(playhead, "Password"),
    }
    body = urllib.parse.urlencode(form).encode()

    with browser.open(f"{playhead.url}/login/", body) as page:
        assert not page.url.endswith("/login/")
        assert "Sign out" in page.read().decode()


def test_an_event_sent_with_a_key_is_read_back(playhead: PlayheadProcess):
    answer = playhead.request("/api/v1/events", {"events": [EVENT | {"id": "two"}]})

    assert (answer["accepted"], answer["rejected"]) == (1, [])
    assert kept_sessions(playhead) == ["kept"]


def test_a_second_start_on_the_same_data_says_so_and_stops(playhead: PlayheadProcess):
    done = run("up", "--data", str(playhead.data), "--port", "1")

    assert done.returncode == 1
    assert f"already runs on the data folder {playhead.data}" in done.stderr


def test_a_port_in_use_is_named(playhead: PlayheadProcess, tmp_path: Path):
    done = run("up", "--data", str(tmp_path), "--port", str(playhead.port))

    assert done.returncode == 1
    assert f"Port {playhead.port} " in done.stderr
    assert "--port" in done.stderr


def test_plain_http_on_another_address_is_refused(tmp_path: Path):
    done = run("up", "--data", str(tmp_path), "--host", "0.0.0.0")

    assert done.returncode == 1
    assert "Plain HTTP is for this machine only" in done.stderr


def test_commands_work_beside_a_running_server(playhead: PlayheadProcess):
    names = ["--organization", "beside", "--project", "one"]
    playhead.manage("create_project", *names)
    made = playhead.manage("create_user", "--email", "ann@example.com", "--organization", "beside")
    key = playhead.manage("create_api_key", *names, "--scopes", "ingest")

    assert "ann@example.com" in made
    assert re.fullmatch(r"phk_\w+\n", key)


def test_the_doctor_finds_all_well_beside_a_running_server(playhead: PlayheadProcess):
    done = run("doctor", "--data", str(playhead.data))

    assert "All is well." in done.stdout
    assert done.returncode == 0
    assert "problem" not in done.stdout


def test_the_demo_is_sent_once(playhead: PlayheadProcess):
    names = ["--organization", "my-team", "--project", "demo-support-desk"]

    assert "120 demo sessions were sent" in playhead.manage("send_demo")
    assert "already" in playhead.manage("send_demo")

    own = playhead.key
    playhead.key = playhead.manage("create_api_key", *names, "--scopes", "read:meta").strip()
    assert kept_sessions(playhead)[0] == HERO
    playhead.key = own


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_child_comes_back_and_nothing_is_lost(playhead: PlayheadProcess, name: str):
    def oldest() -> psutil.Process:
        return min(playhead.children(CHILDREN[name]), key=lambda each: len(each.parents()))

    before = oldest()
    before.kill()
    before.wait(5)

    eventually(lambda: bool(playhead.children(CHILDREN[name])), True)
    eventually(lambda: kept_sessions(playhead), ["kept"])
    assert oldest() != before


def test_a_killed_web_worker_comes_back(playhead: PlayheadProcess):
    workers = playhead.children(CHILDREN["web server"])
    last = max(workers, key=lambda each: len(each.parents()))
    last.kill()

    eventually(lambda: kept_sessions(playhead), ["kept"])
    assert len(workers) == 2


def test_a_killed_beat_comes_back_with_its_worker(playhead: PlayheadProcess):
    worker = min(playhead.children(CHILDREN["worker"]), key=lambda each: len(each.parents()))
    # One that works, the beat, and the worker of replays.
    eventually(lambda: len(worker.children()), 3)
    for each in worker.children():
        each.kill()

    eventually(worker.is_running, False, seconds=30)
    eventually(lambda: len(playhead.children(CHILDREN["worker"])), 4, seconds=30)


def test_a_start_after_a_killed_supervisor_cleans_up_and_keeps_all(playhead: PlayheadProcess):
    before = (playhead.data / "env").read_text()
    left = playhead.process.children(recursive=True)
    playhead.process.kill()
    playhead.child.wait(5)

    playhead.start()
    # Until it is cleaned up, the web server of before answers at the same place.
    _, alive = psutil.wait_procs(left, timeout=30)
    playhead.wait_until_ready()

    assert alive == []
    assert (playhead.data / "env").read_text() == before
    assert kept_sessions(playhead) == ["kept"]
    assert playhead.log.read_text().count("Project key") == 1


def test_stopping_leaves_no_process(playhead: PlayheadProcess):
    left = playhead.process.children(recursive=True)
    started = time.monotonic()

    playhead.stop()

    assert time.monotonic() - started < 15
    assert playhead.child.returncode == 0
    assert [each for each in left if is_alive(each)] == []
    assert strays(playhead.data) == []


def test_the_doctor_says_that_nothing_runs(playhead: PlayheadProcess):
    if playhead.child.poll() is None:
        playhead.stop()

    done = run("doctor", PLAYHEAD_DATA=str(playhead.data))

    assert done.returncode == 1
    assert "Is Playhead running? Start it with `manage.py up`" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_doctor_says_what_is_not_set(tmp_path: Path):
    done = run("doctor", "--data", str(tmp_path))

    assert done.returncode == 1
    assert "PLAYHEAD_SECRET_KEY is not set. `manage.py up` sets it" in done.stderr
    assert "Traceback" not in done.stderr
