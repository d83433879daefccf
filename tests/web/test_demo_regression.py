"""Trying the versions of the desk's prompt on the demo's own sessions."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.audit.actors import SYSTEM
from apps.prompts.files import import_prompts
from apps.providers.scripted import read_script
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.starting import start_run
from apps.replays.server.questions import Questions, recorded_answer
from apps.replays.server.settings import read_settings
from apps.replays.suite_choosing import filters_of_text
from apps.web.demo import demo_sessions, library
from apps.web.demo.prompts import TEXTS
from apps.web.demo.regression import CHOSEN, SCRIPT, SEED, SUITE, run_of
from tests.factories import make_key
from tests.replays.gathering import make_suite
from tests.replays.running import run_on

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def calls():
    """Return all calls of models of the suite's sessions."""
    return [
        event
        for _, events in demo_sessions(NOW)
        if "shipping" in events[0]["tags"] and events[0]["outcome"]["status"] == "success"
        for event in events
        if event["kind"] == "llm"
    ]


def share_alike(project, version: int) -> float:
    """Return how often the demo's model answers as recorded under a version of the prompt."""
    told = {"session": "any", "provider": "scripted", "script": SCRIPT}
    overrides = {"system": TEXTS[version - 1]}
    questions = Questions(project, read_settings(told | {"overrides": overrides}))
    script = read_script(SCRIPT, seed=SEED)
    found = []
    for event in calls():
        recorded = recorded_answer(event)
        asked = questions.of(event)
        answer = replace(script, recorded=recorded).ask(asked, sample=0, seconds=1)
        found.append(answer.message == recorded.message)
    return sum(found) / len(found)


def test_the_demos_model_does_what_the_prompt_leads_it_to(project):
    worse, before, better = (share_alike(project, version) for version in (8, 7, 9))

    assert worse < before - 0.04
    assert before < better <= 1


@pytest.fixture
def desk(project, client):
    """A project with some of the demo's sessions, sent as any client's, and its prompt."""
    sent = [
        event
        for name, events in list(demo_sessions(NOW))[1:16]
        for event in events
        if name.startswith("demo-")
    ]
    _, secret = make_key(project, scopes=["ingest"])
    key = {"Authorization": f"Bearer {secret}"}
    client.post("/api/v1/events", json.dumps({"events": sent}), "application/json", headers=key)
    import_prompts(project, library.document(), moves_labels=False, actor=SYSTEM)
    return project


def test_a_run_of_the_demo_comes_to_a_verdict_by_itself(desk):
    found = list(desk.sessions.filter(outcome="success")[:6])
    suite = make_suite(desk, *found, name=SUITE)
    run = start_run(desk, read_run_settings(run_of(8)), actor=SYSTEM)

    run_on(run)

    assert (run.state, run.cases) == ("done", len(found))
    verdict = desk.verdicts.get(run=run)
    (gate,) = verdict.judgement["gates"]
    assert gate["sessions"] == len(found)
    assert gate["candidate"] < gate["baseline"]
    assert suite.runs.get() == run


def test_the_demos_suite_is_chosen_by_filters_that_the_list_knows():
    chosen = filters_of_text(CHOSEN)

    assert set(chosen) == {"prompt", "tag", "outcome"}
