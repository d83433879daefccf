"""PostgreSQL refuses to run as root; three ways to run it all the same.

A user namespace maps root to an ordinary user for this one program and needs no other
file rights. Where namespaces are switched off, the binaries are copied to a place that an
unprivileged user can read. Else a database elsewhere is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from apps.web.embedded.errors import CannotRunError

NAMESPACE = ("unshare", "-U", "--map-user=1000")
# An id that Debian gives to nobody (policy 9.2.2: 60000-64999 are allocated on demand only).
UNPRIVILEGED = 64_917
SHARED = Path("/var/lib/playhead")


@dataclass(frozen=True)
class Way:
    """How to start a program of PostgreSQL, and where its binaries and data may lie."""

    bin: Path
    data: Path
    prefix: tuple[str, ...] = field(default=())
    user: int | None = None


def find_way(bin_folder: Path, data: Path) -> Way:
    """Return how to run the binaries with this data folder as the present user."""
    if os.geteuid() != 0:
        return Way(bin_folder, data)
    if _namespaces_work():
        return Way(bin_folder, data, prefix=NAMESPACE)
    if not os.access("/var/lib", os.W_OK):
        raise CannotRunError(
            "PostgreSQL does not run as root, and this machine allows neither user namespaces nor "
            "writing to /var/lib. Run Playhead as an ordinary user, or set DATABASE_URL and "
            "DATABASE_OWNER_URL to a PostgreSQL server."
        )
    return _unprivileged_way(bin_folder, data)


def _namespaces_work() -> bool:
    if shutil.which(NAMESPACE[0]) is None:
        return False
    return subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False).returncode == 0


def _unprivileged_way(bin_folder: Path, data: Path) -> Way:
    copied = _copied(bin_folder)
    # The data folder may lie under a home that others cannot enter.
    own = SHARED / f"data-{data.parent.as_posix().strip('/').replace('/', '-')}"
    own.mkdir(parents=True, exist_ok=True)
    os.chown(own, UNPRIVILEGED, UNPRIVILEGED)
    own.chmod(0o700)
    return Way(copied, own / data.name, user=UNPRIVILEGED)


def _copied(bin_folder: Path) -> Path:
    """Copy the wheel's programs with the libraries beside them; return the new bin folder."""
    package = bin_folder.parent.parent
    target = SHARED / "programs" / str(int(bin_folder.stat().st_mtime))
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.is_dir() and not (target / source.name).exists():
            shutil.copytree(source, target / source.name, symlinks=True)
    return target / bin_folder.relative_to(package.parent)
