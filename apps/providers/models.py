"""Providers of models: credentials, what calls cost, what was answered, what may be spent."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import User
from apps.core.ids import uuid7
from apps.providers.choices import Dialect, Feature, Kind
from apps.tenants.models import Organization, Project, ProjectModel

NOTHING = Decimal(0)


class Credential(models.Model):
    """A provider that an organization, or one project of it, may ask, with its key.

    The key is sealed and write-only: nothing but a call to the provider opens it. Reached
    through ``credentials.of_project``, so there is no ``objects``.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(
        Organization, models.CASCADE, related_name="credentials", db_index=False
    )
    # Null: every project of the organization may use it.
    project = models.ForeignKey(Project, models.CASCADE, related_name="credentials", null=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    dialect = models.CharField(max_length=10, choices=Dialect.choices)
    base_url = models.CharField(max_length=500)
    sealed_key = models.BinaryField()
    # Empty for keys that are too short to show anything of them.
    last_four = models.CharField(max_length=4, blank=True)
    # What its models cannot do: such requests are skipped with the reason instead of sent.
    lacks = ArrayField(models.CharField(max_length=20, choices=Feature.choices), default=list)
    # Of the provider's own limits; null is not known, and then its 429s are obeyed alone.
    requests_per_minute = models.PositiveIntegerField(null=True)
    # Calls at a time, over all workers.
    concurrency = models.PositiveSmallIntegerField(default=8)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    rotated_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    tested_at = models.DateTimeField(null=True)
    # Null: never tested with this key. Empty: it worked.
    test_error = models.TextField(null=True)  # noqa: DJ001
    models_found = ArrayField(models.CharField(max_length=200), default=list)
    removed_at = models.DateTimeField(null=True)

    unscoped: ClassVar[models.Manager[Credential]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "project", "name"],
                condition=Q(removed_at=None),
                name="credential_name_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def place(self) -> str:
        """To which row its key is bound."""
        return f"{self.organization_id}:{self.project_id or ''}:{self.pk}"

    @property
    def may_be_shared(self) -> bool:
        return self.project_id is None


class PriceOverride(ProjectModel):
    """What a model costs this project from a moment on, in US dollars per million tokens."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="price_overrides")
    # Empty: whichever provider the model is asked at.
    provider = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=200)
    input = models.DecimalField(max_digits=16, decimal_places=6)
    output = models.DecimalField(max_digits=16, decimal_places=6)
    # Null: as other input.
    cache_read = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    cache_write = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    starts_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    unscoped: ClassVar[models.Manager[PriceOverride]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "provider", "model", "starts_at"], name="price_override_once"
            ),
            models.CheckConstraint(
                condition=Q(input__gte=0, output__gte=0), name="price_override_not_negative"
            ),
        ]


class CachedAnswer(ProjectModel):
    """What a model answered to exactly this request and sample; its content is sealed.

    ``about`` is the session that the request is from: the answer is sealed under that
    session's key and ends with it.
    """

    id = models.BigAutoField(primary_key=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="cached_answers")
    key = models.BinaryField(max_length=32)
    about = models.UUIDField(null=True)
    # The run that paid for it or was served it; while it is pinned it does not age for that run.
    run = models.UUIDField(null=True)
    is_pinned = models.BooleanField(default=False)
    sealed = models.BinaryField()
    made_at = models.DateTimeField()
    # From then on only its own run is served.
    expires_at = models.DateTimeField(db_index=True)

    unscoped: ClassVar[models.Manager[CachedAnswer]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["project", "key", "about", "run"],
                name="cached_answer_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["project", "about"], name="cached_answer_about"),
            models.Index(fields=["project", "run"], name="cached_answer_run"),
        ]


class Budget(ProjectModel):
    """How much money one piece of work may cost, in US dollars.

    Reserved before each call and settled after it, by single statements, so that workers at
    the same time cannot spend more than there is: what is reserved is the most that a call can
    cost.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(Project, models.CASCADE, related_name="budgets")
    # What it is for, as people read it.
    purpose = models.CharField(max_length=200)
    limit = models.DecimalField(max_digits=16, decimal_places=10)
    reserved = models.DecimalField(max_digits=16, decimal_places=10, default=NOTHING)
    spent = models.DecimalField(max_digits=16, decimal_places=10, default=NOTHING)
    # Reserved by calls of which nobody knows how they ended (their worker was killed): they
    # may have been paid, so they stay counted.
    uncertain = models.DecimalField(max_digits=16, decimal_places=10, default=NOTHING)
    created_at = models.DateTimeField(auto_now_add=True)

    unscoped: ClassVar[models.Manager[Budget]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "id"], name="budget_of_project"),
            models.CheckConstraint(
                condition=Q(reserved__gte=0, spent__gte=0, uncertain__gte=0, limit__gte=0),
                name="budget_not_negative",
            ),
        ]

    @property
    def left(self) -> Decimal:
        """What could still be reserved."""
        return self.limit - self.reserved - self.spent - self.uncertain


class Reservation(ProjectModel):
    """Money set aside for one call that is under way."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="budget_reservations", db_index=False
    )
    budget = models.ForeignKey(
        Budget, models.CASCADE, related_name="reservations", db_constraint=False
    )
    amount = models.DecimalField(max_digits=16, decimal_places=10)
    # No call takes longer; who made it was killed.
    expires_at = models.DateTimeField()
    # Counted as uncertain by now; a call that ends after all comes back from there.
    is_abandoned = models.BooleanField(default=False)

    unscoped: ClassVar[models.Manager[Reservation]] = models.Manager()
