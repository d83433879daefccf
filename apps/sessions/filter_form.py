"""The form of all filters, for those who would rather not write them into the box."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from apps.sessions.listing import SessionRow, offered_values

STATUSES = (
    ("", "Any"),
    ("error", "With errors"),
    ("ok", "Without errors"),
    ("open", "Still open"),
    ("closed", "Closed"),
)
BOXES = (
    ("model", "Model", "gpt-4o"),
    ("agent", "Agent", "support"),
    ("agent_version", "Agent version", "support@3"),
    ("tag", "Tag", "billing"),
    ("external_id", "Your session id", "chat-4711"),
    ("user", "User", "customer-17"),
    ("environment", "Environment", "production"),
    ("kind", "Kind of step", "tool"),
    ("tool", "Tool", "refund_order"),
    ("error", "Error type", "RateLimitError"),
    ("provider", "Provider", "openai"),
    ("prompt", "Prompt", "triage"),
    ("prompt_version", "Prompt version", "7"),
    ("release", "Release", "1.4.2"),
    ("origin", "Origin", "live"),
    ("outcome", "Outcome", "failure"),
    ("fidelity", "Can be replayed", "E1"),
    ("has_ticket", "Has an unfinished ticket", "true"),
    ("started_after", "Started after", "2026-11-21T00:00Z"),
    ("started_before", "Started before", "2026-11-22T00:00Z"),
    ("min_cost", "Cost from (USD)", "0.10"),
    ("max_cost", "Cost to (USD)", "5"),
    ("min_duration_ms", "Duration from (ms)", "10000"),
    ("max_duration_ms", "Duration to (ms)", "60000"),
)


@dataclass(frozen=True)
class Box:
    """One text field of the form."""

    name: str
    label: str
    hint: str
    # As the address says it: -24h stays -24h.
    value: str
    offered: list[str]


def boxes(params: Mapping[str, str], rows: Iterable[SessionRow]) -> list[Box]:
    """Return the fields, which offer what the sessions in sight hold."""
    in_sight = list(rows)
    return [
        Box(name, label, hint, params.get(name, ""), offered_values(in_sight, name))
        for name, label, hint in BOXES
    ]
