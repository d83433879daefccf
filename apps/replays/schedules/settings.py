"""What somebody wants scheduled: read from a body, checked against the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.utils import timezone
from msgspec import UNSET, Meta, UnsetType

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.replays.reports import refusal
from apps.replays.runs.gate_text import parsed
from apps.replays.runs.settings import RunSettings, read_run_settings
from apps.replays.runs.sides import resolve_sides
from apps.replays.schedules.choice import PATH, Choice, check_choice
from apps.replays.schedules.models import LONGEST_NAME, Missed, Schedule
from apps.replays.schedules.timing import Timing, read_timing
from apps.replays.server.settings import AT_HOME, Strict
from apps.replays.suite_models import Suite
from apps.replays.suite_queries import MOST_DIGITS
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

# Stands for the suite while settings are read that are to have none of their own.
NO_SUITE = "chosen when it is due"
WHAT = "Say what it runs over: name a suite in `run`, or choose `sessions`."
NOT_BOTH = "It runs over a suite or over sessions: leave `suite` out of `run`, or `sessions`."
FARTHEST = timedelta(days=3_652)
PAST = (
    "This moment has passed. Give one to come, or leave starts_at out: the schedule then begins "
    "with its next time."
)
SPENDS = (
    "A schedule spends while nobody looks: give each of its runs a budget in US dollars, as in "
    '"2.50". Without one it can only ask the providers recorded and scripted.'
)
OWNER = "A schedule needs an owner, who is told when it cannot run, and who may run replays here."


class Sent(Strict, kw_only=True, forbid_unknown_fields=True):
    """A schedule as it is sent. In a change, what is left out stays."""

    name: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    cron: str | UnsetType = UNSET
    time_zone: str | UnsetType = UNSET
    starts_at: datetime | UnsetType | None = UNSET
    # The body of a new run, or the text of a gate file.
    run: dict[str, Json] | UnsetType = UNSET
    gate: str | UnsetType = UNSET
    sessions: Choice | UnsetType | None = UNSET
    missed: Annotated[str, Meta(max_length=20)] | UnsetType = UNSET
    paused: bool | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Draft:
    """A schedule that can be kept: everything in it has been found good."""

    name: str
    owner: User
    timing: Timing
    starts_at: datetime | None
    # Of its runs, without the suite.
    settings: dict[str, Json]
    # None: chosen sessions.
    suite: Suite | None
    suite_version: int | None
    choice: Choice | None
    missed: Missed


@dataclass(frozen=True, slots=True)
class Known:
    """What a schedule is now; a new one has nothing."""

    schedule: Schedule | None = None
    settings: Mapping[str, Json] | None = None
    choice: Choice | None = None


def read_sent(body: Json) -> Sent:
    """Return a body as it was sent, or raise InvalidError naming the field."""
    try:
        return msgspec.convert(body, Sent)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None


def draft_of(project: Project, sent: Sent, known: Known, *, usual_owner: User | None) -> Draft:
    """Return what was sent, filled with what is known, or raise InvalidError naming the field."""
    schedule = known.schedule
    settings, named = _settings(sent, known)
    suite, version, choice = _over(project, sent, known, named)
    full = read_settings(settings, suite, version)
    check_settings(project, full)
    return Draft(
        name=_name(project, sent, schedule),
        owner=_owner(project, sent, schedule.owner if schedule else usual_owner),
        timing=_timing(sent, schedule),
        starts_at=_starts_at(sent, schedule),
        settings=settings,
        suite=suite,
        suite_version=version,
        choice=choice,
        missed=_missed(sent, schedule),
    )


def _settings(sent: Sent, known: Known) -> tuple[dict[str, Json], str | None]:
    """Return the settings of runs without the suite, and the suite that they named."""
    if sent.run is not UNSET and sent.gate is not UNSET:
        raise InvalidError("Send run or gate, not both.", "gate")
    if sent.gate is not UNSET:
        told = parsed(sent.gate)
    elif sent.run is not UNSET:
        told = dict(sent.run)
    elif known.settings is not None:
        return dict(known.settings), None
    else:
        raise InvalidError("Say what is run: the body of a new run.", "run")
    named = told.pop("suite", None)
    if not isinstance(named, str | None) or "\x00" in (named or ""):
        raise InvalidError("Expected the name or id of a suite.", "run.suite")
    return told, named


def _over(
    project: Project, sent: Sent, known: Known, named: str | None
) -> tuple[Suite | None, int | None, Choice | None]:
    """Return the suite and its version, or the choice of sessions, that it runs over."""
    chooses = isinstance(sent.sessions, Choice)
    if named and chooses:
        raise InvalidError(NOT_BOTH, PATH)
    if named:
        return *find_suite_named(project, named), None
    if isinstance(sent.sessions, Choice):
        return _own_suite(known), None, check_choice(project, sent.sessions)
    schedule = known.schedule
    if schedule is None or (sent.sessions is None and known.choice):
        raise InvalidError(WHAT, "run.suite")
    return schedule.suite, schedule.suite_version, known.choice


def _own_suite(known: Known) -> Suite | None:
    return known.schedule.suite if known.schedule and known.choice else None


def find_suite_named(project: Project, named: str) -> tuple[Suite, int | None]:
    """Return the suite that a text like ``refunds@3`` names, and the version that it fixes."""
    name, mark, number = named.rpartition("@")
    name = name if mark else named
    suites = project.suites.filter(archived_at=None)
    suite = suites.filter(pk=key).first() if (key := _id(name)) else None
    suite = suite or suites.filter(name__iexact=name.strip()).first()
    if suite is None:
        message = f"There is no suite {name[:64]}. Make it first, or take it out of the archive."
        raise InvalidError(message, "run.suite")
    if not mark:
        return suite, None
    is_number = number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS
    if not (is_number and 1 <= int(number) <= suite.latest):
        message = f"A version of {suite.name} is a number from 1 to {suite.latest}."
        raise InvalidError(message, "run.suite")
    return suite, int(number)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def read_settings(
    settings: Mapping[str, Json], suite: Suite | None, version: int | None
) -> RunSettings:
    """Return the settings of a run over a suite. Raises InvalidError naming ``run.*``."""
    named = NO_SUITE if suite is None else str(suite.pk)
    told = {**settings, "suite": f"{named}@{version}" if version else named}
    try:
        return read_run_settings(told)
    except InvalidError as error:
        raise within_run(error) from None


def check_settings(project: Project, settings: RunSettings) -> None:
    """Refuse what could not start today: prompts, labels or credentials that are not there."""
    try:
        resolve_sides(project, settings)
    except InvalidError as error:
        raise within_run(error) from None
    sides = [settings.baseline, *settings.candidates]
    asked = {settings.provider, *(one.provider for one in sides if one.provider)}
    if settings.budget is None and asked - set(AT_HOME):
        raise InvalidError(SPENDS, "run.budget")


def within_run(error: InvalidError) -> InvalidError:
    for row in error.errors:
        row["path"] = f"run.{row['path']}" if row["path"] else "run"
    return error


def _name(project: Project, sent: Sent, schedule: Schedule | None) -> str:
    if sent.name is UNSET:
        if schedule is None:
            raise InvalidError("Required.", "name")
        return schedule.name
    name = " ".join(sent.name.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        message = f"A name has 1 to {LONGEST_NAME} characters that can be seen."
        raise InvalidError(message, "name")
    same = project.schedules.filter(name__iexact=name)
    if schedule is not None:
        same = same.exclude(pk=schedule.pk)
    if same.exists():
        raise InvalidError("There is a schedule of this name.", "name")
    return name


def _owner(project: Project, sent: Sent, usual: User | None) -> User:
    if sent.owner is UNSET:
        if usual is None or not may_own(project, usual):
            raise InvalidError(OWNER, "owner")
        return usual
    named = people_who_may_see(project, needs=Permission.RUN_REPLAYS)
    email = sent.owner.strip().lower().replace("\x00", "")
    owner = named.filter(email=email).first()
    if owner is None:
        raise InvalidError("Nobody of this address may run replays in this project.", "owner")
    return owner


def may_own(project: Project, person: User, *, needs: Permission = Permission.RUN_REPLAYS) -> bool:
    return people_who_may_see(project, needs=needs).filter(pk=person.pk).exists()


def _timing(sent: Sent, schedule: Schedule | None) -> Timing:
    cron = schedule.cron if sent.cron is UNSET and schedule else sent.cron
    zone = schedule.time_zone if sent.time_zone is UNSET and schedule else sent.time_zone
    if cron is UNSET:
        raise InvalidError("Required.", "cron")
    return read_timing(cron, "UTC" if zone is UNSET else zone)


def _starts_at(sent: Sent, schedule: Schedule | None) -> datetime | None:
    if sent.starts_at is UNSET:
        return schedule.starts_at if schedule else None
    moment = sent.starts_at
    if moment is None:
        return None
    if moment.tzinfo is None:
        message = "Give the offset from UTC too, as in 2026-12-01T03:00:00+01:00."
        raise InvalidError(message, "starts_at")
    if schedule is not None and moment == schedule.starts_at:
        return moment
    return read_start(moment)


def read_start(moment: datetime) -> datetime:
    """Return a moment that is to come and not too far, or raise InvalidError."""
    now = timezone.now()
    if moment <= now:
        raise InvalidError(PAST, "starts_at")
    if moment > now + FARTHEST:
        raise InvalidError("starts_at is at most ten years ahead.", "starts_at")
    return moment.astimezone(UTC)


def _missed(sent: Sent, schedule: Schedule | None) -> Missed:
    if sent.missed is UNSET:
        return Missed(schedule.missed) if schedule else Missed.RUN_ONCE
    if sent.missed not in Missed.values:
        raise InvalidError(f"missed must be one of {', '.join(Missed.values)}.", "missed")
    return Missed(sent.missed)
