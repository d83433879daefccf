"""How far a session can be replayed, from what its events recorded.

E0 can be viewed only; E1 has every call with its answer, in order; E2 the state at each step,
too; E3 lineage, environment, clock and randomness. The class is kept with the session's sums,
so no event is read to tell it; what is missing is counted in narrow columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playhead.tapes import BOUNDARY

from apps.sessions import sql
from apps.sessions.arrays import array
from apps.sessions.counting import REPORTED
from apps.sessions.rows import EventRow

if TYPE_CHECKING:
    from apps.sessions.models import Session

CONTENT, STATE, LINEAGE, ENVIRONMENT, CLOCK, RANDOMNESS = 1, 2, 4, 8, 16, 32
BY_KIND = {"env": ENVIRONMENT, "time": CLOCK, "random": RANDOMNESS}
SURROUNDINGS = ENVIRONMENT | CLOCK | RANDOMNESS
# The Playhead client, of which this is the first step, notes what the application reads of the
# clock: where there is no reading, there was none.
CLIENT_SEED = ("random", "seed")
# What a session's ``known`` counts of calls that leave the application.
CALLS, ANSWERS = "calls", "answers"
# Nothing is an answer of theirs, too: a tool that returns nothing, a memory that is written.
MAY_SAY_NOTHING = frozenset({"tool", "memory"})
CLASSES = ("E0", "E1", "E2", "E3")
MEANINGS = (
    "It can be viewed, not replayed.",
    "Every call is recorded with its answer, in order: it can be replayed.",
    "The state is recorded, too: any step can be restored without running what led to it.",
    "Lineage, environment, clock and chance are recorded, too: it replays exactly as it was.",
)


def features_of(row: EventRow, body: Mapping[str, Any]) -> int:
    """Return what one event recorded, as bits."""
    features = BY_KIND.get(row.kind, 0)
    if (row.kind, row.name) == CLIENT_SEED:
        features |= CLOCK
    if row.input_digest is not None or row.output_digest is not None:
        features |= CONTENT
    if "state" in body or "state_patch" in body:
        features |= STATE
    if "inputs" in body:
        features |= LINEAGE
    return features


def is_answered(row: EventRow) -> bool:
    """Tell whether a call is recorded so that a replay can find and answer it."""
    is_asked = row.input_digest is not None
    if row.output_digest is not None or row.status == "error":
        return is_asked or row.kind != "llm"
    if row.kind not in MAY_SAY_NOTHING or row.ended_at is None:
        return False
    return is_asked or (row.kind == "memory" and row.extra_digest is not None)


def fidelity_of(features: int, known: Mapping[str, int]) -> int:
    """Return 0 (to be viewed only) to 3 for a session's bits and what is known of its calls."""
    if not known.get(CALLS) or known.get(ANSWERS, 0) < known[CALLS]:
        return 0
    if not features & STATE:
        return 1
    whole = LINEAGE | SURROUNDINGS
    return 3 if features & whole == whole else 2


@dataclass(frozen=True, slots=True)
class Assessment:
    """How far a session can be replayed, and what it takes to come further."""

    name: str
    meaning: str
    # The class above, and in sentences what is missing for it; None and empty for E3.
    next: str | None
    missing: list[str]


def assess(session: Session) -> Assessment:
    """Return the session's class, and what is missing for the next; one query at most."""
    level = session.fidelity
    missing = (_missing_calls, _missing_state, _missing_surroundings)
    return Assessment(
        name=CLASSES[level],
        meaning=MEANINGS[level],
        next=CLASSES[level + 1] if level < 3 else None,
        missing=missing[level](session) if level < 3 else [],
    )


# In the words of ``is_answered``; a call that two layers report counts once.
UNANSWERED = """
SELECT kind, count(*),
    count(*) FILTER (WHERE NOT is_whole AND NOT is_told AND ended_at IS NULL),
    count(*) FILTER (WHERE NOT is_whole AND NOT is_told AND ended_at IS NOT NULL),
    count(*) FILTER (WHERE NOT is_whole AND is_told)
FROM agent_sessions_event e, LATERAL (
    SELECT output_digest IS NOT NULL OR status IS NOT DISTINCT FROM 'error' AS is_told
) t, LATERAL (
    SELECT CASE
        WHEN is_told THEN kind <> 'llm' OR input_digest IS NOT NULL
        ELSE ended_at IS NOT NULL AND kind = ANY($5::text[])
            AND (input_digest IS NOT NULL OR (kind = 'memory' AND extra_digest IS NOT NULL))
    END AS is_whole
) w
WHERE project_id = $1 AND session_id = $2 AND kind = ANY($3::text[])
    AND (is_counted OR kind <> ALL($4::text[]))
GROUP BY kind ORDER BY count(*) DESC, kind
"""
CALLED = {
    "llm": "calls of models",
    "tool": "calls of tools",
    "retriever": "retrievals",
    "embedding": "embeddings",
    "reranker": "rerankings",
    "guardrail": "guardrail checks",
    "memory": "uses of memory",
    "http": "HTTP requests",
}
NO_CALLS = (
    "No call of a model or a tool was recorded, only the steps around them: instrument the calls,"
    " or record with the Playhead client."
)
CAPTURE = (
    "Switch the capture of content on in the library that records them (docs/clients.md says"
    " how), or record with the Playhead client."
)
NO_STATE = (
    "No step says what the agent's state is: call playhead.set_state() or patch_state() where it"
    " changes, or send `state` or `state_patch` with events."
)
OF_SURROUNDINGS = {
    LINEAGE: (
        "No step says which outputs it was made from: pass inputs= to decorators, or send"
        " `inputs` with events."
    ),
    ENVIRONMENT: "No step says what the application ran with: the Playhead client records it.",
    CLOCK: "No reading of the clock was recorded: the Playhead client records them.",
    RANDOMNESS: "No seed of random numbers was recorded: the Playhead client records it.",
}


def _missing_calls(session: Session) -> list[str]:
    found = sql.rows(
        UNANSWERED,
        session.project_id,
        session.pk,
        array("text", sorted(BOUNDARY)),
        array("text", sorted(REPORTED)),
        array("text", sorted(MAY_SAY_NOTHING)),
    )
    if not found:
        return [NO_CALLS]
    told, content_is_off = [], False
    for kind, calls, running, mute, deaf in found:
        of = f"of {calls:,} {CALLED.get(kind, kind)}"
        content_is_off |= bool(mute or deaf)
        told += [f"{mute:,} {of} {_have(mute)} no output."] if mute else []
        told += [f"{deaf:,} {of} {_have(deaf)} no input."] if deaf else []
        told += [f"{running:,} {of} never ended."] if running else []
    return [*told, CAPTURE] if content_is_off else told


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _missing_state(session: Session) -> list[str]:
    return [NO_STATE]


def _missing_surroundings(session: Session) -> list[str]:
    return [words for bit, words in OF_SURROUNDINGS.items() if not session.features & bit]
