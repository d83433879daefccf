from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from django.core.management import CommandError, call_command

from apps.audit.actors import SYSTEM
from apps.ingest.native import read_events
from apps.prompts.files import import_prompts
from apps.sessions.events import KINDS, Json
from apps.web.demo import demo_sessions, library
from apps.web.demo.opinions import opinions
from apps.web.demo.problems import PROBLEMS
from apps.web.demo.prompts import NAME, VERSIONS
from apps.web.demo.replays import SESSION, play_all
from apps.web.demo.schedule import BACKLOG, HERO
from apps.web.management.commands.send_demo import in_requests
from tests.factories import make_key

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


@cache
def sessions(now: datetime = NOW) -> dict[str, list[Json]]:
    return dict(demo_sessions(now))


def conversations() -> list[list[Json]]:
    """All but the two that were written for themselves."""
    return [events for name, events in sessions().items() if name not in (HERO, BACKLOG)]


def all_events() -> list[Json]:
    return [event for events in sessions().values() for event in events]


def of_version(number: int) -> list[list[Json]]:
    return [
        events
        for events in conversations()
        if any(event.get("prompt", {}).get("version") == number for event in events)
    ]


def outputs(events: list[Json]) -> list[str]:
    return sorted(json.dumps(event.get("output"), sort_keys=True) for event in events)


def share(events: list[list[Json]], status: str) -> float:
    return sum(each[0]["outcome"]["status"] == status for each in events) / len(events)


def test_the_demo_is_the_same_for_the_same_moment():
    assert dict(demo_sessions(NOW)) == dict(demo_sessions(NOW))


def test_the_demo_keeps_its_ids_at_another_moment():
    later = [event for _, events in demo_sessions(NOW + timedelta(days=1)) for event in events]

    assert [event["id"] for event in later] == [event["id"] for event in all_events()]
    assert len({event["id"] for event in later}) == len(later)


def test_the_demo_fills_two_weeks_until_now():
    moments = [datetime.fromisoformat(event["ended_at"]) for event in all_events()]
    days = {(NOW - moment).days for moment in moments}

    assert days == set(range(14))
    assert max(moments) < NOW


def test_there_are_120_sessions_the_first_to_open_first_and_the_largest_last():
    sizes = {name: len(events) for name, events in sessions().items()}

    assert len(sizes) == 120
    first, *_, last = sizes
    assert (first, last) == (HERO, BACKLOG)
    assert sizes[BACKLOG] == 5_000
    assert all(3 <= size <= 40 for name, size in sizes.items() if name != BACKLOG)


def test_the_conversations_lie_newest_first_between_them():
    starts = [events[0]["started_at"] for events in conversations()]

    assert starts == sorted(starts, reverse=True)


def test_the_demo_shows_what_a_session_can_hold():
    kinds = Counter(event["kind"] for event in all_events())

    missing = set(KINDS) - set(kinds)
    assert missing == {"chain", "http", "random", "env", "error", "event"}
    assert kinds["evaluator"] > 50
    assert kinds["human"] > 5


def test_the_hero_has_one_of_everything():
    events = sessions()[HERO]
    kinds = Counter(event["kind"] for event in events)

    assert kinds >= Counter("decision code_change human memory evaluator".split())
    assert kinds["agent"] == 3
    assert kinds["state"] == 4
    assert events[0]["outcome"]["status"] == "success"


def test_two_agents_of_the_hero_work_at_the_same_time():
    one, other = [event for event in sessions()[HERO][1:] if event["kind"] == "agent"]

    assert one["started_at"] == other["started_at"]
    assert one["parent"] == other["parent"] == sessions()[HERO][0]["id"]


def test_a_tool_of_the_hero_fails_with_409_and_works_when_tried_again():
    tried = [event for event in sessions()[HERO] if event["name"] == "reserve_stock"]

    assert [event["status"] for event in tried] == ["error", "ok"]
    assert tried[0]["error"]["code"] == "409"


def test_the_largest_session_answers_hundreds_of_tickets():
    tickets = [event for event in sessions()[BACKLOG] if event["name"].startswith("ticket ")]

    assert len(tickets) > 400
    assert all(isinstance(ticket["output"], str) for ticket in tickets)


def test_every_version_of_the_prompt_is_used():
    assert all(of_version(number) for number in range(1, 10))


def test_after_version_7_things_get_worse_and_version_9_mends_them():
    assert share(of_version(8), "success") < share(of_version(7), "success") - 0.2
    assert share(of_version(9), "success") > share(of_version(8), "success") + 0.2


def test_version_8_talks_more_and_asks_tools_more():
    def per_session(number: int, kind: str) -> float:
        found = of_version(number)
        return sum(each["kind"] == kind for events in found for each in events) / len(found)

    def words(number: int) -> float:
        said = [
            e["output"]["content"] for s in of_version(number) for e in s if e["name"] == "reply"
        ]
        return sum(len(each) for each in said) / len(said)

    assert words(8) > 2 * words(7)
    assert per_session(8, "tool") > 1.4 * per_session(7, "tool")


def test_customers_write_in_many_languages_with_many_models():
    roots = [events[0] for events in conversations()]
    languages = Counter(root["metadata"]["language"] for root in roots)
    models = {event["model"] for event in all_events() if "model" in event}

    assert len(languages) >= 6
    assert languages["en"] < 80
    assert len(models) == 6
    assert len({root["input"] for root in roots}) > 80
    assert {root["environment"] for root in roots} == {"production", "staging"}


def test_every_tool_that_a_model_asks_for_is_run():
    for events in sessions().values():
        asked = [
            call["function"]["name"]
            for event in events
            if event["kind"] == "llm"
            for call in event["output"].get("tool_calls", [])
        ]
        ran = {event["name"] for event in events if event["kind"] == "tool"}
        assert set(asked) <= ran


def test_every_parent_is_there_and_every_session_says_that_it_is_over():
    for events in sessions().values():
        ids = {event["id"] for event in events}
        assert all(event["parent"] in ids for event in events[1:])
        assert events[0]["ends_session"]


def test_it_goes_out_in_few_requests_the_first_with_the_hero_alone():
    requests = list(in_requests(list(sessions().values())))

    assert [len(request) for request in requests][:1] == [len(sessions()[HERO])]
    assert len(requests) <= 6
    assert sum(len(request) for request in requests) == len(all_events())


def test_the_api_understands_every_field_of_the_demo():
    for request in in_requests(list(sessions().values())):
        batch = read_events(json.dumps({"events": request}).encode(), NOW)

        assert batch.rejected == []
        assert not batch.unmapped
        assert len(batch.events) == len(request)


def test_the_policy_that_every_project_begins_with_leaves_the_demo_as_it_is(project, client):
    sent = [event for name, events in sessions().items() if name != BACKLOG for event in events]
    _, secret = make_key(project, scopes=["ingest", "read:content"])
    key = {"Authorization": f"Bearer {secret}"}

    answer = client.post(
        "/api/v1/events", json.dumps({"events": sent}), "application/json", headers=key
    )
    hero = project.sessions.get(external_id=HERO)
    read = client.get(f"/api/v1/sessions/{hero.pk}/events?limit=100", headers=key).json()

    assert answer.json()["accepted"] == len(sent)
    assert list(project.ingest_losses.values_list("reason", flat=True)) == []
    assert outputs(read["results"]) == outputs(sessions()[HERO])


@pytest.mark.django_db
def test_the_demo_needs_its_project():
    with pytest.raises(CommandError, match="There is no project my-team/demo-support-desk"):
        call_command("send_demo")


def test_the_tickets_of_the_demo_are_about_steps_that_failed():
    for problem in PROBLEMS:
        failed = {event["name"] for event in sessions()[problem.session] if is_bad(event)}
        assert not problem.step or problem.step in failed


def is_bad(event: Json) -> bool:
    return event.get("status") == "error"


def test_what_is_said_about_the_first_session_is_about_steps_that_it_has():
    names = Counter(event.get("name") for event in sessions()[HERO])

    about = [opinion.about for opinion in opinions() if opinion.about]

    assert len(about) == 4
    assert all(names[step.name] >= step.number for step in about)


class Outbox:
    """Takes what a client sends."""

    def __init__(self):
        self.events, self.reports = [], []
        self.put, self.put_report = self.events.append, self.reports.append


def test_the_demo_is_replayed_as_it_was_with_another_prompt_and_forked():
    outbox = Outbox()

    play_all(sessions()[SESSION], outbox)

    told = {(sent["origin"], sent["report"]["band"]) for sent in outbox.reports}
    assert told == {("replay", "identical"), ("replay", "faithful"), ("fork", "diverged")}
    fork = outbox.reports[-1]
    assert fork["forked_at"]["step"] == fork["report"]["divergences"][0]["step"] == 13
    assert {event["session"] for event in outbox.events} == {
        sent["name"] for sent in outbox.reports
    }


def test_the_library_of_the_demo_holds_the_versions_that_its_calls_name(project):
    done = import_prompts(project, library.document(), moves_labels=False, actor=SYSTEM)

    kept = project.prompts.get(name=NAME).versions.order_by("number")
    assert (done.versions_added, done.left_out) == (9, [])
    assert [row.body for row in kept] == [version.text for version in VERSIONS]
