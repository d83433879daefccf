"""What the client records arrives whole, is shown as one session, and replays from there."""

from __future__ import annotations

import json
from types import SimpleNamespace

import openai
import playhead
import pytest
from playhead import places
from playhead.client import replaying_from
from playhead.commands.moving import events_of
from playhead.files import read_file, write_file
from playhead.reporting import Reporting
from playhead.tapes import Tape

from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import forecast, record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("sent") / "forecast.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        answer = record(path, lambda: forecast(client))
    return read_file(path)[1], answer, client


@pytest.fixture
def stored(project, key_client, recorded):
    """Return the session's events as the server tells them."""
    sent = {"events": recorded[0]}
    answer = key_client(project, "ingest").post("/api/v1/events", sent, "application/json")
    assert answer.json()["accepted"] == len(recorded[0]), answer.json()
    session = project.sessions.get(external_id="sample")
    reader = key_client(project, "read:content")
    return reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]


def test_a_session_of_the_server_replays_as_its_file_does(stored, recorded):
    events, answer, client = recorded
    from_server, from_file = (replaying_from(Tape.of("s", told)) for told in (stored, events))

    for replaying in (from_server, from_file):
        with places.running(replaying):
            again = forecast(client)

        # Mappings have their names in the order in which the tools gave them.
        assert repr(again) == repr(answer)
        replaying.report.assert_faithful()
    assert from_server.report.digest == from_file.report.digest


def test_the_client_and_the_server_make_the_same_hashes(stored, recorded):
    own = {event["id"]: event.get("replay") for event in recorded[0]}

    for event in stored:
        bare = {name: value for name, value in event.items() if name != "replay"}
        if event["kind"] in ("llm", "tool"):
            [made] = Tape.of("bare", [bare]).calls
            assert made.key.request == own[event["client_id"]]["request_hash"]


def test_the_session_knows_its_agent_lanes_tokens_and_what_can_be_replayed(project, stored):
    session = project.sessions.get(external_id="sample")
    lanes = {event["lane"] for event in stored if event["kind"] == "tool"}

    assert lanes == {"0.0", "0.1", "0.2", "0.3.0", "0.3.1", "0.3.2"}
    usage = [event["usage"] for event in stored if event["kind"] == "llm" and event["usage"]]
    assert session.agent == "forecast"
    assert usage[0]["output"] == 105
    assert session.fidelity_class == "E1"
    assert {event["kind"] for event in stored} >= {"agent", "llm", "tool", "decision", "random"}


def test_a_replay_says_which_session_it_is_of(stored):
    replaying = replaying_from(Tape.of("sample", stored))

    assert replaying.report.session == "sample"
    assert replaying.report.first.kind == "missing"
    with pytest.raises(playhead.Divergence), places.running(replaying):
        playhead.tool(print)("never")


def test_a_session_that_is_taken_to_another_project_is_the_same_file(
    project, other_project, key_client, stored, tmp_path
):
    def written(where):
        session = where.sessions.get(external_id="sample")
        asked = f"/api/v1/sessions/{session.pk}/export?format=playhead-jsonl"
        answer = key_client(where, "read:content").get(asked)
        events = list(events_of(map(json.loads, answer.getvalue().splitlines())))
        write_file(tmp_path / f"{where.slug}.playhead", "sample", events)
        return tmp_path / f"{where.slug}.playhead"

    first = written(project)
    sent = {"events": read_file(first)[1]}
    key_client(other_project, "ingest").post("/api/v1/events", sent, "application/json")

    assert written(other_project).read_bytes() == first.read_bytes()


def test_what_a_replay_reports_is_taken_and_makes_it_a_session_of_the_original(
    project, key_client, stored, recorded
):
    told, client = [], key_client(project, "ingest")
    run = replaying_from(Tape.of("sample", stored))
    reporting = Reporting(SimpleNamespace(put_report=told.append), run, "again")
    run.record_as("again", told.append, {"agent": "forecast"})
    reporting.begin()
    with pytest.raises(playhead.Divergence), places.running(run):
        playhead.tool(forecast)(recorded[2], "Rome")
    run.end()
    reporting.end(ValueError("stopped"))

    reports = [one for one in told if "plan" in one]
    events = {"events": [one for one in told if "plan" not in one]}
    path, kind = "/api/v1/replays/reports", "application/json"
    answers = [client.post(path, one, kind) for one in reports]
    taken = client.post("/api/v1/events", events, kind).json()

    assert [one.status_code for one in answers] == [201, 200], answers[-1].content
    assert taken["rejected"] == []
    session = project.sessions.get(external_id="again")
    original = project.sessions.get(external_id="sample")
    assert (session.origin, session.replay_of) == ("replay", original.pk)
    assert (session.status, session.error_count) == ("closed", 1)
