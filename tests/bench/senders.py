"""Clients that keep sending while something is broken, and remember every answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import quote

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.playhead_process import PlayheadProcess

BATCH = 20
PATIENCE_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try."""

    started: float
    seconds: float
    # None where there was no answer at all.
    status: int | None
    retry_after: str | None


@dataclass
class Sender(threading.Thread):
    """Sends batches to its own session until told to stop, each until it is acknowledged."""

    playhead: PlayheadProcess
    number: int
    stopping: threading.Event
    acknowledged: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    @property
    def session(self) -> str:
        return f"sender-{self.number}"

    def run(self) -> None:
        batch = 0
        while not self.stopping.is_set():
            ids = [f"{self.number}-{batch}-{index}" for index in range(BATCH)]
            self.deliver(json.dumps({"events": [self.event(one) for one in ids]}).encode())
            self.acknowledged += ids
            batch += 1
            time.sleep(0.02)

    def event(self, event_id: str) -> dict[str, object]:
        return {
            "id": event_id,
            "session": self.session,
            "kind": "tool",
            "name": "lookup",
            "started_at": "2026-11-01T00:00:00Z",
            "input": {"note": event_id * 20},
        }

    def deliver(self, body: bytes) -> None:
        while True:
            self.answers.append(self.send(body))
            if self.answers[-1].status == 200:
                return
            time.sleep(0.2)

    def send(self, body: bytes) -> Answer:
        started = time.monotonic()
        server = http.client.HTTPConnection("127.0.0.1", self.playhead.port, PATIENCE_SECONDS)
        headers = {
            "Authorization": f"Bearer {self.playhead.key}",
            "Content-Type": "application/json",
        }
        try:
            server.request("POST", "/api/v1/events", body, headers)
            response = server.getresponse()
            response.read()
            status, wait = response.status, response.headers["Retry-After"]
        except (OSError, http.client.HTTPException):
            status, wait = None, None
        finally:
            server.close()
        return Answer(started, time.monotonic() - started, status, wait)


class Exporter(threading.Thread):
    """An application whose spans OpenTelemetry's own exporter sends, batch after batch."""

    session = "exporter"

    def __init__(
        self, playhead: PlayheadProcess, stopping: threading.Event, timeout: float
    ) -> None:
        super().__init__(daemon=True)
        self.stopping = stopping
        self.count = 0
        exporter = OTLPSpanExporter(
            f"{playhead.url}/v1/traces",
            headers={"Authorization": f"Bearer {playhead.key}"},
            timeout=timeout,
        )
        self.provider = TracerProvider()
        self.provider.add_span_processor(
            BatchSpanProcessor(exporter, max_queue_size=100_000, schedule_delay_millis=500)
        )

    def run(self) -> None:
        tracer = self.provider.get_tracer("application", "1")
        while not self.stopping.is_set():
            with tracer.start_as_current_span(f"step {self.count}") as span:
                span.set_attribute("session.id", self.session)
            self.count += 1
            time.sleep(0.02)
        self.provider.force_flush(120_000)
        self.provider.shutdown()


def stored(playhead: PlayheadProcess, session: str, field_name: str = "client_id") -> Counter[str]:
    """Return how often each id (or another field) of a session's events is in the record."""
    found = playhead.request(f"/api/v1/sessions?external_id={quote(session)}")["results"]
    values: Counter[str] = Counter()
    cursor: str | None = ""
    while found and cursor is not None:
        path = f"/api/v1/sessions/{found[0]['id']}/events?fields=meta&limit=500&cursor={cursor}"
        page = playhead.request(path if cursor else path.removesuffix("&cursor="))
        values.update(event[field_name] for event in page["results"])
        cursor = page["next"]
    return values
