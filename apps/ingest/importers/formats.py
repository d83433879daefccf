"""The formats of files that can be imported."""

from __future__ import annotations

from dataclasses import dataclass

from apps.core.errors import InvalidError
from apps.ingest.importers.importer import Importer
from apps.ingest.importers.native_lines import NativeLines
from apps.ingest.importers.openai_chat import Chats


@dataclass(frozen=True, slots=True)
class Format:
    """One format: its name in the API, and what people are told of it."""

    name: str
    label: str
    # One sentence: what such a file holds, and where it comes from.
    help: str
    importer: type[Importer]


_ALL = (
    Format(
        "openai-chat",
        "OpenAI chats",
        "Lists of chat messages with role and content, or objects that hold one as messages.",
        Chats,
    ),
    Format(
        "playhead-jsonl",
        "Playhead events",
        "One event a line, in the shape that POST /api/v1/events takes.",
        NativeLines,
    ),
)
FORMATS = {one.name: one for one in _ALL}


def format_named(name: str) -> Format:
    """Return the format with this name, or refuse it, naming those that are known."""
    if name not in FORMATS:
        raise InvalidError(f"Must be one of {', '.join(FORMATS)}.", "format")
    return FORMATS[name]
