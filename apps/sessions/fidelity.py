"""How far a session can be replayed, from what its events recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.sessions.rows import EventRow

CONTENT, STATE, LINEAGE, ENVIRONMENT, CLOCK, RANDOMNESS = 1, 2, 4, 8, 16, 32
BY_KIND = {"env": ENVIRONMENT, "time": CLOCK, "random": RANDOMNESS}
SURROUNDINGS = ENVIRONMENT | CLOCK | RANDOMNESS


def features_of(row: EventRow, body: Mapping[str, Any]) -> int:
    """Return what one event recorded, as bits."""
    features = BY_KIND.get(row.kind, 0)
    if row.input_digest is not None or row.output_digest is not None:
        features |= CONTENT
    if "state" in body or "state_patch" in body:
        features |= STATE
    if "inputs" in body:
        features |= LINEAGE
    return features


def fidelity_of(features: int) -> int:
    """Return 0 (to be viewed only) to 3 (with lineage and surroundings) for a session's bits."""
    if not features & CONTENT:
        return 0
    if not features & STATE:
        return 1
    whole = LINEAGE | SURROUNDINGS
    return 3 if features & whole == whole else 2
