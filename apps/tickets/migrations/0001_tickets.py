"""Tickets and their history; the database refuses what would cross projects."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

REFERENCES = """
ALTER TABLE tickets_ticket ADD CONSTRAINT ticket_same_project_session
    FOREIGN KEY (project_id, session_id) REFERENCES agent_sessions_session (project_id, id);
ALTER TABLE tickets_ticketchange ADD CONSTRAINT ticketchange_same_project_ticket
    FOREIGN KEY (project_id, ticket_id) REFERENCES tickets_ticket (project_id, id);
"""
REFERENCES_BACK = """
ALTER TABLE tickets_ticketchange DROP CONSTRAINT ticketchange_same_project_ticket;
ALTER TABLE tickets_ticket DROP CONSTRAINT ticket_same_project_session;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agent_sessions", "0010_terms_of_one_project"),
        ("tenants", "0004_inbox"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("event_id", models.UUIDField(null=True)),
                ("sealed_title", models.BinaryField(null=True)),
                ("sealed_description", models.BinaryField(null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Open"),
                            ("in_review", "In review"),
                            ("waiting", "Waiting"),
                            ("done", "Done"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                (
                    "severity",
                    models.SmallIntegerField(
                        choices=[(1, "Low"), (2, "Medium"), (3, "High"), (4, "Critical")], default=2
                    ),
                ),
                ("due_on", models.DateField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("holder", models.CharField(blank=True, max_length=40)),
                ("held_by", models.TextField(blank=True)),
                ("claimed_until", models.DateTimeField(null=True)),
                ("opened_by", models.TextField()),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "assignee",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                        related_name="tickets",
                        to="tenants.project",
                    ),
                ),
                (
                    "session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="tickets",
                        to="agent_sessions.session",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["project", "session", "event_id"], name="ticket_of_session"
                    ),
                    models.Index(fields=["project", "status", "-number"], name="ticket_by_status"),
                    models.Index(
                        condition=models.Q(("assignee", None), ("status", "open")),
                        fields=["project", "-severity", "due_on", "number"],
                        name="ticket_unclaimed",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "number"), name="ticket_number_once"
                    ),
                    models.UniqueConstraint(fields=("project", "id"), name="ticket_of_project"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="TicketChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("version", models.PositiveIntegerField()),
                ("changed_by", models.TextField()),
                ("changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("fields", models.JSONField(default=dict)),
                ("sealed_words", models.BinaryField(null=True)),
                (
                    "project",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="ticket_changes",
                        to="tenants.project",
                    ),
                ),
                (
                    "ticket",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="changes",
                        to="tickets.ticket",
                    ),
                ),
            ],
            options={
                "ordering": ["version"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "ticket", "version"), name="ticket_change_once"
                    )
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
        migrations.RunSQL(REFERENCES, REFERENCES_BACK),
    ]
