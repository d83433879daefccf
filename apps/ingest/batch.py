"""What one request brought: events to record, events refused, and what was not understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from apps.ingest.checks import Refusal
from apps.ingest.libraries import Libraries
from apps.ingest.text import clean_text
from apps.sessions.events import IncomingEvent, Loss

SAMPLE_BYTES = 2_000
# Redaction looks at this much and cuts then: half a card number is not known as one.
LOOKED_AT = 2 * SAMPLE_BYTES
NAMED_UNMAPPED = 50
MAX_PATH = 1_000


@dataclass(frozen=True, slots=True)
class Rejection:
    """One event that was not taken: where it stood, and why."""

    index: int
    path: str
    message: str
    reason: str

    @classmethod
    def of(cls, index: int, refusal: Refusal) -> Rejection:
        """Return the refusal of the event at ``index``."""
        # Both may quote what was sent.
        path, message = clean_text(refusal.path), clean_text(str(refusal))
        return cls(index, path[:MAX_PATH], message, refusal.reason)

    @property
    def answer(self) -> dict[str, int | str]:
        """What the sender is told."""
        return {"index": self.index, "path": self.path, "message": self.message}

    @property
    def sentence(self) -> str:
        """The same in one line."""
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(slots=True)
class Batch:
    """The readable part of a request, and an account of the rest."""

    source: str
    # What the sender counts as one: events, spans, log records. Of a file, each event that its
    # records hold, and each record that cannot be read; there it is not known before.
    sent: int = 0
    # Attributes and events that senders cut off or left out before they sent.
    truncated: int = 0
    events: list[IncomingEvent] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    # Names of fields and attributes that no reader knows; their values are kept in `extra`.
    unmapped: Counter[str] = field(default_factory=Counter)
    samples: dict[str, bytes] = field(default_factory=dict)
    indexes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    libraries: Libraries = field(default_factory=Libraries)

    def add(self, event: IncomingEvent, *indexes: int, library: tuple[str, str] = ("", "")) -> None:
        """Take an event made of what stood at ``indexes``, by the library that wrote it."""
        event.records = len(indexes)
        self.events.append(event)
        self.indexes[id(event)] = indexes
        self.libraries.count(event, library, is_log=self.source == "otlp_logs")

    def indexes_of(self, event: IncomingEvent) -> tuple[int, ...]:
        """Return where that of which an event is made stood in what was sent."""
        return self.indexes[id(event)]

    def refuse(self, rejection: Rejection, sample: bytes = b"") -> None:
        """Count an event as refused, keeping what was wrong with the first of its kind."""
        self.rejected.append(rejection)
        if rejection.reason not in self.samples:
            told = rejection.sentence.encode() + b"\n" + sample
            self.samples[rejection.reason] = told[:LOOKED_AT]

    def losses(self) -> list[Loss]:
        """Return what did not become events, counted by reason."""
        reasons = Counter(rejection.reason for rejection in self.rejected)
        found = [
            Loss(reason=reason, source=self.source, count=count, sample=self.samples[reason])
            for reason, count in reasons.items()
        ]
        if self.unmapped:
            names = ", ".join(name for name, _ in self.unmapped.most_common(NAMED_UNMAPPED))
            total = self.unmapped.total()
            sample = clean_text(names).encode()[:LOOKED_AT]
            found.append(Loss(reason="unmapped", source=self.source, count=total, sample=sample))
        if self.truncated:
            found.append(Loss(reason="truncated", source=self.source, count=self.truncated))
        if set_right := sum(1 for event in self.events if event.flags):
            found.append(Loss(reason="set_right", source=self.source, count=set_right))
        return found
