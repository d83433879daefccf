"""The title of a session: the beginning of what its user said first."""

from __future__ import annotations

from typing import Any

from apps.sessions.message_shapes import flat, with_role

Json = Any

# Kinds whose input can be a person's words.
SPOKEN = frozenset({"llm", "agent", "chain", "human", "event"})
LONGEST = 120
HOLDERS = ("messages", "input", "prompt", "query", "question", "text", "content")
USERS = frozenset({"user", "human"})


def title_in(kind: str, body: Json) -> str | None:
    """Return the first user input in an event's input, shortened; None when there is none."""
    if kind not in SPOKEN:
        return None
    text = _spoken(body)
    words = " ".join(text[: LONGEST * 8].split()) if text else ""
    if len(words) > LONGEST:
        return words[: LONGEST - 1].rstrip() + "…"
    return words or None


def _spoken(body: Json) -> str | None:
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        entries = (with_role(entry) for entry in flat(body))
        return next((text for entry in entries if (text := _of_message(entry))), None)
    if isinstance(body, dict):
        if "role" in body:
            return _of_message(body)
        held = (body[name] for name in HOLDERS if name in body)
        return next((text for value in held if (text := _spoken(value))), None)
    return None


def _of_message(entry: Json) -> str | None:
    if not isinstance(entry, dict) or entry.get("role", entry.get("type")) not in USERS:
        return None
    content = entry.get("content", entry.get("parts"))
    return content if isinstance(content, str) else _of_parts(content)


def _of_parts(parts: Json) -> str | None:
    if not isinstance(parts, list):
        return None
    for part in parts:
        if isinstance(part, str):
            return part
        if isinstance(part, dict):
            text = part.get("text", part.get("content"))
            if isinstance(text, str) and text.strip():
                return text
    return None
