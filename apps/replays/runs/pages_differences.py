"""What replays of changed cases answered otherwise than the record: texts word by word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.core.value_diff import Change
from apps.replays.models import Replay
from apps.replays.pages_detail import change_of, divergences_of, listed, number, text
from apps.replays.sealing import open_body
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.session_rows import TITLE
from apps.tenants.models import Project

Json = Any
# Of one case: steps that differ, and places of one step.
STEPS, PLACES = 3, 4


@dataclass(frozen=True, slots=True)
class DifferingStep:
    """One step that was answered otherwise."""

    step: int | None
    says: str
    changes: Sequence[Change]
    changes_left: int


@dataclass(frozen=True, slots=True)
class Differing:
    """The first steps of one replay that differ from the record."""

    replay: UUID
    # Of the record; empty where it has none.
    title: str
    steps: Sequence[DifferingStep]
    steps_left: int


def differing_of(project: Project, session_ids: Iterable[UUID | None]) -> dict[UUID, Differing]:
    """Return what differs in the replays that made these sessions, from two queries."""
    wanted = {key for key in session_ids if key is not None}
    if not wanted:
        return {}
    rows = project.replays.filter(session_id__in=wanted).select_related("original")
    replays: list[Replay] = list(rows)
    keys = {key for one in replays for key in (one.session_id, one.original_id) if key}
    ciphers = reader.ciphers_of(project.pk, keys)
    return {
        one.session_id: _differing(one, ciphers)
        for one in replays
        if one.session_id in ciphers and one.sealed
    }


def _differing(replay: Replay, ciphers: Mapping[UUID, SessionCipher]) -> Differing:
    report = open_body(replay, ciphers[replay.session_id]).report or {}
    found = divergences_of(report)
    steps = [_step(one) for one in found[:STEPS]]
    return Differing(replay.pk, _title(replay, ciphers), steps, max(0, len(found) - STEPS))


def _title(replay: Replay, ciphers: Mapping[UUID, SessionCipher]) -> str:
    original = replay.original
    if original is None or original.title is None or original.pk not in ciphers:
        return ""
    return ciphers[original.pk].open(bytes(original.title), TITLE).decode()


def _step(one: Mapping[str, Json]) -> DifferingStep:
    differences = [each for each in listed(one, "differences") if isinstance(each, dict)]
    return DifferingStep(
        number(one, "step"),
        text(one, "says"),
        [change_of(each) for each in differences[:PLACES]],
        max(0, len(differences) - PLACES),
    )
