"""A day of ingest worth looking at: clients, reasons with hostile samples, silent libraries."""

from __future__ import annotations

import random
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.ingest import accounts, quotas
from apps.ingest.accounts import Request, Sums
from apps.ingest.clients import Client
from apps.ingest.libraries import Libraries, Said
from apps.ingest.losses import loss_rows
from apps.sessions.events import IncomingEvent, Loss
from apps.tenants.models import Project
from tests.browser.words import HOSTILE

GENAI = ("opentelemetry.instrumentation.genai.openai", "1.3b0")
OPENINFERENCE = ("openinference.instrumentation.langchain", "0.1.80")
EXPORTER = Client("OTel-OTLP-Exporter-Python", "1.45.2")
CURL = Client("curl", "8.5.0")
REASONS = ("invalid", "invalid_id", "truncated", "unmapped", "session_conflict", "redacted")


def keep_account(project: Project) -> None:
    """Enter a day's requests of three clients."""
    chance = random.Random(7)
    for hour in range(24):
        stored = int(400 * (1 + chance.random()) * (0.2 if hour < 8 else 1))
        _enter(project, hour, EXPORTER, Sums(stored, stored // 9), _libraries(stored))
    losses = [
        Loss(reason=reason, source="", count=30, sample=f"name: {text}\n{text}".encode())
        for reason, text in zip(REASONS, HOSTILE, strict=False)
    ]
    _enter(project, 3, CURL, Sums(40, 0, 60), None, losses)
    unread = [Loss(reason="request_unreadable", source="", count=1)]
    _enter(project, 1, Client(HOSTILE[0][:120]), Sums(refused_requests=1), None, unread)
    quotas.set_quota(project, events_per_minute=60_000, events_per_month=15_000, actor=SYSTEM)


def _libraries(events: int) -> Libraries:
    libraries = Libraries()
    libraries.said[GENAI] = Said(events=events // 2, llm=events // 2, llm_usage=events // 2)
    libraries.said[OPENINFERENCE] = Said(
        events=events // 2, llm=events // 5, tool=events // 5, agent=events // 10,
        llm_content=events // 5, llm_usage=events // 5, llm_model=events // 5,
        tool_content=events // 5, with_session=events // 2,
    )  # fmt: skip
    return libraries


def _enter(
    project: Project,
    hours: int,
    client: Client,
    sums: Sums,
    libraries: Libraries | None,
    losses: list[Loss] | None = None,
) -> None:
    at = timezone.now() - timedelta(hours=hours)
    events = [
        IncomingEvent(id=str(age), kind="llm", ended_at=at - timedelta(seconds=age))
        for age in (0, 0, 0, 4, 30)
    ]
    rows = loss_rows(project, losses or [], "otlp_traces")
    request = Request("otlp_traces", client, sums, rows, events, libraries)
    with transaction.atomic():
        accounts.enter(project, request, at)
