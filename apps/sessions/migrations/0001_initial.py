"""The tables of the record, as Django can express them."""

import datetime

import django.db.models.deletion
import django.db.models.manager
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProjectKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "purpose",
                        "version",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("purpose", models.CharField(max_length=5)),
                ("version", models.SmallIntegerField()),
                ("wrapped", models.BinaryField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="record_keys",
                        to="tenants.project",
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
            name="Session",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("external_id", models.TextField(null=True)),
                ("is_listed", models.BooleanField(default=True)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("live", "Live"),
                            ("import", "Import"),
                            ("replay", "Replay"),
                            ("fork", "Fork"),
                            ("demo", "Demo"),
                        ],
                        default="live",
                        max_length=10,
                    ),
                ),
                ("replay_of", models.UUIDField(null=True)),
                ("forked_at", models.UUIDField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("closed", "Closed")],
                        default="open",
                        max_length=6,
                    ),
                ),
                ("environment", models.TextField(null=True)),
                ("release", models.TextField(null=True)),
                ("agent", models.TextField(null=True)),
                ("user_ref", models.CharField(max_length=32, null=True)),
                ("fingerprint", models.TextField(null=True)),
                ("title", models.BinaryField(null=True)),
                ("firsts", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(null=True)),
                ("last_event_at", models.DateTimeField(null=True)),
                ("last_started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("last_arrival_at", models.DateTimeField(null=True)),
                ("duration_ms", models.FloatField(null=True)),
                ("event_count", models.BigIntegerField(default=0)),
                ("error_count", models.BigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                ("input_tokens", models.BigIntegerField(null=True)),
                ("output_tokens", models.BigIntegerField(null=True)),
                ("cache_read", models.BigIntegerField(null=True)),
                ("cache_write", models.BigIntegerField(null=True)),
                ("reasoning", models.BigIntegerField(null=True)),
                ("cost", models.DecimalField(decimal_places=10, max_digits=30, null=True)),
                ("known", models.JSONField(default=dict)),
                (
                    "sort_started",
                    models.DateTimeField(
                        default=datetime.datetime(1, 1, 1, 0, 0, tzinfo=datetime.UTC)
                    ),
                ),
                ("sort_cost", models.DecimalField(decimal_places=10, default=-1, max_digits=30)),
                ("sort_duration", models.FloatField(default=-1)),
                ("features", models.SmallIntegerField(default=0)),
                ("fidelity", models.SmallIntegerField(default=0)),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("success", "Success"),
                            ("failure", "Failure"),
                            ("abandoned", "Abandoned"),
                        ],
                        max_length=10,
                        null=True,
                    ),
                ),
                ("outcome_code", models.TextField(null=True)),
                ("outcome_reason", models.BinaryField(null=True)),
                ("outcome_by", models.TextField(null=True)),
                ("outcome_from", models.JSONField(null=True)),
                ("chunk_number", models.IntegerField(default=0)),
                ("chunk_count", models.IntegerField(default=0)),
                (
                    "merged_into",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="merged_from",
                        to="agent_sessions.session",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["id"], name="session_id"),
                    models.Index(
                        models.F("project"),
                        models.OrderBy(models.F("sort_started"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("is_listed", True)),
                        name="session_by_start",
                    ),
                    models.Index(
                        models.F("project"),
                        models.OrderBy(models.F("sort_cost"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("is_listed", True)),
                        name="session_by_cost",
                    ),
                    models.Index(
                        models.F("project"),
                        models.OrderBy(models.F("sort_duration"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("is_listed", True)),
                        name="session_by_duration",
                    ),
                    models.Index(
                        models.F("project"),
                        models.OrderBy(models.F("error_count"), descending=True),
                        models.OrderBy(models.F("id"), descending=True),
                        condition=models.Q(("is_listed", True)),
                        name="session_by_errors",
                    ),
                    models.Index(
                        condition=models.Q(("is_listed", True), ("status", "open")),
                        fields=["last_arrival_at"],
                        name="session_open",
                    ),
                    models.Index(
                        condition=models.Q(("chunk_count__gt", 1)),
                        fields=["project", "id"],
                        name="session_with_chunks",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "external_id"), name="session_external_id_unique"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="EventInput",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "event_id",
                        "source_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("source_id", models.UUIDField()),
                ("source_client_id", models.TextField()),
                ("is_inferred", models.BooleanField(default=False)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="event_inputs",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="event_inputs",
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
            name="Event",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.UUIDField()),
                ("client_id", models.TextField()),
                ("client_parent", models.TextField(null=True)),
                ("trace", models.TextField(null=True)),
                ("parent_id", models.UUIDField(null=True)),
                ("claimed_session", models.TextField(null=True)),
                ("lane", models.TextField(null=True)),
                ("kind", models.TextField()),
                ("name", models.TextField(null=True)),
                ("started_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("order_at", models.DateTimeField()),
                ("position", models.BigIntegerField(default=0)),
                ("arrived_at", models.DateTimeField()),
                ("transaction", models.BigIntegerField()),
                ("status", models.TextField(null=True)),
                ("error_type", models.TextField(null=True)),
                ("provider", models.TextField(null=True)),
                ("model", models.TextField(null=True)),
                ("model_returned", models.TextField(null=True)),
                ("prompt_name", models.TextField(null=True)),
                ("prompt_version", models.TextField(null=True)),
                ("agent", models.TextField(null=True)),
                ("environment", models.TextField(null=True)),
                ("release", models.TextField(null=True)),
                ("user_ref", models.TextField(null=True)),
                ("input_tokens", models.BigIntegerField(null=True)),
                ("output_tokens", models.BigIntegerField(null=True)),
                ("cache_read", models.BigIntegerField(null=True)),
                ("cache_write", models.BigIntegerField(null=True)),
                ("reasoning", models.BigIntegerField(null=True)),
                ("cost", models.DecimalField(decimal_places=10, max_digits=30, null=True)),
                ("is_cost_sent", models.BooleanField(default=False)),
                ("is_counted", models.BooleanField(default=True)),
                ("ttft_ms", models.FloatField(null=True)),
                ("effects", models.TextField(null=True)),
                ("confidence", models.FloatField(null=True)),
                ("outcome", models.TextField(null=True)),
                ("ends_session", models.BooleanField(default=False)),
                ("response_id", models.TextField(null=True)),
                ("request_id", models.TextField(null=True)),
                ("schema", models.IntegerField(default=1)),
                ("ordinal", models.BigIntegerField(null=True)),
                ("request_mac", models.BinaryField(null=True)),
                ("loose_mac", models.BinaryField(null=True)),
                ("stamps", models.JSONField(null=True)),
                ("field_ends", models.JSONField(null=True)),
                ("input_digest", models.BinaryField(null=True)),
                ("output_digest", models.BinaryField(null=True)),
                ("extra_digest", models.BinaryField(null=True)),
                ("digest", models.BinaryField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="events",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Chunk",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.IntegerField()),
                ("tier", models.SmallIntegerField(default=0)),
                ("codec", models.SmallIntegerField()),
                ("key_version", models.SmallIntegerField()),
                ("digests", models.BinaryField()),
                ("body", models.BinaryField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="chunks",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="chunks",
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
            name="SessionFacet",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "facet",
                        "value",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "facet",
                    models.CharField(
                        choices=[
                            ("agent", "Agent"),
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
                ("value", models.TextField()),
                ("started_at", models.DateTimeField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="session_facets",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="facets",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="SessionKey",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "version",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("version", models.SmallIntegerField()),
                ("wrapped_by", models.SmallIntegerField()),
                ("wrapped", models.BinaryField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="session_keys",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="keys",
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
            name="Trace",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("id", models.TextField()),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="traces",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="traces",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "session"], name="trace_of_session")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="MetricDelta",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(null=True)),
                ("kind", models.TextField()),
                ("environment", models.TextField()),
                ("agent", models.TextField()),
                ("model", models.TextField()),
                ("prompt", models.TextField()),
                ("events", models.BigIntegerField()),
                ("errors", models.BigIntegerField()),
                ("input_tokens", models.BigIntegerField()),
                ("output_tokens", models.BigIntegerField()),
                ("cache_read", models.BigIntegerField()),
                ("cache_write", models.BigIntegerField()),
                ("reasoning", models.BigIntegerField()),
                ("cost", models.DecimalField(decimal_places=10, max_digits=30)),
                ("priced", models.BigIntegerField()),
                ("latency", models.JSONField()),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="metric_deltas",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "hour"], name="delta_by_hour")],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddIndex(
            model_name="sessionfacet",
            index=models.Index(
                models.F("project"),
                models.F("facet"),
                models.F("value"),
                models.OrderBy(models.F("started_at"), descending=True),
                models.OrderBy(models.F("session_id"), descending=True),
                name="facet_newest",
            ),
        ),
    ]
