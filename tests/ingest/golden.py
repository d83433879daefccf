"""Sessions as text, one line an event: what a client's spans became, for a golden file.

The files lie in ``golden``, one a client. A line says, indented by its depth: kind, name,
status, tokens (input/output/cached/reasoning), cost, whether it counts, what went in last and
what came out. They change only where a client or what is read of it changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from apps.sessions import reader
from apps.sessions.messages import Part, read_messages
from apps.sessions.models import Session

GOLDEN = Path(__file__).parent / "golden"
LONGEST = 60


def golden(client: str) -> dict[str, str]:
    """Return the golden text of each session of a client, by the session's name."""
    blocks = (GOLDEN / f"{client}.txt").read_text().strip().split("\n\n")
    return {block.split()[1]: block for block in blocks}


def told(session: Session, events: Iterable[dict[str, Any]]) -> str:
    """Return a session as text."""
    counts = " ".join(f"{kind}={count}" for kind, count in sorted(session.counts.items()))
    tokens = f"{session.input_tokens}/{session.output_tokens}/{session.cache_read}"
    sums = f"errors={session.error_count} tokens={tokens} cost={plain(session.cost)}"
    title = reader.titles([session]).get(session.pk)
    head = f"session {session.external_id} {counts} {sums} title={title!r}"
    return "\n".join([head, *(line(event) for event in events)])


def line(event: dict[str, Any]) -> str:
    """Return one event as a line."""
    usage = event.get("usage") or {}
    names = ("input", "output", "cache_read", "reasoning")
    tokens = "/".join("-" if usage.get(name) is None else str(usage[name]) for name in names)
    status = event["status"] or "?"
    if event.get("error"):
        status = f"{status}({event['error'].get('type') or ''})"
    said = [
        f"in: {words(event.get('input'), 'user')}",
        f"out: {words(event.get('output'), 'assistant')}",
    ]
    facts = [f"{event['kind']} {event['name']}", status, event.get("agent") or "", model(event)]
    if usage:
        facts.append(f"{tokens} ${plain(event['cost'])}")
    if not event["is_counted"]:
        facts.append("not counted")
    return "  " * (event["depth"] + 1) + " | ".join([fact for fact in facts if fact] + said)


def model(event: dict[str, Any]) -> str:
    """Return the model that was asked and, where it differs, the one that answered."""
    asked, answered = event.get("model"), event.get("model_returned")
    return asked or "" if answered in (None, asked) else f"{asked}>{answered}"


def plain(amount: Any) -> str:
    return "-" if amount is None else f"{float(amount):.6f}"


def words(value: Any, role: str) -> str:
    """Return the last that was said, in short."""
    if value is None:
        return "-"
    messages = read_messages(value, role) if isinstance(value, dict | str) else None
    if not messages:
        return str(value)[:LONGEST]
    last = messages[-1]
    return f"{last.role}: {' + '.join(shown(part) for part in last.parts)}"[:LONGEST]


def shown(part: Part) -> str:
    if part.kind == "call":
        return f"call {part.name}({part.value})"
    return f"result {part.value}" if part.kind == "result" else part.text or part.kind
