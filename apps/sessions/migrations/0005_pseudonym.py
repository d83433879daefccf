"""A place for the values that pseudonyms in a session's content stand for."""

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

REFERENCE = """
ALTER TABLE agent_sessions_pseudonym ADD CONSTRAINT pseudonym_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE agent_sessions_pseudonym DROP CONSTRAINT pseudonym_same_project_session;
"""


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0004_event_reports"), ("tenants", "0002_same_tenant")]

    operations = [
        migrations.CreateModel(
            name="Pseudonym",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "kind",
                        "number",
                        "tag",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.TextField()),
                ("number", models.IntegerField()),
                ("tag", models.TextField()),
                ("mac", models.BinaryField()),
                ("sealed", models.BinaryField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="pseudonyms",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="pseudonyms",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={"abstract": False},
            managers=[("unscoped", django.db.models.manager.Manager())],
        ),
        migrations.RunSQL(REFERENCE, REFERENCE_BACK),
    ]
