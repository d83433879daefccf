"""What is said about sessions; the database refuses what would cross projects."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

OF_SESSION = ["comment", "eventtag", "score", "example"]
OF_COMMENT = ["commentedit", "commentmention"]
SIGNED = ["comment", "score", "example"]

REFERENCE = """
ALTER TABLE annotations_{table} ADD CONSTRAINT {table}_same_project_{column}
    FOREIGN KEY (project_id, {column}_id) REFERENCES {other} (project_id, id);
"""
REFERENCE_BACK = """
ALTER TABLE annotations_{table} DROP CONSTRAINT {table}_same_project_{column};
"""
REFERENCES = [
    *((table, "session", "agent_sessions_session") for table in OF_SESSION),
    *((table, "comment", "annotations_comment") for table in OF_COMMENT),
    *((table, "key", "tenants_apikey") for table in SIGNED),
    ("comment", "thread", "annotations_comment"),
]


def reference(table: str, column: str, other: str) -> migrations.RunSQL:
    names = {"table": table, "column": column, "other": other}
    return migrations.RunSQL(REFERENCE.format(**names), REFERENCE_BACK.format(**names))


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agent_sessions", "0010_terms_of_one_project"),
        ("tenants", "0004_inbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("by", models.TextField()),
                (
                    "id",
                    models.BigAutoField(primary_key=True, serialize=False),
                ),
                ("event_id", models.UUIDField(null=True)),
                ("sealed_text", models.BinaryField(null=True)),
                ("sealed_range", models.BinaryField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("edited_at", models.DateTimeField(null=True)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("resolved_by", models.TextField(blank=True)),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenants.apikey",
                    ),
                ),
                (
                    "person",
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
                        related_name="comments",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="comments",
                        to="agent_sessions.session",
                    ),
                ),
                (
                    "thread",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="replies",
                        to="annotations.comment",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
                "indexes": [
                    models.Index(
                        fields=["project", "session", "event_id"], name="comment_of_session"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "id"), name="comment_of_project"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("thread", None), ("resolved_at", None), _connector="OR"
                        ),
                        name="comment_thread_is_resolved",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CommentEdit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sealed_text", models.BinaryField()),
                ("said_at", models.DateTimeField()),
                (
                    "comment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="edits",
                        to="annotations.comment",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comment_edits",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CommentMention",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "comment",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="mentions",
                        to="annotations.comment",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="comment_mentions",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("comment", "person"), name="comment_mention_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="EventTag",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "project_id",
                        "session_id",
                        "event_id",
                        "tag",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("tag", models.TextField()),
                ("given_by", models.TextField()),
                ("given_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="event_tags",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="event_tags",
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
            name="Example",
            fields=[
                ("by", models.TextField()),
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("sealed_title", models.BinaryField()),
                ("sealed_notes", models.BinaryField()),
                ("marked_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changed_at", models.DateTimeField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenants.apikey",
                    ),
                ),
                (
                    "person",
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
                        related_name="examples",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="examples",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "-marked_at", "-id"], name="example_by_time")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "session"), name="example_once")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Score",
            fields=[
                ("by", models.TextField()),
                (
                    "id",
                    models.UUIDField(
                        default=apps.core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("event_id", models.UUIDField(null=True)),
                ("name", models.CharField(max_length=64)),
                (
                    "source",
                    models.CharField(
                        choices=[("human", "Human"), ("code", "Code"), ("model", "Model")],
                        max_length=5,
                    ),
                ),
                ("number", models.FloatField(null=True)),
                ("truth", models.BooleanField(null=True)),
                ("label", models.CharField(max_length=64, null=True)),
                ("sealed_comment", models.BinaryField(null=True)),
                ("against", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "key",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="tenants.apikey",
                    ),
                ),
                (
                    "person",
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
                        related_name="scores",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="scores",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "ordering": ["created_at", "pk"],
                "indexes": [
                    models.Index(
                        fields=["project", "session", "event_id"], name="score_of_session"
                    ),
                    models.Index(fields=["project", "name", "created_at"], name="score_by_name"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("label", None), ("number__isnull", False), ("truth", None)),
                            models.Q(("label", None), ("number", None), ("truth__isnull", False)),
                            models.Q(("label__isnull", False), ("number", None), ("truth", None)),
                            _connector="OR",
                        ),
                        name="score_has_one_value",
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        *(reference(*names) for names in REFERENCES),
    ]
