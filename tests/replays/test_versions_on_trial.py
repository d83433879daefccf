"""A worse version is caught and a better one passed, by a provider that really reads the prompt."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.starting import start_run
from tests.providers.factories import make_credential
from tests.providers.server import running
from tests.replays.erring import Erring
from tests.replays.gathering import make_suite
from tests.replays.running import run_on
from tests.sessions.factories import at, make_call, make_session

SESSIONS = 10
SYSTEM_MESSAGE = {"role": "system", "content": "You book flights. Be exact."}
# Errors a call.
RATES = {"Be exact": 0.4, "Be quick": 1.0, "Read twice": 0.0}


def conversation(number):
    question = {"role": "user", "content": f"Book flight {number}, please."}
    return [SYSTEM_MESSAGE, question, {"role": "assistant", "content": f"Booked: {number}."}]


@pytest.fixture
def model(settings):
    """Runs a provider that answers what was recorded, and errs as its instructions say."""
    settings.REPLAY_THREADS = 1
    model = Erring(map(conversation, range(SESSIONS)), RATES, seed=3)
    with running(model) as (place, _):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
        model.place = place
        yield model


@pytest.fixture
def suite(project, model):
    make_credential(project, f"http://{model.place}/v1")
    sessions = [
        make_session(
            project,
            make_call(
                session=f"flight-{number}",
                input={"messages": conversation(number)[:2]},
                output=conversation(number)[2],
                started_at=at(1),
                ended_at=at(2),
            ),
        )
        for number in range(SESSIONS)
    ]
    return make_suite(project, *sessions)


def results(project, suite, *systems):
    """Run candidates against the record's own prompt, and return what came of each."""
    named = [{"name": text, "system": f"You book flights. {text}."} for text in systems]
    sent = {"suite": str(suite.pk), "provider": "local", "candidates": named}
    run = run_on(start_run(project, read_run_settings(sent), actor=SYSTEM))
    assert run.state == "done", run.reason
    return dict(project.verdicts.filter(run=run).values_list("candidate", "result"))


@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_a_worse_version_fails_a_better_one_passes_and_the_same_one_does_not_fail(
    project, suite, model
):
    found = results(project, suite, "Be quick", "Read twice", "Be exact indeed")

    assert (found["Be quick"], found["Read twice"]) == ("fail", "pass")
    assert found["Be exact indeed"] != "fail"
    # The same version erred elsewhere, which a rule of "no case got worse" would call harm.
    assert 0 < model.erred["You book flights. Be exact indeed."] < SESSIONS
    assert sum(model.asked.values()) == 4 * SESSIONS
