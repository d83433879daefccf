"""Who gave a session which tag: without a row here, the application sent it."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

REFERENCE = """
ALTER TABLE agent_sessions_sessiontag ADD CONSTRAINT sessiontag_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE agent_sessions_sessiontag DROP CONSTRAINT sessiontag_same_project_session;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0007_chunk_terms"),
        ("tenants", "0003_demo_projects"),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionTag",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "tag",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tag", models.TextField()),
                ("given_by", models.TextField()),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="session_tags",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="given_tags",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCE, REFERENCE_BACK),
    ]
