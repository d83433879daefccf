"""Which cases of a suite a run tries, in which order, and which of them count together."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.http import Http404

from apps.core.errors import InvalidError
from apps.replays import suite_queries
from apps.replays.runs.settings import RunSettings
from apps.replays.suite_models import CaseRevision, Suite
from apps.tenants.models import Project

TASK, USER, APART = "task", "user", ""
TASK_TAG = "task:"
# With fewer users nothing could be said of sessions that count together.
LEAST_USERS = 10
ERASED = "Its session was erased."


def find_suite(project: Project, settings: RunSettings) -> Suite:
    """Return the suite that is meant, by name or id. Raises InvalidError where there is none."""
    named = settings.suite_name
    suite = project.suites.filter(name__iexact=named, archived_at=None).first()
    if suite is None and (key := _uuid(named)) is not None:
        suite = project.suites.filter(pk=key).first()
    if suite is None:
        raise InvalidError(f"There is no suite {named[:128]}.", "suite")
    if suite.archived_at is not None:
        raise InvalidError("This suite is archived. Take it out of the archive first.", "suite")
    suite.project = project
    return suite


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def version_of(suite: Suite, settings: RunSettings) -> int:
    """Return the number of the version that is meant, the newest by default."""
    try:
        return suite_queries.find_version(suite, settings.suite_version).number
    except Http404:
        message = f"{suite.name} has no version {settings.suite_version}; {suite.latest} is newest."
        raise InvalidError(message, "suite") from None


def cases_of(suite: Suite, number: int, settings: RunSettings) -> list[CaseRevision]:
    """Return the cases that are tried, in an order that says nothing of them.

    Those of one task or user come one after the other. The same seed gives the same order.
    """
    rows = list(suite_queries.in_version(suite, number).select_related("case__session"))
    if not rows:
        message = f"{suite.name} has no cases in version {number}. Add sessions to it first."
        raise InvalidError(message, "suite")
    rows.sort(key=lambda row: row.case_id)
    groups: dict[str, list[CaseRevision]] = {}
    for row, cluster in zip(rows, clusters_of(rows, clustering(rows)), strict=True):
        groups.setdefault(cluster or str(row.case_id), []).append(row)
    order = list(groups.values())
    random.Random(settings.seed).shuffle(order)  # noqa: S311
    found = [row for group in order for row in group]
    return found[: settings.limit.cases] if settings.limit else found


def clustering(rows: Sequence[CaseRevision]) -> str:
    """Return what counts together: cases of one task where tags name some, else of one user."""
    if any(_task(row) for row in rows):
        return TASK
    users = Counter(row.case.session.user_ref for row in rows if row.case.session.user_ref)
    is_shared = any(count > 1 for count in users.values())
    return USER if is_shared and len(users) >= LEAST_USERS else APART


def clusters_of(rows: Sequence[CaseRevision], by: str) -> list[str | None]:
    """Return the cluster of each case; None: it stands by itself."""
    if by == TASK:
        return [_task(row) for row in rows]
    return [row.case.session.user_ref if by == USER else None for row in rows]


def _task(row: CaseRevision) -> str | None:
    return next((tag for tag in sorted(row.tags) if tag.startswith(TASK_TAG)), None)


def only_of(row: CaseRevision) -> list[str] | None:
    """Return the one call that a case is about; None where it is the session as a whole."""
    return None if row.case.event_id is None else [row.case.event_id.hex]
