"""What one library says in words of its own."""

from __future__ import annotations

import json

from tests.ingest.factories import NANOSECONDS, make_span, make_spans, numbered
from tests.ingest.facts import fact
from tests.ingest.site import Site, step

LLM = {"openinference.span.kind": "LLM", "session.id": "s"}


def send_as(site: Site, scope: str, *spans) -> None:
    """Send spans as the library of that name."""
    body = make_spans(*spans).replace(b'"a library"', json.dumps(scope).encode())
    site.post("/v1/traces", body)


@fact("messages are flattened to numbered names, and 10 comes after 9")
def _(site):
    flat = {f"llm.input_messages.{n}.message.content": f"text {n}" for n in (10, 9, 0, 2)}
    site.send(make_span(LLM | flat))

    said = [one["content"] for one in site.event()["input"]["messages"]]
    assert said == ["text 0", "text 2", "text 9", "text 10"]


@fact("the model is missing where nothing was answered")
def _(site):
    site.send(make_span(LLM | {"llm.invocation_parameters": '{"model": "gpt-4o"}'}))

    assert (site.event()["model"], site.event()["model_returned"]) == ("gpt-4o", None)


@fact("the first token is an event of the span")
def _(site):
    first = {"name": "First Token Stream Event", "timeUnixNano": str(NANOSECONDS + 210_000_000)}
    site.send(make_span(LLM, events=[first]))

    assert site.event()["time_to_first_token_ms"] == 210


@fact("one span speaks two conventions")
def _(site):
    both = {"llm.model_name": "a", "gen_ai.request.model": "b", "gen_ai.conversation.id": "c"}
    site.send(make_span(LLM | both))

    assert (site.event()["kind"], site.event()["model"]) == ("llm", "a")


@fact("OpenAI Agents hands over by a tool")
def _(site):
    told = {"openinference.span.kind": "TOOL", "input.value": "desk", "output.value": "billing"}
    span = numbered(1, None, told | {"session.id": "s"}, name="handoff to billing")
    send_as(site, "openinference.instrumentation.openai_agents", span)

    event = site.event()
    assert (event["kind"], event["input"], event["output"]) == ("handoff", "desk", "billing")


@fact("OpenAI Agents puts the whole answer among the parameters")
def _(site):
    answer = {"id": "resp_1", "created_at": 1, "model": "gpt-4o", "temperature": 0.2, "output": []}
    span = make_span(LLM | {"llm.invocation_parameters": json.dumps(answer)})
    send_as(site, "openinference.instrumentation.openai_agents", span)

    event = site.event()
    assert (event["params"], event["response_id"]) == ({"temperature": 0.2}, "resp_1")


@fact("OpenAI Agents calls the whole run an agent")
def _(site):
    run = {"openinference.span.kind": "AGENT", "session.id": "s"}
    spans = [numbered(1, None, run), numbered(2, 1, run | {"agent.name": "desk"})]
    send_as(site, "openinference.instrumentation.openai_agents", *spans)

    assert site.session().counts == {"chain": 1, "agent": 1}


@fact("a guardrail is a kind of its own")
def _(site):
    site.send(make_span({"openinference.span.kind": "GUARDRAIL", "session.id": "s"}))

    assert site.event()["kind"] == "guardrail"


@fact("LangGraph calls its node an agent too")
def _(site):
    told = {"openinference.span.kind": "AGENT", "session.id": "s"}
    node = told | {"metadata": '{"langgraph_node": "agent"}'}
    spans = [numbered(1, None, told, name="travel-agent"), numbered(2, 1, node, name="agent")]
    send_as(site, "openinference.instrumentation.langchain", *spans)

    assert [event["kind"] for event in site.events()] == ["agent", "chain"]


@fact("LangChain wraps the result of a tool in a message")
def _(site):
    message = {"type": "tool", "data": {"content": '{"sky": "rain"}', "tool_call_id": "call_1"}}
    told = {"openinference.span.kind": "TOOL", "session.id": "s"}
    span = make_span(told | {"output.value": json.dumps(message)})
    send_as(site, "openinference.instrumentation.langchain", span)

    assert site.event()["output"] == {"sky": "rain"}
    assert site.raw(site.event())["raw"]["tool_call"]["id"] == "call_1"


@fact("LangChain puts the whole stack into the message of an error")
def _(site):
    stack = "LookupError('gone')Traceback (most recent call last):\n  File x"
    told = [{"key": "exception.message", "value": {"stringValue": "gone"}}]
    raised = {"name": "exception", "timeUnixNano": str(NANOSECONDS), "attributes": told}
    failed = {"events": [raised], "status": {"code": 2, "message": stack}}
    site.send(step(1, None, "tool", session__id="s", fields=failed))

    assert site.event()["error"]["message"] == "gone"


@fact("pydantic-ai has an agent's words in all_messages and final_result")
def _(site):
    messages = [
        {"role": role, "parts": [{"type": "text", "content": text}]}
        for role, text in [("user", "1"), ("assistant", "2"), ("user", "3"), ("assistant", "4")]
    ]
    told = {
        "gen_ai.operation.name": "invoke_agent",
        "pydantic_ai.all_messages": json.dumps(messages),
        "pydantic_ai.new_message_index": 2,
        "final_result": "4",
    }
    send_as(site, "pydantic-ai", make_span(told | {"session.id": "s"}))

    event = site.event()
    assert event["input"]["messages"] == messages[:3]
    assert str(event["output"]) == "4"


@fact("pydantic-ai estimates a price, and notes for its own viewer")
def _(site):
    noise = {"operation.cost": 0.5, "logfire.msg": "x", "model_request_parameters": "{}"}
    told = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "no-such-model"}
    send_as(site, "pydantic-ai", make_span(noise | told | {"session.id": "s"}))

    event = site.event()
    assert event["cost"] is None
    assert site.raw(event)["raw"]["attributes"]["operation.cost"] == 0.5
    assert site.health()["unmapped"] == 0


@fact("a library that nobody knows")
def _(site):
    told = {
        "session_id": "s",
        "acme.step.prompt": "Where is my parcel?",
        "acme.step.completion": '{"answer": "On its way."}',
        "model_name": "gpt-4o",
        "usage.prompt_tokens": 840,
        "usage.completion_tokens": "105",
    }
    site.send(make_span(told, name="ask"))

    event = site.event()
    assert (event["kind"], event["name"], event["model"]) == ("llm", "ask", "gpt-4o")
    assert (event["input"], event["output"]) == ("Where is my parcel?", {"answer": "On its way."})
    assert (event["usage"]["input"], event["usage"]["output"]) == (840, 105)


@fact("a tool of a library that nobody knows")
def _(site):
    told = {"session.id": "s", "ai.toolCall.name": "search", "ai.toolCall.args": '{"q": "x"}'}
    site.send(make_span(told | {"ai.toolCall.result": "[1, 2]"}))

    event = site.event()
    assert (event["kind"], event["name"], event["input"], event["output"]) == (
        "tool", "search", {"q": "x"}, [1, 2],
    )  # fmt: skip


@fact("spans of the web and of databases")
def _(site):
    get = {"http.request.method": "GET", "url.full": "https://a.example/", "session.id": "s"}
    query = {"db.system.name": "postgresql", "db.query.text": "SELECT 1"}
    site.send(numbered(1, None, get | {"http.response.status_code": 200}), numbered(2, 1, query))

    web, database = site.events()
    assert (web["kind"], web["input"]) == ("http", {"method": "GET", "url": "https://a.example/"})
    assert (web["output"], database["input"]) == ({"status": 200}, "SELECT 1")
