"""What users copy runs: recorded once, and again from the record with the provider gone."""

from __future__ import annotations

import hashlib
import importlib
import threading
from contextlib import contextmanager
from pathlib import Path

import playhead
import pytest
from playhead.files import read_file

EXAMPLES = Path(__file__).parents[2] / "sdk" / "examples"


@pytest.fixture(scope="module")
def examples():
    """The modules of the folder of examples, by their names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(EXAMPLES)
        names = ("random_provider", "travel_desk", "prove")
        yield {name: importlib.import_module(name) for name in names}


@contextmanager
def running(examples):
    """Let a provider run that the clients of OpenAI find, and that answers at random."""
    provider = examples["random_provider"].Provider()
    thread = threading.Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", provider.url)
        patch.setenv("OPENAI_API_KEY", "none")
        patch.delenv("PLAYHEAD_URL", raising=False)
        yield
    provider.shutdown()
    thread.join()
    provider.server_close()


@pytest.fixture
def desk(examples, monkeypatch):
    """The travel desk, whose clients look for a provider where none is."""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    return examples["travel_desk"]


@pytest.fixture(scope="module")
def recorded(examples, tmp_path_factory):
    file = tmp_path_factory.mktemp("examples") / "travel.playhead"
    with running(examples), playhead.session("trip", file=file):
        answer = examples["travel_desk"].run()
    return file, answer


def test_the_example_is_the_same_each_time_once_its_provider_is_gone(desk, recorded):
    file, answer = recorded
    digests = set()
    for _ in range(4):
        with playhead.replay(file) as run:
            assert desk.run() == answer
        run.report.assert_faithful()
        digests.add(run.report.digest)

    report = run.report
    assert (report.coverage, report.consumption, report.fidelity) == (1.0, 1.0, 1.0)
    assert len(digests) == 1


def test_the_example_has_all_that_an_agent_does(recorded):
    events = read_file(recorded[0])[1]

    kinds = {event["kind"] for event in events}
    assert {"agent", "decision", "llm", "memory", "retriever", "state", "time", "tool"} <= kinds
    assert {"search_trains", "search_rooms"} <= {event["name"] for event in events}
    busy = [event for event in events if event["kind"] == "llm" and event["status"] == "error"]
    assert busy[0]["error"]["code"] == "429"


def test_a_changed_word_is_named_at_the_first_call_that_says_it(examples, desk, recorded):
    file, _ = recorded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk, "BOOKING_PROMPT", desk.BOOKING_PROMPT)
        found = examples["prove"].change(desk, file)

    said = [event["kind"] == "llm" and "briefly" in str(event) for event in read_file(file)[1]]
    assert found["step"] == said.index(True) + 1
    assert "briefly" in found["says"]
    assert "kindly" in found["says"]


def test_a_fork_of_the_example_leaves_the_record_as_it_was(examples, desk, recorded):
    file, _ = recorded
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    prove = examples["prove"]
    with running(examples):
        found = prove.fork(desk, file, prove.first_call(file, "briefly"))

    forked = [event for event in read_file(found["file"])[1] if event["kind"] == "llm"]
    models = [event["model"] for event in forked]
    assert models == ["gpt-4o"] * found["served"] + ["gpt-4o-mini"] * found["asked"]
    assert found["asked"] > 0
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
