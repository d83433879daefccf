"""The page of a project's ingest, and that of its quotas."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from apps.ingest import quotas
from apps.ingest.chart import HEIGHT, LEAST, chart_of
from apps.ingest.queries import COUNTS
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.ingest.factories import STARTED, make_body, make_event
from tests.ingest.test_quotas import nothing_remembered  # noqa: F401 - a fixture for all tests

PAGE, NOW = "/o/acme/p/support-bot/ingest/", "/o/acme/p/support-bot/ingest/now/"
SETTINGS = "/o/acme/p/support-bot/settings/quotas/"


@pytest.fixture
def send(project, key_client):
    sender = key_client(project, "ingest")

    def send_events(*events):
        return sender.post("/api/v1/events", make_body(*events), content_type="application/json")

    return send_events


def test_a_project_without_anything_leads_to_setup(project, member_client):
    page = member_client.get(PAGE).content.decode()

    assert "Nothing was sent yet" in page
    assert "/o/acme/p/support-bot/setup/" in page


def test_the_page_tells_the_reason_the_fix_and_the_newest_sample(send, member_client):
    send(make_event(kind="zebra", output="<script>alert(1)</script>"), make_event(id="e2"))

    page = member_client.get(PAGE).content.decode()

    assert "1 event was refused, mostly: invalid field." in page
    assert "Correct the field that the sample names" in page
    assert "kind: Must be one of" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_page_says_what_content_is_missing(send, member_client):
    send(make_event(kind="llm"))

    page = member_client.get(PAGE).content.decode()

    assert "its calls come without what was asked and answered" in page


def test_the_state_is_told_again_to_a_page_that_is_open(send, member_client):
    send(make_event())

    page = member_client.get(NOW).content.decode()

    assert "All is well" in page
    assert "<html" not in page


def test_every_page_says_that_something_was_refused_lately(send, project, member_client):
    send(make_event())
    sessions = "/o/acme/p/support-bot/sessions/"
    assert "refused lately" not in member_client.get(sessions).content.decode()

    send(make_event(kind="zebra"))
    assert "refused lately" in member_client.get(sessions).content.decode()

    project.ingest_clients.update(hour=F("hour") - timedelta(hours=3))
    assert "refused lately" not in member_client.get(sessions).content.decode()


def test_the_page_asks_for_few_queries(send, member_client, django_assert_max_num_queries):
    for number in range(6):
        send(make_event(kind=f"zebra {number}"), make_event(id=f"e{number}"))

    with django_assert_max_num_queries(30):
        member_client.get(f"{PAGE}?hours=168")


def test_a_wrong_window_is_a_400(project, member_client):
    assert member_client.get(f"{PAGE}?hours=1000").status_code == 400


def test_an_admin_changes_the_quotas_on_their_page(project, sign_in):
    admin = sign_in(make_membership(project.organization, role=Role.ADMIN).user)

    answer = admin.post(SETTINGS, {"events_per_minute": "600", "events_per_month": ""}, follow=True)

    assert quotas.read_quota(project) == quotas.Quota(600, None)
    assert "The quotas were changed." in answer.content.decode()


def test_a_quota_of_nothing_is_told_at_its_field(project, sign_in):
    admin = sign_in(make_membership(project.organization, role=Role.ADMIN).user)

    answer = admin.post(SETTINGS, {"events_per_minute": "0"})

    assert answer.status_code == 422
    assert "greater than or equal to 1" in answer.content.decode()
    assert quotas.read_quota(project) == quotas.Quota(None, None)


def test_an_engineer_sees_the_state_and_changes_no_quota(project, member_client):
    assert member_client.get(PAGE).status_code == 200
    assert member_client.get(SETTINGS).status_code == 403


def hour(**counts):
    return {"hour": STARTED} | dict.fromkeys(COUNTS, 0) | counts


def test_bars_are_as_high_as_their_numbers_and_what_is_small_can_be_seen():
    busy = hour(sent=1000, accepted=999, rejected=1)

    chart = chart_of([hour(), busy, hour(sent=500, accepted=500)])

    first, refused, second = chart.boxes
    assert (first.part, refused.part, refused.height) == ("accepted", "rejected", LEAST)
    assert first.height == pytest.approx(2 * second.height, rel=0.01)
    assert min(box.y for box in chart.boxes) >= 0
    assert second.y + second.height == HEIGHT


def test_hours_without_events_have_no_bars():
    assert chart_of([hour(), hour()]).boxes == []
