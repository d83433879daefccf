"""Pages of regression runs: start one, watch it, hold it, and read what came of it."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from apps.audit.actors import SYSTEM
from apps.replays.runs.models import RunState
from apps.replays.runs.starting import pause_run
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.prompts.factories import make_prompt, make_version
from tests.replays.gathering import make_suite
from tests.replays.running import (
    ANSWER,
    KIND,
    RUDE,
    make_asked,
    make_asked_suite,
    make_run,
    make_started,
)

ROOT = "/o/acme/p/support-bot/runs/"
HOSTILE = "</td><script>window.pwned=1</script>"
pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")


def typed(of, **more):
    """What a browser sends of the form when somebody chose a suite and typed a system message."""
    gates = {f"g{at}-{name}": "" for at in range(4) for name in ("metric", "margin")}
    roles = {f"g{at}-role": "decides" for at in range(4)}
    unclear = {f"g{at}-unclear": "inconclusive" for at in range(4)}
    usual = {
        "suite": str(of.pk),
        "provider": "scripted",
        "script": '[{"system": "rude", "say": "No."}, {"say": "%s"}]' % ANSWER,  # noqa: UP031
        "repeats": "1",
        "baseline": "again",
        "mode": "teacher_forced",
        "c0-system": "Be rude.",
        "c0-name": "rude",
        "g0-metric": "success",
        "g0-margin": "3",
    }
    return gates | roles | unclear | usual | more


def hash_in(page):
    return re.search(r'name="plan_hash" value="([0-9a-f]+)"', page.content.decode()).group(1)


def page_of(client, run, rest=""):
    return client.get(f"{ROOT}{run.pk}/{rest}").content.decode()


def test_a_run_is_planned_first_and_started_from_its_plan(member_client, project):
    suite = make_asked_suite(project)

    plan = member_client.post(f"{ROOT}new/", typed(suite))
    assert project.regression_runs.count() == 0
    answer = member_client.post(
        f"{ROOT}new/", typed(suite, do="start", plan_hash=hash_in(plan)), follow=True
    )

    assert "3 cases" in plan.content.decode()
    assert "cannot pass" in plan.content.decode()
    assert project.regression_runs.get().name == "rude on Refunds"
    assert answer.redirect_chain[0][0] == f"{ROOT}{project.regression_runs.get().pk}/#main"


def test_another_plan_than_the_one_that_was_shown_is_not_started(member_client, project):
    suite = make_asked_suite(project)
    plan = member_client.post(f"{ROOT}new/", typed(suite))
    changed = typed(suite, do="start", plan_hash=hash_in(plan), repeats="2")

    answer = member_client.post(f"{ROOT}new/", changed)

    assert answer.status_code == 409
    assert "Look at it again" in answer.content.decode()
    assert hash_in(answer) != hash_in(plan)
    assert not project.regression_runs.exists()


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("suite", "", "This field is required"),
        ("budget", "-1", "greater than or equal to"),
        ("c0-system", "", "Name what is tried"),
        ("c0-provider", "nobody", "Select a valid choice"),
        ("g0-margin", "0", "3 is 3 points"),
        ("script", '[{"say": 5}]', "script.0"),
        ("version", "9", "has no version 9"),
        ("baseline", "other", "Name the prompt or the model"),
    ],
)
def test_what_is_refused_is_named_beside_its_field_and_kept(
    member_client, project, field, value, says
):
    sent = typed(make_asked_suite(project, 1), **{"c0-name": HOSTILE, field: value})

    page = member_client.post(f"{ROOT}new/", sent)

    text = page.content.decode()
    assert page.status_code == 422
    assert says in text
    assert 'aria-invalid="true"' in text
    assert "&lt;script&gt;window.pwned" in text


def test_a_gate_file_is_pasted_planned_and_its_errors_name_the_place(member_client, project):
    suite = make_asked_suite(project, 1)
    text = f"suite: {suite.name}\nprovider: recorded\ncandidates: [{{name: a, model: other}}]\n"
    address = f"{ROOT}new/?way=gate"

    good = member_client.post(address, {"gate": text}).content.decode()
    wrong = member_client.post(address, {"gate": f"{text}gates: [{{metric: mood}}]"})
    broken = member_client.post(address, {"gate": "suite: [<b>"})

    assert "Start the run" in good
    assert "<code>gates.0.metric</code>" in wrong.content.decode()
    assert "line 1" in broken.content.decode()
    assert "&lt;b&gt;" in broken.content.decode()


def test_the_form_is_filled_in_by_the_address(member_client, project):
    suite = make_asked_suite(project, 1)
    address = f"{ROOT}new/?suite={suite.pk}&prompt=desk/triage&version=8&against=7"

    text = member_client.get(address).content.decode()

    assert f'value="{suite.pk}" selected' in text
    assert 'value="desk/triage@8"' in text
    assert 'value="desk/triage@7"' in text


@pytest.mark.parametrize(
    ("more", "is_form"),
    [({}, True), ({"gates": [{"metric": "success", "alpha": 0.1}]}, False)],
)
def test_running_again_fills_in_what_was_run(member_client, project, more, is_form):
    run = make_started(project, repeats=2, candidates=[RUDE, KIND], **more)

    page = member_client.get(f"{ROOT}new/?again={run.pk}")

    text = page.content.decode()
    assert "Be rude." in text
    assert "Be kind." in text
    assert ('name="c1-system"' in text) is is_form
    assert ('id="gate"' in text) is not is_form


def test_a_run_shows_each_case_beside_the_baseline(member_client, project):
    run = make_run(project, make_asked_suite(project, 1), candidates=[RUDE, KIND], repeats=2)

    text = page_of(member_client, run)

    assert text.count('<tr id="case-') == 2
    assert "2 of 2 → 0 of 2" in text
    assert "2 of 2 → 2 of 2" in text
    assert reverse("sessions:compare", args=("acme", "support-bot")) in text


def test_cases_are_narrowed_to_what_became_of_them(member_client, project):
    run = make_run(project, make_asked_suite(project, 1))
    narrow = ("worse", "changed", "failed", "better", "skipped", "pinned", "flaky")

    shown = {only: page_of(member_client, run, f"?only={only}") for only in narrow}

    counts = {only: text.count('<tr id="case-') for only, text in shown.items()}
    assert counts == dict.fromkeys(narrow[:3], 1) | dict.fromkeys(narrow[3:], 0)
    assert "No case is like that" in shown["better"]


def test_a_run_is_paused_resumed_and_cancelled_from_its_page(member_client, project):
    run = make_started(project)
    act = f"{ROOT}{run.pk}/act/"
    states = []

    for name in ("pause", "resume", "cancel", "resume"):
        answer = member_client.post(act, {"act": name}, follow=True)
        states.append(project.regression_runs.get().state)

    assert states == [RunState.PAUSED, RunState.RUNNING, RunState.CANCELLED, RunState.CANCELLED]
    assert "is not resumed" in answer.content.decode()


def test_a_budget_that_is_none_is_said_and_changes_nothing(member_client, project):
    run = pause_run(make_started(project), actor=SYSTEM)

    answer = member_client.post(
        f"{ROOT}{run.pk}/act/", {"act": "resume", "budget": "much"}, follow=True
    )

    assert "amount of US dollars" in answer.content.decode()
    assert project.regression_runs.get().state == RunState.PAUSED


def test_the_report_says_what_to_do_and_shows_what_differs(member_client, project):
    run = make_run(project, gates=[{"metric": "success"}, {"metric": "tokens"}])

    text = page_of(member_client, run, "report/")

    assert "rude is worse than what was recorded. Success: 100.0% before, 0.0% now." in text
    assert '<svg class="run-interval"' in text
    assert "Changed cases" in text
    assert "<del>" in text
    assert f"/api/v1/regression-runs/{run.pk}/report?project=acme%2Fsupport-bot" in text


def test_those_who_may_not_read_content_see_numbers_alone(sign_in, project):
    run = make_run(project, make_asked_suite(project, 1))
    client = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)

    pages = page_of(client, run) + page_of(client, run, "report/")

    assert "asked-0" in pages
    assert "refund is on its way" not in pages
    assert "<del>" not in pages


def test_several_candidates_stand_in_one_table(member_client, project):
    run = make_run(project, make_asked_suite(project, 2), candidates=[RUDE, KIND])

    text = page_of(member_client, run, "report/")

    assert "The candidates beside each other" in text
    assert text.count("on it</span>") == 1


def test_candidates_of_the_library_lead_to_their_versions(member_client, project):
    prompt = make_prompt(project, "desk/triage", "Be kind.")
    make_version(prompt, "Be rude.")
    sides = {"baseline": {"prompt": "desk/triage@1"}, "candidates": [{"name": "v2"}]}
    sides["candidates"][0]["prompt"] = "desk/triage:latest"
    run = make_run(project, make_asked_suite(project, 1), **sides)

    text = page_of(member_client, run, "report/")

    assert "/prompts/desk/triage/diff/1..2/" in text
    assert "/prompts/desk/triage/v/2/" in text


def test_the_list_narrows_and_says_where_to_begin(member_client, project):
    nothing = member_client.get(ROOT).content.decode()
    run = make_started(project, make_asked_suite(project, 1))
    listed = member_client.get(f"{ROOT}?state=running&suite={run.suite_id}").content.decode()
    none = member_client.get(f"{ROOT}?result=pass").content.decode()

    assert "Make a suite" in nothing
    assert run.name in listed
    assert "No run matches" in none


def test_suites_and_replays_lead_to_their_runs(member_client, project):
    run = make_run(project, make_asked_suite(project, 1))
    trial = run.trials.filter(replay__isnull=False).first()

    suite = member_client.get(f"/o/acme/p/support-bot/suites/{run.suite_id}/").content.decode()
    replay = member_client.get(f"/o/acme/p/support-bot/replays/{trial.replay_id}/").content.decode()

    assert f"runs/{run.pk}/" in suite
    assert f"runs/new/?suite={run.suite_id}" in suite
    assert f"runs/{run.pk}/" in replay


def test_names_of_cases_and_runs_are_shown_as_they_are_and_no_more(member_client, project):
    session = make_asked(project, 1, answer=f"{ANSWER} {HOSTILE}")
    run = make_run(project, make_suite(project, session, name=HOSTILE), name=f"{HOSTILE} again")

    for page in ("", "report/"):
        text = page_of(member_client, run, page)
        assert "<script>window" not in text
        assert "&lt;script&gt;window.pwned" in text


def test_pages_cost_as_many_queries_for_many_cases_as_for_one(
    member_client, project, django_assert_max_num_queries, django_capture_on_commit_callbacks
):
    run = make_run(project, make_asked_suite(project, 2))

    for page in ("", f"{run.pk}/", f"{run.pk}/report/", f"new/?suite={run.suite_id}"):
        with django_capture_on_commit_callbacks(execute=True):
            member_client.get(f"{ROOT}{page}")
        # Two more than in a request of its own: a savepoint stands for the transaction.
        with django_assert_max_num_queries(17):
            member_client.get(f"{ROOT}{page}")


@pytest.mark.parametrize(
    "address", ["?state=odd", "?suite=1", "?x=1", "new/?again=1", "new/?way=x", "new/?suite=x"]
)
def test_an_address_that_cannot_be_read_is_a_bad_request(member_client, project, address):
    assert member_client.get(f"{ROOT}{address}").status_code == 400
