"""The sessions of a comparison beside each other: what each took, and how much more or less."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from apps.sessions.compare import delta, session_deltas, tokens_of
from apps.sessions.compare_lines import Line
from apps.sessions.listing import short_id
from apps.sessions.models import Session

DATED = re.compile(r"(.+?)-(\d{4}-\d{2}-\d{2}|\d{8})")


@dataclass(frozen=True, slots=True)
class Delta:
    """A difference with its sign apart, so that its size can be written with its unit."""

    sign: str
    size: Any
    percent: int | None


@dataclass(frozen=True, slots=True)
class Column:
    """One session in the table at the head."""

    letter: str
    session: Session
    short_id: str
    title: str
    facets: Mapping[str, list[str]]
    tokens: int | None
    # By what it is more or less than A; empty for A.
    deltas: Mapping[str, Delta | None]
    counts: Mapping[str, int] | None = None
    first: Line | None = None
    # Where A and this one part, in the steps of both.
    url: str = ""

    def against(
        self, a: Session, counts: Mapping[str, int], first: Line | None, url: str
    ) -> Column:
        """Return the column with what it is more or less than A."""
        deltas = deltas_of(a, self.session)
        return replace(self, deltas=deltas, counts=counts, first=first, url=url)


def plain_column(
    letter: str, session: Session, title: str, facets: Mapping[str, list[str]]
) -> Column:
    return Column(letter, session, short_id(session), title, facets, tokens_of(session), {})


def facets_shown(facets: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what a session's events carry, each model and prompt under one name."""
    return dict(facets) | {
        "model": [model for model in facets.get("model", []) if not _is_dated(model, facets)],
        "prompt": with_versions(facets.get("prompt", [])),
    }


def with_versions(prompts: Sequence[str]) -> list[str]:
    """Leave out the plain name of a prompt whose version is known."""
    versioned = {prompt.rpartition("@")[0] for prompt in prompts}
    return [prompt for prompt in prompts if prompt not in versioned]


def _is_dated(model: str, facets: Mapping[str, list[str]]) -> bool:
    """Tell whether this is the dated name that a model answered by, besides the one asked for."""
    dated = DATED.fullmatch(model)
    return dated is not None and dated[1] in facets["model"]


def deltas_of(a: Session, b: Session) -> dict[str, Delta | None]:
    """Return what a session took more or less than A, and the same in percent."""
    before = {"duration_ms": a.duration_ms, "tokens": tokens_of(a), "cost": a.cost}
    changes = session_deltas(a, b) | {"cost": delta(a.cost, b.cost)}
    return {name: _delta(change, before.get(name)) for name, change in changes.items()}


def _delta(change: float | Decimal | None, before: float | Decimal | None) -> Delta | None:
    if change is None:
        return None
    sign = "+" if change > 0 else "−" if change < 0 else "±"
    percent = round(float(change) * 100 / float(before)) if before else None
    return Delta(sign, abs(change), None if percent is None else abs(percent))
