"""Reading suites: lists, the cases of a version, and how two versions differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import Http404

from apps.core.errors import InvalidError
from apps.core.paging import Page, decode_cursor, decode_position, encode_cursor
from apps.replays.suite_models import CaseRevision, Suite, SuiteVersion
from apps.tenants.models import Project

NOT_OURS = "This cursor is not one that Playhead gave out."
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class CaseFilters:
    """Which cases of a version are asked for; empty asks for all."""

    tag: str = ""
    pinned: bool | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.tag) or self.pinned is not None


def read_case_filters(query: Mapping[str, str]) -> CaseFilters:
    """Read filters of cases from a query string; who reads it has refused other names."""
    tag, pinned = query.get("tag", ""), query.get("pinned", "")
    if len(tag) > 64 or "\x00" in tag:
        raise InvalidError("tag has at most 64 characters, without NUL.", "tag")
    if pinned not in ("", "true", "false"):
        raise InvalidError("pinned must be true or false.", "pinned")
    return CaseFilters(tag, None if not pinned else pinned == "true")


def suite_page(project: Project, *, archived: bool, cursor: str | None, limit: int) -> Page[Suite]:
    """Return suites, the newest first, each with its newest version as ``newest_*``."""
    rows = project.suites.filter(archived_at__isnull=not archived).order_by("-id")
    if cursor is not None:
        rows = rows.filter(id__lt=_read_id(cursor))
    newest = project.suite_versions.filter(suite=OuterRef("pk"), number=OuterRef("latest"))
    rows = rows.select_related("owner").annotate(
        newest_cases=Subquery(newest.values("cases")[:1]),
        newest_made_at=Subquery(newest.values("made_at")[:1]),
        newest_made_by=Subquery(newest.values("made_by")[:1]),
    )
    found: list[Suite] = [*rows[: limit + 1]]
    more = encode_cursor(str(found[limit - 1].pk)) if len(found) > limit else None
    return Page(found[:limit], next=more)


def _read_id(cursor: str) -> UUID:
    [text] = decode_cursor(cursor, 1)
    try:
        return UUID(text)
    except (TypeError, ValueError, AttributeError):
        raise InvalidError(NOT_OURS, "cursor") from None


def find_suite(project: Project, suite_id: UUID) -> Suite:
    """Return a suite of the project, archived or not, or raise Http404."""
    suite = project.suites.select_related("owner").filter(pk=suite_id).first()
    if suite is None:
        raise Http404
    suite.project = project
    return suite


def find_version(suite: Suite, number: int | None) -> SuiteVersion:
    """Return a version by its number, the newest for None, or raise Http404."""
    version = suite.versions.filter(number=number or suite.latest).first()
    if version is None:
        raise Http404
    return version


def read_number(text: str | None, name: str) -> int | None:
    """Return the number of a version as a query names it."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text)):
        raise InvalidError(f"{name} must be the number of a version.", name)
    return int(text)


def version_page(suite: Suite, *, cursor: str | None, limit: int) -> Page[SuiteVersion]:
    """Return the versions of a suite, the newest first."""
    rows = suite.versions.order_by("-number")
    if cursor is not None:
        rows = rows.filter(number__lt=min(decode_position(cursor), 2**31 - 1))
    found = list(rows[: limit + 1])
    more = encode_cursor(found[limit - 1].number) if len(found) > limit else None
    return Page(found[:limit], next=more)


def in_version(suite: Suite, number: int) -> QuerySet[CaseRevision]:
    """Return what the cases of one version are in it."""
    lasts = Q(until=None) | Q(until__gt=number)
    return suite.revisions.filter(lasts, project_id=suite.project_id, since__lte=number)


def case_page(
    suite: Suite, number: int, filters: CaseFilters, *, cursor: str | None, limit: int
) -> Page[CaseRevision]:
    """Return cases of a version in the order in which they came into the suite."""
    rows = in_version(suite, number).select_related("case__session").order_by("case_id")
    if filters.tag:
        rows = rows.filter(tags__contains=[filters.tag])
    if filters.pinned is not None:
        rows = rows.filter(is_pinned=filters.pinned)
    if cursor is not None:
        rows = rows.filter(case_id__gt=_read_id(cursor))
    found = list(rows[: limit + 1])
    more = encode_cursor(str(found[limit - 1].case.pk)) if len(found) > limit else None
    return Page(found[:limit], next=more)


def find_case(suite: Suite, case_id: UUID, number: int | None = None) -> CaseRevision:
    """Return a case as it is in a version, the newest for None, or raise Http404."""
    rows = in_version(suite, number or suite.latest).select_related("case__session")
    row = rows.filter(case_id=case_id).first()
    if row is None:
        raise Http404
    return row


@dataclass(frozen=True, slots=True)
class VersionDiff:
    """How two versions of a suite differ, in rows of the later and the earlier one."""

    added: list[CaseRevision]
    removed: list[CaseRevision]
    # (before, after)
    changed: list[tuple[CaseRevision, CaseRevision]]
    unchanged: int


def diff_versions(suite: Suite, before: int, after: int) -> VersionDiff:
    """Compare two versions: a row that is in both has not changed."""
    sides = [
        {row.case.pk: row for row in in_version(suite, number).select_related("case__session")}
        for number in (before, after)
    ]
    old, new = sides
    both = [(old[case], new[case]) for case in old if case in new]
    changed = [pair for pair in both if pair[0].pk != pair[1].pk]
    return VersionDiff(
        added=[new[case] for case in sorted(new) if case not in old],
        removed=[old[case] for case in sorted(old) if case not in new],
        changed=changed,
        unchanged=len(both) - len(changed),
    )


@dataclass(frozen=True, slots=True)
class CaseCounts:
    """How many cases of a version are what."""

    all: int
    pinned: int
    expecting: int
    erased: int
    tagged: int


def count_cases(suite: Suite, number: int) -> CaseCounts:
    told = in_version(suite, number).aggregate(
        all=Count("pk"),
        pinned=Count("pk", filter=Q(is_pinned=True)),
        expecting=Count("pk", filter=Q(expected__gt=0)),
        erased=Count("pk", filter=Q(case__session__erased_at__isnull=False)),
        tagged=Count("pk", filter=~Q(tags=[])),
    )
    return CaseCounts(**told)


def tags_of(suite: Suite, number: int) -> list[str]:
    """Return the tags that cases of a version have."""
    rows = in_version(suite, number).exclude(tags=[]).values_list("tags", flat=True)
    return sorted({tag for tags in rows for tag in tags})


def suites_with(project: Project, session_ids: Sequence[UUID]) -> list[Suite]:
    """Return the suites whose newest version has a case of one of these sessions."""
    cases = project.cases.filter(session_id__in=session_ids, revisions__until=None)
    return list(project.suites.filter(pk__in=cases.values("suite_id"), archived_at=None))
