"""Finding imports that nobody works on, and files that nobody needs."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.core import jobs
from apps.ingest.imports import services
from apps.ingest.models import Import, ImportRefusal, ImportStatus

S = ImportStatus
# A message may wait behind other work; it is sent again only after this long.
TOLD_AGAIN = timedelta(seconds=60)
LOST_AGAIN = timedelta(seconds=3)
# An upload that brought nothing for so long has gone.
SILENT = timedelta(minutes=10)
AT_ONCE = 100


def sweep_imports(now: datetime) -> int:
    """Tell the workers of imports that are due, and delete what is over; return how many."""
    return _tell(now) + _discard_silent(now) + _delete_files(now)


def forget_refusals(now: datetime) -> int:
    """Delete what was refused long ago; the imports and their counts stay."""
    before = now - timedelta(days=settings.PLAYHEAD_INGEST_HISTORY_DAYS)
    return ImportRefusal.unscoped.filter(of_import__ended_at__lt=before).delete()[0]


def _tell(now: datetime) -> int:
    waits = Q(status=S.WAITING, touched_at__lt=now - TOLD_AGAIN)
    due = waits & (Q(not_before=None) | Q(not_before__lte=now))
    # Its run ended without a word: the worker was killed.
    lost = Q(status=S.RUNNING, leased_until__lt=now, touched_at__lt=now - LOST_AGAIN)
    found = Import.unscoped.filter(due | lost)
    ids = list(found.values_list("project_id", "pk")[:AT_ONCE])
    Import.unscoped.filter(pk__in=[pk for _, pk in ids]).update(touched_at=now)
    for project_id, pk in ids:
        jobs.send(services.RUN, project_id, str(pk))
    return len(ids)


def _discard_silent(now: datetime) -> int:
    found = Import.unscoped.filter(status=S.UPLOADING, touched_at__lt=now - SILENT)
    rows = list(found[:AT_ONCE])
    for row in rows:
        services.discard_upload(row)
    return len(rows)


def _delete_files(now: datetime) -> int:
    over = Q(status__in=(S.FAILED, S.CANCELLED), ended_at__lt=now - services.KEPT_FOR)
    rows = list(Import.unscoped.filter(over, deleted_at=None)[:AT_ONCE])
    for row in rows:
        _delete_file(row)
    return len(rows)


@transaction.atomic
def _delete_file(row: Import) -> None:
    row = row.locked()
    # Somebody may have gone on with it meanwhile.
    if row.is_resumable:
        services.delete_file(row)
        row.save()
