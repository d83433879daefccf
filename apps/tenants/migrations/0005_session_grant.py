"""Grants: one right on one session, given to one person."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

REFERENCE = """
ALTER TABLE tenants_sessiongrant ADD CONSTRAINT session_grant_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE tenants_sessiongrant DROP CONSTRAINT session_grant_same_project_session;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0011_session_annotate_permission"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("tenants", "0004_inbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="inboxentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mention", "mentioned you"),
                    ("assignment", "assigned a ticket to you"),
                    ("reply", "replied to you"),
                    ("ticket", "changed a ticket of yours"),
                    ("grant", "let you see a session"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="SessionGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("given_by", models.TextField()),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "content_object",
                    models.ForeignKey(
                        db_column="session_id",
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="grants",
                        to="agent_sessions.session",
                    ),
                ),
                (
                    "permission",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to="auth.permission"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="session_grants",
                        to="tenants.project",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "content_object", "user", "permission"),
                        name="session_grant_once",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCE, REFERENCE_BACK),
    ]
