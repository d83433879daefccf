"""What becomes of cases when their session joins another one, or is erased.

Both are called by the record in its own transaction, with ids alone: that is why rows are
reached across projects here, each time with the project's id given.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from apps.replays.suite_models import Case, CaseRevision
from apps.replays.suite_sealing import EXPECTATIONS
from apps.sessions import reader


def move_cases(project_id: int, old: UUID, new: UUID) -> None:
    """Let cases follow their session, what is expected of them under its key.

    Where the suite holds the other session already, that one's case is the one.
    """
    cases = Case.unscoped.filter(project_id=project_id, session_id=old)
    if not cases.exists():
        return
    same = Case.unscoped.filter(project_id=project_id, session_id=new, suite=OuterRef("suite"))
    cases.filter(Exists(same.filter(event_id=OuterRef("event_id")))).delete()
    # Null is equal to nothing, so cases of the whole session are asked for apart.
    cases.filter(Exists(same.filter(event_id=None)), event_id=None).delete()
    ciphers = reader.ciphers_of(project_id, [old, new])
    revisions = list(_sealed(project_id, old))
    for revision in revisions:
        opened = ciphers[old].open(bytes(revision.sealed_expectations or b""), EXPECTATIONS)
        revision.sealed_expectations = ciphers[new].seal(opened, EXPECTATIONS)
    CaseRevision.unscoped.bulk_update(revisions, ["sealed_expectations"], batch_size=500)
    cases.update(session_id=new)


def forget_expectations(project_id: int, session_id: UUID) -> None:
    """Destroy what was expected of an erased session; that it was a case stays known."""
    _sealed(project_id, session_id).update(sealed_expectations=None)


def _sealed(project_id: int, session_id: UUID) -> QuerySet[CaseRevision]:
    return CaseRevision.unscoped.filter(
        project_id=project_id, case__session_id=session_id, sealed_expectations__isnull=False
    )
