"""Versions of agents, which of them each session was of, and what was looked at for them."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models

REFERENCES = """
ALTER TABLE agent_sessions_agentprompt ADD CONSTRAINT agentprompt_same_project_agent
    FOREIGN KEY (project_id, agent_id) REFERENCES agent_sessions_agent (project_id, id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agent_sessions_agentversion ADD CONSTRAINT agentversion_same_project_agent
    FOREIGN KEY (project_id, agent_id) REFERENCES agent_sessions_agent (project_id, id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agent_sessions_sessionagentversion
    ADD CONSTRAINT sessionagentversion_same_project_agent
    FOREIGN KEY (project_id, agent_id) REFERENCES agent_sessions_agent (project_id, id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT sessionagentversion_same_project_version
    FOREIGN KEY (project_id, version_id) REFERENCES agent_sessions_agentversion (project_id, id)
    ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT sessionagentversion_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
ALTER TABLE agent_sessions_agentreading ADD CONSTRAINT agentreading_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCES_BACK = """
ALTER TABLE agent_sessions_agentreading DROP CONSTRAINT agentreading_same_project_session;
ALTER TABLE agent_sessions_sessionagentversion
    DROP CONSTRAINT sessionagentversion_same_project_session,
    DROP CONSTRAINT sessionagentversion_same_project_version,
    DROP CONSTRAINT sessionagentversion_same_project_agent;
ALTER TABLE agent_sessions_agentversion DROP CONSTRAINT agentversion_same_project_agent;
ALTER TABLE agent_sessions_agentprompt DROP CONSTRAINT agentprompt_same_project_agent;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0014_calls_and_answers"),
        ("tenants", "0008_inbox_beyond_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Agent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.TextField()),
                ("last_number", models.PositiveIntegerField(default=0)),
                ("first_seen", models.DateTimeField(null=True)),
                ("last_seen", models.DateTimeField(null=True)),
                (
                    "varying",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agents",
                        to="tenants.project",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AgentPrompt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("slot", models.TextField()),
                ("words", models.BinaryField()),
                ("repeats", models.PositiveIntegerField(default=1)),
                ("merged_into", models.BigIntegerField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prompts",
                        to="agent_sessions.agent",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agent_prompts",
                        to="tenants.project",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AgentVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("fingerprint", models.BinaryField(max_length=16)),
                ("calls", models.JSONField()),
                ("first_seen", models.DateTimeField(null=True)),
                ("last_seen", models.DateTimeField(null=True)),
                ("merged_into", models.PositiveIntegerField(null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="agent_sessions.agent",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="agent_versions",
                        to="tenants.project",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="AgentReading",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("arrived_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="agent_readings",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="agent_readings",
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
        migrations.CreateModel(
            name="SessionAgentVersion",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "agent_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("events", models.JSONField()),
                ("started_at", models.DateTimeField()),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="agent_sessions.agent",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="session_agent_versions",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="agent_versions",
                        to="agent_sessions.session",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="agent_sessions.agentversion",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AlterField(
            model_name="sessionfacet",
            name="facet",
            field=models.CharField(
                choices=[
                    ("agent", "Agent"),
                    ("agent_version", "Agent version"),
                    ("environment", "Environment"),
                    ("error", "Error type"),
                    ("kind", "Kind of step"),
                    ("model", "Model"),
                    ("origin", "Origin"),
                    ("prompt", "Prompt"),
                    ("provider", "Provider"),
                    ("release", "Release"),
                    ("score", "Score"),
                    ("tag", "Tag"),
                    ("ticket", "Ticket"),
                    ("tool", "Tool"),
                    ("user", "User"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                condition=models.Q(("is_listed", True), ("status", "closed")),
                fields=["last_arrival_at"],
                name="session_closed",
            ),
        ),
        migrations.AddIndex(
            model_name="agent",
            index=models.Index(fields=["project", "-last_seen", "-id"], name="agent_newest"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.UniqueConstraint(fields=("project", "name"), name="agent_name_once"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.UniqueConstraint(fields=("project", "id"), name="agent_of_project"),
        ),
        migrations.AddIndex(
            model_name="agentprompt",
            index=models.Index(fields=["project", "agent", "-id"], name="agentprompt_newest"),
        ),
        migrations.AddConstraint(
            model_name="agentversion",
            constraint=models.UniqueConstraint(
                fields=("project", "agent", "number"), name="agentversion_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentversion",
            constraint=models.UniqueConstraint(
                fields=("project", "id"), name="agentversion_of_project"
            ),
        ),
        migrations.AddIndex(
            model_name="sessionagentversion",
            index=models.Index(
                models.F("project"),
                models.F("version"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.OrderBy(models.F("session_id"), descending=True),
                name="agentversion_newest",
            ),
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
