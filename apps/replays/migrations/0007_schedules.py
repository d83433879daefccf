"""Schedules of runs with each of their due times; projects are kept apart.

A run stays when its schedule is deleted.
"""

import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE replays_schedule ADD CONSTRAINT schedule_same_project
    FOREIGN KEY (project_id, suite_id) REFERENCES replays_suite (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_firing ADD CONSTRAINT firing_same_project
    FOREIGN KEY (project_id, schedule_id) REFERENCES replays_schedule (project_id, id)
    ON DELETE CASCADE;
ALTER TABLE replays_firing ADD CONSTRAINT firing_run_same_project
    FOREIGN KEY (project_id, run_id) REFERENCES replays_regressionrun (project_id, id)
    ON DELETE SET NULL (run_id);
ALTER TABLE replays_regressionrun ADD CONSTRAINT regression_run_schedule_same_project
    FOREIGN KEY (project_id, schedule_id) REFERENCES replays_schedule (project_id, id)
    ON DELETE SET NULL (schedule_id);
"""
REFERENCES_BACK = """
ALTER TABLE replays_regressionrun DROP CONSTRAINT regression_run_schedule_same_project;
ALTER TABLE replays_firing DROP CONSTRAINT firing_run_same_project;
ALTER TABLE replays_firing DROP CONSTRAINT firing_same_project;
ALTER TABLE replays_schedule DROP CONSTRAINT schedule_same_project;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0001_credentials_cache_budget"),
        ("replays", "0006_when_steps_end"),
        ("tenants", "0007_answered_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Schedule",
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
                ("name", models.CharField(max_length=120)),
                ("suite_version", models.PositiveIntegerField(null=True)),
                ("sealed_settings", models.BinaryField()),
                ("sealed_choice", models.BinaryField(null=True)),
                ("cron", models.CharField(max_length=100)),
                ("time_zone", models.CharField(max_length=64)),
                ("starts_at", models.DateTimeField(null=True)),
                (
                    "missed",
                    models.CharField(
                        choices=[("run_once", "Run once, late"), ("skip", "Leave them out")],
                        default="run_once",
                        max_length=8,
                    ),
                ),
                ("next_at", models.DateTimeField(null=True)),
                ("paused_because", models.CharField(blank=True, max_length=500)),
                ("counted_from", models.DateTimeField(default=django.utils.timezone.now)),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                        related_name="schedules",
                        to="tenants.project",
                    ),
                ),
                (
                    "suite",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="schedules",
                        to="replays.suite",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Firing",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("due_at", models.DateTimeField()),
                ("times", models.PositiveIntegerField(default=1)),
                ("since", models.DateTimeField(null=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("starting", "Starting"),
                            ("fired", "Started"),
                            ("skipped", "Left out"),
                            ("failed", "Not started"),
                        ],
                        default="starting",
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("tries", models.PositiveSmallIntegerField(default=0)),
                ("asked_by", models.TextField(blank=True)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="firings",
                        to="tenants.project",
                    ),
                ),
                (
                    "run",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="firing",
                        to="replays.regressionrun",
                    ),
                ),
                (
                    "schedule",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="firings",
                        to="replays.schedule",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="regressionrun",
            name="schedule",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="runs",
                to="replays.schedule",
            ),
        ),
        migrations.AddIndex(
            model_name="regressionrun",
            index=models.Index(
                condition=models.Q(("schedule__isnull", False)),
                fields=["project", "schedule", "-id"],
                name="regression_run_of_schedule",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(
                condition=models.Q(("next_at__isnull", False)),
                fields=["next_at"],
                name="schedule_due",
            ),
        ),
        migrations.AddIndex(
            model_name="schedule",
            index=models.Index(fields=["project", "suite"], name="schedule_of_suite"),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.UniqueConstraint(
                models.F("project"),
                django.db.models.functions.text.Lower("name"),
                name="schedule_name_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedule",
            constraint=models.UniqueConstraint(
                fields=("project", "id"), name="schedule_of_project"
            ),
        ),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(fields=["project", "schedule", "-id"], name="firing_of_schedule"),
        ),
        migrations.AddIndex(
            model_name="firing",
            index=models.Index(
                condition=models.Q(("state", "starting")), fields=["id"], name="firing_starting"
            ),
        ),
        migrations.AddConstraint(
            model_name="firing",
            constraint=models.UniqueConstraint(
                fields=("project", "schedule", "due_at"), name="firing_once"
            ),
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
