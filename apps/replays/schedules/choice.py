"""Which sessions a schedule runs over: the last so many that filters find, when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.replays.schedules.models import Schedule
from apps.replays.server.settings import NO_NUL, Strict, Word
from apps.replays.suite_changes import MOST_CASES, Added, Change, change_cases
from apps.replays.suite_choosing import (
    Chosen,
    choose,
    filters_of_text,
    filters_of_view,
    record_search,
)
from apps.replays.suite_models import LONGEST_NAME, Suite
from apps.replays.suite_queries import in_version
from apps.replays.suite_sampling import LARGEST_SEED, Sample, read_sample
from apps.replays.suites import create_suite
from apps.sessions.filter_text import LONGEST as LONGEST_FILTER
from apps.sessions.filters import SessionFilters
from apps.tenants.models import Project

Json = Any

NEWEST, RANDOM, STRATIFIED = "newest", "random", "stratified"
TAKES = (NEWEST, RANDOM, STRATIFIED)
USUAL_STRATA = ["outcome"]
PATH = "sessions"


class Choice(Strict, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Sessions as the list finds them: by filters, by a shared view, or all of them.

    Times such as ``started>-7d`` are kept as they are written, and read when it is due.
    """

    last: Annotated[int, Meta(ge=1, le=MOST_CASES)]
    # One of these three at most: as typed into the list's box, its parameters, a shared view.
    filter: Annotated[str, Meta(max_length=LONGEST_FILTER, pattern=NO_NUL)] = ""
    filters: dict[Word, str] = {}
    view: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    take: str = NEWEST
    by: list[Word] = []
    seed: Annotated[int, Meta(ge=0, le=LARGEST_SEED)] = 1

    @property
    def sample(self) -> Sample | None:
        """How to draw, or None for the newest."""
        if self.take == NEWEST:
            return None
        strata = (self.by or USUAL_STRATA) if self.take == STRATIFIED else []
        return Sample(self.last, self.seed, tuple(strata))


def check_choice(project: Project, choice: Choice) -> Choice:
    """Return a choice that can be made, or raise InvalidError naming ``sessions.*``."""
    if sum(bool(one) for one in (choice.filter, choice.filters, choice.view)) > 1:
        raise InvalidError("Name one of filter, filters and view.", PATH)
    if choice.take not in TAKES:
        raise InvalidError(f"take must be one of {', '.join(TAKES)}.", f"{PATH}.take")
    if choice.by and choice.take != STRATIFIED:
        raise InvalidError("by goes with take: stratified.", f"{PATH}.by")
    if choice.sample is not None:
        read_sample(choice.sample, most=MOST_CASES)
    parameters_of(project, choice)
    return choice


def parameters_of(project: Project, choice: Choice) -> Mapping[str, str]:
    """Return the parameters of the session list that a choice stands for."""
    parameters = _told(project, choice)
    SessionFilters.from_query(dict(parameters), also=frozenset({"sort"}))
    return parameters


def _told(project: Project, choice: Choice) -> Mapping[str, str]:
    if choice.filter:
        return filters_of_text(choice.filter)
    if choice.view is None:
        return choice.filters
    # One that everybody sees, because others read and change the schedule.
    view = project.saved_views.filter(pk=choice.view, owner=None, deleted_at=None).first()
    if view is None:
        message = "The saved view is gone, or is not shared with the project. Choose another."
        raise InvalidError(message, f"{PATH}.view")
    return filters_of_view(view)


def searches(project: Project, choice: Choice) -> bool:
    """Tell whether a choice looks into what was said, which is for readers of content."""
    return bool(parameters_of(project, choice).get("q"))


def chosen_now(project: Project, choice: Choice) -> Chosen:
    return choose(project, parameters_of(project, choice), choice.sample, most=choice.last)


def suite_of_now(schedule: Schedule, choice: Choice, *, actor: Actor) -> tuple[Suite, int]:
    """Return the schedule's own suite, with the sessions of now as its newest version.

    Pinned cases stay whatever is chosen; what would be as it was makes no version. Raises
    InvalidError where nothing is found, ConflictError where the suite was archived.
    """
    project = schedule.project
    chosen = chosen_now(project, choice)
    record_search(project, chosen, actor)
    note = f"Chosen by the schedule {schedule.name}"
    if schedule.suite is None:
        change = Change(list(map(Added, chosen.sessions)), source=chosen.source, note=note)
        return _first(schedule, change, actor), 1
    suite = schedule.suite
    suite.project = project
    change = _next(suite, chosen, note)
    if not (change.add or change.remove):
        return suite, suite.latest
    return suite, change_cases(suite, change, actor=actor).number


def _first(schedule: Schedule, change: Change, actor: Actor) -> Suite:
    suite = create_suite(
        schedule.project,
        name=_free_name(schedule.project, f"Sessions of {schedule.name}"),
        description="Made by a schedule, and chosen anew each time that it is due.",
        owner=schedule.owner,
        change=change,
        actor=actor,
    )
    schedule.suite = suite
    schedule.save(update_fields=["suite"])
    return suite


def _free_name(project: Project, name: str) -> str:
    name = name[: LONGEST_NAME - 5]
    taken = project.suites.filter(name__istartswith=name, archived_at=None)
    names = {one.casefold() for one in taken.values_list("name", flat=True)}
    offered = [name, *(f"{name} {number}" for number in range(2, len(names) + 2))]
    return next(one for one in offered if one.casefold() not in names)


def _next(suite: Suite, chosen: Chosen, note: str) -> Change:
    wanted = set(chosen.sessions)
    held = in_version(suite, suite.latest).values_list("case_id", "case__session", "is_pinned")
    rows = list(held)
    there = {session for _, session, _ in rows}
    gone = [case for case, session, pinned in rows if session not in wanted and not pinned]
    added = [Added(session) for session in chosen.sessions if session not in there]
    return Change(added, remove=gone, source=chosen.source, note=note)


def as_json(choice: Choice) -> dict[str, Json]:
    told: dict[str, Json] = msgspec.to_builtins(choice)
    return {"take": choice.take, **told}
