"""What people are told: mentions, assignments, replies, changes of their tickets."""

import django.db.models.deletion
import django.db.models.manager
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_demo_projects"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="InboxEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("mention", "mentioned you"),
                            ("assignment", "assigned a ticket to you"),
                            ("reply", "replied to you"),
                            ("ticket", "changed a ticket of yours"),
                        ],
                        max_length=10,
                    ),
                ),
                ("told_by", models.TextField()),
                ("session_id", models.UUIDField()),
                ("event_id", models.UUIDField(null=True)),
                ("subject_id", models.BigIntegerField(null=True)),
                ("times", models.PositiveIntegerField(default=1)),
                ("told_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbox_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbox_entries",
                        to="tenants.project",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["person", "-told_at", "-id"], name="inbox_of_person"),
                    models.Index(
                        condition=models.Q(("read_at", None)),
                        fields=["person"],
                        name="inbox_unread",
                    ),
                    models.Index(fields=["project", "session_id"], name="inbox_of_session"),
                ],
            },
            managers=[
                ("unscoped", django.db.models.manager.Manager()),
            ],
        ),
    ]
