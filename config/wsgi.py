"""WSGI entry, for servers that offer nothing else. Event streams need ASGI."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

# Django must be set up before an app's module may be imported.
from apps.tenants.checks import stop_unless_safe  # noqa: E402

stop_unless_safe()
