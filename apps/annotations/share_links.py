"""Making, listing and revoking share links."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from apps.annotations.sealing import hold_session, open_text, seal
from apps.annotations.share_models import ShareLink
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.secrets import derive
from apps.sessions import reader
from apps.sessions.layout_cache import layout_of
from apps.sessions.models import Session
from apps.tenants.access import permissions_in_project
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

TOKEN_BYTES = 16
NOTE = b"share link note"
DAYS = 7
MOST_DAYS = 90
MOST_LINKS = 100
MOST_OPENINGS = 10_000
LONGEST_NOTE = 120
SHORTEST_PASSPHRASE, LONGEST_PASSPHRASE = 8, 128
SWITCHED_OFF = "Share links are switched off in this project's settings."
MERGED = "its session became part of another"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a link shows, and how long and how often it opens."""

    # Hexadecimal, as addresses name steps; empty is the whole session.
    event_id: str = ""
    days: int = DAYS
    passphrase: str = ""
    most_openings: int | None = None
    note: str = ""


@transaction.atomic
def make_link(session: Session, terms: Terms, *, actor: Actor) -> tuple[ShareLink, str]:
    """Make a link and return it with its token, which is stored nowhere and shown once."""
    _check_right(actor, session.project)
    if not Project.objects.filter(pk=session.project_id, allows_links=True).exists():
        raise ConflictError(SWITCHED_OFF)
    session, cipher = hold_session(session)
    _check_terms(terms)
    if _open_links(session.project.share_links.filter(session=session)).count() >= MOST_LINKS:
        raise ConflictError(f"A session has at most {MOST_LINKS} links that open. Revoke some.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    link = session.project.share_links.create(
        session=session,
        event_id=_step(session, terms.event_id),
        digest=digest_of(token),
        passphrase=make_password(terms.passphrase) if terms.passphrase else "",
        sealed_note=seal(cipher, terms.note, NOTE) if terms.note else None,
        most_openings=terms.most_openings,
        made_by_id=int(actor.id) if actor.kind == "user" else None,
        by=actor.label or actor.kind,
        expires_at=timezone.now() + timedelta(days=terms.days),
    )
    _record(actor, "link.create", link, _told(link))
    return link, token


@transaction.atomic
def revoke_link(link: ShareLink, *, actor: Actor) -> ShareLink:
    """Stop a link: the next request with it is refused."""
    link = link.locked()
    _check_right(actor, link.project)
    if link.revoked_at is not None:
        raise ConflictError("This link is already revoked.")
    link.revoked_at, link.revoked_by = timezone.now(), actor.label or actor.kind
    link.save(update_fields=["revoked_at", "revoked_by"])
    _record(actor, "link.revoke", link, {"openings": link.openings})
    return link


@transaction.atomic
def revoke_all(project: Project, *, actor: Actor) -> int:
    """Stop every link of a project at once, and say how many."""
    _check_right(actor, project)
    links = list(
        _open_links(project.share_links.all()).select_for_update(of=("self",)).order_by("pk")
    )
    for link in links:
        _record(actor, "link.revoke", link, {"openings": link.openings})
    changes = {"revoked_at": timezone.now(), "revoked_by": actor.label or actor.kind}
    project.share_links.filter(pk__in=[link.pk for link in links]).update(**changes)
    return len(links)


def digest_of(token: str) -> bytes:
    """Return what is stored in place of the token. A stolen table alone opens nothing."""
    return hmac.digest(derive("share-link-pepper"), token.encode(), "sha256")


def links_of(session: Session) -> list[tuple[ShareLink, str]]:
    """Return the session's links, newest first, each with its note."""
    links = list(session.project.share_links.filter(session=session)[: 2 * MOST_LINKS])
    return list(_with_notes(session.project_id, links))


def open_links_of(project: Project, limit: int) -> list[tuple[ShareLink, str]]:
    """Return the project's links that open now, newest first, each with its note."""
    links = list(_open_links(project.share_links.all()).select_related("session")[:limit])
    return list(_with_notes(project.pk, links))


def follow_session(project_id: int, old: UUID, new: UUID) -> None:
    """Let links to steps lead to the session that theirs became part of; end the others.

    Whoever has a link to a whole session was not meant to see the rest of another one.
    """
    ciphers = reader.ciphers_of(project_id, [old, new])
    links = ShareLink.unscoped.filter(project_id=project_id, session=old)
    for link in links.select_for_update(of=("self",)).order_by("pk"):
        if link.sealed_note is not None:
            note = ciphers[old].open(bytes(link.sealed_note), NOTE)
            link.sealed_note = ciphers[new].seal(note, NOTE)
        if link.event_id is None and link.revoked_at is None:
            link.revoked_at, link.revoked_by = timezone.now(), MERGED
        link.session_id = new
        link.save(update_fields=["session", "sealed_note", "revoked_at", "revoked_by"])


def forget_session(project_id: int, session_id: UUID) -> None:
    """Delete the links to a session that is being erased."""
    ShareLink.unscoped.filter(project_id=project_id, session=session_id).delete()


def _check_right(actor: Actor, project: Project) -> None:
    own = permissions_in_project(actor, project)
    for needed in (Permission.SHARE, Permission.READ_CONTENT):
        if needed not in own:
            raise PermissionDenied(f"Making and ending links takes the right to {needed.label}.")


def _check_terms(terms: Terms) -> None:
    if not 1 <= terms.days <= MOST_DAYS:
        raise InvalidError(f"A link opens for 1 to {MOST_DAYS} days.", "days")
    if terms.most_openings is not None and not 1 <= terms.most_openings <= MOST_OPENINGS:
        raise InvalidError(f"Openings must be from 1 to {MOST_OPENINGS:,}.", "most_openings")
    if len(terms.note) > LONGEST_NOTE or not (terms.note or "-").isprintable():
        message = f"A note has at most {LONGEST_NOTE} characters, none of them invisible."
        raise InvalidError(message, "note")
    length = len(terms.passphrase)
    if terms.passphrase and not SHORTEST_PASSPHRASE <= length <= LONGEST_PASSPHRASE:
        message = (
            f"A passphrase has {SHORTEST_PASSPHRASE} to {LONGEST_PASSPHRASE} characters; "
            "without one the link alone opens."
        )
        raise InvalidError(message, "passphrase")


def _step(session: Session, event_id: str) -> UUID | None:
    if not event_id:
        return None
    if layout_of(session).find(event_id) is None:
        raise InvalidError("This session has no such step.", "event")
    return UUID(event_id)


def _open_links(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    can_open = Q(most_openings=None) | Q(openings__lt=F("most_openings"))
    return links.filter(can_open, revoked_at=None, expires_at__gt=timezone.now())


def _with_notes(project_id: int, links: Sequence[ShareLink]) -> Iterator[tuple[ShareLink, str]]:
    noted = {link.session_id for link in links if link.sealed_note is not None}
    ciphers = reader.ciphers_of(project_id, noted) if noted else {}
    for link in links:
        sealed, cipher = link.sealed_note, ciphers.get(link.session_id)
        yield link, open_text(cipher, sealed, NOTE) if sealed is not None and cipher else ""


def _told(link: ShareLink) -> dict[str, Any]:
    return {
        "event": link.event_id.hex if link.event_id else None,
        "expires_at": link.expires_at.isoformat(timespec="seconds"),
        "passphrase": bool(link.passphrase),
        "most_openings": link.most_openings,
    }


def _record(actor: Actor, act: str, link: ShareLink, detail: Mapping[str, Any]) -> None:
    audit.record(
        actor,
        act,
        organization_id=link.project.organization_id,
        project_id=link.project_id,
        objects=[str(link.session_id), f"link:{link.pk}"],
        detail=detail,
    )
