"""Suites, their versions and cases; the database keeps projects apart and versions as they were.

A composite key holds each reference between rows of a project. A trigger refuses to change what
a version holds: of a revision only its end may be set, once, and what is expected of it may be
sealed anew (when its session joins another one) or forgotten (when that is erased).
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import apps.core.ids

REFERENCES = """
ALTER TABLE replays_suiteversion ADD CONSTRAINT suite_version_same_project
    FOREIGN KEY (project_id, suite_id) REFERENCES replays_suite (project_id, id);
ALTER TABLE replays_case ADD CONSTRAINT case_same_project_suite
    FOREIGN KEY (project_id, suite_id) REFERENCES replays_suite (project_id, id);
ALTER TABLE replays_case ADD CONSTRAINT case_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
ALTER TABLE replays_caserevision ADD CONSTRAINT case_revision_same_project_case
    FOREIGN KEY (project_id, case_id) REFERENCES replays_case (project_id, id);
ALTER TABLE replays_caserevision ADD CONSTRAINT case_revision_same_project_suite
    FOREIGN KEY (project_id, suite_id) REFERENCES replays_suite (project_id, id);
"""
REFERENCES_BACK = """
ALTER TABLE replays_caserevision DROP CONSTRAINT case_revision_same_project_suite;
ALTER TABLE replays_caserevision DROP CONSTRAINT case_revision_same_project_case;
ALTER TABLE replays_case DROP CONSTRAINT case_same_project_session;
ALTER TABLE replays_case DROP CONSTRAINT case_same_project_suite;
ALTER TABLE replays_suiteversion DROP CONSTRAINT suite_version_same_project;
"""
FROZEN = """
CREATE FUNCTION replays_keep_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.project_id, NEW.case_id, NEW.suite_id, NEW.since, NEW.is_pinned, NEW.tags,
        NEW.expected)
        IS DISTINCT FROM (OLD.id, OLD.project_id, OLD.case_id, OLD.suite_id, OLD.since,
        OLD.is_pinned, OLD.tags, OLD.expected)
        OR OLD.until IS NOT NULL AND NEW.until IS DISTINCT FROM OLD.until
        OR OLD.sealed_expectations IS NULL AND NEW.sealed_expectations IS NOT NULL
    THEN
        RAISE EXCEPTION 'a version of a suite is frozen' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER replays_keep_revision BEFORE UPDATE ON replays_caserevision
    FOR EACH ROW EXECUTE FUNCTION replays_keep_revision();
CREATE FUNCTION replays_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a version of a suite is frozen' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER replays_keep_version BEFORE UPDATE ON replays_suiteversion
    FOR EACH ROW EXECUTE FUNCTION replays_keep_version();
"""
FROZEN_BACK = """
DROP TRIGGER replays_keep_version ON replays_suiteversion;
DROP FUNCTION replays_keep_version();
DROP TRIGGER replays_keep_revision ON replays_caserevision;
DROP FUNCTION replays_keep_revision();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0012_session_by_outcome"),
        ("replays", "0002_what_lists_say"),
        ("tenants", "0007_answered_request"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Case",
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
                ("event_id", models.UUIDField(null=True)),
                ("passes", models.PositiveIntegerField(default=0)),
                ("samples", models.PositiveIntegerField(default=0)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="cases",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="cases",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "session"], name="case_of_session")],
                "constraints": [
                    models.UniqueConstraint(fields=("project", "id"), name="case_of_project")
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="Suite",
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
                ("description", models.TextField(blank=True)),
                ("latest", models.PositiveIntegerField(default=1)),
                ("created_by", models.TextField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                        related_name="suites",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        models.F("project"),
                        django.db.models.functions.text.Lower("name"),
                        condition=models.Q(("archived_at", None)),
                        name="suite_name_once",
                    ),
                    models.UniqueConstraint(fields=("project", "id"), name="suite_of_project"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="CaseRevision",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("since", models.PositiveIntegerField()),
                ("until", models.PositiveIntegerField(null=True)),
                ("is_pinned", models.BooleanField(default=False)),
                (
                    "tags",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None
                    ),
                ),
                ("expected", models.PositiveSmallIntegerField(default=0)),
                ("sealed_expectations", models.BinaryField(null=True)),
                (
                    "case",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="replays.case",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="case_revisions",
                        to="tenants.project",
                    ),
                ),
                (
                    "suite",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="replays.suite",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["project", "suite", "id"], name="case_revision_of_suite")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "case", "since"), name="case_revision_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until", None), ("until__gt", models.F("since")), _connector="OR"
                        ),
                        name="case_revision_lasts",
                    ),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddField(
            model_name="case",
            name="suite",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="cases",
                to="replays.suite",
            ),
        ),
        migrations.CreateModel(
            name="SuiteVersion",
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
                ("number", models.PositiveIntegerField()),
                ("note", models.CharField(blank=True, max_length=500)),
                ("sealed_source", models.BinaryField(null=True)),
                ("cases", models.PositiveIntegerField()),
                ("added", models.PositiveIntegerField(default=0)),
                ("removed", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("made_by", models.TextField()),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="suite_versions",
                        to="tenants.project",
                    ),
                ),
                (
                    "suite",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="replays.suite",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "suite", "number"), name="suite_version_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.AddConstraint(
            model_name="case",
            constraint=models.UniqueConstraint(
                fields=("project", "suite", "session", "event_id"),
                name="case_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
        migrations.RunSQL(FROZEN, FROZEN_BACK),
    ]
