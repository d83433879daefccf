"""ASGI entry: Django behind a guard that counts the bytes of a body before anything reads them."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

django_application = get_asgi_application()

# Django must be set up before an app's module may be imported.
from apps.core.body_limit import limit_bodies  # noqa: E402
from apps.tenants.checks import stop_unless_safe  # noqa: E402

stop_unless_safe()
application = limit_bodies(django_application)
