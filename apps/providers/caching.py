"""Answers that were paid for once.

The key says who asked whom for what, and which repetition it is: samples stay apart, or they
would be counted as independent when they are one. Refusals, filtered answers and errors are
never kept. An answer belongs to the run that got it for as long as that run keeps it; others
may have it until it is too old.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
import zstandard
from django.db.models import Case, IntegerField, Q, When
from django.utils import timezone

from apps.core.canonical import canonical_json
from apps.core.sealing import seal, unseal
from apps.core.secrets import derive
from apps.providers import dialects
from apps.providers.models import CachedAnswer
from apps.providers.protocol import Answer, Request
from apps.providers.remote import Remote
from apps.tenants.models import Project

Json = Any

PURPOSE = "provider-answers"
SEALED_AS = b"cached answer"
WEEK = timedelta(days=7)


class Sealer(Protocol):
    """What seals content of one session: a session's cipher."""

    def seal(self, data: bytes, purpose: bytes) -> bytes: ...

    def open(self, sealed: bytes, purpose: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Session:
    """The session that a request is from, under whose key its answer is kept."""

    id: UUID
    cipher: Sealer


@dataclass(frozen=True, slots=True)
class Cache:
    """Which kept answers may be used, and for whom new ones are kept."""

    # For others than the run; zero: for the run alone.
    keeps_for: timedelta = WEEK
    run: UUID | None = None
    about: Session | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where the answer to one request and sample is kept."""

    project: Project
    key: bytes
    cache: Cache

    @property
    def about_id(self) -> UUID | None:
        return self.cache.about.id if self.cache.about else None


def place_of(
    project: Project, provider: Remote, request: Request, *, sample: int, cache: Cache
) -> Place:
    """Return the place for a request; the key tells nothing of what was asked."""
    told = canonical_json(
        [project.pk, provider.kind, provider.dialect, provider.base_url, request.model, sample]
    )
    key = hmac.digest(derive(PURPOSE), told + b"\0" + request.canonical(), "sha256")
    return Place(project, key, cache)


def find(place: Place) -> Answer | None:
    """Return the answer that is kept, and keep it for the run that is served."""
    is_own = Q(run=place.cache.run, is_pinned=True) if place.cache.run else Q(pk=None)
    kept = (
        place.project.cached_answers.filter(key=place.key, about=place.about_id)
        .filter(is_own | Q(expires_at__gt=timezone.now()))
        .order_by(Case(When(is_own, then=0), default=1, output_field=IntegerField()), "-made_at")
        .first()
    )
    if kept is None:
        return None
    if kept.run != place.cache.run and place.cache.run is not None:
        _pin(place, kept)
    return _opened(place, bytes(kept.sealed))


def keep(place: Place, provider: Remote, answer: Answer) -> bool:
    """Keep an answer for later; what was refused or filtered is not kept."""
    if answer.is_filtered or answer.raw is None:
        return False
    told = {
        "dialect": provider.dialect,
        "raw": answer.raw,
        "request_id": answer.request_id,
        "latency_ms": answer.latency_ms,
        "notes": answer.notes,
    }
    now = timezone.now()
    row = CachedAnswer(
        project=place.project,
        key=place.key,
        about=place.about_id,
        run=place.cache.run,
        sealed=_sealed(place, told),
        is_pinned=place.cache.run is not None,
        made_at=now,
        expires_at=now + place.cache.keeps_for,
    )
    place.project.cached_answers.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["project", "key", "about", "run"],
        update_fields=["sealed", "is_pinned", "made_at", "expires_at"],
    )
    return True


def forget_run(project: Project, run: UUID) -> int:
    """Let the answers of a run that is over age like others; returns how many."""
    return project.cached_answers.filter(run=run, is_pinned=True).update(is_pinned=False)


def forget_old() -> int:
    """Delete what nobody may be served any more, of all projects."""
    old = CachedAnswer.unscoped.filter(is_pinned=False, expires_at__lte=timezone.now())
    gone, _ = old.delete()
    return gone


def forget_session(project_id: int, session_id: UUID) -> None:
    """Delete every answer about a session that is erased: its key goes, too."""
    CachedAnswer.unscoped.filter(project_id=project_id, about=session_id).delete()


def forget_joined(project_id: int, old: UUID, new: UUID) -> None:
    """Delete the answers about a session that became part of another: they are under its key."""
    forget_session(project_id, old)


def _pin(place: Place, kept: CachedAnswer) -> None:
    place.project.cached_answers.get_or_create(
        key=place.key,
        about=place.about_id,
        run=place.cache.run,
        defaults={
            "sealed": bytes(kept.sealed),
            "is_pinned": True,
            "made_at": kept.made_at,
            "expires_at": kept.expires_at,
        },
    )


def _sealed(place: Place, told: Mapping[str, Json]) -> bytes:
    packed = zstandard.compress(orjson.dumps(told))
    if place.cache.about is not None:
        return place.cache.about.cipher.seal(packed, SEALED_AS)
    return seal(PURPOSE, packed, f"project:{place.project.pk}")


def _opened(place: Place, sealed: bytes) -> Answer:
    if place.cache.about is not None:
        packed = place.cache.about.cipher.open(sealed, SEALED_AS)
    else:
        packed = unseal(PURPOSE, sealed, f"project:{place.project.pk}")
    told = orjson.loads(zstandard.decompress(packed))
    return replace(
        dialects.read(told["dialect"], told["raw"]),
        request_id=told["request_id"],
        latency_ms=told["latency_ms"],
        notes=tuple(told["notes"]),
    )
