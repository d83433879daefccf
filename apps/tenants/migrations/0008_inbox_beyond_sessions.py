"""People are told of what is no session, too: moves that wait, runs that ended."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_answered_request"),
    ]

    operations = [
        migrations.AddField(
            model_name="inboxentry",
            name="about",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="inboxentry",
            name="anchor",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="inboxentry",
            name="link",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AddField(
            model_name="inboxentry",
            name="link_ids",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="inboxentry",
            name="needs",
            field=models.CharField(blank=True, max_length=30),
        ),
        migrations.AlterField(
            model_name="inboxentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("mention", "mentioned you"),
                    ("assignment", "assigned a ticket to you"),
                    ("reply", "replied to you"),
                    ("ticket", "changed a ticket of yours"),
                    ("grant", "let you see a session"),
                    ("approval", "asks you to agree to a move of a protected label"),
                    ("decision", "decided what you asked for"),
                    ("run", "tells how a run of yours ended"),
                    ("schedule", "could not keep a schedule of yours"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="inboxentry",
            name="session_id",
            field=models.UUIDField(null=True),
        ),
        migrations.AddIndex(
            model_name="inboxentry",
            index=models.Index(
                condition=models.Q(("read_at", None), ("session_id", None)),
                fields=["project", "link", "link_ids"],
                name="inbox_of_link",
            ),
        ),
        migrations.AddConstraint(
            model_name="inboxentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("session_id__isnull", False),
                    models.Q(
                        models.Q(("link", ""), _negated=True),
                        models.Q(("about", ""), _negated=True),
                        models.Q(("needs", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="inbox_leads_somewhere",
            ),
        ),
    ]
