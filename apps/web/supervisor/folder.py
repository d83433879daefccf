"""The data folder: secrets, the lock, and the short private folder for sockets."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from apps.web.embedded.errors import CannotRunError
from apps.web.embedded.postgres import APP, OWNER, SUPERUSER

HEADER = (
    "# Made by `manage.py up`. Keep it: without PLAYHEAD_MASTER_KEY nothing recorded can be read.\n"
)
ROLES = {
    SUPERUSER: "PLAYHEAD_POSTGRES_PASSWORD",
    OWNER: "PLAYHEAD_OWNER_PASSWORD",
    APP: "PLAYHEAD_APP_PASSWORD",
}


@dataclass
class DataFolder:
    """What ``up`` keeps between two starts."""

    path: Path

    def make(self) -> None:
        """Make the folder for its owner alone."""
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.path / "logs").mkdir(exist_ok=True)
        except OSError as error:
            raise CannotRunError(f"The data folder {self.path} cannot be made: {error}.") from None

    def lock(self) -> IO[str]:
        """Hold the folder for as long as the returned file is open."""
        holder = (self.path / "lock").open("a+")
        try:
            fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder.seek(0)
            raise CannotRunError(
                f"Playhead already runs on the data folder {self.path} (process "
                f"{holder.read().strip() or 'unknown'}). Stop it first, or name another folder "
                "with --data."
            ) from None
        holder.truncate(0)
        holder.write(str(os.getpid()))
        holder.flush()
        return holder

    def kept(self) -> dict[str, str]:
        """Return the values kept by earlier starts."""
        path = self.path / "env"
        lines = path.read_text().splitlines() if path.exists() else []
        return dict(line.split("=", 1) for line in lines if "=" in line and line[:1] != "#")

    def keep(self, values: dict[str, str]) -> None:
        """Write values so that they are there whole or not at all, for the owner's eyes only."""
        text = HEADER + "".join(f"{name}={value}\n" for name, value in sorted(values.items()))
        self.write_private("env", text)

    def write_private(self, name: str, text: str) -> None:
        """Replace a file of mode 0600."""
        draft = self.path / f"{name}.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        draft.replace(self.path / name)

    def secrets(self) -> dict[str, str]:
        """Return the secrets, making those that are missing."""
        values = self.kept()
        values.setdefault("PLAYHEAD_SECRET_KEY", secrets.token_urlsafe(48))
        values.setdefault("PLAYHEAD_MASTER_KEY", base64.b64encode(secrets.token_bytes(32)).decode())
        for name in ROLES.values():
            values.setdefault(name, secrets.token_urlsafe(24))
        return values

    def sockets(self) -> Path:
        """Return a private folder whose path is short enough for a socket's name.

        A socket's path holds at most 107 bytes, and data folders may lie deep.
        """
        mark = hashlib.sha256(os.fsencode(self.path.resolve())).hexdigest()[:12]
        path = Path(tempfile.gettempdir()) / f"playhead-{os.getuid()}-{mark}"
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.lstat()
        # Somebody else could have made it first, to read along.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise CannotRunError(f"{path} belongs to somebody else. Remove it and start again.")
        path.chmod(0o700)
        return path
