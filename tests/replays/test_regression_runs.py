"""Runs of suites against candidates: planned, started, gone on with, judged."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError, InvalidError, UnavailableError
from apps.providers.prices import NewPrice, add_price
from apps.replays import tasks, verdict_door
from apps.replays.runs import ending, queries, starting
from apps.replays.runs.planning import plan_json, plan_run
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.sides import kept_of
from apps.replays.suite_changes import Added, Altered, Change, change_cases
from apps.sessions import reader, store
from apps.sessions.events import Outcome
from tests.factories import make_membership
from tests.providers.factories import make_credential
from tests.providers.server import chat, refusal, running
from tests.replays.gathering import make_suite
from tests.replays.running import (
    ANSWER,
    KIND,
    RUDE,
    SCRIPT,
    make_asked,
    make_asked_suite,
    make_run,
    make_started,
    run_on,
    waiting_replays,
)
from tests.sessions.factories import make_event, make_session

ADDRESS = "/api/v1/regression-runs"


@pytest.fixture
def api(project, key_client):
    """Plans, starts and reads runs with a key."""
    client = key_client(project, "replays:run", "read:meta")

    def ask(method, rest="", **body):
        if method == "get":
            return client.get(ADDRESS + rest)
        return client.post(ADDRESS + rest, body, content_type="application/json")

    return ask


@pytest.fixture
def suite(project):
    """One case."""
    return make_asked_suite(project, 1)


def sent_for(of_suite, **settings):
    sent = {
        "suite": str(of_suite.pk),
        "provider": "scripted",
        "script": SCRIPT,
        "candidates": [RUDE],
    }
    return {name: value for name, value in (sent | settings).items() if value is not None}


def test_a_run_is_planned_started_and_read_over_http(project, api):
    sent = sent_for(make_asked_suite(project, 2))
    plan = api("post", "/plan", **sent).json()
    assert plan["cases"] == {"all": 2, "tried": 2, "skipped": 0}
    assert (plan["trials"], plan["expected"]["calls"]) == (4, 4)
    assert "99" in plan["hints"][0]
    started = api("post", **sent, plan_hash=plan["plan_hash"])
    assert started.status_code == 202, started.content
    run_on(project.regression_runs.get())

    told = api("get", f"/{started.json()['id']}").json()
    assert (told["state"], told["result"], told["progress"]["failed"]) == ("done", "fail", 2)
    assert told["verdicts"][0]["gates"][0]["worse"] == 2
    assert told["environment"]["versions"]["scipy"]
    cases = api("get", f"/{told['id']}/cases?only=worse").json()["results"]
    assert [len(side) for side in cases[0]["sides"]] == [1, 1]
    assert [len(api("get", f"?result={name}").json()["results"]) for name in ("pass", "fail")] == [
        0,
        1,
    ]


def test_each_candidate_has_a_verdict_and_a_run_is_as_good_as_its_worst(project):
    owner = make_membership(project.organization).user
    suite = make_asked_suite(project, 2)
    run = make_run(project, suite, candidates=[KIND, RUDE], owner=owner)
    ending.end_run(run, kept_of(run))

    kind, rude = run.verdicts.order_by("side")
    worse = [(one.candidate, one.judgement["gates"][0]["worse"]) for one in (kind, rude)]
    assert worse == [("kind", 0), ("rude", 2)]
    assert (kind.is_on_front, rude.is_on_front) == (True, False)
    assert (kind.result, rude.result, run.result) == ("inconclusive", "fail", "fail")
    # Whoever ends it once more changes nothing, and how often the baseline passed counts once.
    assert {(case.passes, case.samples) for case in suite.cases.all()} == {(1, 1)}
    entry = owner.inbox_entries.get()
    assert (entry.about, entry.link_ids, entry.times) == (f"Fail: {run.name}", [str(run.pk)], 1)


def test_a_pinned_case_that_fails_fails_the_run_whatever_the_gates_say(project):
    suite = make_asked_suite(project, 1)
    pinned = Change(alter=[Altered(suite.cases.get().pk, is_pinned=True)])
    change_cases(suite, pinned, actor=SYSTEM)

    run = make_run(project, suite, gates=[{"metric": "success", "on_inconclusive": "pass"}])

    assert run.result == "fail"
    assert len(run.verdicts.get().judgement["broken"]) == 1


def test_what_is_expected_of_a_case_decides_before_the_record_does(project):
    expected = [{"kind": "contains", "words": ["No."]}]
    suite = make_suite(project, make_asked(project, 1), expectations=expected)

    run = make_run(project, suite)

    success = [trial.measures["success"] for trial in run.trials.order_by("side")]
    assert success == [0.0, 1.0]


def test_the_record_itself_can_be_the_baseline_and_costs_nothing(project, suite):
    plan = plan_run(project, read_run_settings(sent_for(suite, baseline={"recorded": True})))
    run = make_run(project, suite, baseline={"recorded": True}, repeats=2)

    assert plan.expected.calls == 1
    record = run.trials.filter(side=0)
    assert (record.count(), run.trials.filter(side=1).count()) == (1, 2)
    measured = record.first()
    assert (measured.replay, measured.measures["success"]) == (None, 1.0)
    assert (measured.measures["latency_ms"], measured.measures["tokens"]) == (500.0, 26.0)
    assert not project.cases.filter(samples__gt=0).exists()


def test_where_the_record_failed_agreeing_with_it_is_no_success(project):
    session = make_asked(project, 1, outcome=Outcome(status="failure"))
    run = make_run(project, make_suite(project, session), candidates=[KIND])

    assert {trial.measures["success"] for trial in run.trials.all()} == {None}
    assert run.verdicts.get().judgement["gates"][0]["missing"] == 1


def test_a_label_means_for_the_whole_run_what_it_meant_at_its_start(project, suite):
    prompt = project.prompts.create(name="desk", kind="text", last_number=2)
    for number, body in ((1, "Be rude."), (2, "Be kind.")):
        project.prompt_versions.create(prompt=prompt, number=number, body=body, digest="0" * 64)
    label = project.prompt_labels.create(prompt=prompt, name="live", number=1, moved_by="x")
    candidates = [{"name": "live", "prompt": "desk:live"}]
    run = make_started(project, suite, candidates=candidates)
    project.prompt_labels.filter(pk=label.pk).update(number=2)

    run_on(run)

    assert run.trials.get(side=1).measures["success"] == 0.0
    [_, side] = run.environment["sides"]
    assert side["prompt"] == {"name": "desk", "version": 1, "asked_for": "desk:live"}


def test_a_case_that_is_one_step_is_asked_that_step_alone(project):
    session = make_asked(project, 1)
    second = make_asked(project, 2)
    step = reader.outline(session).steps[0].id
    suite = make_suite(project, second)
    change_cases(suite, Change(add=[Added(session.pk, event=UUID(step))]), actor=SYSTEM)
    suite.refresh_from_db()

    run = make_run(project, suite)

    assert set(run.trials.values_list("state", flat=True)) == {"done"}
    case = suite.cases.get(event_id=UUID(step))
    assert run.trials.get(case=case, side=1).measures["fidelity"] < 1


def test_models_may_go_on_by_themselves(project, suite):
    run = make_run(project, suite, mode="free_running", most_steps=3)

    assert (run.state, run.environment["mode"]) == ("done", "free_running")
    success = [trial.measures["success"] for trial in run.trials.order_by("side")]
    assert success == [1.0, 0.0]


def test_cases_that_cannot_be_tried_are_skipped_with_the_reason(project):
    gone, silent = make_asked(project, 8), make_session(project, make_event(session="tool only"))
    suite = make_suite(project, make_asked(project, 1), gone, silent)
    store.erase(gone, actor=SYSTEM)

    plan = plan_json(plan_run(project, read_run_settings(sent_for(suite))))
    run = make_run(project, suite)

    assert plan["cases"] == {"all": 3, "tried": 1, "skipped": 2}
    reasons = {one["reason"] for one in plan["skipped"]}
    assert reasons == {"Its session was erased.", "It records no call of a model."}
    page = queries.case_page(run, only="skipped", cursor=None, limit=10)
    assert {row.reason for row in page.rows} == reasons
    assert run.verdicts.get().judgement["gates"][0]["sessions"] == 1


def test_a_question_that_the_record_does_not_answer_skips_the_case(project, suite):
    run = make_run(project, suite, provider="recorded")

    assert (run.state, run.result) == ("failed", "")
    assert run.reason.startswith("No case could be tried. The first: Step 1: ")
    assert set(run.trials.filter(side=1).values_list("state", flat=True)) == {"skipped"}


def test_a_run_that_is_cancelled_ends_without_a_verdict(project, suite):
    run = make_started(project, suite)
    tasks.advance_run(project.pk, str(run.pk))
    run = starting.cancel_run(run, actor=SYSTEM)

    assert (run.state, run.result, run.verdicts.count()) == ("cancelled", "", 0)
    assert set(run.trials.values_list("state", flat=True)) == {"skipped"}
    assert set(project.replays.values_list("status", flat=True)) == {"failed"}
    with pytest.raises(ConflictError, match="cancelled is not resumed"):
        starting.resume_run(run, actor=SYSTEM)


def test_a_run_is_held_and_goes_on_where_it_was(project, suite, api):
    run = make_started(project, suite)
    tasks.advance_run(project.pk, str(run.pk))
    told = api("post", f"/{run.pk}/pause").json()
    assert (told["state"], told["paused_by"]) == ("paused", "person")
    assert not waiting_replays(run)
    assert run_on(run).state == "paused"

    assert api("post", f"/{run.pk}/resume").json()["paused_by"] is None
    run.refresh_from_db()
    assert run_on(run).state == "done"


@pytest.fixture
def provider(project, settings):
    """Runs a provider whose answers a test may change, and whose model has a price."""
    answers = {"now": chat(ANSWER)}
    with running(lambda _: answers["now"]) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
        make_credential(project, f"http://{place}/v1")
        price = NewPrice("gpt-4o", Decimal(100), Decimal(100), datetime(2026, 1, 1, tzinfo=UTC))
        add_price(project, price, actor=SYSTEM)
        answers["sent"] = sent
        yield answers


def test_all_trials_share_a_budget_which_is_never_overspent(project, provider):
    owner = make_membership(project.organization).user
    suite = make_suite(project, make_asked(project, 1, params={"max_tokens": 8}))
    run = make_started(project, suite, provider="local", budget=1, owner=owner)
    project.budgets.update(limit=Decimal("0.003"))
    run_on(run)

    run = queries.find_run(project, run.pk)
    assert (run.state, run.environment["paused_by"]) == ("paused", "budget")
    assert "Resume with a larger budget" in run.reason
    assert run.budget.spent <= run.budget.limit
    assert owner.inbox_entries.get().about.startswith("Paused")
    starting.resume_run(run, actor=SYSTEM, budget=Decimal("1"))
    run.refresh_from_db()
    assert run_on(run).state == "done"
    assert queries.progress_of(queries.find_run(project, run.pk)).paid == Decimal("0.003")


def test_a_dead_provider_holds_the_run_and_nothing_is_lost(project, provider, suite):
    provider["now"] = refusal(401, "Wrong key.")
    run = make_run(project, suite, provider="local")
    assert (run.state, run.environment["paused_by"]) == ("paused", "provider")
    assert run.reason

    provider["now"] = chat(ANSWER)
    starting.resume_run(run, actor=SYSTEM)
    run.refresh_from_db()
    assert run_on(run).state == "done"
    assert run.environment["sides"][1]["models"] == [
        {"asked": "gpt-4o", "returned": "gpt-4o", "calls": 1}
    ]


def test_a_budget_that_is_too_small_is_refused_before_anything_is_spent(api, provider, suite):
    answer = api("post", **sent_for(suite, provider="local", script=None, budget="0.0001"))

    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "budget")
    assert "Give more, ask fewer repeats" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("changed", "path", "says"),
    [
        ({"suite": "none"}, "suite", "no suite none"),
        ({"suite": "refunds@7"}, "suite", "no version 7"),
        ({"suite": "empty"}, "suite", "Add sessions to it first"),
        ({"provider": "away", "script": None}, "provider", "no credential away"),
        ({"script": [{"text": "("}]}, "script.0.text", "pattern"),
        ({"mode": "bogus"}, "mode", "Must be one of"),
        ({"from_step": 2}, "from_step", "prefix_then_free"),
        ({"bogus": 1}, "bogus", "no such field"),
        ({"candidates": [{"name": "same"}]}, "candidates.0", "Name what is tried"),
        ({"candidates": [{"name": "a", "prompt": "none@1"}]}, "candidates.0.prompt", "no such"),
        ({"baseline": {"recorded": True, "model": "x"}}, "baseline", "The record itself"),
        ({"pinned_by": "luck"}, "pinned_by", "There is no metric luck"),
        ({"budget": "0"}, "budget", "above 0"),
        ({"repeats": 21}, "repeats", "20"),
        ({"gate": "suite: ["}, "candidates", "not both"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_field(project, api, suite, changed, path, says):
    make_suite(project, name="empty")
    answer = api("post", **sent_for(suite, **changed))

    assert answer.status_code == 400, answer.content
    [error] = answer.json()["errors"]
    assert says in error["message"]
    assert error["path"] == path


def test_a_gate_file_starts_the_same_run_as_its_names_do(project, api, suite):
    gate = "suite: refunds\nprovider: recorded\ncandidates:\n  - {name: a, model: gpt-5}\n"
    names = {"suite": "refunds", "provider": "recorded"}

    plans = [
        api("post", "/plan", gate=gate),
        api("post", "/plan", **names, candidates=[{"name": "a", "model": "gpt-5"}]),
    ]

    assert plans[0].status_code == 200, plans[0].content
    assert plans[0].json() == plans[1].json()


def test_a_server_without_the_libraries_says_so_at_the_start(project, suite, monkeypatch):
    monkeypatch.setattr(verdict_door, "OF_THE_EXTRA", frozenset({"no_such_library"}))

    with pytest.raises(UnavailableError, match="analysis"):
        make_started(project, suite)
    assert not project.regression_runs.exists()


def test_a_plan_that_changed_is_not_started(api, suite):
    answer = api("post", **sent_for(suite), plan_hash="0" * 64)

    assert answer.status_code == 409
    assert "plan is another now" in answer.json()["detail"]


def test_more_trials_than_anybody_could_want_are_refused(project, suite, monkeypatch):
    monkeypatch.setattr("apps.replays.runs.planning.MOST_TRIALS", 3)

    with pytest.raises(InvalidError, match=r"limit\.cases"):
        make_started(project, suite, repeats=2)
    assert make_started(project, suite, limit={"cases": 1}).cases == 1


def test_progress_and_pages_take_the_same_queries_whatever_the_size(
    project, django_assert_max_num_queries
):
    run = make_run(project, make_asked_suite(project, 2))
    run = queries.find_run(project, run.pk)

    with django_assert_max_num_queries(3):
        assert queries.progress_of(run).as_json()["finished"] == 2
    with django_assert_max_num_queries(3):
        page = queries.case_page(run, only="changed", cursor=None, limit=1)
    assert len(page.rows) == 1
    with django_assert_max_num_queries(3):
        rest = queries.case_page(run, only="changed", cursor=page.next, limit=1)
    assert len(rest.rows) == 1
    assert rest.next is None
