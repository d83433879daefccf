"""Workers of replays are killed at any moment: nothing is lost, nothing is paid for twice."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.providers.prices import NewPrice, add_price
from apps.replays.server.settings import read_settings
from apps.replays.server.starting import start_replays
from tests.providers.factories import make_credential
from tests.providers.server import chat, running
from tests.replays import forking
from tests.replays.running import make_asked_suite, make_started, run_on
from tests.sessions.factories import at, make_call, make_session

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored"),
]
STEPS = 40
# 10 and 5 tokens (see the provider), at a dollar for a thousand of each.
PAID = Decimal("0.015")


@pytest.fixture
def provider(project, settings):
    """Answers after 20 milliseconds, and gives the list of what it was sent."""

    def answer(_):
        time.sleep(0.02)
        return chat("Hello.")

    settings.REPLAY_THREADS = 4
    new = NewPrice("gpt-4o", Decimal(1000), Decimal(1000), datetime(2026, 1, 1, tzinfo=UTC))
    add_price(project, new, actor=SYSTEM)
    with running(answer) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
        make_credential(project, f"http://{place}/v1", concurrency=32)
        yield sent


def started(project, budget):
    """Start a replay of forty calls, of which each can cost a few times what it does."""
    calls = [
        make_call(
            id=f"c{number}",
            input={"messages": [{"role": "user", "content": f"Question {number}"}]},
            params={"max_tokens": 10},
            started_at=at(number),
            ended_at=at(number + 0.5),
        )
        for number in range(STEPS)
    ]
    session = make_session(project, *calls)
    sent = {"session": str(session.pk), "provider": "local", "budget": budget}
    return start_replays(project, session, read_settings(sent), actor=SYSTEM).runs[0]


def asked(provider):
    """Return how often each question reached the provider."""
    return Counter(sent.body["messages"][-1]["content"] for sent in provider)


def test_a_replay_whose_workers_are_killed_again_and_again_is_done_once(project, provider):
    run = started(project, "20")
    under_way = 0
    for wanted in (8, 16, 24):
        workers = [forking.worker(project.pk, run.pk) for _ in range(2)]
        forking.eventually(lambda wanted=wanted: len(provider) >= wanted)
        forking.kill(workers)
        left = run.steps.filter(state="leased")
        # Their lease ends a minute later.
        under_way += left.update(lease_until=timezone.now())
    workers = [forking.worker(project.pk, run.pk)]
    forking.eventually(lambda: project.server_replays.filter(pk=run.pk, state="done").exists())
    forking.kill(workers)

    assert run.steps.filter(state="done").count() == run.steps.count() == STEPS
    assert project.replays.get().session.event_count == STEPS
    assert len(asked(provider)) == STEPS
    assert len(provider) - STEPS <= under_way
    run.budget.refresh_from_db()
    # What was known to be paid is; what killed workers had under way may have been.
    assert PAID * (STEPS - under_way) <= run.budget.spent <= PAID * STEPS
    assert run.budget.spent + run.budget.reserved >= PAID * STEPS


def test_eight_workers_never_spend_more_than_the_budget(project, provider):
    run = started(project, "0.6")
    workers = [forking.worker(project.pk, run.pk) for _ in range(8)]
    forking.eventually(lambda: project.server_replays.filter(pk=run.pk, state="paused").exists())
    forking.eventually(lambda: not run.steps.filter(state="leased").exists())
    forking.kill(workers)

    run.budget.refresh_from_db()
    assert run.budget.spent == PAID * len(provider)
    assert run.budget.spent <= Decimal("0.6")
    assert 0 < len(provider) < STEPS
    assert max(asked(provider).values()) == 1


def test_a_run_whose_workers_are_killed_gets_its_verdict_once(project, provider):
    run = make_started(project, make_asked_suite(project, 4), provider="local", repeats=2)
    under_way = 0
    for wanted in (4, 9):
        workers = [forking.worker_of_run(run) for _ in range(2)]
        forking.eventually(lambda wanted=wanted: len(provider) >= wanted)
        forking.kill(workers)
        left = project.server_steps.filter(state="leased")
        under_way += left.update(lease_until=timezone.now())
    run_on(run)
    run_on(run)

    assert run.state == "done"
    assert run.verdicts.count() == 1
    assert run.trials.filter(state="done").count() == run.trials.count() == 16
    assert project.server_steps.filter(state="done").count() == 16
    # Two sides of four cases, each asked twice; of those under way at a kill perhaps once more.
    assert 16 <= len(provider) <= 16 + under_way
