"""The timeline over HTTP: what its address says, and what it says of clocks."""

from __future__ import annotations

import pytest

from tests.browser import seed
from tests.sessions.factories import at, make_event, make_session

SESSIONS = "/o/acme/p/support-bot/sessions/"


def page(client, session, query=""):
    return client.get(f"{SESSIONS}{session.pk}/{query}")


def skewed(project):
    """Record a service that calls another, whose clock is ten seconds behind."""

    def span(service, kind, **fields):
        extra = {"resource": {"service.name": service}}
        return make_event(trace="t", extra=extra, sent=[{"of": "span", "kind": kind}], **fields)

    return make_session(
        project,
        span("shop", 3, id="a", session="s", name="call", started_at=at(10), ended_at=at(20)),
        span("stock", 2, id="b", parent="a", name="work", started_at=at(2), ended_at=at(8)),
    )


def test_the_address_keeps_the_filter_and_the_part_of_the_time(project, member_client):
    session = seed.add(project, seed.long_story(250))

    text = page(member_client, session, "?f=kind:llm&from=0&to=90000").content.decode()

    assert 'value="kind:llm"' in text
    assert "of 250 found" in text
    assert "&amp;f=kind%3Allm&amp;from=0&amp;to=90000" in text


@pytest.mark.parametrize("query", ["?f=duration%3Eslow", "?from=9&to=1", "?to=5", "?from=a&to=b"])
def test_an_address_that_makes_no_sense_is_refused_with_what_is_wrong(
    project, member_client, query
):
    session = seed.add(project, seed.small(1))

    answer = page(member_client, session, query)

    assert answer.status_code == 400


def test_corrected_clocks_are_said_on_the_page_and_sent_in_columns(project, member_client):
    session = skewed(project)
    text = page(member_client, session).content.decode()
    columns = member_client.get(f"{SESSIONS}{session.pk}/spans.json").json()

    assert "Clocks disagree: 1 step of another service lies outside" in text
    assert columns["shifts"] == [[0, 10000.0]]
    assert columns["s"] == [0, 80000]


def test_the_api_tells_times_as_they_were_sent(project, key_client):
    session = skewed(project)

    answer = key_client(project, "read:content").get(f"/api/v1/sessions/{session.pk}/events")

    assert "2026-11-20T09:00:02" in answer.content.decode()
    assert "2026-11-20T09:00:12" not in answer.content.decode()


def test_a_session_without_times_says_why_there_are_no_bars(project, member_client):
    session = make_session(project, make_event(id="a"), make_event(id="b"))

    text = page(member_client, session).content.decode()

    assert "No step of this session says when it ran" in text


def test_columns_hold_the_path_and_what_was_used(project, member_client):
    session = seed.add(project, seed.refund_story())

    columns = member_client.get(f"{SESSIONS}{session.pk}/spans.json").json()

    assert columns["c"][0] == 0
    assert columns["u"]["t"][0] == 945
    assert columns["lanes"][columns["sent"][0]] == "2"
