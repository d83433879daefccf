"""How replays and runs are followed while they go on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.replays.live import looks
from apps.replays.server.progress import progress_of
from apps.replays.server.settings import read_settings
from apps.replays.server.starting import start_replays
from apps.tenants.passes import BrowserPass, KeyPass
from apps.tenants.permissions import Permission, Role
from tests.factories import make_key
from tests.sessions.factories import at, make_call, make_session

STREAM = {"Accept": "text/event-stream"}


@pytest.fixture
def run(project):
    """A replay of ten calls, which nobody works on yet."""
    calls = [
        make_call(id=f"c{number}", input="Hello?", started_at=at(number)) for number in range(10)
    ]
    session = make_session(project, *calls)
    sent = {"session": str(session.pk), "provider": "recorded", "budget": "2"}
    return start_replays(project, session, read_settings(sent), actor=SYSTEM).runs[0]


def place_of(run):
    project = run.project
    return f"/o/{project.organization.slug}/p/{project.slug}/replays/{run.replay_id}/"


def end_steps(run, count, **changes):
    ended = run.steps.order_by("seq").values_list("pk", flat=True)[:count]
    told = {"state": "done", "ended_at": timezone.now()}
    run.steps.filter(pk__in=list(ended)).update(**told | changes)


def test_what_is_left_is_told_from_the_pace_of_the_last_minutes(run):
    assert progress_of(run).eta_seconds is None
    run.running_since = timezone.now() - timedelta(seconds=60)
    end_steps(run, 4, paid=Decimal("0.5"))

    progress = progress_of(run)
    assert progress.eta_seconds == pytest.approx(90, rel=0.05)
    assert (progress.paid, progress.share, progress.ended) == (Decimal(2), 40, 4)


def test_nobody_knows_what_is_left_while_it_is_paused_or_nothing_ends(run):
    run.running_since = timezone.now() - timedelta(hours=1)
    end_steps(run, 4, ended_at=timezone.now() - timedelta(minutes=3))
    assert progress_of(run).eta_seconds is None

    end_steps(run, 4)
    run.state = "paused"
    assert progress_of(run).eta_seconds is None


def test_only_quarters_and_the_first_failure_are_said_aloud(run):
    said = []
    for count in range(1, 10):
        end_steps(run, count)
        said.append(progress_of(run).says)
    end_steps(run, 9, state="failed")

    assert len(set(said)) == 4
    assert said[4] == "50 % of the calls are asked."
    assert progress_of(run).says.endswith("A call failed.")


def test_a_page_that_asks_from_time_to_time_is_told_what_it_shows(run, member_client):
    answer = member_client.get(f"{place_of(run)}progress-events")

    told = answer.json()
    assert told["state"] == "running"
    assert "0 of 10 calls asked" in told["html"]
    assert "csrf" not in told["html"]


def test_a_page_and_a_key_are_given_a_stream(run, member_client, key_client):
    page = member_client.get(f"{place_of(run)}progress-events", headers=STREAM)
    events = f"/api/v1/replays/{run.replay_id}/events"
    call = key_client(run.project, "read:meta").get(events, headers=STREAM)
    for answer in (page, call):
        assert answer["Content-Type"] == "text/event-stream"
        assert answer["X-Accel-Buffering"] == "no"
        answer.close()


def test_a_replay_of_the_application_is_not_followed(run, member_client):
    run.delete()
    assert member_client.get(f"{place_of(run)}progress-events").status_code == 404


def test_it_is_over_when_the_replay_is(run):
    watched = looks.replay(run.project, run.replay_id, is_page=False)
    assert not watched.now().is_over
    run.project.server_replays.update(state="done")
    assert watched.now().is_over


def test_a_pass_ends_with_the_sign_in_and_with_the_role(project, member, client):
    client.force_login(member)
    place = project.organization.slug, project.slug
    shown = BrowserPass(client.session.session_key, member.pk, place, Permission.RUN_REPLAYS)
    assert shown.is_good()

    member.memberships.update(role=Role.VIEWER)
    assert not shown.is_good()
    member.memberships.update(role=Role.ENGINEER)
    assert shown.is_good()
    client.logout()
    assert not shown.is_good()


def test_a_pass_ends_with_the_key(project):
    key, _ = make_key(project, scopes=["read:meta"])
    shown = KeyPass(bytes(key.digest), Permission.READ_META)
    assert shown.is_good()
    assert not KeyPass(bytes(key.digest), Permission.RUN_REPLAYS).is_good()

    key.revoked_at = timezone.now()
    key.save()
    assert not shown.is_good()
