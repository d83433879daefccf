"""Replays and their reports; the database refuses what would cross projects."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE replays_replay ADD CONSTRAINT replay_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
ALTER TABLE replays_replay ADD CONSTRAINT replay_same_project_original
    FOREIGN KEY (project_id, original_id) REFERENCES agent_sessions_session (project_id, id);
"""
REFERENCES_BACK = """
ALTER TABLE replays_replay DROP CONSTRAINT replay_same_project_original;
ALTER TABLE replays_replay DROP CONSTRAINT replay_same_project_session;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agent_sessions", "0012_session_by_outcome"),
        ("tenants", "0007_answered_request"),
    ]

    operations = [
        migrations.CreateModel(
            name="Replay",
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
                ("client_id", models.CharField(max_length=32)),
                ("original_name", models.TextField()),
                (
                    "origin",
                    models.CharField(
                        choices=[("replay", "Replay"), ("fork", "Fork")], max_length=6
                    ),
                ),
                (
                    "where",
                    models.CharField(
                        choices=[("client", "In the application"), ("server", "On the server")],
                        default="client",
                        max_length=6,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("ended", "Ended"), ("failed", "Failed")],
                        max_length=7,
                    ),
                ),
                ("match", models.CharField(max_length=7, null=True)),
                ("fork_step", models.PositiveIntegerField(null=True)),
                ("error_type", models.TextField(null=True)),
                (
                    "band",
                    models.CharField(
                        choices=[
                            ("identical", "Identical"),
                            ("faithful", "Faithful"),
                            ("drifted", "Drifted"),
                            ("diverged", "Diverged"),
                        ],
                        max_length=9,
                        null=True,
                    ),
                ),
                ("coverage", models.FloatField(null=True)),
                ("consumption", models.FloatField(null=True)),
                ("fidelity", models.FloatField(null=True)),
                ("decisions", models.FloatField(null=True)),
                ("calls", models.PositiveBigIntegerField(null=True)),
                ("recorded_calls", models.PositiveBigIntegerField(null=True)),
                ("divergences", models.PositiveIntegerField(null=True)),
                ("first_kind", models.TextField(null=True)),
                ("first_event", models.UUIDField(null=True)),
                ("first_made", models.UUIDField(null=True)),
                ("digest", models.TextField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reported_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("reported_by", models.TextField()),
                ("sealed", models.BinaryField()),
                ("sent_digest", models.BinaryField()),
                (
                    "original",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="replays",
                        to="agent_sessions.session",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replays",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="made_by",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "session"], name="replay_of_session"),
                    models.Index(fields=["project", "original", "-id"], name="replay_by_original"),
                    models.Index(fields=["project", "band", "-id"], name="replay_by_band"),
                    models.Index(fields=["project", "reported_at"], name="replay_by_time"),
                    models.Index(
                        condition=models.Q(("original", None)),
                        fields=["project", "original_name"],
                        name="replay_without_original",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "client_id"), name="replay_client_id_once"
                    ),
                    models.UniqueConstraint(fields=("project", "id"), name="replay_of_project"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("coverage__isnull", True), ("coverage__range", (0, 1)), _connector="OR"
                        ),
                        name="replay_coverage_is_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("consumption__isnull", True),
                            ("consumption__range", (0, 1)),
                            _connector="OR",
                        ),
                        name="replay_consumption_is_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("fidelity__isnull", True), ("fidelity__range", (0, 1)), _connector="OR"
                        ),
                        name="replay_fidelity_is_share",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decisions__isnull", True),
                            ("decisions__range", (0, 1)),
                            _connector="OR",
                        ),
                        name="replay_decisions_is_share",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
