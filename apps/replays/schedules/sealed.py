"""What a schedule runs, and which sessions it chooses, under the key of its project."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from apps.core.canonical import canonical_json
from apps.replays.schedules.choice import Choice
from apps.replays.schedules.models import Schedule
from apps.sessions.keys import project_keys

Json = Any

SETTINGS = b"schedule settings"
CHOICE = b"schedule choice"


def seal_settings(project_id: int, settings: Json) -> bytes:
    return project_keys(project_id).seal_apart(canonical_json(settings), SETTINGS)


def open_settings(schedule: Schedule) -> dict[str, Json]:
    """Return the settings of its runs, without the suite."""
    keys = project_keys(schedule.project_id)
    settings: dict[str, Json] = orjson.loads(
        keys.open_apart(bytes(schedule.sealed_settings), SETTINGS)
    )
    return settings


def seal_choice(project_id: int, choice: Choice | None) -> bytes | None:
    if choice is None:
        return None
    told = canonical_json(msgspec.to_builtins(choice))
    return project_keys(project_id).seal_apart(told, CHOICE)


def open_choice(schedule: Schedule) -> Choice | None:
    if schedule.sealed_choice is None:
        return None
    keys = project_keys(schedule.project_id)
    told = keys.open_apart(bytes(schedule.sealed_choice), CHOICE)
    return msgspec.convert(orjson.loads(told), Choice)
