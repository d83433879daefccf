"""What the instrumentation libraries of a request say about calls, and what they leave out.

Most libraries send no content unless they are told to, and nothing in an answer can say so.
What each one says is counted here while its events are read: before anything is masked, so
that a policy of this server is not taken for a setting of the sender.
"""

from __future__ import annotations

from typing import Any

import msgspec

from apps.ingest.text import clean_text
from apps.sessions.events import IncomingEvent

# A sender may name any number of libraries; those beyond this are counted together.
MAX_LIBRARIES = 50
OTHERS = ("(others)", "")
NAME_LENGTH, VERSION_LENGTH = 120, 60
# What stands where a library was told to hide something.
HIDDEN: tuple[Any, ...] = ("", "__REDACTED__", [], {})


class Said(msgspec.Struct):
    """How many events one library sent, and in how many of them it said what."""

    events: int = 0
    llm: int = 0
    tool: int = 0
    agent: int = 0
    # Calls of models by what they say, and tools with their input or output.
    llm_content: int = 0
    llm_usage: int = 0
    llm_model: int = 0
    tool_content: int = 0
    with_session: int = 0
    with_user: int = 0


FIELDS = Said.__struct_fields__


class Libraries:
    """The libraries of one request. An empty name stands for the client itself."""

    def __init__(self) -> None:
        self.said: dict[tuple[str, str], Said] = {}

    def count(self, event: IncomingEvent, library: tuple[str, str], *, is_log: bool) -> None:
        """Count what an event of ``library`` says; of a log record only the content.

        A log record tells of a call that its span tells of too.
        """
        said = self.said.get(library) or self._made(library)
        if not is_log:
            _count_event(said, event)
        if event.kind in ("llm", "tool") and _has_content(event):
            if event.kind == "llm":
                said.llm_content += 1
            else:
                said.tool_content += 1

    def _made(self, library: tuple[str, str]) -> Said:
        if len(self.said) >= MAX_LIBRARIES:
            library = OTHERS
        return self.said.setdefault(library, Said())

    def rows(self, client: tuple[str, str]) -> list[tuple[Any, ...]]:
        """Return name, version and counts of each, in an order that is always the same."""
        found: dict[tuple[str, str], list[int]] = {}
        for library, said in self.said.items():
            name, version = library if library[0] else client
            key = _fit(name, NAME_LENGTH), _fit(version, VERSION_LENGTH)
            counts = found.get(key, [0] * len(FIELDS))
            found[key] = [a + b for a, b in zip(counts, msgspec.structs.astuple(said), strict=True)]
        return [(*key, *counts) for key, counts in sorted(found.items())]


def _count_event(said: Said, event: IncomingEvent) -> None:
    kind = event.kind
    said.events += 1
    said.with_session += event.session is not None
    said.with_user += event.user is not None
    if kind == "llm":
        said.llm += 1
        said.llm_usage += event.usage is not None
        said.llm_model += event.model is not None
    elif kind == "tool":
        said.tool += 1
    elif kind == "agent":
        said.agent += 1


def _has_content(event: IncomingEvent) -> bool:
    return _is_said(event.input) or _is_said(event.output)


def _is_said(value: Any) -> bool:
    return value is not None and value not in HIDDEN


def _fit(text: str, length: int) -> str:
    return clean_text(text)[:length]
