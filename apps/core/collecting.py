"""Collecting static files, unless those of the last time are what would be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

# Named by no page, so never served by its name.
MARK = ".made-of"
MAKERS = ("django", "whitenoise")


def collect_static_files() -> bool:
    """Fill ``STATIC_ROOT`` anew; return False where it holds what would come out again.

    Hashing and compressing all files is a third of a later start.
    """
    mark = Path(settings.STATIC_ROOT) / MARK
    wanted = _fingerprint()
    if mark.exists() and mark.read_text() == wanted:
        return False
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    # Written last: a start that was killed on the way leaves no mark.
    mark.write_text(wanted)
    return True


def _fingerprint() -> str:
    """Return a digest of what the files are made of and what makes them."""
    told = [*(f"{name} {version(name)}" for name in MAKERS), *sorted(_sources())]
    return hashlib.sha256("\n".join(told).encode()).hexdigest()


def _sources() -> Iterator[str]:
    for path in Path(__file__).parent.glob("*.py"):
        yield _told(path)
    for finder in finders.get_finders():
        for name, storage in finder.list([]):
            yield f"{getattr(storage, 'prefix', '')} {name} {_told(Path(storage.path(name)))}"


def _told(path: Path) -> str:
    found = path.stat()
    return f"{path.name} {found.st_size} {found.st_mtime_ns}"
