"""A project may keep its sessions from people without an account."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_session_grant")]

    operations = [
        migrations.AddField(
            model_name="project",
            name="allows_links",
            field=models.BooleanField(default=True),
        ),
    ]
