"""`manage.py import_sessions`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.audit.actors import SYSTEM
from apps.core.body_limit import MIB
from apps.core.errors import DomainError
from apps.ingest.importers.formats import FORMATS
from apps.ingest.imports.local import Imported, import_local_file
from apps.tenants.management.commands.create_api_key import find_project

NAMED_REFUSALS = 20
PROGRESS_SECONDS = 5.0


class Command(BaseCommand):
    """Import recorded sessions from a file. Importing it twice changes nothing."""

    help = "Import recorded sessions from a file on this machine, which may be packed with gzip."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--project", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        project = find_project(options["organization"], options["project"])
        self.started = self.told = time.monotonic()
        try:
            imported = import_local_file(
                project, options["file"], options["format"], actor=SYSTEM, tell=self._progress
            )
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from None
        except DomainError as error:
            raise CommandError(str(error)) from None
        if imported.format != options["format"]:
            self.stdout.write(f"The file was recognised as {imported.format}.")
        self._tell(imported, time.monotonic() - self.started)

    def _progress(self, imported: Imported) -> None:
        now = time.monotonic()
        if now - self.told < PROGRESS_SECONDS:
            return
        self.told = now
        speed = imported.bytes_read / MIB / (now - self.started)
        percent = 100 * imported.bytes_read // max(imported.size, 1)
        self.stdout.write(
            f"{percent} %, {imported.records} records, {imported.accepted} events accepted,"
            f" {imported.refused} refused, {speed:.1f} MiB/s"
        )

    def _tell(self, imported: Imported, seconds: float) -> None:
        for one in imported.rejected[:NAMED_REFUSALS]:
            self.stderr.write(f"record {one.index}: {one.sentence}")
        if imported.refused > NAMED_REFUSALS:
            self.stderr.write(f"and {imported.refused - NAMED_REFUSALS} more")
        kinds = ", ".join(f"{count} {kind}" for kind, count in imported.kinds.most_common())
        self.stdout.write(
            f"{len(imported.sessions)} sessions, {imported.accepted} events accepted"
            f" ({kinds or 'none'}), {imported.duplicates} known before,"
            f" {imported.refused} refused, in {seconds:.1f} s"
        )
        if imported.refused and not (imported.accepted or imported.duplicates):
            raise CommandError("Nothing could be imported.")
