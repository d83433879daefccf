"""Real client libraries, their instrumentations and exporters, against a live server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.factories import make_key
from tests.ingest.fake_provider import ANSWER, ARGUMENTS, running_provider

AGENT = Path(__file__).parent / "clients" / "agent.py"
SYSTEM = "You are a weather service."
CITY = "What is the weather in Oslo?"
CONVENTIONS = ["genai", "openinference"]
Run = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with running_provider() as address:
        yield address


@pytest.fixture
def run(live_server, transactional_db, provider, key_client, request) -> Run:
    """Runs the agent in a process of its own and returns the events that arrived."""
    project = request.getfixturevalue("project")
    _, secret = make_key(project, ["ingest"])

    def run_agent(convention: str, *scenarios: str, mode: str = "SPAN_ONLY", **extra: str):
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": live_server.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{secret}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": mode,
            "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.2,deployment.environment.name=lab",
        }
        command = [sys.executable, str(AGENT), convention, provider, *scenarios]
        done = subprocess.run(
            command, env=environment | extra, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        assert "Failed to export" not in done.stderr, done.stderr
        session = project.sessions.get(external_id="chat-oslo")
        path = f"/api/v1/sessions/{session.pk}/events"
        return key_client(project, "read:content").get(path).json()["results"]

    return run_agent


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
    calls = [event for event in events if event["kind"] == "llm"]
    return [call for call in calls if ids[call["parent"]]["kind"] != "llm"]


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(
    "scenario",
    ["chat", "chat_stream", "responses", "responses_stream", "messages", "messages_stream"],
)
def test_one_call_is_seen_whole(run, convention, scenario):
    events = run(convention, scenario)

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
def test_a_tool_call_is_a_step_between_two_calls(run, convention, scenario):
    events = run(convention, scenario)

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
def test_an_error_of_the_provider_is_seen_with_its_reason(run, convention, scenario):
    events = run(convention, scenario)

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
def test_the_span_of_the_sdk_inside_of_a_call_is_shown_and_not_counted(run, project, convention):
    events = run(convention, "messages", "messages_stream", "messages_400", "chat")

    kinds = Counter(event["kind"] for event in events)
    session = project.sessions.get()
    assert kinds == {"agent": 4, "llm": 7}
    assert len(counted(events)) == 4
    assert (session.input_tokens, session.output_tokens) == (3 * 840, 3 * 105)
    assert session.cost == sum(Decimal(call["cost"] or 0) for call in counted(events))


@pytest.mark.parametrize("mode", ["EVENT_ONLY", "SPAN_AND_EVENT"])
@pytest.mark.parametrize("scenario", ["chat_tools", "responses", "messages", "chat_400"])
def test_content_that_comes_on_log_records_joins_its_span(run, project, mode, scenario):
    events = run("genai", scenario, mode=mode)

    calls = counted(events)
    assert len(calls) == (2 if scenario == "chat_tools" else 1)
    assert all("Oslo" in texts(call["input"]) or "[400]" in texts(call["input"]) for call in calls)
    assert all(call["output"] or call["status"] == "error" for call in calls)
    assert all(call["name"].startswith("chat ") and call["duration_ms"] > 0 for call in calls)
    assert project.sessions.get().input_tokens == (
        None if scenario == "chat_400" else 840 * len(calls)
    )


def test_without_content_the_steps_are_still_there(run):
    events = run("genai", "chat", mode="NO_CONTENT")

    (call,) = counted(events)
    assert (call["input"], call["output"], call["usage"]["input"]) == (None, None, 840)


@pytest.mark.parametrize("compression", ["gzip", "deflate", "none"])
def test_every_compression_of_the_exporter_is_read(run, compression):
    events = run("genai", "chat", OTEL_EXPORTER_OTLP_COMPRESSION=compression)

    assert len(counted(events)) == 1
