"""Imports to be looked at, one in each state."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from apps.ingest.batch import Rejection
from apps.ingest.imports import running
from apps.ingest.models import Import
from apps.tenants.models import Project

MIB = 1024 * 1024
STATES: dict[str, dict[str, Any]] = {
    "uploading": {},
    "waiting": {"size": 48 * MIB, "reason": "The project's quota of events a minute is used up."},
    "running": {"size": 1024 * MIB, "bytes_read": 430 * MIB, "records": 88_120, "sessions": 9_004},
    "done": {"size": 7 * MIB, "records": 1_204, "sessions": 120, "accepted": 1_199, "refused": 5},
    "failed": {"size": 900, "records": 2, "refused": 2, "reason": "It broke off 5 times."},
    "cancelled": {"size": 90 * MIB, "bytes_read": 30 * MIB, "records": 5, "duplicates": 5},
}
REFUSED = (
    Rejection(3, "", "This line is not JSON: Input data was truncated.", "unreadable"),
    Rejection(17, "messages[4]", "A message must be an object with a `role`.", "invalid"),
    Rejection(90, "kind", "Must be one of llm tool agent chain retriever embedding.", "invalid"),
    Rejection(91, "<script>alert(1)</script>" * 4, "W" * 300 + "\u202eDenied", "invalid"),
    Rejection(1_203, "usage.input", "Must be from 0 to 1000000000000.", "invalid"),
)


def keep_imports(project: Project) -> None:
    """Make an import in each state."""
    for status, fields in STATES.items():
        name = f"support-chats-of-{status}.jsonl" if fields else ""
        row = project.imports.create(
            status=status,
            file_name=name,
            format="playhead-jsonl" if fields else "",
            created_by="owner@example.com",
            **fields,
        )
        _end(row)


def _end(row: Import) -> None:
    if not row.is_open:
        row.ended_at = timezone.now()
        row.save()
    if row.status == "waiting":
        row.not_before = timezone.now() + timedelta(hours=1)
        row.save()
    if row.status == "done":
        row.refused = 0
        running._keep_refusals(row, REFUSED)
