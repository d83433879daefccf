"""Static files under names that hold their hash, so that they may be cached for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

from apps.core.bundles import ENTRY, bundled

SCRIPTS = "ph/"


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Also rewrites ``import "./x.js"`` in our modules to the hashed name, and bundles them."""

    support_js_module_import_aggregation = True

    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        if not dry_run and f"{SCRIPTS}{ENTRY}" in paths:
            self._bundle(paths)
        yield from super().post_process(paths, dry_run, **options)

    def _bundle(self, paths: dict[str, Any]) -> None:
        def read(name: str) -> str:
            storage, path = paths[f"{SCRIPTS}{name}"]
            with storage.open(path) as file:
                return str(file.read().decode())

        for name, text in bundled(read).items():
            path = f"{SCRIPTS}{name}"
            self.delete(path)
            self._save(path, ContentFile(text.encode()))
            paths[path] = (self, path)
