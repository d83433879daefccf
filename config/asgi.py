"""ASGI entry: Django behind a guard that counts the bytes of a body before anything reads them."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

# Django must be set up before an app's module may be imported.
from apps.core.asgi import SyncViewsASGIHandler  # noqa: E402
from apps.core.body_limit import limit_bodies  # noqa: E402
from apps.tenants.checks import stop_unless_safe  # noqa: E402

stop_unless_safe()
application = limit_bodies(SyncViewsASGIHandler())
