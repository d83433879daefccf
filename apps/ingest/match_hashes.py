"""Hashes by which a call is found again at a replay, made before anything of it is masked.

A sender that knows of them sends its own. The server makes them only for calls that
redaction is about to change: of the others they can be made from the record at any time.
"""

from __future__ import annotations

from playhead.matching import CANON, match_hashes

from apps.sessions.events import IncomingEvent

# Calls that leave the application, so that a replay answers them from the record.
BOUNDARY = frozenset("llm tool retriever embedding reranker guardrail memory http".split())


def add_match_hashes(event: IncomingEvent) -> None:
    """Note the hashes of what ``event`` asked, unless its sender sent them."""
    replay = event.replay or {}
    if event.kind not in BOUNDARY or event.input is None or "request_hash" in replay:
        return
    made = match_hashes(event.input, model=event.model, params=event.params, tools=event.tools)
    hashes = {"canon": CANON, "request_hash": made.request, "loose_hash": made.loose}
    event.replay = hashes | replay
