"""What an application ran with: the interpreter, packages, and the variables that it names."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Json = Any

# Their values are never recorded, only whether they are the same.
SECRET = re.compile(r"key|token|secret|passw|credential|auth|cookie|private|dsn|session", re.I)
# A value that carries a password in an address.
WITH_PASSWORD = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
# What a package is installed as: its name, in which "-" is "_", and its version.
FOLDER = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(?:-[^/]*)?\.(?:dist|egg)-info")

# Packages whose versions are recorded by name; of all others a hash tells whether one changed.
NAMED = re.compile(
    r"(openai|anthropic|google-genai|mistralai|litellm|lang|llama|pydantic|crewai|autogen|agents"
    r"|mcp|httpx|requests|tiktoken|playhead)",
    re.I,
)

COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@functools.cache
def installed() -> Mapping[str, str]:
    """Return all packages that are installed, and their versions.

    Both are said by the names of their folders (PyPA's specification of recorded projects).
    Reading what each says of itself would hold up the first session by a tenth of a second.
    """
    versions: dict[str, str] = {}
    for name in (name for folder in dict.fromkeys(sys.path) for name in _names_in(folder)):
        if found := FOLDER.fullmatch(name):
            versions.setdefault(found["name"].replace("_", "-"), found["version"])
    return versions


def _names_in(folder: str) -> list[str]:
    try:
        return [one.name for one in Path(folder).iterdir()] if folder else []
    except OSError:
        # A zip, or nothing that is there or may be read.
        return []


@functools.cache
def packages() -> dict[str, str]:
    """Return the versions of packages that agents are made of, and a hash of all others."""
    versions = installed()
    named = {name: version for name, version in versions.items() if NAMED.match(name)}
    others = sorted(f"{name}={version}" for name, version in versions.items() if name not in named)
    digest = hashlib.sha256("\n".join(others).encode()).hexdigest()[:16]
    return dict(sorted(named.items())) | {"(others)": f"sha256:{digest}"}


@functools.cache
def lock_hash() -> str:
    """Return a hash of all packages that are installed, with their versions."""
    lines = sorted(f"{name}=={version}" for name, version in installed().items())
    return "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()


def git_sha(folder: Path | None = None) -> str | None:
    """Return the commit that is checked out around a folder; None where that is not known."""
    try:
        start = (folder or Path.cwd()).resolve()
        root = next((one for one in (start, *start.parents) if (one / ".git").exists()), None)
        found = None if root is None else _commit(_repository_of(root))
    except (OSError, ValueError):
        return None
    return found if found and COMMIT.fullmatch(found) else None


def _repository_of(root: Path) -> Path:
    git = root / ".git"
    # A second tree of a repository says in a file where that is.
    return git if git.is_dir() else root / git.read_text().removeprefix("gitdir:").strip()


def _commit(git: Path) -> str | None:
    head = (git / "HEAD").read_text().strip()
    branch = head.removeprefix("ref: ")
    if branch == head:
        return head
    shared = git / "commondir"
    common = git / shared.read_text().strip() if shared.exists() else git
    if (common / branch).exists():
        return (common / branch).read_text().strip()
    packed = (common / "packed-refs").read_text().splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {branch}")), None)


def environment_now(variables: Iterable[str] = ()) -> dict[str, Json]:
    """Return the surroundings of this process; of variables those that are named."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "packages": packages(),
        "variables": {name: shown(name, os.environ.get(name)) for name in variables},
    }


def shown(name: str, value: str | None) -> Json:
    """Return a variable's value, or of a secret one a hash that tells only whether it changed."""
    if value is None or not (SECRET.search(name) or WITH_PASSWORD.search(value)):
        return value
    return "sha256:" + hashlib.sha256(f"{name}={value}".encode()).hexdigest()[:16]


def changes(before: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, tuple[Json, Json]]:
    """Return what is not as it was: dotted name to (before, now)."""
    found: dict[str, tuple[Json, Json]] = {}
    for part in ("python", "system"):
        if before.get(part) != now.get(part):
            found[part] = (before.get(part), now.get(part))
    for part in ("packages", "variables"):
        old, new = before.get(part) or {}, now.get(part) or {}
        for name in sorted(old.keys() | new.keys()):
            if old.get(name) != new.get(name):
                found[f"{part}.{name}"] = (old.get(name), new.get(name))
    return found
