"""What was said, in whatever form and by whichever way it comes."""

from __future__ import annotations

import base64
import json

from apps.ingest.renormalising import renormalise_session
from tests.ingest.factories import NANOSECONDS, make_log, make_pairs, make_value
from tests.ingest.facts import fact
from tests.ingest.site import SECOND, spent, step

SAID = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]
ANSWERED = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello"}]}]
DETAILS = "gen_ai.client.inference.operation.details"


def details(number, **told):
    """Return a log record with what was said in a call, as structured values."""
    named = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": SAID, **told}
    return make_log(named, eventName=DETAILS, spanId=f"{number:016x}")


def said_alone(number, name, at, **body):
    """Return an older log record, of one message."""
    return make_log(
        eventName=name, spanId=f"{number:016x}", timeUnixNano=str(at), body=make_value(body)
    )


@fact("content is switched off")
def _(site):
    site.send(step(1, None, **spent(840, session__id="s")))

    event = site.event()
    assert (event["input"], event["output"], event["usage"]["input"]) == (None, None, 840)


@fact("content is JSON in a text")
def _(site):
    site.send(step(1, None, session__id="s", gen_ai__input__messages=json.dumps(SAID)))

    assert site.event()["input"] == {"messages": SAID}


@fact("content comes on log records, before the span")
def _(site):
    site.log(details(1, **{"gen_ai.output.messages": ANSWERED}))
    site.send(step(1, None, **spent(840, session__id="s")))

    event = site.event()
    assert (event["input"], event["output"]) == ({"messages": SAID}, {"messages": ANSWERED})
    assert (event["name"], event["usage"]["input"]) == ("chat gpt-4o", 840)


@fact("content comes on log records, after the span")
def _(site):
    site.send(step(1, None, **spent(840, session__id="s")))
    site.log(details(1, **{"gen_ai.output.messages": ANSWERED}))

    event = site.event()
    assert (event["input"], event["output"]) == ({"messages": SAID}, {"messages": ANSWERED})
    assert (event["duration_ms"], site.session().input_tokens) == (500, 840)


@fact("content comes on log records alone")
def _(site):
    site.log(details(1, **{"gen_ai.conversation.id": "s"}))

    assert (site.event()["kind"], site.event()["input"]) == ("llm", {"messages": SAID})


@fact("older log records have one message each")
def _(site):
    site.send(step(1, None, session__id="s"))
    site.log(
        said_alone(1, "gen_ai.choice", 3, message={"content": "Hello"}, finish_reason="stop"),
        said_alone(1, "gen_ai.user.message", 2, content="Hi"),
    )

    event = site.event()
    assert event["input"]["messages"] == [{"role": "user", "content": "Hi"}]
    assert event["output"]["messages"][0]["content"] == "Hello"


@fact("older log records of one call come in several requests")
def _(site):
    site.send(step(1, None, session__id="s"))
    site.log(said_alone(1, "gen_ai.system.message", 1, content="Be kind."))
    site.log(said_alone(1, "gen_ai.user.message", 2, content="Hi"))
    assert len(site.event()["input"]["messages"]) == 1

    renormalise_session(site.session())

    said = [one["content"] for one in site.event()["input"]["messages"]]
    assert said == ["Be kind.", "Hi"]


@fact("JSON is quoted twice")
def _(site):
    twice = json.dumps(json.dumps(SAID))
    site.send(step(1, None, session__id="s", gen_ai__input__messages=twice))

    assert site.event()["input"] == {"messages": SAID}


@fact("JSON is cut in the middle by a limit of the sender")
def _(site):
    site.send(step(1, None, session__id="s", gen_ai__input__messages=json.dumps(SAID)[:30]))

    event = site.event()
    assert event["input"] == json.dumps(SAID)[:30]
    assert "cut its JSON" in event["flags"][0]["reason"]
    assert site.health()["truncated"] == 1


@fact("text that is no JSON stands where JSON should")
def _(site):
    site.send(step(1, None, "tool", session__id="s", gen_ai__tool__call__arguments="[see below"))

    assert site.event()["input"] == "[see below"


@fact("whole numbers are texts in OTLP's JSON")
def _(site):
    span = step(1, None, session__id="s")
    span["attributes"].append({"key": "gen_ai.usage.input_tokens", "value": {"intValue": "840"}})
    site.send(span)

    assert site.event()["usage"]["input"] == 840


@fact("counts are texts and fractions")
def _(site):
    told = {"gen_ai__usage__input_tokens": "840", "gen_ai__usage__output_tokens": 2.0}
    site.send(step(1, None, session__id="s", **told))

    usage = site.event()["usage"]
    assert (usage["input"], usage["output"]) == (840, 2)


@fact("values are lists and objects, not text")
def _(site):
    given = {"city": "Oslo", "days": [1, 2], "deep": {"a": None}}
    site.send(step(1, None, "tool", session__id="s", gen_ai__tool__call__arguments=given))

    assert site.event()["input"] == given


@fact("a value is empty")
def _(site):
    span = step(1, None, session__id="s")
    span["attributes"] += [{"key": "gen_ai.input.messages", "value": {}}, {"key": "x", "value": {}}]
    site.send(span)

    event = site.event()
    assert event["input"] is None
    assert site.raw(event)["raw"]["attributes"]["x"] is None


@fact("pictures and sound lie in the messages")
def _(site):
    picture = base64.b64encode(b"\x89PNG" * 500).decode()
    parts = [{"type": "blob", "mime_type": "image/png", "content": picture}]
    messages = [{"role": "user", "parts": parts}]
    for number in (1, 2):
        site.send(step(number, None, session__id="s", gen_ai__input__messages=json.dumps(messages)))

    assert [event["input"]["messages"] for event in site.events()] == [messages] * 2


@fact("a stream makes an event for each chunk")
def _(site):
    chunk = {"name": "gen_ai.content.completion.chunk", "timeUnixNano": str(NANOSECONDS + SECOND)}
    span = step(1, None, **spent(840, session__id="s"), fields={"events": [chunk] * 1_000})
    site.send(span)

    (event,) = site.events()
    assert len(site.raw(event)["raw"]["events"]) == 1_000
    assert (site.session().event_count, site.session().input_tokens) == (1, 840)


@fact("the sender left attributes out")
def _(site):
    site.send(step(1, None, session__id="s", fields={"droppedAttributesCount": 3}))

    assert site.event()["flags"]
    assert site.health()["truncated"] == 3


@fact("a prompt of a library made the call")
def _(site):
    told = {"gen_ai__prompt__name": "triage", "gen_ai__prompt__version": "7", "session__id": "s"}
    site.send(step(1, None, gen_ai__prompt__variable__tone="warm", **told))

    prompt = site.event()["prompt"]
    assert (prompt["name"], prompt["variables"]) == ("triage", {"tone": "warm"})


@fact("the first chunk came after some seconds")
def _(site):
    site.send(step(1, None, session__id="s", gen_ai__response__time_to_first_chunk=0.21))

    assert site.event()["time_to_first_token_ms"] == 210


@fact("environment and release are the process's")
def _(site):
    resource = {"deployment.environment": "lab", "service.version": "1.4.2"}
    site.send(step(1, None, session__id="s"), resource=resource)

    assert (site.event()["environment"], site.event()["release"]) == ("lab", "1.4.2")


@fact("an exception is noted and caught")
def _(site):
    told = make_pairs({"exception.type": "ValueError", "exception.message": "no such order"})
    raised = {"name": "exception", "timeUnixNano": str(NANOSECONDS), "attributes": told}
    fields = {"events": [raised], "status": {"code": 1}}
    site.send(step(1, None, "tool", session__id="s", fields=fields))

    assert (site.event()["status"], site.event()["error"]) == ("ok", None)


@fact("a failed call says so by error.type, without an exception")
def _(site):
    failed = {"status": {"code": 2, "message": "Too long."}}
    site.send(step(1, None, session__id="s", error__type="openai.BadRequestError", fields=failed))

    error = site.event()["error"]
    assert (error["type"], error["message"]) == ("openai.BadRequestError", "Too long.")
