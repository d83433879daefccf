"""When steps end, and since when a replay goes on: what is yet to come is told from its pace."""

from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("replays", "0005_regression_runs")]

    operations = [
        migrations.AddField(
            "serverreplay",
            "running_since",
            models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddField("serverstep", "ended_at", models.DateTimeField(null=True)),
    ]
