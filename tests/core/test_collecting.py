"""A later start of the server makes only the static files that are not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import override_settings

from apps.core.collecting import collect_static_files


@pytest.fixture
def collected(tmp_path):
    """Where static files go: one file of ours, collected once."""
    source, root = tmp_path / "ours", tmp_path / "collected"
    source.mkdir()
    (source / "a.css").write_text("a {}")
    with override_settings(
        STATICFILES_DIRS=[source],
        STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
        STATIC_ROOT=str(root),
    ):
        assert collect_static_files()
        yield source, root


def test_files_that_are_as_before_are_not_collected_again(collected: tuple[Path, Path]):
    assert not collect_static_files()


@pytest.mark.parametrize("name", ["a.css", "new.css"])
def test_a_changed_or_new_file_is_collected(collected: tuple[Path, Path], name: str):
    source, root = collected
    (source / name).write_text("b { color: red }")

    assert collect_static_files()
    assert (root / name).read_text() == "b { color: red }"


def test_a_start_that_was_cut_short_is_made_good_by_the_next(collected: tuple[Path, Path]):
    _, root = collected
    (root / ".made-of").unlink()

    assert collect_static_files()
