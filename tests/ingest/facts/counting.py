"""Calls that two layers report, and how tokens are counted."""

from __future__ import annotations

from tests.ingest.factories import numbered
from tests.ingest.facts import fact
from tests.ingest.site import spent, step


@fact("the SDK makes a span of its own inside of the instrumentor's")
def _(site):
    outer = step(1, None, **spent(840, session__id="s", gen_ai__response__id="r"), seconds=(0, 9))
    site.send(step(2, 1, **spent(840, gen_ai__response__id="r"), seconds=(1, 8)), outer)

    assert [event["is_counted"] for event in site.events()] == [True, False]
    assert (site.session().input_tokens, site.session().counts) == (840, {"llm": 1})


@fact("the SDK's span of a call that failed has no answer's id")
def _(site):
    failed = {"status": {"code": 2}}
    told = {"gen_ai__request__model": "claude", "session__id": "s", "fields": failed}
    site.send_each(step(2, 1, seconds=(1, 8), **told), step(1, seconds=(0, 9), **told))

    assert (site.session().counts, site.session().error_count) == ({"llm": 1}, 1)


@fact("the SDK's span of a streamed answer lies beside the call, in another request")
def _(site):
    told = spent(840, session__id="s", gen_ai__response__id="r")
    site.send(step(1, None, "agent", session__id="s", seconds=(0, 9)))
    site.send_each(step(3, 1, seconds=(2, 7), **told), step(2, 1, seconds=(1, 8), **told))

    assert [event["is_counted"] for event in site.events()] == [True, True, False]
    assert site.session().input_tokens == 840


@fact("an agent's span repeats the usage of its calls")
def _(site):
    site.send(step(1, None, "agent", session__id="s", **spent(1680)), step(2, 1, **spent(1680)))

    assert site.session().input_tokens == 1680


@fact("an agent's usage comes under aggregated_usage")
def _(site):
    total = {"gen_ai__aggregated_usage__input_tokens": 1680, "session__id": "s"}
    site.send(step(1, None, "agent", **total), step(2, 1, **spent(840)))

    assert site.session().input_tokens == 840


@fact("an MCP server's span lies inside of the agent's tool")
def _(site):
    message = {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "search",
        "error.type": "tool_error",
    }
    server = numbered(2, 1, message, name="tools/call search", kind=2)
    site.send(server, step(1, None, "tool", session__id="s", gen_ai__tool__name="search"))

    taken, made = site.events()
    assert (made["kind"], made["name"], taken["parent"]) == ("tool", "search", made["id"])
    assert (taken["kind"], taken["error"]["type"]) == ("tool", "tool_error")
    assert site.session().counts == {"tool": 1}
    assert site.raw(taken)["raw"]["attributes"]["mcp.method.name"] == "tools/call"


@fact("input tokens include the cached ones")
def _(site):
    cached = {"gen_ai__usage__cache_read__input_tokens": 128, "session__id": "s"}
    site.send(step(1, None, **spent(1008, **cached)))

    usage = site.event()["usage"]
    assert (usage["input"], usage["cache_read"]) == (1008, 128)


@fact("input tokens leave the cached ones out")
def _(site):
    cached = {"gen_ai__usage__cache_read__input_tokens": 900, "session__id": "s"}
    site.send(step(1, None, **spent(108, **cached)))

    event = site.event()
    assert (event["usage"]["input"], event["usage"]["cache_read"]) == (1008, 900)
    assert "Cached tokens were added" in event["flags"][0]["reason"]


@fact("a stream without usage")
def _(site):
    site.send(step(1, None, gen_ai__request__model="gpt-4o", session__id="s"))

    assert (site.event()["usage"], site.event()["cost"]) == (None, None)
    assert (site.session().input_tokens, site.session().cost) == (None, None)


@fact("older names of tokens and provider")
def _(site):
    told = {"gen_ai__system": "openai", "gen_ai__usage__prompt_tokens": 7, "session__id": "s"}
    site.send(step(1, None, gen_ai__usage__completion_tokens=2, **told))

    event = site.event()
    assert (event["provider"], event["usage"]["input"], event["usage"]["output"]) == (
        "openai",
        7,
        2,
    )


@fact("names that are newer than this")
def _(site):
    site.send(step(1, None, session__id="s", gen_ai__brand_new="x"))

    assert site.raw(site.event())["raw"]["attributes"]["gen_ai.brand_new"] == "x"
    assert site.health()["unmapped"] == 1
