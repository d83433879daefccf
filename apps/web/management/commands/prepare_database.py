from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, call_command
from django.db import connection

from apps.core.collecting import collect_static_files
from apps.core.database import grant_app_role


class Command(BaseCommand):
    """Run as the owner of the schema, on the first start and on every deploy."""

    help = "Bring the schema up to date, make partitions, and give the app role its rights."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        call_command("ensure_partitions")
        grant_app_role(connection)
        # Whitenoise serves hashed copies; making them belongs to a deploy as well.
        collect_static_files()
