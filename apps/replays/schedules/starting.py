"""Starting the run of a schedule, by whomever it was asked for.

Choosing sessions and starting are two transactions: a new version of a suite holds the rows of
its sessions, for which recording waits, and a plan may take seconds.
"""

from __future__ import annotations

from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.starting import start_run
from apps.replays.schedules.choice import suite_of_now
from apps.replays.schedules.models import Schedule
from apps.replays.schedules.sealed import open_choice, open_settings
from apps.replays.schedules.settings import read_settings
from apps.replays.suite_models import Suite

ARCHIVED = "Its suite, {}, is archived. Take it out of the archive, or choose another one."

Place = tuple[Suite, int]


def place_of_now(schedule: Schedule, *, actor: Actor) -> Place:
    """Return the suite and version to run over, with the sessions of now where it chooses some.

    The caller holds the schedule. Raises DomainError where nothing is found, or it is archived.
    """
    choice = open_choice(schedule)
    if choice is not None:
        return suite_of_now(schedule, choice, actor=actor)
    suite = schedule.suite
    if suite is None:
        raise InvalidError("Its suite is gone. Choose another one.", "run.suite")
    if suite.archived_at is not None:
        raise InvalidError(ARCHIVED.format(suite.name), "run.suite")
    return suite, schedule.suite_version or suite.latest


def begin_run(schedule: Schedule, place: Place, *, actor: Actor) -> RegressionRun:
    """Start a run of what the schedule says, as labels and credentials are now.

    The caller holds the schedule. Raises DomainError saying why it cannot be started: a suite
    without cases, a prompt, label or credential that is gone, a budget that is too small.
    """
    settings = {"name": schedule.name, **open_settings(schedule)}
    run = start_run(
        schedule.project,
        read_settings(settings, *place),
        actor=actor,
        owner=schedule.owner,
    )
    run.schedule = schedule
    run.save(update_fields=["schedule"])
    return run
