from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand

from apps.sessions.partitions import ensure_partitions


class Command(BaseCommand):
    """Run as the owner of the schema: on start, on deploy and daily."""

    help = "Make the monthly partitions of the record, three months ahead."

    def handle(self, *args: Any, **options: Any) -> None:
        made = ensure_partitions()
        self.stdout.write(f"Made {', '.join(made)}." if made else "All partitions are there.")
