"""From replays to the JSON of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.urls import reverse

from apps.replays import linking, places
from apps.replays.models import SHARES, Replay
from apps.replays.sealing import Body, Brief, briefs_of, opened
from apps.replays.trends import Bucket, Trend
from apps.sessions.models import Session

Json = dict[str, Any]
PLAIN = (
    *("client_id", "status", "origin", "where", "match", "fork_step", "band", *SHARES),
    *("calls", "recorded_calls", "divergences", "error_type", "digest"),
    *("started_at", "ended_at", "reported_at", "reported_by"),
)


def reported_json(replay: Replay) -> Json:
    """Return what a report is answered with: the same, however often it comes."""
    return {
        "id": replay.pk,
        "client_id": replay.client_id,
        "status": replay.status,
        "session": replay.session_id,
        "replay_of": replay.original_id,
        "url": _address(replay, "replays:detail", str(replay.pk)),
    }


def replays_json(replays: Sequence[Replay], *, content: bool) -> list[Json]:
    """Return replays as lists tell them; words of sessions only with ``content``."""
    briefs = briefs_of(replays) if content else {}
    return [_one(replay, briefs.get(replay.pk)) for replay in replays]


def detail_json(replay: Replay, *, content: bool) -> Json:
    """Return one replay with its report, and the events that it names where they are here."""
    [told] = replays_json([replay], content=content)
    body = opened(replay) if content else None
    report = None
    if body is not None and body.report is not None:
        report = _with_events(replay, body.report)
        told = told | {"first_divergence": _placed(replay, told["first_divergence"], report)}
    return told | {
        "forked_at": _forked_at(replay, body),
        "plan": body and body.plan,
        "report": report,
        "error": body and body.error,
    }


def summary_json(found: Trend) -> Json:
    """Return how replays came out over time."""
    sessions = found.sessions
    return {
        "since": found.window.since,
        "until": found.window.until,
        "by": found.window.by,
        "total": _bucket(found.total),
        "buckets": [_bucket(bucket) for bucket in found.buckets],
        "recorded": {
            "sessions": sessions.count,
            "by_fidelity": dict(sessions.by_class),
            "replayed": sessions.replayed,
            "replay_coverage": sessions.replay_coverage,
        },
    }


def _bucket(bucket: Bucket) -> Json:
    day = bucket.starts_on
    told = asdict(bucket) | {"starts_on": day and day.isoformat()}
    return told | {"success_rate": bucket.success_rate}


def _one(replay: Replay, brief: Brief | None) -> Json:
    return (
        reported_json(replay)
        | {name: getattr(replay, name) for name in PLAIN}
        | {
            "external_id": replay.session.external_id,
            "original": replay.original_name,
            "agent": replay.session.agent or (replay.original.agent if replay.original else None),
            "release": replay.session.release,
            "first_divergence": _first(replay, brief) if replay.first_kind else None,
        }
    )


def _first(replay: Replay, brief: Brief | None) -> Json:
    return {
        "kind": replay.first_kind,
        "step": replay.first_step,
        "event": _hex(replay.first_event),
        "made": _hex(replay.first_made),
        "says": brief.says if brief else None,
        "compare_url": _compared(replay),
    }


def _placed(replay: Replay, first: Json | None, report: Mapping[str, Any]) -> Json | None:
    """Return the first divergence with the events that are here, and the way to them."""
    if first is None or not report.get("divergences"):
        return first
    told = report["divergences"][0]
    event, made = told["event_id"], told["made_id"]
    return first | {"event": event, "made": made, "compare_url": _compared(replay, event, made)}


def _with_events(replay: Replay, report: Mapping[str, Any]) -> Json:
    """Return the report with the record's own ids of the events that it names."""
    both = [*(report.get("divergences") or ()), *(report.get("soft") or ())]
    recorded = _ids(replay.original, [one.get("event") for one in both])
    made = _ids(replay.session, [one.get("made") for one in both])

    def placed(one: Mapping[str, Any]) -> Json:
        ids = recorded.get(one.get("event") or ""), made.get(one.get("made") or "")
        return {**one, "event_id": _hex(ids[0]), "made_id": _hex(ids[1])}

    names = [name for name in ("divergences", "soft") if report.get(name)]
    return {**report, **{name: [placed(one) for one in report[name]] for name in names}}


def _ids(session: Session | None, names: Sequence[str | None]) -> dict[str, UUID]:
    return places.event_ids(session, names) if session else {}


def _forked_at(replay: Replay, body: Body | None) -> str | None:
    if replay.session.forked_at is not None or body is None or not body.forked_at:
        return _hex(replay.session.forked_at)
    told = body.forked_at
    found = linking.fork_event(
        replay.original, told.get("step"), told.get("event"), told.get("trace")
    )
    return _hex(found)


def _compared(replay: Replay, event: str | None = None, made: str | None = None) -> str | None:
    """Return where both sessions stand side by side; one of them names the step."""
    if replay.original_id is None:
        return None
    a = f"{replay.original_id}@{event}" if event else str(replay.original_id)
    b = f"{replay.session_id}@{made}" if made and not event else str(replay.session_id)
    return f"{_address(replay, 'sessions:compare')}?{urlencode({'a': a, 'b': b}, safe='@')}"


def _address(replay: Replay, page: str, *args: str) -> str:
    place = replay.project.organization.slug, replay.project.slug
    return settings.PLAYHEAD_URL + reverse(page, args=(*place, *args))


def _hex(event: UUID | None) -> str | None:
    return event.hex if event else None
