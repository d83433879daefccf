"""What any span may tell, whoever made it: status, errors, session, user, tags, input, output.

Every span matches, so each event has a kind; the conventions before this one know better.
Where none of them spoke, names that can hardly mean something else are guessed at.
"""

from __future__ import annotations

from apps.ingest.conventions.attributes import Fields, Reading, as_text, known
from apps.ingest.conventions.guesses import exchange, guess
from apps.ingest.otlp.spans import ERROR, OK, RawSpan
from apps.sessions.events import ErrorInfo

# Describe where a span ran and how it was sent; kept, and no reason to tell anybody.
KEPT = (
    "http.", "url.", "net.", "network.", "server.", "client.", "user_agent.", "code.", "thread.",
    "process.", "telemetry.", "otel.", "db.", "rpc.", "messaging.", "peer.", "exception.",
    "input.mime_type", "output.mime_type",
)  # fmt: skip
# Some put the whole stack into the message; the exception says it in short.
STACK = "Traceback (most recent call last)"


def matches(span: RawSpan) -> bool:
    """Whether the span can be read: always."""
    return True


def normalise(reading: Reading) -> Fields:
    """Return the fields of an event that the span tells outside of any convention."""
    error = _error(reading)
    guessed: Fields = {}
    if not reading.settled:
        guessed = exchange(reading.span) | guess(reading, KEPT)
    fields = {
        "kind": _kind(reading),
        "session": reading.text("session.id"),
        "conversation": reading.text("gen_ai.conversation.id"),
        "user": reading.text("user.id", "enduser.id"),
        "user_role": reading.text("enduser.role"),
        "tags": reading.words("tag.tags"),
        "metadata": reading.mapping("metadata"),
        "status": _status(reading.span, error),
        "error": error,
        "environment": _of_resource(
            reading.span, "deployment.environment.name", "deployment.environment"
        ),
        "release": _of_resource(reading.span, "service.version"),
    }
    for name in {"input", "output"} - reading.settled:
        fields[name] = reading.opened(f"{name}.value", name)
    return {"kind": "chain"} | guessed | known(fields)


def _kind(reading: Reading) -> str | None:
    names = reading.attributes
    return "http" if "http.request.method" in names or "http.method" in names else None


def _status(span: RawSpan, error: ErrorInfo | None) -> str | None:
    """Return how the span ended. One that ended and set no status had no error, by OTLP."""
    if error is not None:
        return "error"
    return "ok" if span.status == OK or span.end else None


def _error(reading: Reading) -> ErrorInfo | None:
    """Return what went wrong; an exception that was caught and noted is no failure."""
    span = reading.span
    named = reading.text("error.type")
    if span.status == OK or (span.status != ERROR and named is None):
        return None
    raised = next((event for event in reversed(span.events) if event.name == "exception"), None)
    told = raised.attributes if raised is not None else {}
    message = as_text(told.get("exception.message"))
    if span.message and not (message and STACK in span.message):
        message = span.message
    return ErrorInfo(type=named or as_text(told.get("exception.type")), message=message or None)


def _of_resource(span: RawSpan, *names: str) -> str | None:
    attributes = span.resource.attributes
    found = (as_text(attributes.get(name)) for name in names)
    return next((word for word in found if word is not None), None)
