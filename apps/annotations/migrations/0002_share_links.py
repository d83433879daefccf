"""Share links: sessions shown to whoever holds a link."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

REFERENCE = """
ALTER TABLE annotations_sharelink ADD CONSTRAINT share_link_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE annotations_sharelink DROP CONSTRAINT share_link_same_project_session;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0011_session_annotate_permission"),
        ("annotations", "0001_comments_tags_scores_examples"),
        ("tenants", "0006_project_allows_links"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("event_id", models.UUIDField(null=True)),
                ("digest", models.BinaryField(max_length=32, unique=True)),
                ("passphrase", models.CharField(blank=True, max_length=128)),
                ("sealed_note", models.BinaryField(null=True)),
                ("most_openings", models.PositiveIntegerField(null=True)),
                ("openings", models.PositiveIntegerField(default=0)),
                ("last_opened_at", models.DateTimeField(null=True)),
                ("by", models.TextField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.TextField(blank=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="share_links",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="share_links",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(
                        fields=["project", "session", "-id"], name="share_link_of_session"
                    ),
                    models.Index(fields=["project", "-id"], name="share_link_of_project"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("most_openings", None),
                            ("openings__lte", models.F("most_openings")),
                            _connector="OR",
                        ),
                        name="share_link_within_cap",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCE, REFERENCE_BACK),
    ]
