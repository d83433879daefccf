"""The only reader of the environment.

Values come from the process's environment, from files named by NAME_FILE (Docker
and systemd secrets), and last from ``env`` in the data folder, which
``manage.py up`` writes, so that a command typed beside a running ``up`` finds its
servers and secrets.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off"}


def data_folder() -> Path:
    """Return the folder in which ``up`` keeps its databases, keys and sockets' names."""
    return Path(os.environ.get("PLAYHEAD_DATA", BASE_DIR / "var")).absolute()


def _kept() -> dict[str, str]:
    path = data_folder() / "env"
    # Unreadable is as good as absent: another user's data folder is not ours to use.
    if not os.access(path, os.R_OK):
        return {}
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


KEPT = {} if os.environ.get("PLAYHEAD_IGNORE_DATA") else _kept()


def text(name: str, default: str | None = None) -> str:
    """Return NAME as text; without a default, its absence is an error that names it."""
    value = os.environ.get(name, KEPT.get(name, default))
    if value is None:
        raise ImproperlyConfigured(f"{name} is not set. `manage.py up` sets it on a laptop.")
    return value


def secret(name: str, default: str | None = None) -> str:
    """Return NAME, or the content of the file that NAME_FILE points at."""
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text().strip()
    return text(name, default)


def flag(name: str, *, default: bool) -> bool:
    """Return NAME as a truth value; a word that is neither yes nor no is an error."""
    value = text(name, "true" if default else "false").lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name}={value!r} is neither true nor false.")
    return value in TRUE


def number(name: str, default: int) -> int:
    """Return NAME as a whole number."""
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None


def words(name: str, default: str = "") -> list[str]:
    """Return NAME split at commas, without empty parts."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def database(url: str) -> dict[str, object]:
    """Return Django's database settings for ``postgresql://user:password@host:port/name?host=/socket``."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL must start with postgresql://")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(options.pop("port", parts.port or "")),
        "OPTIONS": options,
    }
