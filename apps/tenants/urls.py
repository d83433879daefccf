"""URLs of organizations, projects, their members and keys, and of the trail."""

from __future__ import annotations

from django.urls import path

from apps.tenants.api.audit import Audit
from apps.tenants.api.views import Me

urlpatterns = [
    path("api/v1/me", Me.as_view(), name="api-me"),
    path("api/v1/audit", Audit.as_view(), name="api-audit"),
]
