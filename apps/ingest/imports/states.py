"""How an import moves from one status to the next."""

from __future__ import annotations

from apps.core.errors import ConflictError
from apps.ingest.import_models import Import, ImportStatus

S = ImportStatus
WAYS: dict[str, frozenset[str]] = {
    S.UPLOADING: frozenset({S.WAITING}),
    S.WAITING: frozenset({S.RUNNING, S.CANCELLED, S.FAILED}),
    # Back to waiting: its turn is over, or a quota is used up.
    S.RUNNING: frozenset({S.RUNNING, S.WAITING, S.DONE, S.FAILED, S.CANCELLED}),
    S.FAILED: frozenset({S.WAITING}),
    S.CANCELLED: frozenset({S.WAITING}),
    S.DONE: frozenset(),
}


def move(row: Import, to: ImportStatus, *, reason: str = "") -> None:
    """Change the status of a row that the caller holds and will save."""
    if to not in WAYS[row.status]:
        raise ConflictError(f"The import is {row.status}, so it cannot become {to}.")
    row.status = to
    row.reason = reason[:300]
    if to != S.RUNNING:
        row.lease = row.leased_until = None
