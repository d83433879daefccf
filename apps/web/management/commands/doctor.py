from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandParser

from apps.web import doctor


class Command(BaseCommand):
    """Safe to run at any time beside a running server; it changes nothing."""

    help = "Check versions, settings, keys, disk, database, queues and workers; say what to do."
    # Its own findings say what Django's checks would.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        # manage.py reads it, before the settings are.
        parser.add_argument("--data", type=Path, help="data folder of `up` (PLAYHEAD_DATA, var)")

    def handle(self, *args: Any, **options: Any) -> None:
        problems = 0
        for finding in doctor.examine():
            self.stdout.write(str(finding))
            problems += finding.level == doctor.Level.PROBLEM
        if problems:
            self.stdout.write(f"\nProblems: {problems}")
            sys.exit(1)
        self.stdout.write("\nAll is well.")
