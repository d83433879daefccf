"""Schedules: runs that start by the clock, once each, and what is told where one cannot."""

from __future__ import annotations

import threading
from datetime import timedelta

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.replays import tasks
from apps.replays.runs.models import RunState
from apps.replays.schedules import firing, services, standing
from apps.replays.suite_changes import Altered, Change, change_cases
from apps.tenants import services as tenants
from tests.providers.factories import make_credential
from tests.replays.running import make_asked, make_asked_suite
from tests.replays.scheduling import RUN, fire, made_due, make_schedule

ADDRESS = "/api/v1/schedules"
JSON = {"content_type": "application/json"}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def suite(project):
    return make_asked_suite(project, 1)


@pytest.fixture
def nightly(project, member, suite):
    return make_schedule(project, member, suite)


@pytest.fixture
def api(project, member, suite, key_client):
    """Makes and reads schedules with a key."""
    client = key_client(project, "replays:run", "read:content")

    def ask(method, rest="", **body):
        return client.generic(method, ADDRESS + rest, orjson.dumps(body) if body else b"", **JSON)

    return ask


def told(person):
    return [entry.about for entry in person.inbox_entries.order_by("pk")]


def test_a_time_that_is_due_starts_one_run_for_the_owner(project, member, nightly):
    found = fire(nightly)

    run = project.regression_runs.get()
    assert (found.state, found.run, run.schedule, run.owner) == ("fired", run, nightly, member)
    assert (run.name, run.started_by) == ("Nightly", "schedule “Nightly”")
    assert nightly.next_at > timezone.now()
    assert told(member) == []


@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_what_is_due_is_found_by_the_clock_and_begun_again_after_a_kill(project, nightly):
    made_due(nightly)
    firing.take_due(project.pk, nightly.pk)
    nightly.firings.update(tries=1)

    tasks.fire_schedules()
    assert due_firings(project) == [("starting", 1)]
    firing.start_scheduled(project.pk, nightly.firings.get().pk)

    assert due_firings(project) == [("fired", 2)]
    assert project.regression_runs.count() == 1


def due_firings(project):
    return list(project.firings.values_list("state", "tries"))


def test_a_start_that_ends_its_workers_is_given_up_and_told(project, member, nightly):
    made_due(nightly)
    found = firing.take_due(project.pk, nightly.pk)
    nightly.firings.update(tries=firing.MOST_TRIES)

    firing.start_scheduled(project.pk, found.pk)

    assert due_firings(project) == [("failed", 3)]
    assert "Three workers ended" in told(member)[0]


def test_a_time_that_was_missed_is_run_once_and_says_so(project, nightly):
    found = fire(nightly, ago=3 * DAY + HOUR)

    assert (found.state, project.regression_runs.count()) == ("fired", 1)
    assert found.times >= 3
    assert found.since < found.due_at
    assert "run once, late" in found.reason


def test_missed_times_are_left_out_where_the_schedule_says_so_and_told(project, member, suite):
    schedule = make_schedule(project, member, suite, missed="skip")

    found = fire(schedule, ago=2 * DAY)

    assert (found.state, project.regression_runs.count()) == ("skipped", 0)
    assert "No server ran when it was due" in told(member)[0]
    assert schedule.next_at > timezone.now()


def test_while_its_run_is_going_the_next_time_is_left_out(project, member, nightly):
    fire(nightly)

    found = fire(nightly)

    assert (found.state, found.reason) == ("skipped", "Its run before is still going.")
    assert told(member) == []
    with pytest.raises(services.ConflictError, match="still going"):
        services.run_schedule(nightly, actor=SYSTEM)


def test_times_that_are_left_out_alike_are_one_row(nightly):
    fire(nightly)
    fire(nightly)

    found = fire(nightly)

    assert nightly.firings.count() == 2
    assert (found.times, found.since < found.due_at) == (2, True)


def test_a_clock_that_is_set_back_starts_nothing_twice(project, nightly):
    due = fire(nightly).due_at
    nightly.next_at = due
    nightly.save()

    assert firing.take_due(project.pk, nightly.pk) is None
    assert project.regression_runs.count() == 1


def test_a_paused_run_in_the_way_is_told_because_nobody_else_lets_it_go_on(member, nightly):
    run = fire(nightly).run
    run.state, run.reason = RunState.PAUSED, "The budget is spent."
    run.save()

    fire(nightly)

    assert "Resume or cancel that one first" in told(member)[0]


def test_the_last_sessions_are_chosen_anew_and_become_the_next_version(project, member):
    first = make_asked(project, 1)
    sessions = {"last": 1, "filter": "kind:llm started>-30000d"}
    schedule = make_schedule(project, member, sessions=sessions)
    run = fire(schedule).run
    assert (run.suite, run.suite_version, run.cases) == (schedule.suite, 1, 1)
    end(run)

    make_asked(project, 2)
    pinned = Altered(schedule.suite.cases.get(session=first).pk, is_pinned=True)
    change_cases(schedule.suite, Change(alter=[pinned]), actor=SYSTEM)
    run = fire(schedule).run

    assert (run.suite_version, run.cases) == (3, 2)
    assert schedule.suite.name == "Sessions of Nightly"


def end(run):
    run.state = RunState.DONE
    run.save()


def test_sessions_that_are_the_same_make_no_version(project, member):
    make_asked(project, 1)
    schedule = make_schedule(project, member, sessions={"last": 5})
    end(fire(schedule).run)

    run = fire(schedule).run

    assert run.suite_version == 1


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"sessions": {"last": 5, "filter": "model:none"}}, "No session matches"),
        ({"run": {**RUN, "suite": "empty"}}, "no case"),
    ],
)
def test_what_cannot_start_is_kept_with_its_reason_and_told(project, member, sent, says):
    make_asked_suite(project, 0, name="empty")

    schedule = make_schedule(project, member, **sent)

    found = fire(schedule)
    assert (found.state, found.run) == ("failed", None)
    assert says in found.reason
    assert told(member) == [f"Nightly: not started. {found.reason}"]


def test_a_label_that_is_gone_fails_the_time_and_says_which(project, member, suite):
    prompt = project.prompts.create(name="triage", kind="text", last_number=1)
    project.prompt_versions.create(prompt=prompt, number=1, body="Be kind.", digest="0" * 64)
    label = project.prompt_labels.create(prompt=prompt, name="live", number=1, moved_by="x")
    candidate = {"name": "live", "prompt": "triage:live"}
    run = {**RUN, "suite": "refunds", "candidates": [candidate]}
    schedule = make_schedule(project, member, run=run)
    label.delete()

    found = fire(schedule)

    assert found.state == "failed"
    assert "live" in found.reason


def test_after_five_failures_in_a_row_it_pauses_itself_and_counts_anew_once_resumed(
    project, member
):
    schedule = make_schedule(project, member, sessions={"last": 5, "filter": "model:none"})
    for _ in range(standing.MOST_FAILURES):
        fire(schedule)

    assert schedule.is_paused
    assert "Its last 5 times failed" in schedule.paused_because
    assert "paused" in told(member)[0]
    schedule = services.resume_schedule(schedule, actor=SYSTEM)
    assert not schedule.is_paused
    assert member.inbox_entries.filter(read_at=None).count() == 0
    assert fire(schedule).state == "failed"


def test_a_schedule_whose_owner_left_pauses_and_tells_those_who_run_the_project(
    project, member, owner, nightly
):
    tenants.remove_member(member.memberships.get(), actor=SYSTEM)

    assert fire(nightly) is None

    assert "may not run replays" in nightly.paused_because
    assert told(member) == []
    assert "Give it to somebody" in told(owner)[0]
    with pytest.raises(services.ConflictError, match="Give it to somebody"):
        services.resume_schedule(nightly, actor=SYSTEM)


def test_a_paused_schedule_is_not_due_and_can_be_run_by_hand(project, member, suite):
    schedule = make_schedule(project, member, suite, paused=True)

    assert firing.take_due(project.pk, schedule.pk) is None
    by_hand = services.run_schedule(schedule, actor=SYSTEM)

    assert (by_hand.state, by_hand.asked_by) == ("fired", "system")
    assert project.regression_runs.get().schedule == schedule
    assert schedule.is_paused


def test_what_was_due_while_it_was_paused_is_no_missed_time(nightly):
    made_due(nightly, ago=3 * DAY)
    services.pause_schedule(nightly, actor=SYSTEM)

    schedule = services.resume_schedule(nightly, actor=SYSTEM)

    assert schedule.next_at > timezone.now()


def test_it_begins_with_the_very_moment_that_it_is_not_to_begin_before(project, member, suite):
    midnight = timezone.now().replace(hour=3, minute=0, second=0, microsecond=0) + 10 * DAY

    schedule = make_schedule(project, member, suite, starts_at=midnight.isoformat())

    assert schedule.next_at == midnight


def test_a_schedule_is_made_read_changed_run_and_deleted_over_http(project, member, api):
    run = {**RUN, "suite": "refunds@1"}
    sent = {"name": "Nightly", "cron": "0  3 * * 1-5", "time_zone": "Europe/Berlin", "run": run}
    made = api("POST", **sent, owner=member.email, paused=True)
    assert made.status_code == 201, made.content
    schedule = made.json()
    assert (schedule["cron"], schedule["suite"]["version"]) == ("0 3 * * 1-5", 1)
    assert (schedule["paused"], schedule["next_at"], schedule["run"]) == (True, None, RUN)
    rest = f"/{schedule['id']}"
    changed = api("PATCH", rest, sessions={"last": 2}, cron="0 4 * * *").json()
    assert (changed["over"], changed["sessions"]["last"], changed["run"]) == ("sessions", 2, RUN)
    assert [
        row["local"][11:16] for row in api("GET", f"{rest}/next?count=2").json()["results"]
    ] == [
        "04:00",
        "04:00",
    ]
    assert api("POST", f"{rest}/resume").json()["paused"] is False
    assert api("POST", f"{rest}/resume").status_code == 409
    ran = api("POST", f"{rest}/run-now").json()
    assert ran["run"]["state"] == "running"
    assert api("GET", f"{rest}/firings").json()["results"] == [ran]
    assert api("GET").json()["results"][0]["last"] == ran
    assert api("DELETE", rest).status_code == 204
    assert project.regression_runs.get().schedule is None


WRONG = [
    ({"cron": "0 0 31 2 *"}, "cron", "never comes"),
    ({"time_zone": "Mars"}, "time_zone", "Europe/Berlin"),
    ({"starts_at": "2020-01-01T03:00:00Z"}, "starts_at", "leave starts_at out"),
    ({"starts_at": "2099-01-01T03:00:00"}, "starts_at", "offset"),
    ({"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at", "ten years ahead"),
    ({"owner": "\x00"}, "owner", "Nobody of this address"),
    ({"run": {**RUN, "suite": "\x00"}}, "run.suite", "name or id of a suite"),
    ({"run": {**RUN, "suite": "refunds@0000000019999999999"}}, "run.suite", "from 1 to 1"),
    ({"missed": "often"}, "missed", "run_once, skip"),
    ({"owner": "nobody@example.com"}, "owner", "Nobody of this address"),
    ({"name": " "}, "name", "1 to 120 characters"),
    ({"often": 1}, "often", "There is no such field"),
    ({"run": {**RUN, "suite": "none"}}, "run.suite", "There is no suite none"),
    ({"run": {**RUN, "suite": "refunds@9"}}, "run.suite", "from 1 to 1"),
    ({"run": RUN}, "run.suite", "choose `sessions`"),
    ({"run": {"suite": "refunds"}}, "run.provider", "Required"),
    ({"run": {**RUN, "suite": "refunds", "repeats": 99}}, "run.repeats", "20"),
    ({"sessions": {"last": 5}}, "sessions", "over a suite or over sessions"),
    ({"run": RUN, "sessions": {"last": 0}}, "sessions.last", "1"),
    ({"run": RUN, "sessions": {"last": 1, "filter": "modle:x"}}, "filter", "modle"),
    ({"run": RUN, "sessions": {"last": 1, "take": "all"}}, "sessions.take", "stratified"),
    ({"run": RUN, "sessions": {"last": 1, "view": 7}}, "sessions.view", "saved view is gone"),
]


def test_what_is_wrong_with_a_schedule_is_named(project, member, api):
    good = {"name": "Nightly", "cron": "0 3 * * *", "run": {**RUN, "suite": "refunds"}}

    for sent, path, says in WRONG:
        answer = api("POST", **{**good, "owner": member.email, **sent})
        assert answer.status_code == 400, sent
        [error] = answer.json()["errors"]
        assert (error["path"], says in error["message"]) == (path, True), error
    assert not project.schedules.exists()


def test_who_pays_a_provider_gives_each_run_a_budget(project, member, api):
    make_credential(project, "https://8.8.8.8/v1")
    run = {"suite": "refunds", "provider": "local", "candidates": [{"name": "n", "model": "m"}]}
    sent = {"name": "Nightly", "cron": "0 3 * * *", "owner": member.email}

    answer = api("POST", **sent, run=run)

    assert answer.json()["errors"][0]["path"] == "run.budget"
    assert api("POST", **sent, run={**run, "budget": "2.50"}).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_workers_at_the_same_time_start_one_run(project, nightly):
    made_due(nightly)
    workers = [threading.Thread(target=see_to, args=(project.pk, nightly.pk)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for found in project.firings.all():
        firing.start_scheduled(project.pk, found.pk)

    assert [found.state for found in project.firings.all()] == ["fired"]
    assert project.regression_runs.count() == 1


def see_to(project_id, schedule_id):
    found = firing.take_due(project_id, schedule_id)
    if found is not None:
        begin = [threading.Thread(target=begin_apart, args=(project_id, found.pk)) for _ in "ab"]
        for one in begin:
            one.start()
        for one in begin:
            one.join()
    connection.close()


def begin_apart(project_id, firing_id):
    firing.start_scheduled(project_id, firing_id)
    connection.close()
