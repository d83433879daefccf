"""OpenAI Agents as OpenInference traces it: handovers, and whole answers among parameters."""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Reading, as_text, known
from apps.ingest.otlp.spans import RawSpan

SCOPE = "openinference.instrumentation.openai_agents"
KIND = "openinference.span.kind"
HANDOFF = "handoff to "
# What of an answer of the Responses API is no parameter of the request.
ANSWERED = frozenset(
    "id object created_at completed_at status error incomplete_details instructions model output "
    "usage metadata tools user background billing".split()
)
KEPT = ("graph.node.",)


def matches(span: RawSpan) -> bool:
    """Whether the span is made by OpenInference for OpenAI Agents."""
    return span.scope.name == SCOPE


def normalise(reading: Reading) -> Fields:
    """Return what is other than OpenInference says."""
    return known({"kind": _kind(reading), **_parameters(reading)})


def _kind(reading: Reading) -> str | None:
    kind, name = reading.attributes.get(KIND), reading.span.name
    if kind == "TOOL" and name.startswith(HANDOFF):
        return "handoff"
    # The whole run is called an agent too; who acts in it has a name.
    if kind == "AGENT" and "agent.name" not in reading.attributes:
        return "chain"
    return None


def _parameters(reading: Reading) -> Fields:
    told = reading.mapping("llm.invocation_parameters") or {}
    if not {"id", "created_at"} <= told.keys():
        return {}
    params = {name: value for name, value in told.items() if name not in ANSWERED}
    finish = known({"finish_reason": reading.text("llm.finish_reason")})
    return {"params": params | finish, "response_id": as_text(told["id"])}
