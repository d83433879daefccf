"""The page on which a replay on the server is planned and started."""

from __future__ import annotations

import re

import pytest

from apps.replays import tasks
from tests.sessions.factories import at, make_call, make_event, make_session


@pytest.fixture
def session(project):
    """Two calls of a model, and a tool between them."""
    said = {"started_at": at(1.9), "ended_at": at(1.95)}
    calls = [
        make_call(
            id=f"call-{number}",
            input={"messages": [{"role": "user", "content": f"Question {number}"}]},
            output={"role": "assistant", "content": f"Answer {number}"},
            started_at=at(number),
            ended_at=at(number + 0.5),
        )
        for number in (1, 2)
    ]
    tool = make_event(id="tool", kind="tool", name="find_order", **said)
    return make_session(project, calls[0], tool, calls[1])


@pytest.fixture
def page(project, session, member_client):
    """Opens the page, or sends its form."""
    place = f"/o/{project.organization.slug}/p/{project.slug}/sessions/{session.pk}/replay/server/"

    def ask(query="", **typed):
        if not typed:
            return member_client.get(place + query)
        sent = {"mode": "teacher_forced", "samples": "1", "provider": "recorded"}
        return member_client.post(place + query, sent | typed)

    return ask


def hash_of(answer):
    found = re.search(r'name="plan_hash" value="(\w+)"', answer.content.decode())
    return found[1] if found else None


def test_the_plan_is_shown_and_then_started(project, page):
    planned = page(do="plan")
    told = planned.content.decode()
    assert "2 calls of models asked" in told
    assert "1 step served from the record" in told
    assert not project.server_replays.exists()

    answer = page(do="start", plan_hash=hash_of(planned))
    run = project.server_replays.get()
    assert answer["Location"].endswith(f"/replays/{run.replay_id}/")
    tasks.work(project.pk, str(run.pk))
    assert project.replays.get().status == "ended"


def test_what_is_wrong_is_said_beside_its_field_and_all_that_was_typed_stays(project, page):
    typed = {"params": "{no", "prompt": "triage", "budget": "-1", "model": "gpt-5"}
    answer = page(do="plan", **typed)
    told = answer.content.decode()

    assert answer.status_code == 422
    assert "This is not JSON" in told
    assert "Write it as name@7" in told
    assert "greater than or equal to 0" in told
    assert 'value="gpt-5"' in told
    assert hash_of(answer) is None


def test_what_the_api_refuses_is_said_beside_its_field(page):
    answer = page(do="plan", prompt="triage@3", provider="scripted")
    told = answer.content.decode()
    assert answer.status_code == 422
    assert re.search(r'id="id_script"[^§]*?A script goes with the provider', told)


def test_another_plan_than_the_one_that_was_shown_is_not_started(project, page):
    shown = hash_of(page(do="plan"))
    answer = page(do="start", plan_hash=shown, samples="2")

    assert answer.status_code == 409
    assert "The plan is another now" in answer.content.decode()
    assert hash_of(answer) not in (None, shown)
    assert not project.server_replays.exists()


def test_one_step_is_asked_alone_from_its_panel(project, session, page):
    step = project.events.filter(session=session, kind="llm").order_by("started_at").last()
    opened = page(f"?only={step.id.hex}").content.decode()
    assert "is asked; all others are the record" in opened

    planned = page(only=step.id.hex, do="plan")
    assert "1 call of models asked" in planned.content.decode()
    page(only=step.id.hex, do="start", plan_hash=hash_of(planned))
    assert project.server_steps.get().event_id == step.id


def test_a_free_replay_from_a_step_is_filled_in_by_the_address(page):
    told = page("?at=2").content.decode()

    assert re.search(r'value="prefix_then_free"[^>]*checked', told)
    assert 'name="from_step" value="2"' in told


@pytest.mark.parametrize("query", ["?only=bogus", "?at=0", "?bogus=1"])
def test_a_wrong_address_is_refused(page, query):
    assert page(query).status_code == 400
