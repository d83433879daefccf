"""Organizations, their projects, and who may do what in them."""

from __future__ import annotations

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.tenants.permissions import Role, Scope

slug_is_plain = RegexValidator(
    r"^[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?$",
    "Use lower-case letters, digits and hyphens, at most 62, with a letter or digit at both ends.",
)


class Organization(models.Model):
    """The tenant: a company or team."""

    slug = models.CharField(max_length=62, unique=True, validators=[slug_is_plain])
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class PresentProjects(models.Manager["Project"]):
    """Projects that have not been removed: what every door and list is about."""

    def get_queryset(self) -> models.QuerySet[Project]:
        return super().get_queryset().filter(removed_at=None)


class Project(models.Model):
    """One application's recorded data. The boundary of isolation."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="projects")
    slug = models.CharField(max_length=62, validators=[slug_is_plain])
    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(auto_now_add=True)
    # Made-up sessions, marked as such wherever the project is shown.
    is_demo = models.BooleanField(default=False)
    # Whether sessions may be shown to people without an account, by share links.
    allows_links = models.BooleanField(default=True)
    # Since when nobody sees it; its sessions are erased from then on, and the row stays.
    removed_at = models.DateTimeField(null=True, blank=True)

    # The first is what relations of an organization go through.
    objects: ClassVar[PresentProjects] = PresentProjects()
    everything: ClassVar[models.Manager[Project]] = models.Manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "slug"], name="project_slug_unique"),
            # What a row that names both must point at.
            models.UniqueConstraint(fields=["organization", "id"], name="project_of_organization"),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectModel(models.Model):
    """Base of everything a project owns.

    There is no ``objects`` on purpose: rows are reached through the project
    (``project.keys.filter(...)``). Code that must cross projects says so by writing
    ``unscoped``, which a test keeps to a short list of files.
    """

    project_id: int
    unscoped: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True

    def locked(self) -> Self:
        """Read this row again, holding it until the transaction ends."""
        return type(self).unscoped.select_for_update(of=("self",)).get(pk=self.pk)


class Membership(models.Model):
    """A person's role in an organization, or in one of its projects where that differs."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    # Null: the role holds in every project that has no membership of its own for this person.
    project = models.ForeignKey(
        Project, models.CASCADE, related_name="memberships", null=True, blank=True
    )
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user", "project"],
                name="membership_once",
                nulls_distinct=False,
            )
        ]


class ApiKey(ProjectModel):
    """A credential of one project. The key itself is shown once and never stored."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="keys")
    name = models.CharField(max_length=120)
    # HMAC-SHA256 under the pepper; the secret is uniform, so no slow hash is needed.
    digest = models.BinaryField(max_length=32, unique=True)
    prefix = models.CharField(max_length=16)
    last_four = models.CharField(max_length=4)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope.choices))
    # Empty: events say themselves which environment they are from.
    environment = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    rotated_from = models.ForeignKey("self", models.SET_NULL, null=True, related_name="successors")

    unscoped: ClassVar[models.Manager[ApiKey]] = models.Manager()

    class Meta:
        constraints = [
            # What a successor must point at: a key of the same project.
            models.UniqueConstraint(fields=["project", "id"], name="key_of_project")
        ]

    def __str__(self) -> str:
        return f"{self.prefix}...{self.last_four}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and not self.is_expired


# Django finds the models of an app through this module; those need the classes above.
from apps.tenants import grant_models, idempotency_models, inbox_models  # noqa: E402, F401
