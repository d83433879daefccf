from __future__ import annotations

from pathlib import Path

from apps.web import vendoring


def test_vendored_files_are_exactly_those_that_were_fetched():
    changed = [
        str(path)
        for path, expected in vendoring.listed_files(vendoring.read_manifest())
        if vendoring.sha256_of(path) != expected
    ]

    assert changed == []


def test_every_vendored_file_is_listed(settings):
    root = Path(settings.BASE_DIR)
    listed = {path for path, _ in vendoring.listed_files(vendoring.read_manifest())}
    licence = root / vendoring.read_manifest()["icons"]["licence_file"]

    present = {
        path
        for folder in (root / "static/vendor", root / "tests/browser/vendor")
        for path in folder.rglob("*")
        if path.is_file() and path.name != "VENDOR.toml"
    }

    assert present - {licence} <= listed
