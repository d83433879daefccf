"""Credentials, prices, answers and budgets; the database refuses what would cross projects."""

from decimal import Decimal

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.manager
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE providers_credential ADD CONSTRAINT credential_same_organization_project
    FOREIGN KEY (organization_id, project_id) REFERENCES tenants_project (organization_id, id);
ALTER TABLE providers_reservation ADD CONSTRAINT reservation_same_project_budget
    FOREIGN KEY (project_id, budget_id) REFERENCES providers_budget (project_id, id)
    ON DELETE CASCADE;
"""
REFERENCES_BACK = """
ALTER TABLE providers_reservation DROP CONSTRAINT reservation_same_project_budget;
ALTER TABLE providers_credential DROP CONSTRAINT credential_same_organization_project;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0007_answered_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Budget",
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
                ("purpose", models.CharField(max_length=200)),
                ("limit", models.DecimalField(decimal_places=10, max_digits=16)),
                (
                    "reserved",
                    models.DecimalField(decimal_places=10, default=Decimal("0"), max_digits=16),
                ),
                (
                    "spent",
                    models.DecimalField(decimal_places=10, default=Decimal("0"), max_digits=16),
                ),
                (
                    "uncertain",
                    models.DecimalField(decimal_places=10, default=Decimal("0"), max_digits=16),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="budgets",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("project", "id"), name="budget_of_project"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("limit__gte", 0),
                            ("reserved__gte", 0),
                            ("spent__gte", 0),
                            ("uncertain__gte", 0),
                        ),
                        name="budget_not_negative",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CachedAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.BinaryField(max_length=32)),
                ("about", models.UUIDField(null=True)),
                ("run", models.UUIDField(null=True)),
                ("is_pinned", models.BooleanField(default=False)),
                ("sealed", models.BinaryField()),
                ("made_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cached_answers",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "about"], name="cached_answer_about"),
                    models.Index(fields=["project", "run"], name="cached_answer_run"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "key", "about", "run"),
                        name="cached_answer_once",
                        nulls_distinct=False,
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Credential",
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
                ("name", models.CharField(max_length=80)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("openai", "OpenAI"),
                            ("anthropic", "Anthropic"),
                            ("openai-compatible", "OpenAI-compatible"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "dialect",
                    models.CharField(
                        choices=[
                            ("chat", "Chat completions"),
                            ("responses", "Responses"),
                            ("messages", "Messages"),
                        ],
                        max_length=10,
                    ),
                ),
                ("base_url", models.CharField(max_length=500)),
                ("sealed_key", models.BinaryField()),
                ("last_four", models.CharField(blank=True, max_length=4)),
                (
                    "lacks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("tools", "tools"),
                                ("tool_choice", "naming the tool to call"),
                                ("images", "images"),
                                ("json_schema", "output by a JSON schema"),
                                ("seed", "a seed"),
                                ("system", "system messages"),
                            ],
                            max_length=20,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("requests_per_minute", models.PositiveIntegerField(null=True)),
                ("concurrency", models.PositiveSmallIntegerField(default=8)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("rotated_at", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("tested_at", models.DateTimeField(null=True)),
                ("test_error", models.TextField(null=True)),
                (
                    "models_found",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list, size=None
                    ),
                ),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="credentials",
                        to="tenants.organization",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="credentials",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("removed_at", None)),
                        fields=("organization", "project", "name"),
                        name="credential_name_once",
                        nulls_distinct=False,
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PriceOverride",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(blank=True, max_length=60)),
                ("model", models.CharField(max_length=200)),
                ("input", models.DecimalField(decimal_places=6, max_digits=16)),
                ("output", models.DecimalField(decimal_places=6, max_digits=16)),
                ("cache_read", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("cache_write", models.DecimalField(decimal_places=6, max_digits=16, null=True)),
                ("starts_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="price_overrides",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "provider", "model", "starts_at"),
                        name="price_override_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("input__gte", 0), ("output__gte", 0)),
                        name="price_override_not_negative",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Reservation",
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
                ("amount", models.DecimalField(decimal_places=10, max_digits=16)),
                ("expires_at", models.DateTimeField()),
                ("is_abandoned", models.BooleanField(default=False)),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="providers.budget",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="budget_reservations",
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
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
