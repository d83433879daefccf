"""Model Context Protocol: a span for each message that a server takes.

A tool's call is a tool; it lies inside of the call that the agent made, which has what was
sent and returned. Nothing of that is on the spans of the protocol. Their names begin with the
method, by which the record knows that they are no further calls.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Reading, known
from apps.ingest.otlp.spans import RawSpan

METHOD = "mcp.method.name"
CALL = "tools/call"
KINDS = {CALL: "tool", "resources/read": "retriever", "prompts/get": "chain"}
KEPT = ("mcp.", "jsonrpc.", "rpc.")


def matches(span: RawSpan) -> bool:
    """Whether the span is about a message of the protocol."""
    return METHOD in span.attributes


def normalise(reading: Reading) -> Fields:
    """Return the kind of the message and, for a tool, the call of it."""
    kind = KINDS.get(str(reading.attributes[METHOD]), "chain")
    fields: Fields = {"kind": kind}
    if kind == "tool":
        fields["name"] = _name(reading)
    elif "mcp.resource.uri" in reading.attributes:
        fields["input"] = reading.opened("mcp.resource.uri")
    return known(fields)


def _name(reading: Reading) -> str:
    name, tool = reading.span.name, reading.text("gen_ai.tool.name")
    return name if tool is None or f"{CALL} " in name else f"{CALL} {tool}"
