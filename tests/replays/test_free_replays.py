"""A replay that goes on by itself: the model's own answers make its history."""

from __future__ import annotations

import json

import pytest

from apps.replays.server import slices, sweeping
from apps.replays.server.working import Worker
from apps.sessions import reader
from apps.sessions.events import Usage
from tests.providers.factories import make_credential
from tests.providers.server import chat, running
from tests.sessions.factories import at, make_call, make_event, make_session

ADDRESS = "/api/v1/replays"
SYSTEM = {"role": "system", "content": "You are a support agent."}
ASKED = {"role": "user", "content": "Refund order 4411, please."}
THANKS = {"role": "user", "content": "Thank you. And order 4412?"}
FINAL = "Your refund is on its way."
LAST = "4412 is not paid yet."
TOOL = "find_order"


def calling(number, order, name=TOOL):
    arguments = json.dumps({"order": order})
    call = {"id": f"call_{number}", "type": "function"}
    named = call | {"function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [named]}


def told(number, text):
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


HISTORY = [
    SYSTEM,
    ASKED,
    calling(1, "4411"),
    told(1, "paid"),
    said(FINAL),
    THANKS,
    calling(2, "4412"),
    told(2, "open"),
    said(LAST),
]


def asking(number, upto, **more):
    usage = Usage(input=100, output=10)
    messages, answer = HISTORY[:upto], HISTORY[upto]
    times = {"started_at": at(10 * number), "ended_at": at(10 * number + 0.8)}
    said_so = {"input": {"messages": messages}, "output": answer, "usage": usage}
    return make_call(id=f"call-{number}", **said_so, **times, **more)


def tool(number, order, output, **more):
    times = {"started_at": at(10 * number + 1), "ended_at": at(10 * number + 2)}
    fields = {"input": {"order": order}, "output": output, "effects": "write"} | more
    return make_event(id=f"tool-{number}", kind="tool", name=TOOL, **fields, **times)


@pytest.fixture
def session(project):
    """Two turns of a user; in each the model asks for an order, is told, and answers."""
    first = [asking(1, 2), tool(1, "4411", "paid"), asking(2, 4)]
    second = [asking(3, 6), tool(3, "4412", "open"), asking(4, 8)]
    return make_session(project, *first, *second)


@pytest.fixture
def api(project, key_client):
    client = key_client(project, "replays:run", "read:content")

    def ask(rest="", status=202, **body):
        settings = {"session": "chat-1", "mode": "free_running"} | body
        if "script" in body:
            settings["provider"] = "scripted"
        answer = client.post(ADDRESS + rest, settings, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()

    ask.look = lambda replay: client.get(f"{ADDRESS}/{replay}").json()
    return ask


def run_all(project):
    for run in project.server_replays.all():
        slices.work(sweeping.find_run(project.pk, str(run.pk)))


def ran(project, api, **settings):
    """Run a replay to its end and return what the API tells of it."""
    replay = api(**settings)["replays"][0]["id"]
    run_all(project)
    return api.look(replay)


def steps_of(project, replay):
    made = project.sessions.get(pk=replay["session"])
    return reader.read_steps(made, reader.outline(made).steps, content=True)


# A model that does as recorded until the second turn, and then asks for another order.
AWAY = [
    {"text": "4412", "call": {"name": TOOL, "arguments": {"order": "4400"}}},
    {"after": TOOL, "text": "closed|none|open", "say": "It is closed."},
    {"recorded": True},
]


def test_the_record_run_freely_comes_to_the_same(project, api, session):
    replay = ran(project, api, provider="recorded")

    assert [replay[name] for name in ("fidelity", "coverage", "consumption")] == [1.0] * 3
    assert (replay["band"], replay["report"]["determinism"]) == ("identical", "exact")
    assert replay["report"]["stop"]["stop"] == "ended"
    then = reader.read_steps(session, reader.outline(session).steps, content=True)
    assert [(one["kind"], one["started_at"]) for one in steps_of(project, replay)] == [
        (one["kind"], one["started_at"]) for one in then
    ]


def test_a_tool_that_nothing_answers_stops_the_replay_and_says_which(project, api, session):
    replay = ran(project, api, script=AWAY)

    report = replay["report"]
    assert (report["stop"]["stop"], report["tools"]) == ("tool", {"exact": 1, "unanswered": 1})
    assert TOOL in report["stop"]["says"]
    assert (replay["coverage"], report["divergences"][0]["kind"]) == (0.5, "different-output")
    last = steps_of(project, replay)[-1]
    assert (last["error"]["type"], last["input"]) == ("NotAnswered", {"order": "4400"})


@pytest.mark.parametrize(
    "simulator",
    [
        {"answer": "closed"},
        {"rules": [{"text": "4399", "answer": "paid"}, {"answer": "closed"}]},
    ],
)
def test_a_simulator_answers_where_the_record_does_not_and_is_marked(
    project, api, session, simulator
):
    replay = ran(project, api, script=AWAY, simulators={TOOL: simulator})

    assert (replay["report"]["stop"]["stop"], replay["coverage"]) == ("ended", 0.5)
    *_, answered, last = steps_of(project, replay)
    assert answered["metadata"]["tainted"] == "simulated"
    assert (answered["output"], last["output"]["content"]) == ("closed", "It is closed.")
    assert last["input"]["messages"][-1]["content"] == "closed"
    assert last["started_at"] >= answered["ended_at"]


def test_another_session_answers_only_where_that_is_allowed(project, api, session):
    make_session(project, tool(9, "4400", "closed", session="chat-2"))

    alone = ran(project, api, script=AWAY)
    pooled = ran(project, api, script=AWAY, pool={"max_age_days": 30})

    assert alone["report"]["tools"] == {"exact": 1, "unanswered": 1}
    assert pooled["report"]["tools"] == {"exact": 1, "pooled": 1}
    source = steps_of(project, pooled)[-2]["metadata"]["from"]
    assert (source["session"] is not None, pooled["coverage"]) == (True, 0.5)


AGAIN = [
    {"after": TOOL, "text": "paid", "chance": 0.0, "recorded": True},
    {"text": "4412", "call": {"name": TOOL, "arguments": {"order": "4411"}}},
    {"recorded": True},
    {"say": "Paid it is."},
]


def test_what_a_writing_tool_answered_once_is_not_its_answer_twice(project, api, session):
    told = ran(project, api, script=AGAIN)["report"]["tools"]

    assert told == {"exact": 1, "unanswered": 1}


def test_a_reading_tool_may_answer_once_more(project, api, session):
    replay = ran(project, api, script=AGAIN, reads=["find_*"])

    assert replay["report"]["tools"] == {"exact": 1, "repeated": 1}
    assert steps_of(project, replay)[-2]["metadata"]["found"] == "repeated"


def test_arguments_spelled_otherwise_find_the_recorded_answer(project, api, session):
    loosely = {"order": " 4412 ", "note": None}
    script = [{"text": "4412", "call": {"name": TOOL, "arguments": loosely}}, {"recorded": True}]

    replay = ran(project, api, script=[*script, {"say": LAST}])

    assert replay["report"]["tools"] == {"exact": 1, "loose": 1}
    assert replay["report"]["alignment"][-2]["score"] < 1


def test_a_user_is_quoted_while_the_turn_called_the_same_tools(project, api, session):
    script = [{"after": TOOL, "say": "Done."}, {"recorded": True}]
    script.append({"text": "4412", "call": {"name": TOOL, "arguments": {"order": "4412"}}})

    replay = ran(project, api, script=script)

    asked = steps_of(project, replay)[3]["input"]["messages"]
    assert [one["content"] for one in asked[-2:]] == ["Done.", THANKS["content"]]
    assert (replay["decisions"], replay["report"]["stop"]["stop"]) == (1.0, "ended")


def test_a_user_is_not_quoted_after_a_turn_that_went_elsewhere(project, api, session):
    replay = ran(project, api, script=[{"say": "I cannot."}])

    assert (replay["report"]["stop"]["stop"], replay["coverage"]) == ("departed", None)
    assert [one["kind"] for one in steps_of(project, replay)] == ["llm"]
    assert replay["consumption"] == pytest.approx(1 / 6)


def test_it_makes_no_more_calls_than_it_may(project, api, session):
    loop = [{"call": {"name": TOOL, "arguments": {"order": "4411"}}}]

    replay = ran(project, api, script=loop, reads=["*"], most_steps=3)

    assert (replay["report"]["stop"]["stop"], replay["progress"]["steps"]["done"]) == ("steps", 3)


def test_a_prefix_is_the_records_and_the_replay_a_fork_of_it(project, api, session):
    replay = ran(project, api, mode="prefix_then_free", from_step=4, script=AWAY)

    assert (replay["origin"], replay["fork_step"], replay["coverage"]) == ("fork", 4, 0.0)
    made = project.sessions.get(pk=replay["session"])
    assert (made.origin, made.forked_at is not None) == ("fork", True)
    kinds = [one["kind"] for one in steps_of(project, replay)]
    assert kinds == ["llm", "tool", "llm", "llm", "tool"]
    assert "not judged" in replay["report"]["notes"][0]


def test_a_plan_says_on_what_a_free_replay_rests(api, session):
    plan = api("/plan", 200, provider="recorded", simulators={TOOL: {"answer": 1}})

    (need,) = plan["needs"]
    assert (need["calls"], need["effects"], need["may_repeat"]) == (2, "write", False)
    assert need["answered_by"] == ["record", "simulator"]
    assert (plan["expected"]["calls"], plan["expected"]["most_calls"]) == (4, 18)
    assert "may make fewer or more" in plan["expected"]["says"]
    assert [one["does"] for one in plan["each"]] == ["asked", "served", "asked"] * 2


def test_two_conversations_beside_each_other_are_not_run_freely(project, api, session):
    other = [SYSTEM, {"role": "user", "content": "Sum this up."}]
    more = [*other, said("Yes."), {"role": "user", "content": "Shorter."}]
    calls = [(5, other, said("Yes.")), (6, more, said("No."))]
    for number, asked, answer in calls:
        beside = {"input": {"messages": asked}, "output": answer, "started_at": at(number)}
        make_session(project, make_call(id=f"side-{number}", **beside))

    plan = api("/plan", 200, provider="recorded")

    assert "Two conversations" in plan["cannot"]
    assert api(status=400, provider="recorded")["errors"][0]["path"] == "session"


def test_what_was_answered_before_a_worker_died_is_gone_on_with(project, api, session):
    replay = api(provider="recorded")["replays"][0]["id"]
    worker = Worker(sweeping.find_run(project.pk, str(project.server_replays.get().pk)))
    (step,) = worker.claim(4)
    worker.work_on(step)
    (second,) = worker.claim(4)
    worker.asking.ask(second)
    project.server_steps.filter(pk=second.pk).update(lease_until=at(0))
    run_all(project)

    assert api.look(replay)["band"] == "identical"
    assert project.server_steps.filter(state="done").count() == 4


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "prefix_then_free"}, "from_step"),
        ({"from_step": 2}, "from_step"),
        ({"mode": "prefix_then_free", "from_step": 99}, "from_step"),
        ({"only": ["0" * 32]}, "only"),
        ({"mode": "teacher_forced", "reads": ["x"]}, "reads"),
        ({"simulators": {"x": 1}}, "simulators.x"),
        ({"simulators": {"x": {"rules": [{"text": "("}]}}}, "simulators.x.rules[0]"),
        ({"pool": {"max_age_days": 0}}, "pool.max_age_days"),
        ({"most_steps": 501}, "most_steps"),
        ({"overrides": {"tools": [{"type": "web_search"}]}}, "overrides.tools"),
    ],
)
def test_what_no_free_replay_could_do_is_refused_with_its_field(api, session, body, field):
    answer = api(status=400, **({"provider": "recorded"} | body))

    assert answer["errors"][0]["path"].startswith(field)


def test_a_real_provider_is_sent_its_own_history(project, api, session, settings):
    answers = iter([calling(7, "4411"), said("Refunded."), calling(8, "4412"), said("Open.")])
    with running(lambda sent: as_chat(next(answers))) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [*settings.PLAYHEAD_OUTBOUND_ALLOW, place]
        make_credential(project, f"http://{place}/v1")
        replay = ran(project, api, provider="local", overrides={"system": "Be brief."})

    said_last = [one["content"] for one in sent[-1].body["messages"] if one["role"] != "assistant"]
    assert said_last == ["Be brief.", ASKED["content"], "paid", THANKS["content"], "open"]
    assert (len(sent), replay["report"]["determinism"]) == (4, "sampled")
    assert (replay["decisions"], replay["coverage"]) == (1.0, 1.0)


def as_chat(message):
    reply = chat(message["content"])
    reply.body["choices"][0]["message"] = message
    return reply


def test_a_handing_over_that_nobody_answered_ends_the_replay_as_it_ended_the_record(project, api):
    asked, handed = asking(1, 2), asking(2, 4)
    handed.output = calling(3, "4411", "hand_over")
    after = tool(3, "4411", "held", parent=handed.id)
    make_session(project, asked, tool(1, "4411", "paid"), handed, after)

    replay = ran(project, api, provider="recorded")

    assert (replay["band"], replay["report"]["stop"]["stop"]) == ("identical", "ended")
    assert replay["report"]["tools"] == {"exact": 1}
