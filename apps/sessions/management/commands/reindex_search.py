"""`manage.py reindex_search`."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.sessions import store
from apps.sessions.reindexing import sessions_to_index
from apps.tenants.management.commands.create_api_key import find_project

# A line is written after so many sessions, from which an interrupted run can go on.
TOLD_EVERY = 100


class Command(BaseCommand):
    """Index what was recorded before there was a search. A second time it finds nothing to do."""

    help = "Index the recorded sessions of a project for search, those that are not yet."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--all", action="store_true", help="also those that are indexed")
        parser.add_argument("--after", metavar="ID", help="go on after the last session named")

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        after = read_id(options["after"]) if options["after"] else None
        sessions = chunks = 0
        for session_id in sessions_to_index(project.pk, is_all=options["all"], after=after):
            session = project.sessions.filter(pk=session_id).first()
            # Moved into another session since: that one is on the list itself.
            chunks += store.reindex(session) if session else 0
            sessions += 1
            if sessions % TOLD_EVERY == 0:
                self.stdout.write(f"{session_id}: {sessions} sessions so far")
        self.stdout.write(f"{chunks} chunks of {sessions} sessions indexed")


def read_id(text: str) -> uuid.UUID:
    """Return a session's id."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise CommandError(f"--after must be the id of a session, not {text!r}.") from None
