"""`manage.py renormalise`."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.dateparse import parse_date, parse_datetime

from apps.audit.actors import SYSTEM
from apps.ingest.renormalising import Counts, Selection, renormalise_sessions
from apps.sessions.models import Session
from apps.sessions.store import Rewritten
from apps.tenants.management.commands.create_api_key import find_project
from apps.tenants.models import Project


class Command(BaseCommand):
    """Read what was sent to recorded sessions again. A second time it changes nothing."""

    help = "Read recorded sessions again by the conventions of this version of Playhead."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--session", metavar="ID", help="one session: its id or its sender's")
        which.add_argument("--since", metavar="TIME", help="those that began since (ISO 8601)")
        which.add_argument("--all", action="store_true")
        parser.add_argument("--after", metavar="ID", help="go on after the last session named")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        after = options["after"]
        selection = Selection(
            session_id=options["session"] and find_session(project, options["session"]).pk,
            since=options["since"] and read_time(options["since"]),
            after=after and read_id(after),
        )
        is_dry = options["dry_run"]
        counts = renormalise_sessions(
            project, selection, actor=SYSTEM, dry_run=is_dry, tell=self._tell
        )
        self.stdout.write(summary(counts, is_dry=is_dry))

    def _tell(self, session: Session, rewritten: Rewritten | None) -> None:
        if rewritten is None:
            self.stderr.write(f"{session.pk}: it is being written to; run this for it again")
        elif rewritten.changed:
            self.stdout.write(f"{session.pk}: {rewritten.changed} of {rewritten.events} events")


def summary(counts: Counts, *, is_dry: bool) -> str:
    """Return what a run did in one line."""
    verb = "would change" if is_dry else "changed"
    busy = f", {counts.busy} busy" if counts.busy else ""
    return (
        f"{counts.events_changed} events in {counts.sessions_changed} sessions {verb},"
        f" of {counts.events} events in {counts.sessions} sessions{busy}"
    )


def find_session(project: Project, name: str) -> Session:
    """Return the session with this id, or that its sender calls so."""
    try:
        found = project.sessions.filter(pk=uuid.UUID(name)).first()
    except ValueError:
        found = None
    found = found or project.sessions.filter(external_id=name).first()
    if found is None:
        raise CommandError(f"This project has no session {name!r}.")
    return found.merged_into or found


def read_id(text: str) -> uuid.UUID:
    """Return a session's id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(f"--after must be the id of a session, not {text!r}.") from None


def read_time(text: str) -> datetime:
    """Return a time; without a zone it is UTC."""
    try:
        day = parse_date(text)
        at = parse_datetime(text) if day is None else datetime(day.year, day.month, day.day)  # noqa: DTZ001
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"--since must be a time such as 2026-11-01, not {text!r}.")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
