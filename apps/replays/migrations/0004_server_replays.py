"""Replays that the server runs, and their steps; the database keeps projects apart.

A run ends with its replay, and its steps with the run.
"""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE replays_serverreplay ADD CONSTRAINT server_replay_same_project
    FOREIGN KEY (project_id, replay_id) REFERENCES replays_replay (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_serverstep ADD CONSTRAINT server_step_same_project
    FOREIGN KEY (project_id, run_id) REFERENCES replays_serverreplay (project_id, id)
    ON DELETE CASCADE;
"""
REFERENCES_BACK = """
ALTER TABLE replays_serverstep DROP CONSTRAINT server_step_same_project;
ALTER TABLE replays_serverreplay DROP CONSTRAINT server_replay_same_project;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0001_credentials_cache_budget"),
        ("replays", "0003_suites"),
        ("tenants", "0007_answered_request"),
    ]

    operations = [
        migrations.CreateModel(
            name="ServerReplay",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("teacher_forced", "Each step after the recorded ones before it")],
                        max_length=20,
                    ),
                ),
                ("provider", models.CharField(max_length=120)),
                ("sample", models.PositiveIntegerField(default=0)),
                ("plan_hash", models.CharField(max_length=64)),
                ("sealed_settings", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("cancelled", "Cancelled"),
                            ("done", "Done"),
                        ],
                        default="running",
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "budget",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="providers.budget",
                    ),
                ),
                (
                    "credential",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="providers.credential",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="server_replays",
                        to="tenants.project",
                    ),
                ),
                (
                    "replay",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="server_run",
                        to="replays.replay",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["created_at"],
                        name="server_replay_running",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "id"), name="server_replay_of_project"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="ServerStep",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("event_id", models.UUIDField()),
                ("seq", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("leased", "Leased"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("lease", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                ("begun", models.PositiveSmallIntegerField(default=0)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("paid", models.DecimalField(decimal_places=10, max_digits=20, null=True)),
                ("is_cached", models.BooleanField(default=False)),
                ("score", models.FloatField(null=True)),
                ("is_same_decision", models.BooleanField(null=True)),
                ("sealed_answer", models.BinaryField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="server_steps",
                        to="tenants.project",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="replays.serverreplay",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "run", "seq"], name="server_step_of_run")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "run", "event_id"), name="server_step_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
