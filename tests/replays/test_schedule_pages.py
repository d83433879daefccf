"""Pages of schedules."""

from __future__ import annotations

import orjson
import pytest

from apps.audit.actors import SYSTEM
from apps.replays.schedules import services
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.replays.running import SCRIPT, make_asked_suite
from tests.replays.scheduling import fire, make_schedule

ROOT = "/o/acme/p/support-bot/schedules/"


@pytest.fixture
def suite(project):
    return make_asked_suite(project, 1)


def typed(member, **fields):
    """What a browser sends of the whole form, its untouched rows included."""
    when = {"name": "Nightly", "often": "0 3 * * *", "time_zone": "Europe/Berlin", "over": "suite"}
    when |= {"missed": "run_once", "owner": member.email, "take": "newest", "last": "5"}
    run = {"provider": "scripted", "script": orjson.dumps(SCRIPT).decode(), "repeats": "1"}
    run |= {"baseline": "again", "mode": "teacher_forced", "c0-system": "Be kind."}
    for at in range(4):
        run |= {f"g{at}-role": "decides", f"g{at}-unclear": "inconclusive"}
    run |= {"g0-metric": "success", "g0-margin": "3"}
    body = {f"when-{name}": value for name, value in when.items()} | run
    return {"do": "save", **body, **fields}


def test_a_schedule_is_made_by_a_form_and_shown(member_client, project, member, suite):
    sent = typed(member, suite=str(suite.pk))

    page = member_client.post(f"{ROOT}new/", sent, follow=True)

    schedule = project.schedules.get()
    assert (schedule.cron, schedule.time_zone, schedule.suite) == (
        "0 3 * * *",
        "Europe/Berlin",
        suite,
    )
    said = page.content.decode()
    assert page.redirect_chain[-1][0] == f"{ROOT}{schedule.pk}/"
    assert said.count('data-zone="Europe/Berlin"') == 5
    assert "At 03:00 every day" in said


def test_the_last_sessions_are_chosen_by_the_form(member_client, project, member, suite):
    fields = {"when-over": "sessions", "when-filter": "kind:llm", "when-take": "stratified"}

    member_client.post(f"{ROOT}new/", typed(member, **fields))

    schedule = project.schedules.get()
    page = member_client.get(f"{ROOT}{schedule.pk}/").content.decode()
    assert "5 at random with every kind in it by outcome, seed 1" in page
    changed = member_client.get(f"{ROOT}{schedule.pk}/change/").content.decode()
    assert 'value="kind:llm"' in changed


def test_the_next_times_are_shown_without_scripts_and_nothing_is_made(
    member_client, project, member, suite
):
    sent = typed(member, suite=str(suite.pk), do="look")

    page = member_client.post(f"{ROOT}new/", sent | {"when-name": ""})

    assert page.content.decode().count('data-zone="Europe/Berlin"') == 5
    assert not project.schedules.exists()


WRONG = [
    ({"when-often": "own", "when-cron": "0 0 31 2 *"}, "This never comes"),
    ({"when-starts_at": "2020-01-01T03:00"}, "This moment has passed"),
    ({"when-starts_at": "soon"}, "A day and a time are expected"),
    ({"when-over": "sessions", "when-filter": "modle:x"}, "there is no filter modle"),
    ({"suite": ""}, "This field is required"),
    ({"c0-system": "", "c0-prompt": "nothing@1"}, "nothing"),
]


def test_a_form_that_is_refused_says_what_to_do(member_client, project, member, suite):
    for fields, says in WRONG:
        page = member_client.post(f"{ROOT}new/", typed(member, suite=str(suite.pk)) | fields)
        assert page.status_code == 422, fields
        assert says in page.content.decode()
    assert not project.schedules.exists()


def test_times_are_shown_while_one_types(member_client, project):
    page = member_client.get(f"{ROOT}times/?when-often=own&when-cron=0+5+*+*+*&when-time_zone=UTC")

    assert page.content.decode().count("05:00</time>") == 5


def test_the_settings_of_a_run_fill_the_form(member_client, project, member, suite):
    run = services.run_schedule(make_schedule(project, member, suite), actor=SYSTEM).run

    page = member_client.get(f"{ROOT}new/?run={run.pk}").content.decode()

    assert "Be kind." in page
    assert f'value="{suite.pk}" selected' in page


def test_buttons_pause_resume_run_and_delete(member_client, project, member, suite):
    schedule = make_schedule(project, member, suite)
    act = f"{ROOT}{schedule.pk}/act/"

    member_client.post(act, {"act": "pause"})
    assert project.schedules.get().is_paused
    member_client.post(act, {"act": "resume"})
    assert not project.schedules.get().is_paused
    ran = member_client.post(act, {"act": "run"})
    assert ran.url == f"/o/acme/p/support-bot/runs/{project.regression_runs.get().pk}/"
    again = member_client.post(act, {"act": "run"}, follow=True)
    assert "Its run before is still going" in again.content.decode()
    member_client.post(act, {"act": "delete"})
    assert not project.schedules.exists()


def test_what_became_of_its_times_stands_there_with_the_reason(member_client, project, member):
    schedule = make_schedule(project, member, sessions={"last": 5, "filter": "model:none"})
    fire(schedule)

    page = member_client.get(f"{ROOT}{schedule.pk}/").content.decode()

    assert "not started" in page
    assert "Take a filter away" in page
    assert "not started" in member_client.get(ROOT).content.decode()


def test_who_may_not_read_content_sees_when_and_not_what(sign_in, project, member, suite):
    auditor = make_membership(project.organization, role=Role.AUDITOR).user
    schedule = make_schedule(project, member, sessions={"last": 5, "filter": '"secret word"'})

    page = sign_in(auditor).get(f"{ROOT}{schedule.pk}/").content.decode()

    assert "the last sessions" in page
    assert "secret word" not in page
    assert "Be kind." not in page


def test_a_list_of_many_asks_no_more_than_of_few(
    member_client, project, member, suite, django_assert_max_num_queries
):
    for number in range(3):
        fire(make_schedule(project, member, suite, name=f"Nightly {number}"))

    with django_assert_max_num_queries(9):
        member_client.get(ROOT)
