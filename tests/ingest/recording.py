"""Recording what clients sent, by any list of conventions, and reading it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

from django.db import transaction
from django.utils.datastructures import CaseInsensitiveMapping

from apps.core.bodies import unpack
from apps.ingest.batch import Batch
from apps.ingest.logs import read_logs
from apps.ingest.normalising import CONVENTIONS
from apps.ingest.otlp import protobuf
from apps.ingest.otlp.spans import RawLog, RawSpan
from apps.ingest.renormalising import renormalise_session
from apps.ingest.text import json_in_text
from apps.ingest.traces import read_spans
from apps.sessions import reader, store
from apps.sessions.rows import COLUMNS
from apps.tenants.models import Project
from tests.ingest.captures import BODIES, captured
from tests.ingest.factories import NOW
from tests.sessions.snapshots import (
    expected,
    folded_deltas,
    listed,
    recounted_deltas,
    snapshot,
    stored,
)

TRACES = "/v1/traces"
# They stand for text as it was sent, to the last space.
DIGESTS = {"extra_digest", "digest"}


@dataclass(frozen=True)
class Recording:
    """All that a project holds: its sessions, its deltas, and what was sent."""

    sessions: list[dict[str, Any]]
    deltas: dict[Any, Any]
    sent: dict[str, Any]


def sends_spans(client: str) -> bool:
    return any(one.path.endswith(TRACES) for one in captured(client))


CLIENTS = sorted(
    client
    for client in (path.name.partition(".")[0] for path in BODIES.glob("*.jsonl.gz"))
    if sends_spans(client)
)


@cache
def spans_of(client: str) -> list[RawSpan]:
    """Return all spans that a real client sent."""
    requests = [one for one in captured(client) if one.path.endswith(TRACES)]
    return [
        span
        for one in requests
        for span in protobuf.read_spans(
            unpack(one.body, CaseInsensitiveMapping(one.headers).get("content-encoding", "")),
            Batch(source="test"),
        )
    ]


def record_spans(
    project: Project,
    spans: Sequence[RawSpan],
    conventions: Sequence[ModuleType] = CONVENTIONS,
    *,
    environment: str = "",
) -> None:
    batch = Batch(source="otlp_traces")
    read_spans(spans, batch, NOW, conventions)
    assert not batch.rejected
    store.append(project, batch.events, environment=environment)


def record_logs(project: Project, logs: Sequence[RawLog]) -> None:
    batch = Batch(source="otlp_logs")
    read_logs(logs, batch, NOW)
    assert not batch.rejected
    store.append(project, batch.events)


def renormalise(project: Project) -> int:
    """Read all sessions again; return how many events changed."""
    return sum(renormalise_session(session).changed for session in listed(project))


def seen_and_undone(project: Project, act: Callable[[], object]) -> Recording:
    """Do something, look at the record, and undo it."""
    with transaction.atomic():
        act()
        seen = Recording(snapshot(project), folded_deltas(project), sent_in(project))
        for session in listed(project):
            assert stored(session) == expected(session)
        assert folded_deltas(project) == recounted_deltas(project)
        transaction.set_rollback(True)
    return seen


def sent_in(project: Project) -> dict[str, Any]:
    """Return what was sent of each event, as it is shown."""
    return {
        event["id"]: event["raw"].get("sent")
        for session in listed(project)
        for event in reader.read_steps(
            session, reader.outline(session).steps, content=True, raw=True
        )
    }


def without_spaces(value: Any) -> Any:
    """Return a value with JSON in text read: how it was spaced out is not always kept."""
    if isinstance(value, dict):
        return {name: without_spaces(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_spaces(inner) for inner in value]
    return json_in_text(value) if isinstance(value, str) else value


def assert_same(one: Recording, other: Recording, *, to_the_letter: bool = True) -> None:
    """Compare two recordings field by field, so that a difference is named."""
    assert [session["external_id"] for session in one.sessions] == [
        session["external_id"] for session in other.sessions
    ]
    for session, same in zip(one.sessions, other.sessions, strict=True):
        for name, value in session.items():
            if name == "rows" and not to_the_letter:
                assert rows_without(DIGESTS, value) == rows_without(DIGESTS, same[name])
            else:
                assert value == same[name], name
    assert one.deltas == other.deltas
    assert without_spaces(one.sent) == without_spaces(other.sent)


def rows_without(names: set[str], rows: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    columns = [name for name, _ in COLUMNS]
    return [
        {name: value for name, value in zip(columns, row, strict=True) if name not in names}
        for row in rows
    ]
