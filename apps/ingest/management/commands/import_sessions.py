"""`manage.py import_sessions`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.actors import SYSTEM
from apps.core.errors import DomainError
from apps.ingest.importing import READERS, Imported, import_sessions
from apps.tenants.management.commands.create_api_key import find_project

NAMED_REFUSALS = 20


class Command(BaseCommand):
    """Import recorded sessions from a file. Importing it twice changes nothing."""

    help = "Import recorded sessions from a file of JSON or of one JSON value a line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=sorted(READERS))
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        started = time.monotonic()
        try:
            imported = import_sessions(project, options["file"], options["format"], actor=SYSTEM)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None
        except DomainError as error:
            raise CommandError(str(error)) from None
        self._tell(imported, time.monotonic() - started)

    def _tell(self, imported: Imported, seconds: float) -> None:
        for one in imported.rejected[:NAMED_REFUSALS]:
            self.stderr.write(f"record {one.index}: {one.sentence}")
        if len(imported.rejected) > NAMED_REFUSALS:
            self.stderr.write(f"and {len(imported.rejected) - NAMED_REFUSALS} more")
        kinds = ", ".join(f"{count} {kind}" for kind, count in imported.kinds.most_common())
        self.stdout.write(
            f"{len(imported.sessions)} sessions, {imported.accepted} events accepted"
            f" ({kinds or 'none'}), {imported.duplicates} known before,"
            f" {len(imported.rejected)} refused, in {seconds:.1f} s"
        )
        if imported.rejected and not (imported.accepted or imported.duplicates):
            raise CommandError("Nothing could be imported.")
