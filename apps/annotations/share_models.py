"""Share links: sessions shown to whoever holds a link."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.sessions.models import Session
from apps.tenants.models import Project, ProjectModel


class ShareLink(ProjectModel):
    """A link to one session, or to one step of it, that opens without an account.

    Only ``share_links`` writes here. Of the token there is a keyed hash alone, so the address
    is shown once, when the link is made.
    """

    project = models.ForeignKey(Project, models.CASCADE, related_name="share_links", db_index=False)
    session = models.ForeignKey(
        Session, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="share_links"
    )
    # Null: the whole session.
    event_id = models.UUIDField(null=True)
    # HMAC-SHA256 under a key of its own; the token is uniform, so no slow hash is needed.
    digest = models.BinaryField(max_length=32, unique=True)
    # By Django's hasher, as a person chose it; empty asks for none.
    passphrase = models.CharField(max_length=128, blank=True)
    # For whom it is, under the session's key.
    sealed_note = models.BinaryField(null=True)
    # How often it may be opened; null is as often as wanted.
    most_openings = models.PositiveIntegerField(null=True)
    openings = models.PositiveIntegerField(default=0)
    last_opened_at = models.DateTimeField(null=True)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    # The name that the person or key had then.
    by = models.TextField()
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.TextField(blank=True)

    unscoped: ClassVar[models.Manager[ShareLink]] = models.Manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["project", "session", "-id"], name="share_link_of_session"),
            models.Index(fields=["project", "-id"], name="share_link_of_project"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(most_openings=None) | Q(openings__lte=F("most_openings")),
                name="share_link_within_cap",
            ),
        ]

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()

    @property
    def is_used_up(self) -> bool:
        return self.most_openings is not None and self.openings >= self.most_openings

    @property
    def asks_first(self) -> bool:
        """Whether somebody must act before it opens: programs that preview links do not."""
        return bool(self.passphrase) or self.most_openings is not None
