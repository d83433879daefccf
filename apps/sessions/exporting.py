"""Taking sessions away: which forms there are, and that it is written down who took them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.sessions.export_html import page
from apps.sessions.export_lines import JSONL, Facts, document, event_lines
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.models import Project

# Sessions that are taken away in one file.
MOST_SESSIONS = 200
HTML = "html"


@dataclass(frozen=True, slots=True)
class Form:
    """One form of file: its name in the API, its type, and the end of its name."""

    name: str
    content_type: str
    suffix: str


FORMS = {
    form.name: form
    for form in (
        Form(HTML, "text/html; charset=utf-8", "html"),
        Form(JSONL, "application/x-ndjson", "jsonl"),
        Form("json", "application/json", "json"),
    )
}


def form_named(name: str) -> Form:
    """Return the form of file with this name, or refuse it, naming those that are known."""
    form = FORMS.get(name)
    if form is None:
        raise InvalidError(f"format must be one of {', '.join(FORMS)}.", "format")
    return form


@transaction.atomic
def export_session(session: Session, form: Form, facts: Facts, *, actor: Actor) -> Iterator[bytes]:
    """Return a session as a file, and write down who takes it away in which form."""
    if session.erased_at is not None:
        raise ConflictError("This session was erased; nothing of it is left to export.")
    _write_down(session.project, [session], form.name, actor)
    if form.name == HTML:
        return page(session, facts)
    if form.name == JSONL:
        return event_lines([(session, facts)])
    return document(session, facts)


@transaction.atomic
def export_sessions(
    project: Project, sessions: Sequence[tuple[Session, Facts]], *, actor: Actor
) -> Iterator[bytes]:
    """Return several sessions as one file of events."""
    _write_down(project, [session for session, _ in sessions], JSONL, actor)
    return event_lines(sessions)


def _write_down(project: Project, sessions: Sequence[Session], form: str, actor: Actor) -> None:
    events = sum(session.event_count for session in sessions)
    audit.record(
        actor,
        "session.export",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[str(session.pk) for session in sessions],
        detail={"format": form, "sessions": len(sessions), "events": events},
    )


def filename(form: Form, sessions: Sequence[Session]) -> str:
    """Return a name for the file, of nothing that anybody recorded."""
    of = short_id(sessions[0]) if len(sessions) == 1 else f"{len(sessions)}-sessions"
    return f"playhead-{of}.{form.suffix}"
