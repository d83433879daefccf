from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from apps.ingest.native import read_events
from apps.sessions.events import Json
from apps.web.demo import demo_events

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def all_events(now: datetime = NOW) -> list[Json]:
    return [event for _, events in demo_events(now) for event in events]


def test_the_demo_is_the_same_for_the_same_moment():
    assert all_events() == all_events()


def test_the_demo_keeps_its_ids_at_another_moment():
    later = all_events(NOW + timedelta(days=1))

    assert [event["id"] for event in later] == [event["id"] for event in all_events()]
    assert len({event["id"] for event in later}) == len(later)


def test_the_demo_lies_in_the_hours_before():
    moments = [datetime.fromisoformat(event["ended_at"]) for event in all_events()]

    assert NOW - timedelta(hours=12) < min(moments)
    assert max(moments) < NOW


def test_the_demo_shows_what_a_session_can_hold():
    events = all_events()
    kinds = {event["kind"] for event in events}
    models = {event.get("model") for event in events} - {None}
    outcomes = [event["outcome"]["status"] for event in events if "outcome" in event]

    assert kinds >= set("llm tool decision state retriever memory human guardrail handoff".split())
    assert {model.split("-")[0] for model in models} == {"gpt", "claude"}
    assert sorted(outcomes) == ["failure", *["success"] * 4]
    assert [event["name"] for event in events if event["status"] == "error"] == ["change_address"]


def test_every_tool_that_a_model_asks_for_is_run():
    events = all_events()
    asked = [
        call["function"]["name"]
        for event in events
        if event["kind"] == "llm"
        for call in event["output"].get("tool_calls", [])
    ]
    run = [event["name"] for event in events if event["kind"] == "tool"]

    # One is run again after its error.
    assert sorted([*asked, "change_address"]) == sorted(run)


def test_the_api_understands_every_field_of_the_demo():
    batch = read_events(json.dumps({"events": all_events()}).encode(), NOW)

    assert batch.rejected == []
    assert not batch.unmapped
    assert len(batch.events) == len(all_events())


@pytest.mark.django_db
def test_the_demo_needs_its_project():
    with pytest.raises(CommandError, match="There is no project my-team/demo-support-desk"):
        call_command("send_demo")
