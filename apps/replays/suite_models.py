"""Suites: frozen sets of recorded sessions that candidates are run against.

A version is a number. A case is in version n where one of its revisions says so: ``since`` <= n,
and ``until`` null or above n. So a change writes the rows that change and no others, old
versions stay as they were, and two of them are compared by their rows.

Only ``suites``, ``suite_changes`` and ``suite_following`` write here. What is expected of a case
quotes its session, so it lies under the session's key and ends with it.
"""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.sessions.models import Session
from apps.tenants.models import Project, ProjectModel

LONGEST_NAME = 120
LONGEST_DESCRIPTION = 4_000
LONGEST_NOTE = 500
LONGEST_TAG = 64
MOST_TAGS = 20


class Suite(ProjectModel):
    """A named set of cases with an owner. Its newest version is what runs use by default."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="suites", db_index=False)
    name = models.CharField(max_length=LONGEST_NAME)
    description = models.TextField(blank=True)
    # Null: nobody, or the person is gone.
    owner = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # The number of the newest version; the first is made with the suite.
    latest = models.PositiveIntegerField(default=1)
    # The name that the person or key had then.
    created_by = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    # Since when no list shows it; its versions and what ran against them stay.
    archived_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[Suite]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("project"),
                Lower("name"),
                condition=Q(archived_at=None),
                name="suite_name_once",
            ),
            # What a row that names both must point at.
            models.UniqueConstraint(fields=["project", "id"], name="suite_of_project"),
        ]


class SuiteVersion(ProjectModel):
    """One frozen state of a suite: what it changed, who made it, and how its cases were chosen."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="suite_versions", db_index=False
    )
    suite = models.ForeignKey(
        Suite, models.CASCADE, db_constraint=False, db_index=False, related_name="versions"
    )
    number = models.PositiveIntegerField()
    note = models.CharField(max_length=LONGEST_NOTE, blank=True)
    # The filters and the sample that chose its cases, under the project's key: they hold words
    # that were searched for. Null: by hand.
    sealed_source = models.BinaryField(null=True)
    cases = models.PositiveIntegerField()
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    made_by = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)

    unscoped: ClassVar[models.Manager[SuiteVersion]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "suite", "number"], name="suite_version_once"
            )
        ]


class Case(ProjectModel):
    """A session in a suite, or one step of it, with how often its baseline has passed so far."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="cases", db_index=False)
    suite = models.ForeignKey(
        Suite, models.CASCADE, db_constraint=False, db_index=False, related_name="cases"
    )
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="cases"
    )
    # Null: the session as a whole.
    event_id = models.UUIDField(null=True)
    # Of baselines, over all runs: between one in ten and nine in ten the case is flaky.
    passes = models.PositiveIntegerField(default=0)
    samples = models.PositiveIntegerField(default=0)

    unscoped: ClassVar[models.Manager[Case]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "suite", "session", "event_id"],
                nulls_distinct=False,
                name="case_once",
            ),
            models.UniqueConstraint(fields=["project", "id"], name="case_of_project"),
        ]
        indexes = [models.Index(fields=["project", "session"], name="case_of_session")]


class CaseRevision(ProjectModel):
    """What a case is from one version to the next that changes it.

    ``until`` is set once; the database refuses any other change of what a version holds.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="case_revisions", db_index=False
    )
    case = models.ForeignKey(
        Case, models.CASCADE, db_constraint=False, db_index=False, related_name="revisions"
    )
    # The case's, again, because lists ask for it.
    suite = models.ForeignKey(
        Suite, models.CASCADE, db_constraint=False, db_index=False, related_name="revisions"
    )
    since = models.PositiveIntegerField()
    until = models.PositiveIntegerField(null=True)
    # Must pass every time: it fails a run by itself.
    is_pinned = models.BooleanField(default=False)
    tags = ArrayField(models.CharField(max_length=LONGEST_TAG), default=list)
    expected = models.PositiveSmallIntegerField(default=0)
    # Null: nothing is expected, or the session was erased.
    sealed_expectations = models.BinaryField(null=True)

    unscoped: ClassVar[models.Manager[CaseRevision]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "case", "since"], name="case_revision_once"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("since")), name="case_revision_lasts"
            ),
        ]
        indexes = [
            models.Index(fields=["project", "suite", "id"], name="case_revision_of_suite"),
        ]
