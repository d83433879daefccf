"""The page of one replay: its report in words, step by step, beside the original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.errors import InvalidError
from apps.core.value_diff import (
    ADDED,
    DELETED,
    INSERTED,
    REMOVED,
    REPLACED,
    SAME,
    Change,
    Piece,
    text_change,
)
from apps.replays.models import Replay
from apps.replays.pages_amounts import amounts_of, served_of
from apps.replays.pages_words import (
    ANSWERED,
    DETERMINISM,
    FREE,
    FREE_MEASURES,
    MATCHES,
    MEASURES,
    POLICIES,
    Measure,
    class_means,
    class_word,
    share,
)
from apps.replays.places import event_ids
from apps.replays.sealing import Body

Json = Any

# Divergences on one page, and what is shown of each at once.
DIVERGENCES = 20
DIFFERENCES = 12
NEAREST = 5
CONE = 40
MOST_TEXTS = 20
# Values of the surroundings and of what was overridden.
LONGEST_VALUE = 2_000
NOT_YET = "known once it has ended"
# How a report says which words stayed, went and came.
PIECES = {"=": SAME, "-": DELETED, "+": INSERTED}


@dataclass(frozen=True, slots=True)
class Number:
    """One of the four numbers, as it is shown."""

    measure: Measure
    value: float | None
    is_running: bool = False

    @property
    def text(self) -> str:
        return share(self.value)

    @property
    def means(self) -> str:
        if self.value is not None:
            return self.measure.means
        return NOT_YET if self.is_running else self.measure.unknown


@dataclass(frozen=True, slots=True)
class StepLink:
    """A step of one of the two sessions: its number in the report, and its id where it is here."""

    seq: int | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Near:
    """A recorded step that came near what was asked."""

    step: int | None
    alike: float | None
    says: str
    # In what it is not the same.
    differs: Sequence[str]

    @property
    def percent(self) -> str:
        return share(self.alike)


@dataclass(frozen=True, slots=True)
class Shown:
    """One divergence of a report."""

    number: int
    kind: str
    says: str
    name: str
    lane: str
    recorded: StepLink
    made: StepLink
    changes: Sequence[Change]
    changes_left: int
    nearest: Sequence[Near]
    # Steps that rest on it, and how many more.
    cone: Sequence[int]
    cone_left: int
    hints: Sequence[str]

    @property
    def word(self) -> str:
        return class_word(self.kind)

    @property
    def means(self) -> str:
        return class_means(self.kind)

    @property
    def is_plain(self) -> bool:
        """Whether there is nothing to say of it but that it is so."""
        return not (self.changes or self.nearest or self.cone or self.hints)


NOWHERE = (StepLink(), StepLink())


def numbers_of(replay: Replay, mode: str = "") -> list[Number]:
    """Return the four numbers; ``mode`` is that of a replay that the server runs."""
    running, measures = replay.is_running, FREE_MEASURES if mode in FREE else MEASURES
    return [Number(measure, getattr(replay, measure.name), running) for measure in measures]


def body_context(replay: Replay, body: Body, begins: str) -> dict[str, Any]:
    """Return what a report says, the divergences from one on."""
    report = body.report or {}
    count = len(divergences_of(report))
    first = read_first(begins, count)
    following = first + DIVERGENCES + 1
    return {
        "plan": plan_of(body.plan),
        "overrides": mapped(body.plan, "overrides"),
        "error": body.error,
        "report": body.report,
        "count": count,
        "first": first + 1,
        "last": min(first + DIVERGENCES, count),
        "shown": shown_divergences(replay, report, first),
        "previous_first": max(first - DIVERGENCES, 0) + 1 if first else None,
        "next_first": following if following <= count else None,
        "environment": changes_of(mapped(report, "environment")),
        "is_stopped": report.get("stopped") is True and not report.get("stop"),
        "stop": mapped(report, "stop"),
        "determinism": DETERMINISM.get(text(report, "determinism"), ""),
        "left_out": number(report, "left_out"),
        "notes": texts(report, "notes"),
        "matched": matched_of(mapped(report, "matched")),
        "soft": [_shown(at, one, *NOWHERE) for at, one in enumerate(soft_of(report), 1)],
        "amounts": amounts_of(replay, report),
        "served": served_of(mapped(report, "latency")),
    }


def read_first(text: str, count: int) -> int:
    """Return the divergence with which the page begins, from 0."""
    if not text:
        return 0
    is_number = len(text) <= 9 and text.isascii() and text.isdigit()
    if not is_number or not 1 <= int(text) <= max(count, 1):
        raise InvalidError(f"from must be a divergence from 1 to {count}.", "from")
    return int(text) - 1


def divergences_of(report: Mapping[str, Json]) -> list[dict[str, Json]]:
    found = report.get("divergences")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def soft_of(report: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return what may differ without the session being another."""
    return [one for one in listed(report, "soft")[:DIVERGENCES] if isinstance(one, dict)]


def shown_divergences(replay: Replay, report: Mapping[str, Json], first: int) -> list[Shown]:
    """Return the divergences of one page, their steps found in both sessions by two queries."""
    found = divergences_of(report)[first : first + DIVERGENCES]
    recorded: Mapping[str, UUID] = {}
    if replay.original is not None:
        recorded = event_ids(replay.original, [text(one, "event") for one in found])
    made = event_ids(replay.session, [text(one, "made") for one in found])
    return [
        _shown(
            first + at + 1,
            one,
            StepLink(number(one, "step"), recorded.get(text(one, "event"))),
            StepLink(None, made.get(text(one, "made"))),
        )
        for at, one in enumerate(found)
    ]


def _shown(at: int, one: Mapping[str, Json], recorded: StepLink, made: StepLink) -> Shown:
    differences, nearest, cone = (listed(one, name) for name in ("differences", "nearest", "cone"))
    return Shown(
        number=at,
        kind=text(one, "kind"),
        says=text(one, "says"),
        name=text(one, "name"),
        lane=text(one, "lane"),
        # A call that the record does not have stands after a step, and is none of its steps.
        recorded=StepLink() if text(one, "kind") == "extra" else recorded,
        made=made,
        changes=[change_of(each) for each in differences[:DIFFERENCES] if isinstance(each, dict)],
        changes_left=max(len(differences) - DIFFERENCES, 0),
        nearest=[near_of(each) for each in nearest[:NEAREST] if isinstance(each, dict)],
        cone=[step for step in cone[:CONE] if isinstance(step, int)],
        cone_left=max(len(cone) - CONE, 0),
        hints=texts(one, "hints"),
    )


def change_of(one: Mapping[str, Json]) -> Change:
    """Return one difference of a report: what was recorded, and what came now.

    A side that is left out has nothing at this place, which is another thing than null.
    """
    path, before, after = text(one, "path"), one.get("expected"), one.get("got")
    op = ADDED if "expected" not in one else REMOVED if "got" not in one else REPLACED
    if words := listed(one, "words"):
        return Change(path, REPLACED, before, after, [_piece(*word) for word in words])
    if op == REPLACED and isinstance(before, str) and isinstance(after, str):
        return text_change(before, after, path)
    return Change(path, op, before, after)


def _piece(how: str, words: str) -> Piece:
    # A report's words come without the spaces between them.
    return Piece(PIECES.get(how, SAME), f"{words} ")


def near_of(one: Mapping[str, Json]) -> Near:
    alike: Json = one.get("alike")
    return Near(
        number(one, "step"),
        float(alike) if isinstance(alike, int | float) else None,
        text(one, "says"),
        texts(one, "failed"),
    )


def text(one: Mapping[str, Json], name: str) -> str:
    value = one.get(name)
    return value if isinstance(value, str) else ""


def number(one: Mapping[str, Json], name: str) -> int | None:
    value = one.get(name)
    return value if isinstance(value, int) and value > 0 else None


def listed(one: Mapping[str, Json], name: str) -> list[Json]:
    value = one.get(name)
    return value if isinstance(value, list) else []


def texts(one: Mapping[str, Json], name: str) -> list[str]:
    return [value for value in listed(one, name)[:MOST_TEXTS] if isinstance(value, str)]


def mapped(one: Mapping[str, Json], name: str) -> dict[str, Json]:
    value = one.get(name)
    return value if isinstance(value, dict) else {}


def changes_of(environment: Mapping[str, Json]) -> list[tuple[str, Json, Json]]:
    """Return what is not as it was: its name, before, and now."""
    pairs = [(name, both) for name, both in environment.items() if isinstance(both, list)]
    return [(name, *both) for name, both in pairs if len(both) == 2]


def matched_of(matched: Mapping[str, Json]) -> list[tuple[str, Json]]:
    """Return how many calls were answered in which way, in words."""
    return [(ANSWERED.get(how, how), count) for how, count in matched.items() if count]


def plan_of(plan: Mapping[str, Json]) -> list[tuple[str, str, str]]:
    """Return what was planned: a title, what was chosen, and what that means."""
    match, policy = text(plan, "match"), text(plan, "on_divergence")
    rows = [
        ("Match", match, MATCHES.get(match, "")),
        ("On divergence", policy, POLICIES.get(policy, "")),
        ("May run for real", _names(plan, "allow_live"), ""),
        ("Stand-ins", _names(plan, "stubs"), ""),
        ("Forks at step", _plain(plan.get("fork_at")), ""),
        ("Recorded calls", _plain(plan.get("recorded_calls")), ""),
        ("Clock", _plain(plan.get("clock")), ""),
        ("Speed of streams", _plain(plan.get("stream_speed") or None), "1 is as recorded"),
        ("Client", _plain(plan.get("sdk")), ""),
        ("Python", _plain(plan.get("python")), ""),
        ("Commit", _plain(plan.get("git_sha")), ""),
        ("Lock file", _plain(plan.get("lock_hash")), ""),
    ]
    return [(title, said, means) for title, said, means in rows if said]


def _names(plan: Mapping[str, Json], name: str) -> str:
    return ", ".join(str(one) for one in listed(plan, name))[:LONGEST_VALUE]


def _plain(value: Json) -> str:
    return "" if value is None else str(value)[:LONGEST_VALUE]
