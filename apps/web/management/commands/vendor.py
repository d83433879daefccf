from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.web import vendoring


class Command(BaseCommand):
    """For developers: needs npm. People who install Playhead get the files as they are."""

    help = "Fetch the libraries and icons listed in static/vendor/VENDOR.toml again."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        manifest = vendoring.read_manifest()
        with tempfile.TemporaryDirectory() as folder:
            vendoring.fetch_libraries(manifest, Path(folder))
            vendoring.build_sprite(manifest, Path(folder))
        vendoring.write_hashes()
        for path, _ in vendoring.listed_files(manifest):
            self.stdout.write(f"{path}")
