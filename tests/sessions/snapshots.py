"""Everything that a session says, in a form that two recordings of it can be compared in."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from apps.sessions import event_rows, reader
from apps.sessions.models import EventInput, MetricDelta, Session, SessionFacet
from apps.sessions.sums import Amounts, Ledger
from apps.tenants.models import Project

# Of the recording, not of what was recorded.
OWN = {
    "id",
    "project",
    "title",
    "outcome_reason",
    "last_arrival_at",
    "chunk_number",
    "chunk_count",
    "merged_into",
}


def listed(project: Project) -> list[Session]:
    return list(project.sessions.filter(is_listed=True))


def snapshot(project: Project) -> list[dict[str, Any]]:
    """Return all sessions of a project, by their senders' names or first events."""
    seen = [session_snapshot(session) for session in listed(project)]
    return sorted(seen, key=lambda session: (session["external_id"] or "", session["rows"][0][0]))


def session_snapshot(session: Session) -> dict[str, Any]:
    fields = {
        field.name: getattr(session, field.name)
        for field in session._meta.concrete_fields
        if field.name not in OWN
    }
    steps = reader.outline(session).steps
    return fields | {
        "title": reader.titles([session]).get(session.pk),
        "reason": reader.outcome_reason(session),
        "rows": sorted(
            (msgspec.structs.astuple(row) for row in rows_of(session)), key=lambda row: row[0]
        ),
        "events": reader.read_steps(session, steps, content=True),
        "facets": sorted(
            SessionFacet.unscoped.filter(
                project_id=session.project_id, session_id=session.pk
            ).values_list("facet", "value", "started_at")
        ),
        "inputs": sorted(
            EventInput.unscoped.filter(
                project_id=session.project_id, session_id=session.pk
            ).values_list("event_id", "source_id")
        ),
    }


def rows_of(session: Session) -> list[event_rows.EventRow]:
    return event_rows.all_events(session.project_id, session.pk)


def recounted(session: Session) -> Amounts:
    """Return the session's sums, counted anew from its rows."""
    amounts = Amounts(counts={}, sums={}, known={})
    for row in rows_of(session):
        amounts.add(row)
    return amounts


def stored(session: Session) -> dict[str, Any]:
    names = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning", "cost")
    return {name: getattr(session, name) for name in names} | {
        "events": session.event_count,
        "errors": session.error_count,
        "counts": session.counts,
    }


def expected(session: Session) -> dict[str, Any]:
    amounts = recounted(session)
    names = ("input_tokens", "output_tokens", "cache_read", "cache_write", "reasoning", "cost")
    return {name: amounts.total(name) for name in names} | {
        "events": amounts.events,
        "errors": amounts.errors,
        "counts": {kind: count for kind, count in amounts.counts.items() if count},
    }


MEASURES = (
    "events errors input_tokens output_tokens cache_read cache_write reasoning cost priced".split()
)


def folded_deltas(project: Project) -> dict[Any, Any]:
    """Return the sums of all deltas by group, without groups that add up to nothing."""
    totals: dict[Any, list[Any]] = defaultdict(lambda: [0] * len(MEASURES))
    latency: dict[Any, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for delta in MetricDelta.unscoped.filter(project_id=project.pk):
        group = (delta.hour, delta.kind, delta.environment, delta.agent, delta.model, delta.prompt)
        totals[group] = [
            total + getattr(delta, name)
            for total, name in zip(totals[group], MEASURES, strict=True)
        ]
        for bucket, count in delta.latency.items():
            latency[group][bucket] += count
    return _without_nothing(totals, latency)


def recounted_deltas(project: Project) -> dict[Any, Any]:
    """Return what the deltas have to add up to, counted anew from the rows."""
    ledger = Ledger()
    for session in listed(project):
        for row in rows_of(session):
            ledger.add(row)
    totals = {row[:6]: list(row[6:15]) for row in ledger.rows()}
    return _without_nothing(totals, {row[:6]: row[15] for row in ledger.rows()})


def _without_nothing(totals: dict[Any, Any], latency: dict[Any, Any]) -> dict[Any, Any]:
    return {
        group: (values, {bucket: count for bucket, count in latency[group].items() if count})
        for group, values in totals.items()
        if any(values) or any(latency[group].values())
    }
