"""The prompt library. The database refuses to cross projects, and to change a version."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

SAME_PROJECT = {
    "prompts_promptversion": [("prompt_id", "prompts_prompt", "id")],
    "prompts_promptinclude": [
        ("prompt_id, number", "prompts_promptversion", "prompt_id, number"),
        ("target_id", "prompts_prompt", "id"),
    ],
    "prompts_promptlabel": [("prompt_id, number", "prompts_promptversion", "prompt_id, number")],
    "prompts_labelmove": [("prompt_id", "prompts_prompt", "id")],
    "prompts_labelrequest": [("prompt_id", "prompts_prompt", "id")],
    "prompts_versioncomment": [("prompt_id, number", "prompts_promptversion", "prompt_id, number")],
}
REFERENCES = [
    (
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_same_project_{place}"
        f" FOREIGN KEY (project_id, {columns}) REFERENCES {target} (project_id, {theirs})",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_same_project_{place}",
    )
    for table, rows in SAME_PROJECT.items()
    for place, (columns, target, theirs) in enumerate(rows)
]
STAYS = """
CREATE FUNCTION prompts_version_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'A version of a prompt is never changed' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER prompts_version_stays BEFORE UPDATE ON prompts_promptversion
    FOR EACH ROW EXECUTE FUNCTION prompts_version_stays();
"""
STAYS_BACK = """
DROP TRIGGER prompts_version_stays ON prompts_promptversion;
DROP FUNCTION prompts_version_stays();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0007_answered_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Prompt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=200)),
                (
                    "kind",
                    models.CharField(choices=[("text", "Text"), ("chat", "Chat")], max_length=4),
                ),
                ("description", models.TextField(blank=True)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=50), default=list, size=None
                    ),
                ),
                ("last_number", models.PositiveIntegerField(default=0)),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("archived_at", models.DateTimeField(null=True)),
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
                        related_name="prompts",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    django.contrib.postgres.indexes.GinIndex(fields=["tags"], name="prompt_by_tag")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "name"), name="prompt_name_once"),
                    models.UniqueConstraint(fields=("project", "id"), name="prompt_of_project"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LabelRequest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=36)),
                ("from_number", models.PositiveIntegerField(null=True)),
                ("to_number", models.PositiveIntegerField(null=True)),
                ("why", models.TextField(blank=True)),
                ("is_rollback", models.BooleanField(default=False)),
                ("asked_by", models.CharField(max_length=40)),
                ("asked_label", models.TextField()),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "Waiting"),
                            ("approved", "Approved"),
                            ("refused", "Refused"),
                            ("withdrawn", "Withdrawn"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("decided_by", models.TextField(blank=True)),
                ("decided_why", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="label_requests",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "prompt", "-id"], name="labelrequest_newest")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("project", "prompt", "label"),
                        name="labelrequest_open_once",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="LabelMove",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("label", models.CharField(max_length=36)),
                ("from_number", models.PositiveIntegerField(null=True)),
                ("to_number", models.PositiveIntegerField(null=True)),
                ("why", models.TextField(blank=True)),
                ("moved_by", models.TextField()),
                ("approved_by", models.TextField(blank=True)),
                ("is_rollback", models.BooleanField(default=False)),
                ("is_emergency", models.BooleanField(default=False)),
                ("moved_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="label_moves",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="moves",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "prompt", "-id"], name="labelmove_newest")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PromptInclude",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("target_number", models.PositiveIntegerField(null=True)),
                ("target_label", models.CharField(blank=True, max_length=36)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prompt_includes",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="includes",
                        to="prompts.prompt",
                    ),
                ),
                (
                    "target",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="included_in",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "target"], name="promptinclude_of_target")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "project",
                            "prompt",
                            "number",
                            "target",
                            "target_number",
                            "target_label",
                        ),
                        name="promptinclude_once",
                        nulls_distinct=False,
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PromptLabel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=36)),
                ("number", models.PositiveIntegerField()),
                ("moved_by", models.TextField()),
                ("moved_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prompt_labels",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="labels",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "prompt", "name"), name="promptlabel_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="PromptSettings",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "protected_labels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=36), default=list, size=None
                    ),
                ),
                ("allows_emergency", models.BooleanField(default=True)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prompt_settings",
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
            name="PromptVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("body", models.JSONField()),
                ("parameters", models.JSONField(default=dict)),
                ("tools", models.JSONField(default=list)),
                ("output_schema", models.JSONField(null=True)),
                ("variables", models.JSONField(default=list)),
                ("note", models.TextField(blank=True)),
                ("digest", models.CharField(max_length=64)),
                ("author", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="prompt_versions",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "prompt", "number"), name="promptversion_number_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="VersionComment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("line", models.PositiveIntegerField(null=True)),
                ("text", models.TextField()),
                ("by", models.TextField()),
                ("said_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("resolved_by", models.TextField(blank=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                (
                    "author",
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
                        related_name="prompt_comments",
                        to="tenants.project",
                    ),
                ),
                (
                    "prompt",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comments",
                        to="prompts.prompt",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["project", "prompt", "number", "id"], name="versioncomment_order"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        *(migrations.RunSQL(there, back) for there, back in REFERENCES),
        migrations.RunSQL(STAYS, STAYS_BACK),
    ]
