"""Why something was refused or changed, in words, and how to fix it where it is sent.

Every reason that the code can give has its entry here; a test looks for those that have not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from apps.core.bodies import MAX_DEPTH, MAX_RATIO
from apps.core.body_limit import BODY_LIMIT, MIB
from apps.ingest.checks import MAX_EVENT_BYTES, MAX_EVENTS, MAX_WORD


class Effect(StrEnum):
    """What became of what was sent."""

    # The event is not in the record.
    REFUSED = "refused"
    # The whole request was refused before its events were counted.
    REQUEST = "request"
    # The event is in the record, but not as it was meant or not whole.
    NOTED = "noted"
    # The event is in the record as the project's own settings want it.
    WANTED = "wanted"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: its name for people, what it means, and what helps."""

    code: str
    effect: Effect
    title: str
    meaning: str
    fix: str


EVENTS = (
    Reason(
        "invalid",
        Effect.REFUSED,
        "Invalid field",
        "A field has a wrong type, is missing, or lies outside of its limits. The sample names "
        "the field and the limit.",
        "Correct the field that the sample names where the event is made. Words such as ids and "
        f"names have {MAX_WORD} characters at most.",
    ),
    Reason(
        "too_large",
        Effect.REFUSED,
        "Event too large",
        f"One event is larger than {MAX_EVENT_BYTES // MIB} MiB.",
        "Send less content with one event: leave files and images out, or send a link to them. "
        "OpenTelemetry cuts long values off with OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT.",
    ),
    Reason(
        "invalid_id",
        Effect.REFUSED,
        "Invalid trace or span id",
        "A trace id must be 32 hexadecimal digits and a span id 16, and neither all zeros.",
        "Use the ids that OpenTelemetry makes. In OTLP/JSON they are hexadecimal, not base64.",
    ),
    Reason(
        "no_trace",
        Effect.REFUSED,
        "Log record without a trace",
        "A log record that names no trace belongs to no session.",
        "Write the record inside of a span, or do not export ordinary logs to Playhead: give "
        "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT another address.",
    ),
    Reason(
        "unreadable",
        Effect.REFUSED,
        "Unreadable record of a file",
        "A line or record of an imported file is not what its format says.",
        "Look at the record that the import names. The others of the file went in.",
    ),
    Reason(
        "unstorable",
        Effect.REFUSED,
        "Refused by the database",
        "The database cannot hold a value of this event; the others of the request went in.",
        "Compare the event with its neighbours: a number or time in it is beyond all limits.",
    ),
    Reason(
        "unaccounted",
        Effect.REFUSED,
        "Lost by this server",
        "More events came than the record knows of. This is a fault of Playhead.",
        "Report it, with the client and version that sent them.",
    ),
)
REQUESTS = (
    Reason(
        "request_unreadable",
        Effect.REQUEST,
        "Unreadable request",
        "The body is not what its content type says, broke off, is nested deeper than "
        f"{MAX_DEPTH}, or names something unknown in its address.",
        'Send {"events": [...]} as JSON to /api/v1/events, or OTLP to /v1/traces and /v1/logs. '
        "Look whether a proxy on the way cuts bodies off.",
    ),
    Reason(
        "request_too_large",
        Effect.REQUEST,
        "Request too large",
        f"The body is larger than {BODY_LIMIT // MIB} MiB unpacked, packed more than "
        f"{MAX_RATIO} to 1, or holds more than {MAX_EVENTS} events.",
        "Send fewer events at a time: OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128 for OpenTelemetry's "
        "exporters, send_batch_max_size for its Collector.",
    ),
    Reason(
        "request_encoding",
        Effect.REQUEST,
        "Unknown encoding",
        "The content type or content encoding is none that is read here.",
        "Send application/json or application/x-protobuf, packed with gzip, zstd or deflate or "
        "not at all. gRPC is not spoken: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf.",
    ),
    Reason(
        "request_quota_minute",
        Effect.REQUEST,
        "Quota of the minute used up",
        "More events came than the project may send in a minute. The sender was told when to "
        "come back (429); OpenTelemetry's exporters try again until their own timeout.",
        "Raise the quota, or send through a Collector, whose queue waits as long as it takes.",
    ),
    Reason(
        "request_quota_month",
        Effect.REQUEST,
        "Quota of the month used up",
        "The project has stored as many events as it may in a month. Nothing more is taken "
        "before the next one begins (429).",
        "Raise the quota, or sample at the sender: OTEL_TRACES_SAMPLER=traceidratio.",
    ),
)
NOTES = (
    Reason(
        "truncated",
        Effect.NOTED,
        "Cut off by its sender",
        "The sender left out attributes or cut text off because of limits of its own.",
        "Raise OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT and OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT.",
    ),
    Reason(
        "unmapped",
        Effect.NOTED,
        "Fields without a meaning here",
        "These fields or attributes are kept with the event, but no page reads them.",
        "Nothing is lost. If one of them says what a field of Playhead is for, send that field.",
    ),
    Reason(
        "set_right",
        Effect.NOTED,
        "Set right on the way in",
        "Something could not be kept as it was: a time far ahead of the clock, an end before its "
        "start, text with NUL. The event says what, and keeps the original.",
        "Look at the marked steps. Clocks that are wrong are the usual cause: use NTP.",
    ),
    Reason(
        "session_conflict",
        Effect.NOTED,
        "In another session than it says",
        "The spans of one trace named different sessions. The trace stays in the first one.",
        "Name the session once, on the root span, or begin a new trace for each session.",
    ),
    Reason(
        "redacted",
        Effect.WANTED,
        "Masked or dropped",
        "Personal data or secrets were masked, as the project's settings say.",
        "Nothing, if that is what you want. The settings of the project say what is masked.",
    ),
)
REASONS = {reason.code: reason for reason in (*EVENTS, *REQUESTS, *NOTES)}


def reason_of(code: str) -> Reason:
    """Return a reason; one of another version of Playhead is told by its code."""
    known = REASONS.get(code)
    return known or Reason(
        code, Effect.NOTED, code, "This version does not know this reason.", "Look at the sample."
    )
