"""Redaction of what one request brought, by the policy of its project.

Whatever way an event came in, it passes here before it is recorded. Nothing is changed in
place: a request that must be tried again starts from what was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from apps.governance.policies import CompiledPolicy, compiled_policy
from apps.governance.redaction import ProjectMarks, Redactor, word
from apps.ingest.batch import SAMPLE_BYTES, Batch, Rejection
from apps.ingest.redacted_event import EventRedactor
from apps.ingest.text import clean_text
from apps.sessions.events import IncomingEvent, Loss
from apps.sessions.pseudonyms import PseudonymBook
from apps.tenants.models import Project

REASON = "redacted"


class BookMarks(ProjectMarks):
    """Marks of which some are tokens for values that are kept apart."""

    def __init__(self, project_id: int, book: PseudonymBook) -> None:
        super().__init__(project_id)
        self._book = book

    def pseudonym(self, kind: str, value: str) -> str:
        return self._book.token(word(kind), value)


class Redaction:
    """The policy as it was when the request began, and what it made of the request's events."""

    def __init__(self, project: Project, batch: Batch) -> None:
        self._policy: CompiledPolicy = compiled_policy(project)
        # What belongs to no session has no pseudonyms either; it is masked.
        self._apart = Redactor(ProjectMarks(project.pk))
        self._book: PseudonymBook | None = None
        self._batch = batch
        marks = self._apart.marks
        if self._policy.uses_pseudonyms and batch.events:
            self._book = PseudonymBook(project.pk, batch.events)
            marks = BookMarks(project.pk, self._book)
        self._redactor = EventRedactor(self._policy, marks)
        self.events = [self._event(event) for event in batch.events]

    def keep(self) -> None:
        """Store what the pseudonyms stand for; call it after the events were appended."""
        if self._book is not None:
            self._book.keep()

    def losses(self, losses: Sequence[Loss]) -> list[Loss]:
        """Return the losses with samples that may be kept, and how much was redacted."""
        kept = [msgspec.structs.replace(loss, sample=self._sample(loss.sample)) for loss in losses]
        pairs = zip(self._batch.events, self.events, strict=True)
        if count := sum(made is not event for event, made in pairs):
            kept.append(Loss(reason=REASON, source=self._batch.source, count=count))
        return kept

    def rejections(self, rejections: Sequence[Rejection]) -> list[Rejection]:
        """Return refusals without what they quote: importers keep them."""
        return [
            replace(one, message=self._text(one.message), path=self._text(one.path))
            for one in rejections
        ]

    def _event(self, event: IncomingEvent) -> IncomingEvent:
        if self._book is not None:
            self._book.enter(event)
        return self._redactor.redacted(event)

    def _sample(self, sample: bytes | None) -> bytes | None:
        """Return the start of what was sent, cut only after it was looked at."""
        if not sample:
            return sample
        if self._policy.strictest.drops:
            return None
        wrong, line, sent = sample.decode(errors="replace").partition("\n")
        # What was sent is JSON as a rule, whose names tell.
        sent = self._apart.text(sent, self._policy.strictest)
        # What was escaped in the JSON may be half of a pair.
        return clean_text(f"{self._text(wrong)}{line}{sent}").encode()[:SAMPLE_BYTES]

    def _text(self, text: str) -> str:
        return self._apart.plain_text(text, self._policy.strictest)
