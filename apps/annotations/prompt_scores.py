"""What was judged of the sessions in which a version of a prompt was used."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from apps.core.prepared import rows
from apps.sessions.prompt_metrics import FEWEST, Estimate, Z, share
from apps.tenants.models import Project

# Names of scores that are told of, those with the most scores.
MOST_NAMES = 3
SCORES = """
SELECT held.value, score.name, count(*)::bigint, count(score.truth)::bigint,
    count(*) FILTER (WHERE score.truth)::bigint, avg(score.number), stddev_samp(score.number)
FROM agent_sessions_sessionfacet AS held
JOIN annotations_score AS score
    ON score.project_id = held.project_id AND score.session_id = held.session_id
WHERE held.project_id = $1 AND held.facet = 'prompt' AND held.value = ANY($2::text[])
    AND held.started_at >= $3 AND score.label IS NULL
GROUP BY held.value, score.name
"""


def scores_of(
    project: Project, name: str, versions: Sequence[int], *, since: datetime
) -> tuple[list[str], dict[int, dict[str, Estimate]]]:
    """Return the names of the scores given most, and what each version got; one query.

    A session that used several versions counts for each of them.
    """
    stamps = {f"{name}@{number}": number for number in versions}
    found: dict[int, dict[str, Estimate]] = {}
    counts: dict[str, int] = {}
    for stamp, score, count, truths, true, average, spread in rows(
        SCORES, project.pk, list(stamps), since
    ):
        counts[score] = counts.get(score, 0) + count
        told = share(true, truths) if truths else number(count, average, spread)
        if told is not None:
            found.setdefault(stamps[stamp], {})[score] = told
    names = sorted(counts, key=lambda score: (-counts[score], score))[:MOST_NAMES]
    return names, found


def number(count: int, average: float | None, spread: float | None) -> Estimate | None:
    """Return a mean of scores with the normal interval; scores may be negative."""
    if average is None:
        return None
    if count < FEWEST or spread is None:
        return Estimate(average)
    half = Z * spread / math.sqrt(count)
    return Estimate(average, average - half, average + half)
