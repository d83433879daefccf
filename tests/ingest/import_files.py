"""Files to import, and the ways in which tests send them."""

from __future__ import annotations

import gzip
import json
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.ingest import tasks
from apps.ingest.models import Import
from apps.tenants.models import Project


def make_lines(count: int, **fields: Any) -> bytes:
    """Return a file of native events, ten to a session."""
    events = (
        {"id": str(number), "session": f"chat-{number // 10}", "kind": "tool"} | fields
        for number in range(count)
    )
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def send(client: Client, content: bytes, form: str = "playhead-jsonl", **more: Any) -> Any:
    """Send a file to the API."""
    headers = {"Idempotency-Key": more.pop("key")} if "key" in more else {}
    file = SimpleUploadedFile("chats.jsonl", content)
    body = {"format": form, "file": file} | more
    return client.post("/api/v1/imports", body, headers=headers)


def run(project: Project, row: Import | None = None) -> Import:
    """Let a worker do its turn on the newest import."""
    row = row or project.imports.latest("created_at")
    tasks.run_import(project.pk, str(row.pk))
    row.refresh_from_db()
    return row


def imported(
    client: Client, project: Project, content: bytes, form: str = "playhead-jsonl"
) -> Import:
    """Send a file and let a worker read it."""
    answer = send(client, content, form)
    assert answer.status_code == 202, answer.content
    return run(project)


def packed(content: bytes) -> bytes:
    return gzip.compress(content)
