"""Pictures and other files in messages: told by what they are and where, never fetched."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any

# Addresses that a person may follow.
ADDRESS = re.compile(r"https?://[^\s\"'<>]+\Z", re.IGNORECASE)
INLINE = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(;base64)?,")
SOURCES = ("url", "uri", "file_uri", "image_url", "file_url", "file_id", "data", "content")
KINDS = ("mime_type", "media_type", "mimeType", "modality", "format")


@dataclass(frozen=True)
class FilePart:
    """What is known of a file: its type, where it lies, how many bytes are in the record."""

    kind: str = ""
    url: str = ""
    size: int | None = None


def file_of(value: Json) -> FilePart:
    """Return what a part of a message says of a file, in whichever shape."""
    if not isinstance(value, Mapping):
        return FilePart()
    inner = [one for one in value.values() if isinstance(one, Mapping)]
    said = [value, *inner]
    kind = next((one[name] for one in said for name in KINDS if _is_text(one, name)), "")
    source = next((one[name] for one in said for name in SOURCES if _is_text(one, name)), "")
    if match := INLINE.match(source[:200]):
        return FilePart(kind or match[1] or "", size=_bytes(source[match.end() :]))
    if ADDRESS.match(source):
        return FilePart(kind, url=source)
    is_inside = any(_is_text(one, "data") for one in said)
    return FilePart(kind, size=_bytes(source) if is_inside else None)


def _is_text(value: Mapping[str, Json], name: str) -> bool:
    return isinstance(value.get(name), str) and bool(value[name])


def _bytes(base64: str) -> int:
    return len(base64) * 3 // 4
