"""Every filter of the list, over HTTP and on the page, alone and as the box says it."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from apps.sessions import store
from apps.sessions.events import ErrorInfo, Outcome, PromptStamp
from apps.sessions.filters import known_names
from apps.sessions.models import Facet, SessionFacet
from apps.sessions.queries import OPEN_TICKET
from tests.sessions.factories import at, make_call, make_event

API = "/api/v1/sessions"
PAGE = "/o/acme/p/support-bot/sessions/"
LONG = "x" * 300
# Filter -> (its value, the sessions with it, what is refused as its value).
TABLE = {
    "q": ("umbrella", ["c"], "!!"),
    "external_id": ("b", ["b"], "b\x00"),
    "user": ("customer-17", ["c"], "x" * 513),
    "environment": ("staging", ["b"], "x" * 513),
    "status": ("error", ["b"], "broken"),
    "origin": ("live", ["c", "b", "a"], "mars"),
    "outcome": ("failure", ["b"], "bad"),
    "fidelity": ("E1", ["b"], "E4"),
    "kind": ("tool", ["b"], "x" * 513),
    "model": ("gpt-4o", ["c", "a"], "x" * 513),
    "provider": ("openai", ["c", "a"], "a\x00"),
    "prompt": ("triage", ["c"], "a\x00"),
    "prompt_version": ("triage@7", ["c"], "7"),
    "agent": ("billing", ["a"], "a\x00"),
    "agent_version": ("billing@2", ["a"], "a\x00"),
    "release": (LONG, ["a"], "a\x00"),
    "tag": ("vip", ["c"], "a\x00"),
    "error": ("TimeoutError", ["b"], "a\x00"),
    "tool": ("refund order", ["b"], "a\x00"),
    "started_after": ("2026-11-20T09:00:20Z", ["c", "b"], "yesterday"),
    "started_before": ("2026-11-20T09:00:20Z", ["a"], "2026-11-20T09:00:20"),
    "min_cost": ("0.5", ["a"], "-1"),
    "max_cost": ("0.05", ["c"], "NaN"),
    "min_duration_ms": ("5000", ["b"], "10s"),
    "max_duration_ms": ("4999", ["c", "a"], "Infinity"),
    "has_ticket": ("false", ["c", "a"], "yes"),
    "score": ("helpful=yes", ["b"], "x" * 513),
    "sort": ("started", ["a", "b", "c"], "colour"),
}
CASES = [(name, value, found) for name, (value, found, _) in TABLE.items()]
CASES += [
    ("status", "ok", ["c", "a"]),
    ("status", "open", ["c", "b", "a"]),
    ("status", "closed", []),
    ("has_ticket", "true", ["b"]),
    ("prompt", "triage@7", ["c"]),
    ("origin", "replay", []),
    ("started_after", "-1h", []),
    ("started_before", "-1m", ["c", "b", "a"]),
]


@pytest.fixture
def three(project):
    store.append(
        project,
        [
            make_call(
                session="a",
                started_at=at(0),
                ended_at=at(2),
                cost=Decimal("0.5"),
                agent="billing",
                stamps={"release": LONG},
            ),
            make_event(
                session="b",
                kind="tool",
                name="refund order",
                started_at=at(20),
                ended_at=at(25),
                environment="staging",
                status="error",
                error=ErrorInfo(type="TimeoutError"),
                outcome=Outcome(status="failure"),
            ),
            make_call(
                session="c",
                started_at=at(40),
                ended_at=at(41),
                cost=Decimal("0.05"),
                tags=["vip"],
                user="customer-17",
                prompt=PromptStamp(name="triage", version=7),
                input="my umbrella",
            ),
        ],
    )
    give(project, "b", *OPEN_TICKET)
    give(project, "a", Facet.AGENT_VERSION, "billing@2")
    give(project, "b", Facet.SCORE, "helpful=yes")
    return project


def give(project, external_id, facet, value):
    session = project.sessions.get(external_id=external_id)
    SessionFacet.unscoped.create(
        project=project, session=session, facet=facet, value=value, started_at=session.sort_started
    )


def test_the_table_holds_every_filter():
    assert set(TABLE) == known_names()


@pytest.mark.parametrize(("name", "value", "found"), CASES, ids=str)
def test_each_filter_narrows_the_list(three, key_client, member_client, name, value, found):
    answer = key_client(three, "read:content").get(API, {name: value})
    page = member_client.get(PAGE, {name: value})

    assert [row["external_id"] for row in answer.json()["results"]] == found
    ids = [str(three.sessions.get(external_id=one).pk) for one in found]
    shown = re.findall(
        r'data-row-link[^>]*href="[^"]*/sessions/([0-9a-f-]{36})/', page.content.decode()
    )
    assert shown == ids


@pytest.mark.parametrize("name", TABLE)
def test_each_filter_refuses_what_it_cannot_read(three, key_client, member_client, name):
    refused = TABLE[name][2]

    answer = key_client(three, "read:content").get(API, {name: refused})
    page = member_client.get(PAGE, {name: refused})

    assert answer.status_code == page.status_code == 400
    assert answer.json()["errors"][0]["path"] == name


def test_filters_hold_together(three, key_client):
    client = key_client(three, "read:content")
    together = {"model": "gpt-4o", "provider": "openai", "max_cost": "1", "has_ticket": "false"}

    both = client.get(API, together).json()["results"]
    one = client.get(API, together | {"tag": "vip", "user": "customer-17"}).json()["results"]
    none = client.get(API, together | {"status": "error"}).json()["results"]

    assert [row["external_id"] for row in both] == ["c", "a"]
    assert [row["external_id"] for row in one] == ["c"]
    assert none == []
