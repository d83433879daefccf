"""Keeping the desk's prompt in the library, as any client does: nine versions, one step back."""

from __future__ import annotations

from typing import Any

from apps.web.demo.prompts import NAME, TEXTS
from apps.web.demo.saying import ask

NOTES = (
    "The first",
    "Kinder",
    "A limit for refunds",
    "In the customer's language",
    "Nothing about others' orders",
    "Manuals before advice",
    "Promise nothing",
    "Check twice and explain everything",
    "Shorter: three sentences",
)
# Where production stood, and why; None: back to where it stood before.
MOVES: tuple[tuple[int | None, str], ...] = (
    (7, ""),
    (8, "Customers ask how we know"),
    (None, "Customers are helped half as often since version 8"),
    (9, "Helps as often as 7, in fewer words"),
)


def keep_all(key: str) -> None:
    """Keep the prompt, once."""
    ask(key, "prompts/-/import", "POST", document(), once="demo-prompts")
    for number, (version, why) in enumerate(MOVES):
        place = {"rollback": True} if version is None else {"version": version}
        body = {"label": "production", "why": why} | place
        ask(key, f"prompts/{NAME}/labels", "POST", body, once=f"demo-label-{number}")


def document() -> dict[str, Any]:
    """Return the prompt as a file of the library."""
    versions = [
        {
            "version": number,
            "text": text,
            "note": note,
            "parameters": {"temperature": 0.2, "max_tokens": 1024},
        }
        for number, (text, note) in enumerate(zip(TEXTS, NOTES, strict=True), start=1)
    ]
    prompt = {
        "name": NAME,
        "description": "What the agent of the desk is told before every conversation.",
        "tags": ["support"],
        "versions": versions,
    }
    return {"format": "playhead-prompts", "version": 1, "prompts": [prompt]}
