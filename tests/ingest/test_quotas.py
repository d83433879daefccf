"""What a project may send, and what a sender is told who sends more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import redis
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import InvalidError
from apps.ingest import buckets, quotas
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.ingest.factories import make_body, make_event, make_span, make_spans

EVENTS, QUOTAS, HEALTH = "/api/v1/events", "/api/v1/quotas", "/api/v1/ingest/health"
JSON = "application/json"


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Start each test without what an earlier one left in this process."""
    yield
    quotas._quotas.clear()
    quotas._months.clear()
    buckets._away_until = 0.0


@pytest.fixture
def sender(project, key_client):
    return key_client(project, "ingest")


@pytest.fixture
def limit(project):
    """Sets the quotas of the project."""

    def set_limits(minute=None, month=None):
        quotas.set_quota(project, events_per_minute=minute, events_per_month=month, actor=SYSTEM)
        quotas._quotas.clear()

    return set_limits


def send(client, *ids):
    body = make_body(*(make_event(id=one) for one in ids))
    return client.post(EVENTS, body, content_type=JSON)


def test_without_a_quota_nothing_is_said_of_one(sender):
    answer = send(sender, "e1")

    assert answer.status_code == 200
    assert "X-RateLimit-Limit" not in answer
    assert sender.get(HEALTH).json()["quotas"]["uses"] == []


def test_more_than_a_minutes_events_are_a_429_with_the_time_to_come_back(sender, limit, project):
    limit(minute=60)
    first = send(sender, *(f"e{number}" for number in range(63)))

    answer = send(sender, "one more")

    assert (first.status_code, first.json()["accepted"]) == (200, 63)
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert 1 <= int(answer["Retry-After"]) <= 4
    assert (answer["X-RateLimit-Limit"], answer["X-RateLimit-Remaining"]) == ("60", "0")
    assert 1 <= int(answer["X-RateLimit-Reset"]) <= 4
    assert project.sessions.get().event_count == 63


def test_what_is_left_is_told_with_each_answer(sender, limit):
    limit(minute=100)
    send(sender, "e1", "e2")

    answer = sender.post("/v1/traces", make_spans(make_span()), content_type=JSON)

    assert (answer.status_code, answer["X-RateLimit-Remaining"]) == (200, "98")


def test_a_body_beyond_the_quota_is_not_even_read(sender, limit):
    limit(minute=1)
    send(sender, "e1", "e2")

    assert sender.post(EVENTS, b"{ this is no JSON", content_type=JSON).status_code == 429


def test_the_bucket_fills_again(project):
    buckets.take(project.pk, 6000, 6010)
    empty = buckets.level(project.pk, 6000)

    while (level := buckets.level(project.pk, 6000)) < 0:
        assert level >= empty

    assert -11 < empty < 0 <= level < 50


def test_a_refused_request_is_counted_and_said(sender, limit):
    limit(minute=1)
    send(sender, "e1", "e2")
    send(sender, "e3")

    told = sender.get(HEALTH).json()
    assert told["refused_requests"] == {"request_quota_minute": 1}
    assert (told["sent"], told["accepted"]) == (2, 2)
    assert told["state"] == "error"
    assert told["quotas"]["uses"][0]["state"] == "blocked"


def test_events_that_are_sent_again_cost_of_the_minute_but_not_of_the_month(sender, limit):
    limit(minute=100, month=100)
    for _ in range(3):
        send(sender, "e1")

    uses = {use["period"]: use["used"] for use in sender.get(QUOTAS).json()["uses"]}

    assert uses["minute"] in (2, 3)
    assert uses["month"] == 1


def test_a_month_that_is_used_up_refuses_until_the_next(sender, limit):
    limit(month=2)
    send(sender, "e1", "e2")
    quotas._months.clear()

    answer = send(sender, "e3")

    assert answer.status_code == 429
    assert "2 events a month" in answer.json()["detail"]
    assert int(answer["Retry-After"]) == min(quotas.LONGEST_WAIT, int(answer["X-RateLimit-Reset"]))
    assert sender.get(HEALTH).json()["refused_requests"] == {"request_quota_month": 1}


def test_a_month_ends_with_its_last_second():
    late = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)

    assert quotas.month_of(late) == datetime(2026, 12, 1, tzinfo=UTC)
    assert quotas.month_after(late) == datetime(2027, 1, 1, tzinfo=UTC)


def test_from_four_fifths_on_people_are_warned(sender, limit):
    limit(month=10)
    send(sender, *(f"e{number}" for number in range(8)))
    quotas._months.clear()

    told = sender.get(HEALTH).json()
    assert (told["state"], told["quotas"]["uses"][0]["state"]) == ("warn", "warn")
    assert told["headline"] == "The quota of a month is nearly used up."


def test_without_valkey_ingest_goes_on_and_health_says_so(sender, limit, monkeypatch):
    limit(minute=1)
    nowhere = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(buckets, "_client", lambda: nowhere)
    monkeypatch.setattr(buckets, "_script", lambda: nowhere.register_script(buckets.BUCKET))

    answers = [send(sender, f"e{number}", "x").status_code for number in range(3)]

    told = sender.get(HEALTH).json()
    assert answers == [200, 200, 200]
    assert told["quota_is_counted"] is False
    assert "Valkey is away" in told["headline"]


def test_the_settings_hold_for_projects_that_have_no_quota_of_their_own(sender, limit, settings):
    settings.PLAYHEAD_EVENTS_PER_MINUTE = 1
    send(sender, "e1", "e2")
    assert send(sender, "e3").status_code == 429

    limit(minute=None)

    assert send(sender, "e3").status_code == 200


def test_the_quota_of_one_project_is_not_spent_by_another(
    sender, limit, other_project, key_client, settings
):
    settings.PLAYHEAD_EVENTS_PER_MINUTE = 1
    send(sender, "e1", "e2")

    assert send(key_client(other_project, "ingest"), "e1").status_code == 200


def test_an_admin_sets_quotas_by_the_api_and_the_trail_says_so(project, sign_in):
    admin = sign_in(make_membership(project.organization, role=Role.ADMIN).user)
    named = {"X-Playhead-Project": f"{project.organization.slug}/{project.slug}"}
    told = {"events_per_minute": 5, "events_per_month": None}

    answer = admin.put(QUOTAS, told, content_type=JSON, headers=named)

    assert answer.json() | told == answer.json()
    entry = AuditEntry.unscoped.get(act="project.set_quota")
    assert (entry.detail["events_per_minute"], entry.detail["events_per_minute_before"]) == (
        5,
        None,
    )


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"events_per_minute": 0, "events_per_month": None}, "events_per_minute"),
        ({"events_per_minute": 1, "events_per_month": 2**60}, "events_per_month"),
        ({"events_per_minute": "many", "events_per_month": 1}, "events_per_minute"),
        ({"events_per_month": 1}, "events_per_minute"),
    ],
)
def test_a_quota_outside_of_the_limits_is_refused_by_name(project, sign_in, told, path):
    admin = sign_in(make_membership(project.organization, role=Role.ADMIN).user)
    named = {"X-Playhead-Project": f"{project.organization.slug}/{project.slug}"}

    answer = admin.put(QUOTAS, told, content_type=JSON, headers=named)

    assert answer.status_code == 400
    assert [error["path"] for error in answer.json()["errors"]] == [path]


def test_a_service_refuses_what_the_database_cannot_hold(project):
    with pytest.raises(InvalidError, match="from 1 to"):
        quotas.set_quota(project, events_per_minute=2**40, events_per_month=None, actor=SYSTEM)


def test_who_waits_is_told_for_how_long(project, limit):
    limit(minute=60)
    quotas.charge(project, sent=120, stored=120)

    with pytest.raises(quotas.QuotaSpentError) as caught:
        quotas.admit(project)

    assert 55 <= caught.value.retry_after_seconds <= 61


def test_a_month_is_counted_in_postgresql(project, sender):
    send(sender, "e1", "e2")

    assert quotas.stored_this_month(project, timezone.now()) == 2
