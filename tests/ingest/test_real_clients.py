"""Real client libraries, their instrumentations and exporters, against a live server."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import playhead
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playhead import places
from playhead.client import replaying_from
from playhead.tapes import Tape

from apps.core.bodies import unpack
from apps.ingest.otlp import protobuf
from tests.factories import make_key
from tests.ingest.captures.replay import events_of
from tests.ingest.clients import agent
from tests.ingest.collector import Sent, running_collector
from tests.ingest.factories import read
from tests.ingest.fake_provider import ANSWER, ARGUMENTS, running_provider
from tests.ingest.golden import golden, told
from tests.sessions.snapshots import listed

AGENT = Path(__file__).parent / "clients" / "agent.py"
SYSTEM = "You are a weather service."
CITY = "What is the weather in Oslo?"
CONVENTIONS = ["genai", "openinference"]
# The clients are run once for all of them.
pytestmark = pytest.mark.xdist_group("real clients")


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running_provider() as address:
        yield address


SCENARIOS = (
    "chat chat_stream chat_tools chat_400 chat_429 responses responses_stream responses_tools "
    "messages messages_stream messages_tools messages_400 messages_429"
).split()


@pytest.fixture(scope="module")
def sent(provider) -> Callable[..., list[Sent]]:
    """Runs the agent through all scenarios, each a session, and returns what it sent."""

    @cache
    def run_agent(convention: str, mode: str = "SPAN_ONLY") -> list[Sent]:
        with running_collector() as (address, requests):
            run(convention, provider, *SCENARIOS, mode=mode, endpoint=address)
        return requests

    return run_agent


@pytest.fixture
def arrived(project, key_client, sent) -> Callable[..., list[dict[str, Any]]]:
    """Takes in what real clients sent, and returns the events of one scenario."""
    sender, reader = key_client(project, "ingest"), key_client(project, "read:content")

    def take_in(convention: str, scenario: str, mode: str = "SPAN_ONLY", *, logs_first=False):
        requests = sorted(sent(convention, mode), key=lambda one: one.path, reverse=not logs_first)
        for one in requests:
            answer = sender.generic("POST", one.path, one.body, headers=one.headers)
            assert (answer.status_code, answer.content) == (200, b"")
        session = project.sessions.get(external_id=scenario)
        return reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]

    return take_in


def run(convention: str, provider: str, *scenarios: str, mode: str, endpoint: str, **more: str):
    """Run the agent in a process of its own."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": mode,
        "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.2,deployment.environment.name=lab",
    }
    command = [sys.executable, str(AGENT), convention, provider, *scenarios]
    done = subprocess.run(
        command, env=environment | more, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Failed to export" not in done.stderr, done.stderr


def texts(value: Any) -> str:
    """Return all text in a value, whatever shape its messages have."""
    if isinstance(value, dict):
        return " ".join(texts(inner) for inner in value.values())
    if isinstance(value, list):
        return " ".join(texts(inner) for inner in value)
    return str(value)


def counted(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the calls of models that are no second report of the same call."""
    ids = {event["id"]: event for event in events}
    calls = [event for event in events if event["kind"] == "llm" and event["is_counted"]]
    return [call for call in calls if ids[call["parent"]]["kind"] != "llm"]


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "scenario",
    ["chat", "chat_stream", "responses", "responses_stream", "messages", "messages_stream"],
)
def test_one_call_is_seen_whole(arrived, convention, scenario):
    events = arrived(convention, scenario)

    agent, *_ = events
    (call,) = counted(events)
    assert (agent["kind"], agent["agent"], call["parent"]) == ("agent", "weather", agent["id"])
    assert CITY in texts(call["input"])
    assert ANSWER in texts(call["output"])
    assert (SYSTEM in texts(call["input"])) or scenario == "messages_stream"
    usage = call["usage"]
    assert (usage["input"], usage["output"], usage["cache_read"]) == (840, 105, 128)
    assert call["status"] == "ok"
    assert Decimal(call["cost"]) > 0
    assert call["model"].startswith(("gpt-4o", "claude-sonnet-4-5"))
    assert (call["environment"], call["release"], call["user"]) == ("lab", "1.4.2", "customer-17")


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("scenario", ["chat_tools", "responses_tools", "messages_tools"])
def test_a_tool_call_is_a_step_between_two_calls(arrived, convention, scenario):
    events = arrived(convention, scenario)

    agent = events[0]
    (tool,) = [event for event in events if event["kind"] == "tool"]
    first, second = counted(events)
    assert (tool["name"], tool["input"]) == ("get_weather", ARGUMENTS)
    assert tool["output"] == {"temperature": 4, "sky": "rain"}
    assert {tool["parent"], first["parent"], second["parent"]} == {agent["id"]}
    assert first["seq"] < tool["seq"] < second["seq"]
    assert "get_weather" in texts(first["output"])
    assert "Weather of a city" in texts(first["tools"])
    assert ANSWER in texts(second["output"])


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("scenario", ["chat_400", "chat_429", "messages_400", "messages_429"])
def test_an_error_of_the_provider_is_seen_with_its_reason(arrived, convention, scenario):
    events = arrived(convention, scenario)

    (call,) = counted(events)
    status = scenario[-3:]
    assert call["status"] == "error"
    assert {"400": "BadRequest", "429": "RateLimit"}[status] in call["error"]["type"]
    assert f"The provider says {status}." in call["error"]["message"]
    assert f"[{status}]" in texts(call["input"])
    assert call["model"].startswith(("gpt-4o", "claude-sonnet-4-5"))
    assert call["usage"] is None
    assert call["cost"] is None


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "scenario", ["messages", "messages_stream", "messages_tools", "messages_400"]
)
def test_the_span_of_the_sdk_inside_of_a_call_is_shown_and_not_counted(
    arrived, project, convention, scenario
):
    events = arrived(convention, scenario)

    calls = counted(events)
    inner = [event for event in events if event["name"] == "anthropic.messages.create"]
    assert len(inner) == len(calls)
    # OpenInference ends its context before an answer is streamed: there it lies beside the call.
    is_beside = (convention, scenario) == ("openinference", "messages_stream")
    around = "parent" if is_beside else "id"
    assert {event["parent"] for event in inner} == {call[around] for call in calls}
    session = project.sessions.get(external_id=scenario)
    known = 0 if scenario == "messages_400" else len(calls)
    assert session.input_tokens == (known * 840 or None)
    assert session.cost == (sum(Decimal(call["cost"]) for call in calls) if known else None)


@pytest.mark.parametrize("logs_first", [True, False], ids=["logs first", "spans first"])
@pytest.mark.parametrize("mode", ["EVENT_ONLY", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("scenario", ["chat_tools", "responses", "messages", "chat_400"])
def test_content_on_log_records_joins_its_span(arrived, project, scenario, mode, logs_first):
    events = arrived("genai", scenario, mode, logs_first=logs_first)

    calls = counted(events)
    assert len(calls) == (2 if scenario == "chat_tools" else 1)
    assert all("Oslo" in texts(call["input"]) or "[400]" in texts(call["input"]) for call in calls)
    assert all(call["output"] or call["status"] == "error" for call in calls)
    assert all(call["name"].startswith("chat ") and call["duration_ms"] > 0 for call in calls)
    assert project.sessions.get(external_id=scenario).input_tokens == (
        None if scenario == "chat_400" else 840 * len(calls)
    )


def test_without_content_the_steps_are_still_there(arrived):
    (call,) = counted(arrived("genai", "chat", "NO_CONTENT"))

    assert (call["input"], call["output"], call["usage"]["input"]) == (None, None, 840)
    with pytest.raises(playhead.Divergence, match="its answer was not recorded"):
        again("chat", [call])


@playhead.tool(effects="read")
def get_weather(city: str, unit: str) -> str:
    raise AssertionError("A replay runs no tool.")


def again(scenario: str, events: list[dict[str, Any]]):
    """Run a scenario from what others recorded of it, without any provider; return the report."""
    replaying = replaying_from(Tape.of(scenario, events))
    with places.running(replaying):
        getattr(agent.Agent("none", "http://127.0.0.1:9"), scenario)()
    return replaying.report


@pytest.mark.filterwarnings("ignore:The model 'claude:DeprecationWarning")
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_a_session_that_others_recorded_is_replayed(
    arrived, project, key_client, monkeypatch, convention
):
    arrived(convention, "chat")
    reader = key_client(project, "read:content")
    monkeypatch.setattr(agent, "call_tool", lambda _, __, given: get_weather(**json.loads(given)))

    for scenario in SCENARIOS:
        events = events_of(reader, project.sessions.get(external_id=scenario))
        report = again(scenario, events)

        assert (report.coverage, report.consumption, report.fidelity) == (1.0, 1.0, 1.0)
        assert (report.first, set(report.matched)) == (None, {"said"})
        assert "recorded by others" in report.text()


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_every_session_is_recorded_as_it_was(arrived, project, key_client, convention):
    arrived(convention, "chat")

    reader = key_client(project, "read:content")
    recorded = {one.external_id: told(one, events_of(reader, one)) for one in listed(project)}
    assert recorded == golden(convention)


def test_everything_sent_again_changes_nothing(arrived, project):
    once = arrived("openinference", "messages_tools")
    sums = list(project.sessions.order_by("external_id").values("input_tokens", "cost", "counts"))

    again = arrived("openinference", "messages_tools")

    assert again == once
    assert sums == list(
        project.sessions.order_by("external_id").values("input_tokens", "cost", "counts")
    )


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_a_live_server_takes_what_the_exporter_sends(
    live_server, transactional_db, request, provider, compression
):
    project = request.getfixturevalue("project")
    _, secret = make_key(project, ["ingest"])

    run(
        "genai",
        provider,
        "chat",
        mode="SPAN_AND_EVENT",
        endpoint=live_server.url,
        OTEL_EXPORTER_OTLP_COMPRESSION=compression,
        OTEL_EXPORTER_OTLP_HEADERS=f"Authorization=Bearer%20{secret}",
    )

    session = project.sessions.get(external_id="chat")
    assert (session.event_count, session.input_tokens) == (2, 840)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_the_same_spans_in_json_are_the_same_events(sent, convention):
    for one in sent(convention):
        body = unpack(one.body, one.headers["Content-Encoding"])

        in_json = read(as_json(body))

        assert in_json.events == read(body, protobuf).events
        assert in_json.events


def as_json(body: bytes) -> bytes:
    """Return a request of spans in OTLP's JSON, whose ids are hex."""
    request = MessageToDict(ExportTraceServiceRequest.FromString(body), use_integers_for_enums=True)
    for part in request["resourceSpans"]:
        for span in (span for scope in part["scopeSpans"] for span in scope["spans"]):
            for name in {"traceId", "spanId", "parentSpanId"} & span.keys():
                span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(request).encode()
