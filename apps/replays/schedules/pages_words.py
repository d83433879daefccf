"""How schedules are spoken of on pages: times in their zone, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from django.utils import timezone

from apps.core.units import long_duration
from apps.replays.pages_words import Word
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.pages_words import word_of
from apps.replays.runs.settings import RunSettings
from apps.replays.schedules.models import Firing, FiringState, Schedule
from apps.replays.schedules.timing import Timing

SHOWN = 5
FIRST = ("name", "suite", "metric", "prompt", "model")
ORDER = {name: at for at, name in enumerate((*FIRST, *RunSettings.__struct_fields__, "script"))}
STATES = {
    FiringState.STARTING: Word("starting", "running", "circle-dashed", "its run is being started"),
    FiringState.FIRED: Word("started", "ok", "circle-check", "its run was started"),
    FiringState.SKIPPED: Word("left out", "unknown", "skip-forward", "it was left out on purpose"),
    FiringState.FAILED: Word("not started", "error", "octagon-x", "it could not be started"),
}
ON = Word("on", "ok", "clock", "it starts runs by the clock")
PAUSED = Word("paused", "warn", "pause", "nothing is due until somebody resumes it")
STOPPED = Word("paused itself", "error", "octagon-x", "it could not go on")


@dataclass(frozen=True, slots=True)
class ShownTime:
    """A due time: on the clocks of its zone, in UTC, and how far ahead."""

    at: datetime
    zone: str

    @property
    def local(self) -> datetime:
        return self.at.astimezone(ZoneInfo(self.zone))

    @property
    def clock(self) -> str:
        return self.local.strftime("%a %Y-%m-%d %H:%M")

    @property
    def zone_name(self) -> str:
        """The zone as clocks call it then: CET in winter, CEST in summer."""
        return self.local.strftime("%Z")

    @property
    def utc(self) -> str:
        is_other_day = self.local.date() != self.at.date()
        return self.at.strftime("%a %H:%M UTC" if is_other_day else "%H:%M UTC")

    @property
    def is_utc(self) -> bool:
        return self.local.utcoffset() == timedelta(0)

    @property
    def ahead(self) -> str:
        seconds = int((self.at - timezone.now()).total_seconds())
        return "now" if seconds < 1 else f"in {span(seconds)}"


def span(seconds: int) -> str:
    """Say how long in one unit up to an hour, then in two."""
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3_600 else long_duration(seconds)


def shown_times(timing: Timing, after: datetime) -> list[ShownTime]:
    return [ShownTime(moment, timing.zone) for moment in timing.next_times(after, SHOWN)]


@dataclass(frozen=True, slots=True)
class ShownFiring:
    """A time and what became of it, with how its run stands."""

    firing: Firing
    schedule: Schedule

    @property
    def due(self) -> ShownTime:
        return ShownTime(self.firing.due_at, self.schedule.time_zone)

    @property
    def word(self) -> Word:
        return STATES[FiringState(self.firing.state)]

    @property
    def run(self) -> RegressionRun | None:
        return self.firing.run

    @property
    def run_word(self) -> Word | None:
        return word_of(self.firing.run) if self.firing.run else None


@dataclass(frozen=True, slots=True)
class ShownSchedule:
    """A schedule as the list shows it."""

    schedule: Schedule

    @property
    def word(self) -> Word:
        return state_word(self.schedule)

    @property
    def next(self) -> ShownTime | None:
        moment = self.schedule.next_at
        return ShownTime(moment, self.schedule.time_zone) if moment else None

    @property
    def says(self) -> str:
        return self.schedule.timing.says()

    @property
    def last(self) -> ShownFiring | None:
        firing: Firing | None = getattr(self.schedule, "last_firing", None)
        return ShownFiring(firing, self.schedule) if firing else None


def state_word(schedule: Schedule) -> Word:
    if not schedule.is_paused:
        return ON
    return STOPPED if schedule.paused_because else PAUSED


def as_yaml(settings: Mapping[str, Any]) -> str:
    """Return the settings of runs as a gate file has them, in the order in which people read."""
    return yaml.safe_dump(_in_order(settings), sort_keys=False, allow_unicode=True, width=100)


def _in_order(told: Any) -> Any:
    if isinstance(told, list):
        return [_in_order(one) for one in told]
    if not isinstance(told, Mapping):
        return told
    names = sorted(told, key=lambda name: ORDER.get(name, len(ORDER)))
    return {name: _in_order(told[name]) for name in names}
