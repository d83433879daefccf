"""What a library leaves out, and how to switch it on where it is sent.

Recording content is off by default in many instrumentations. A session without it can be
timed and counted, but not read or replayed, so it is said as soon as it is seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Family:
    """Libraries that are switched alike: the start of their scope's name, and what to set."""

    prefix: str
    content: str
    # The package as it is installed, where the scope's name is not made of it.
    package: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing that a library leaves out, and what to do."""

    library: str
    version: str
    missing: str
    sentence: str
    fix: str


PROVIDER_SPANS = "com.anthropic.sdk.python"
# The first whose prefix matches.
FAMILIES = (
    Family(
        "opentelemetry.instrumentation.genai.",
        "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY.",
    ),
    Family(
        "opentelemetry.util.genai",
        "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY.",
    ),
    Family(
        "opentelemetry.instrumentation.openai_v2",
        "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true.",
        "opentelemetry-instrumentation-openai-v2",
    ),
    Family(
        "openinference.instrumentation.",
        "Unset OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS, and the variables "
        "OPENINFERENCE_HIDE_INPUT_MESSAGES and OPENINFERENCE_HIDE_OUTPUT_MESSAGES.",
    ),
    Family(
        PROVIDER_SPANS,
        "The SDK's own spans never hold content: install an instrumentation, such as "
        "opentelemetry-instrumentation-genai-anthropic, and switch these spans off with "
        "ANTHROPIC_OPEN_TELEMETRY=false.",
        "anthropic",
    ),
    Family("opentelemetry.instrumentation.", "Set TRACELOOP_TRACE_CONTENT=true."),
    Family("traceloop.", "Set TRACELOOP_TRACE_CONTENT=true.", "traceloop-sdk"),
    Family(
        "pydantic-ai",
        "Use InstrumentationSettings(include_content=True).",
    ),
    Family(
        "langfuse",
        "Unset LANGFUSE_OBSERVE_DECORATOR_IO_CAPTURE_ENABLED, and pass neither capture_input=False "
        "nor capture_output=False.",
    ),
    Family(
        "openai-agents",
        "Set OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA=true, or use "
        "RunConfig(trace_include_sensitive_data=True).",
    ),
    Family(
        "agents",
        "Set OPENAI_AGENTS_TRACE_INCLUDE_SENSITIVE_DATA=true, or use "
        "RunConfig(trace_include_sensitive_data=True).",
        "openai-agents",
    ),
)
ANY = Family("", "Let the application send input and output with its calls.")
NO_USAGE = (
    "Without tokens there is no cost. Update the library; for streams of OpenAI pass "
    'stream_options={"include_usage": True}.'
)
NO_SESSION = (
    "Put session.id (or gen_ai.conversation.id) on the root span of each trace, the same for all "
    "traces of one conversation."
)


def advice(libraries: Sequence[Row]) -> list[Advice]:
    """Return what the libraries of a project leave out, the gravest first."""
    calling = [row for row in libraries if row["llm"]]
    found = [_content(row) for row in calling if is_silent(row, libraries)]
    found += [_usage(row) for row in calling if not row["llm_usage"]]
    if calling and not any(row["with_session"] for row in libraries):
        sentence = "No event names a session, so each trace is a session of its own."
        found.append(Advice("", "", "session", sentence, NO_SESSION))
    return found


def is_silent(row: Row, libraries: Iterable[Row]) -> bool:
    """Whether a library calls models and nothing of what is said arrives, by any way."""
    if row["llm_content"] or not row["llm"]:
        return False
    others = [other for other in libraries if other is not row]
    if row["name"] == PROVIDER_SPANS:
        # What it reports lies inside of the call that another library reports.
        return not any(other["llm"] for other in others)
    # Content may come apart from the spans, in log records of a library of its own.
    return not any(other["llm_content"] and not other["llm"] for other in others)


def package_of(name: str) -> str:
    """Return the package to which a scope belongs, as people install it."""
    family = _family(name)
    if family.package:
        return family.package
    return name.replace(".", "-") if name.startswith(("opentelemetry.", "openinference.")) else name


def _content(row: Row) -> Advice:
    named = f"{package_of(row['name'])} {row['version']}".strip()
    sentence = f"No content from {named}: its calls come without what was asked and answered."
    return Advice(row["name"], row["version"], "content", sentence, _family(row["name"]).content)


def _usage(row: Row) -> Advice:
    named = f"{package_of(row['name'])} {row['version']}".strip()
    return Advice(row["name"], row["version"], "usage", f"No token counts from {named}.", NO_USAGE)


def _family(name: str) -> Family:
    return next((family for family in FAMILIES if name.startswith(family.prefix)), ANY)
