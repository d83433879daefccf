"""What comes late, twice, in parts, without its parent, or under another's name."""

from __future__ import annotations

import json

from tests.ingest.factories import make_span
from tests.ingest.facts import fact
from tests.ingest.site import OTHER_TRACE, spent, step

SAID = [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]


@fact("children come before their parents")
def _(site):
    site.send_each(step(3, 2, "tool"), step(2, 1, "agent"), step(1, None, "agent", session__id="s"))

    assert [(event["depth"], event["kind"]) for event in site.events()] == [
        (0, "agent"), (1, "agent"), (2, "tool"),
    ]  # fmt: skip
    assert site.names() == {"s"}


@fact("a trace has no root")
def _(site):
    site.send(step(3, 2, session__id="s"), step(4, 2, "tool"), step(5, 9))

    events = site.events()
    assert [event["parent"] for event in events] == [None] * 3
    assert [event["client_parent"] for event in events] == [f"{n:016x}" for n in (2, 2, 9)]


@fact("a trace never names a session")
def _(site):
    site.send(step(1), step(2, 1, "tool"))

    assert len(site.events(None)) == 2


@fact("the same bytes are sent again after a 503")
def _(site):
    spans = [step(1, None, "agent", session__id="s"), step(2, 1, **spent(840))]
    site.send(*spans)
    before = site.events()
    site.send(*spans)

    assert site.events() == before
    assert (site.session().input_tokens, site.health()["duplicates"]) == (840, 2)


@fact("one request has the same span twice")
def _(site):
    site.send(step(1, None, **spent(840, session__id="s")), step(1, None, **spent(840)))

    assert site.session().input_tokens == 840
    assert len(site.events()) == 1


@fact("a span comes in two parts, and the second knows less")
def _(site):
    whole = step(1, None, **spent(840, session__id="s", gen_ai__input__messages=json.dumps(SAID)))
    site.send_each(whole, step(1, None, "llm"))

    event = site.event()
    assert (event["usage"]["input"], event["input"]) == (840, {"messages": SAID})


@fact("a part of a request is refused, and the client says nothing")
def _(site):
    answer = site.send(step(1, None, session__id="s"), make_span(spanId="short"))

    assert answer["partialSuccess"]["rejectedSpans"] == "1"
    assert site.health()["refused"] == {"invalid_id": 1}
    assert len(site.events()) == 1


@fact("a parent belongs to another tenant")
def _(site):
    site.send(step(2, 1, session__id="s"))

    assert site.event()["parent"] is None


@fact("a parent lies in another trace")
def _(site):
    site.send(step(1, None, session__id="s", fields=OTHER_TRACE), step(2, 1, session__id="s"))

    assert [event["parent"] for event in site.events()] == [None, None]


@fact("spans are their own or each other's parents")
def _(site):
    site.send(step(1, 1, session__id="s"), step(2, 3), step(3, 2))

    assert len(site.events()) == 3


@fact("one session over many traces")
def _(site):
    site.send(step(1, None, session__id="s"))
    site.send(step(2, None, session__id="s", fields=OTHER_TRACE))

    assert len({event["trace"] for event in site.events()}) == 2


@fact("one trace with many sessions")
def _(site):
    site.send(step(1, None, session__id="s"))
    site.send(step(2, 1, session__id="other"))

    assert site.names() == {"s"}
    assert [event["claimed_session"] for event in site.events()] == [None, "other"]
    assert site.health()["conflicting"] == 1


@fact("a tool's span names no session")
def _(site):
    site.send(step(2, 1, "tool"))
    site.send(step(1, None, "agent", gen_ai__conversation__id="s"))

    assert [event["kind"] for event in site.events()] == ["agent", "tool"]


@fact("a run invents a conversation, and its caller's span names the session")
def _(site):
    invented = {"gen_ai__conversation__id": "01a1fd89"}
    site.send(step(3, 2, **invented), step(2, 1, "agent", **invented))
    site.send(step(1, None, "agent", session__id="s"))

    assert site.names() == {"s"}
    assert [event["claimed_session"] for event in site.events()] == [None] * 3
    assert site.health()["conflicting"] == 0


@fact("a child's own session id against its parent's")
def _(site):
    site.send(step(1, None, "agent", session__id="s"), step(2, 1, session__id="own"))

    assert [event["claimed_session"] for event in site.events()] == [None, "own"]


@fact("user and tags are on one span only")
def _(site):
    told = {"session__id": "s", "user__id": "u", "tag__tags": ["x"]}
    site.send(step(1, None, "agent", **told), step(2, 1))

    assert [(event["user"], event["tags"]) for event in site.events()] == [("u", ["x"])] * 2


@fact("a client's clock is ahead of ours")
def _(site):
    far = {"startTimeUnixNano": "4900000000000000000", "endTimeUnixNano": "4900000001000000000"}
    site.send(step(1, None, session__id="s", fields=far))

    event = site.event()
    assert event["started_at"] < "2100"
    assert {flag["field"] for flag in event["flags"]} == {"started_at", "ended_at"}


@fact("a child begins before its parent")
def _(site):
    site.send(step(1, None, "agent", session__id="s", seconds=(5, 9)), step(2, 1, seconds=(1, 2)))

    child, parent = site.events()
    assert (parent["kind"], child["parent"], child["depth"]) == ("agent", parent["id"], 1)


@fact("a span ends before it begins")
def _(site):
    site.send(step(1, None, session__id="s", seconds=(5, 1)))

    assert (site.event()["ended_at"], site.event()["duration_ms"]) == (None, None)
    assert site.event()["flags"]


@fact("a span never ended")
def _(site):
    site.send(step(1, None, session__id="s", fields={"endTimeUnixNano": "0"}))

    assert (site.event()["ended_at"], site.event()["status"]) == (None, None)


@fact("a span has no times at all")
def _(site):
    none = {"startTimeUnixNano": "0", "endTimeUnixNano": "0"}
    site.send(step(1, None, session__id="s", fields=none))

    assert (site.event()["started_at"], site.event()["duration_ms"]) == (None, None)
