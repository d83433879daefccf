"""Telling the owner of a schedule that it could not keep what it promises."""

from __future__ import annotations

from collections.abc import Iterable

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.replays.schedules.models import Schedule
from apps.tenants import inbox
from apps.tenants.access import people_who_may_see
from apps.tenants.inbox_models import InboxKind
from apps.tenants.permissions import Permission

PAGE = "replays:schedule"
# Of those who run the project, where the owner is gone.
MOST_TOLD = 20


def tell(schedule: Schedule, says: str) -> None:
    """Tell the owner; those who may change the project's settings where there is none."""
    matter = _matter(schedule, f"{schedule.name}: {says}")
    for person in _whom(schedule):
        inbox.tell_of(
            person, schedule.project, kind=InboxKind.SCHEDULE, actor=SYSTEM, matter=matter
        )


def settle(schedule: Schedule) -> None:
    """Mark what was told of a schedule as read: somebody has seen to it."""
    inbox.settle(schedule.project, kind=InboxKind.SCHEDULE, matter=_matter(schedule, ""))


def _matter(schedule: Schedule, text: str) -> inbox.Matter:
    return inbox.Matter(text=text, link=PAGE, ids=(str(schedule.pk),), needs=Permission.READ_META)


def _whom(schedule: Schedule) -> Iterable[User]:
    able = people_who_may_see(schedule.project, needs=Permission.READ_META)
    owner = schedule.owner
    if owner is not None and able.filter(pk=owner.pk).exists():
        return [owner]
    return people_who_may_see(schedule.project, needs=Permission.MANAGE_PROJECT)[:MOST_TOLD]
