"""Runs of suites against candidates, with their trials and verdicts; projects are kept apart.

A run stays when its suite is archived. What a trial came to stays when its replay is erased.
"""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE replays_regressionrun ADD CONSTRAINT regression_run_same_project
    FOREIGN KEY (project_id, suite_id) REFERENCES replays_suite (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_trial ADD CONSTRAINT trial_same_project
    FOREIGN KEY (project_id, run_id) REFERENCES replays_regressionrun (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_trial ADD CONSTRAINT trial_case_same_project
    FOREIGN KEY (project_id, case_id) REFERENCES replays_case (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_trial ADD CONSTRAINT trial_replay_same_project
    FOREIGN KEY (project_id, replay_id) REFERENCES replays_replay (project_id, id)
    ON DELETE SET NULL (replay_id);
ALTER TABLE replays_verdict ADD CONSTRAINT verdict_same_project
    FOREIGN KEY (project_id, run_id) REFERENCES replays_regressionrun (project_id, id)
    ON DELETE CASCADE;
"""
REFERENCES_BACK = """
ALTER TABLE replays_verdict DROP CONSTRAINT verdict_same_project;
ALTER TABLE replays_trial DROP CONSTRAINT trial_replay_same_project;
ALTER TABLE replays_trial DROP CONSTRAINT trial_case_same_project;
ALTER TABLE replays_trial DROP CONSTRAINT trial_same_project;
ALTER TABLE replays_regressionrun DROP CONSTRAINT regression_run_same_project;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0001_credentials_cache_budget"),
        ("replays", "0004_server_replays"),
        ("tenants", "0007_answered_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RegressionRun",
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
                ("suite_version", models.PositiveIntegerField()),
                ("name", models.CharField(max_length=200)),
                ("sealed_settings", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("paused", "Paused"),
                            ("cancelled", "Cancelled"),
                            ("failed", "Failed"),
                            ("done", "Done"),
                        ],
                        default="running",
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                (
                    "result",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pass", "Pass"),
                            ("fail", "Fail"),
                            ("inconclusive", "Inconclusive"),
                        ],
                        max_length=12,
                    ),
                ),
                ("cases", models.PositiveIntegerField()),
                ("environment", models.JSONField(default=dict)),
                ("started_by", models.TextField()),
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
                    "owner",
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
                        related_name="regression_runs",
                        to="tenants.project",
                    ),
                ),
                (
                    "suite",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="runs",
                        to="replays.suite",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "suite"], name="regression_run_of_suite"),
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["created_at"],
                        name="regression_run_running",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "id"), name="regression_run_of_project"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Trial",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("side", models.PositiveSmallIntegerField()),
                ("sample", models.PositiveSmallIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("started", "Started"),
                            ("done", "Done"),
                            ("failed", "Failed"),
                            ("skipped", "Skipped"),
                        ],
                        default="queued",
                        max_length=7,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("measures", models.JSONField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trials",
                        to="replays.case",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trials",
                        to="tenants.project",
                    ),
                ),
                (
                    "replay",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="trial",
                        to="replays.replay",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="trials",
                        to="replays.regressionrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "run", "case", "side", "sample"), name="trial_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Verdict",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("side", models.PositiveSmallIntegerField()),
                ("candidate", models.CharField(max_length=200)),
                (
                    "result",
                    models.CharField(
                        choices=[
                            ("pass", "Pass"),
                            ("fail", "Fail"),
                            ("inconclusive", "Inconclusive"),
                        ],
                        max_length=12,
                    ),
                ),
                ("judgement", models.JSONField()),
                ("is_on_front", models.BooleanField(default=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="tenants.project",
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verdicts",
                        to="replays.regressionrun",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "run", "side"), name="verdict_once")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name="trial",
            index=models.Index(
                condition=models.Q(("state__in", ("queued", "started"))),
                fields=["project", "run", "id"],
                name="trial_unfinished",
            ),
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
