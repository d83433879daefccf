from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.web import keyboard


class Command(BaseCommand):
    """For developers, after a change of the table."""

    help = "Write docs/keyboard.md from the table of keys in static/ph/keys.js."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        keyboard.page_path().write_text(keyboard.page(keyboard.script()))
        self.stdout.write(f"{keyboard.page_path()}")
