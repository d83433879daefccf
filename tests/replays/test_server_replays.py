"""The server asks a session's calls of models again, each after the recorded steps before it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.replays import tasks
from apps.replays.server.working import Worker
from apps.sessions import reader
from apps.sessions.events import Usage
from tests.factories import make_project
from tests.providers.factories import make_credential
from tests.providers.server import chat, running
from tests.sessions.factories import at, make_call, make_event, make_session

ADDRESS = "/api/v1/replays"
FINAL = "Your refund is on its way."
ASKS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_x",
            "type": "function",
            "function": {"name": "find_order", "arguments": {"order": "4411"}},
        }
    ],
}
HISTORY = [
    {"role": "system", "content": "You are a support agent."},
    {"role": "user", "content": "Refund order 4411, please."},
]
TOLD = {"role": "tool", "tool_call_id": "call_x", "content": "paid"}
# What a script says to the two questions: the tool as recorded, then other words.
SCRIPT = [
    {"after": "find_order", "say": "It will be refunded."},
    {"text": "Refund", "call": {"name": "find_order", "arguments": {"order": "4411"}}},
]


def call(number, messages, output, **more):
    times = {"started_at": at(number), "ended_at": at(number + 0.8)}
    usage = {"input": 100, "output": 10}
    said = {"input": {"messages": messages}, "output": output, "params": {"temperature": 0}}
    return make_call(id=f"call-{number}", **said, **times, usage=Usage(**usage), **more)


@pytest.fixture
def session(project):
    """A refund: a model asks for a tool, is told, and answers."""
    said = {"input": {"order": "4411"}, "output": "paid", "started_at": at(1.9)}
    tool = make_event(id="tool", kind="tool", name="find_order", **said, ended_at=at(1.95))
    last = call(2, [*HISTORY, ASKS, TOLD], {"role": "assistant", "content": FINAL})
    return make_session(project, call(1, HISTORY, ASKS), tool, last)


@pytest.fixture
def api(project, key_client):
    """Plans, starts and reads replays with a key."""
    client = key_client(project, "replays:run", "read:content")

    def ask(method, rest="", **body):
        if method == "get":
            return client.get(ADDRESS + rest)
        return client.post(ADDRESS + rest, body, content_type="application/json")

    return ask


def run_all(project):
    for run in project.server_replays.all():
        tasks.work(project.pk, str(run.pk))


def started(project, api, session, **settings):
    """Run a replay to its end and return what the API tells of it."""
    answer = api("post", session=str(session.pk), **settings)
    assert answer.status_code == 202, answer.content
    run_all(project)
    return api("get", f"/{answer.json()['replays'][0]['id']}").json()


def test_a_plan_says_what_is_asked_what_is_served_and_what_it_may_cost(api, session):
    plan = api("post", "/plan", session="chat-1", provider="recorded").json()

    assert plan["steps"] == {"asked": 2, "skipped": 0, "served": 1}
    assert (plan["expected"]["calls"], plan["expected"]["input_tokens"]) == (2, 200)
    assert plan["expected"]["recorded_ms"] == pytest.approx(1600)


def test_only_the_named_calls_are_asked_and_all_others_are_the_records(api, session):
    last = reader.outline(session).steps[-1].id
    whole = api("post", "/plan", session="chat-1", provider="recorded").json()

    plan = api("post", "/plan", session="chat-1", provider="recorded", only=[last]).json()

    assert plan["steps"] == {"asked": 1, "skipped": 0, "served": 2}
    assert plan["plan_hash"] != whole["plan_hash"]


def test_a_named_call_that_the_session_does_not_have_is_refused_by_name(api, session):
    answer = api("post", "/plan", session="chat-1", provider="recorded", only=["ab" * 16])

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "only"
    assert "ab" * 16 in answer.json()["errors"][0]["message"]


def test_the_record_asked_again_gives_an_identical_replay(project, api, session):
    told = started(project, api, session, provider="recorded")

    assert (told["status"], told["band"], told["where"]) == ("ended", "identical", "server")
    assert (told["fidelity"], told["decisions"], told["divergences"]) == (1.0, 1.0, 0)
    assert told["progress"]["steps"]["done"] == 2


def test_another_model_is_compared_step_by_step(project, api, session):
    settings = {"provider": "scripted", "script": SCRIPT, "overrides": {"model": "gpt-5"}}

    told = started(project, api, session, **settings)

    assert told["decisions"] == 1.0
    assert 0 < told["fidelity"] < 1
    assert told["report"]["divergences"][0]["step"] == 3
    assert told["coverage"] == pytest.approx(1 / 3)


def test_the_replay_is_a_session_with_the_new_answers_and_the_old_rest(project, api, session):
    told = started(project, api, session, provider="scripted", script=SCRIPT)

    client_steps = api_events(project, told["session"])
    assert [step["kind"] for step in client_steps] == ["llm", "tool", "llm"]
    assert client_steps[2]["output"]["content"] == "It will be refunded."
    assert client_steps[1]["metadata"]["served"]
    assert client_steps[1]["output"] == "paid"


def api_events(project, session_id):
    session = project.sessions.get(pk=session_id)
    return reader.read_steps(session, reader.outline(session).steps, content=True)


def test_a_prompt_of_the_library_takes_the_system_messages_place(project, api, session, provider):
    prompt = project.prompts.create(name="desk/triage", kind="text", last_number=2)
    project.prompt_versions.create(prompt=prompt, number=2, body="Be brief.", digest="0" * 64)
    overrides = {"prompt": {"name": "desk/triage", "version": 2}}

    told = started(project, api, session, provider="local", overrides=overrides)

    assert {sent.body["messages"][0]["content"] for sent in provider} == {"Be brief."}
    first = api_events(project, told["session"])[0]
    assert (first["prompt"]["name"], first["prompt"]["version"]) == ("desk/triage", 2)


def test_the_original_stays_as_it_was(project, api, session):
    before = digests(session)
    started(project, api, session, provider="scripted", script=SCRIPT)

    assert digests(session) == before


def digests(session):
    rows = session.project.events.filter(session=session).order_by("id")
    return [bytes(digest) for digest in rows.values_list("digest", flat=True)]


def test_a_changed_question_is_skipped_where_only_the_record_answers(project, api, session):
    overrides = {"system": "Be brief."}

    told = started(project, api, session, provider="recorded", overrides=overrides)

    assert told["progress"]["steps"]["skipped"] == 2
    assert "step 1 was not asked again" in told["report"]["notes"][0]


def test_a_provider_that_fails_pauses_the_replay_and_nothing_is_lost(project, api, session):
    answer = api("post", session="chat-1", provider="scripted", script=[{"fail": "server"}])
    run_all(project)
    replay = answer.json()["replays"][0]["id"]

    progress = api("get", f"/{replay}").json()["progress"]
    assert progress["state"] == "paused"
    assert "Resume once it does" in progress["reason"]
    assert progress["steps"]["queued"] == 2


def test_a_cancelled_replay_ends_with_what_it_has(project, api, session):
    answer = api("post", session="chat-1", provider="scripted", script=SCRIPT)
    replay = answer.json()["replays"][0]["id"]

    assert api("post", f"/{replay}/cancel").json()["state"] == "cancelled"
    run_all(project)
    told = api("get", f"/{replay}").json()
    assert (told["status"], told["error"]["type"]) == ("failed", "Cancelled")
    assert api("post", f"/{replay}/resume").status_code == 409


def test_steps_of_a_worker_that_died_are_taken_by_another_once_their_lease_ends(
    project, api, session
):
    api("post", session="chat-1", provider="recorded")
    run = project.server_replays.get()
    Worker(run).claim(2)
    tasks.work(project.pk, str(run.pk))
    assert set(run.steps.values_list("state", flat=True)) == {"leased"}
    run.steps.update(lease_until=at(0))
    tasks.work(project.pk, str(run.pk))

    assert set(run.steps.values_list("state", flat=True)) == {"done"}


def test_its_page_says_how_far_it_is_and_holds_and_resumes_it(project, api, session, member_client):
    answer = api("post", session="chat-1", provider="recorded")
    page = answer.json()["replays"][0]["url"]

    held = member_client.post(f"{page}pause/", follow=True).content.decode()
    assert "Paused: 0 of 2 calls asked" in held
    run_all(project)
    assert not project.server_steps.filter(state="done").exists()
    member_client.post(f"{page}resume/")
    run_all(project)
    assert "calls asked" not in member_client.get(page).content.decode()
    assert (
        "is done is not resumed"
        in member_client.post(f"{page}resume/", follow=True).content.decode()
    )


def test_samples_are_replays_of_their_own(project, api, session):
    answer = api("post", session="chat-1", provider="recorded", samples=3)
    run_all(project)

    assert len({one["session"] for one in answer.json()["replays"]}) == 3
    assert project.server_steps.filter(state="done").count() == 6


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"provider": "recorded", "session": "none"}, "session"),
        ({"provider": "recorded", "mode": "free"}, "mode"),
        ({"provider": "scripted"}, "script"),
        ({"provider": "recorded", "samples": 21}, "samples"),
        ({"provider": "recorded", "budget": "-1"}, "budget"),
        ({"provider": "recorded", "bogus": 1}, "bogus"),
        ({"provider": "recorded", "overrides": {"bogus": 1}}, "overrides.bogus"),
        ({"provider": "scripted", "script": [{"text": "("}]}, "script[0].text"),
    ],
)
def test_what_cannot_be_run_is_refused_with_its_field(api, session, body, field):
    answer = api("post", **({"session": "chat-1"} | body))

    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["path"].startswith(field)


def test_a_plan_that_changed_is_not_started(api, session):
    answer = api("post", session="chat-1", provider="recorded", plan_hash="0" * 64)

    assert answer.status_code == 409
    assert "plan is another now" in answer.json()["detail"]


def test_a_session_of_another_project_does_not_exist(api, project):
    make_session(make_project(project.organization, "other"), call(1, HISTORY, ASKS))

    answer = api("post", session="chat-1", provider="recorded")
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (400, "session")


@pytest.fixture
def provider(project, settings):
    """Runs a provider on this machine, and gives the list of what it was sent."""
    with running(lambda sent: chat(FINAL)) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
        make_credential(project, f"http://{place}/v1")
        yield sent


def test_a_real_provider_is_asked_with_what_is_another_than_recorded(
    project, api, session, provider
):
    overrides = {"model": "gpt-4o-mini", "params": {"temperature": None, "top_p": 0.5}}

    told = started(project, api, session, provider="local", overrides=overrides)

    assert [sent.body["model"] for sent in provider] == ["gpt-4o-mini"] * 2
    assert [sent.body.get("temperature") for sent in provider] == [None, None]
    assert (told["progress"]["state"], told["report"]["divergences"][0]["step"]) == ("done", 1)


def test_what_was_answered_before_a_worker_died_is_not_paid_for_again(
    project, api, session, provider
):
    api("post", session="chat-1", provider="local")
    run = project.server_replays.get()
    worker = Worker(run)
    (step,) = worker.claim(1)
    worker._ask(step)
    run.steps.update(lease_until=at(0))
    run_all(project)

    assert len(provider) == 2
    assert run.steps.get(seq=1).is_cached
    assert not project.cached_answers.filter(is_pinned=True).exists()


def test_a_budget_that_is_spent_pauses_and_a_larger_one_goes_on(project, api, session, provider):
    answer = api("post", session="chat-1", provider="local", budget="0.001")
    replay = answer.json()["replays"][0]["id"]
    run_all(project)
    paused = api("get", f"/{replay}").json()["progress"]
    assert (paused["state"], len(provider)) == ("paused", 0)
    assert "Resume with a larger budget" in paused["reason"]

    assert api("post", f"/{replay}/resume", budget="5").status_code == 200
    run_all(project)
    done = api("get", f"/{replay}").json()["progress"]
    assert (done["state"], done["steps"]["done"]) == ("done", 2)


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored")
def test_workers_at_the_same_time_ask_each_step_once(project, api, provider, settings):
    settings.REPLAY_THREADS = 4
    calls = [
        call(number, [*HISTORY, {"role": "user", "content": str(number)}], ASKS)
        for number in range(24)
    ]
    session = make_session(project, *calls)
    api("post", session=str(session.pk), provider="local")
    run = project.server_replays.get()
    workers = [threading.Thread(target=work_apart, args=(project.pk, run.pk)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len(provider) == 24
    assert project.replays.get().status == "ended"


def work_apart(project_id, run_id):
    tasks.work(project_id, str(run_id))
    connection.close()
