"""URLs of organizations, projects, their members and keys, and of the trail."""

from __future__ import annotations

from django.urls import include, path

from apps.tenants.api.audit import Audit
from apps.tenants.api.views import Me
from apps.tenants.views import audit, keys, members, settings

app_name = "tenants"

of_organization = [
    path("settings/", settings.organization_settings, name="organization-settings"),
    path("projects/new/", settings.project_new, name="project-new"),
    path("members/", members.member_list, name="members"),
    path("members/add/", members.add, name="member-add"),
    path("members/<int:pk>/role/", members.change_role, name="member-role"),
    path("members/<int:pk>/remove/", members.remove, name="member-remove"),
    path("leave/", members.leave, name="leave"),
    path("audit/", audit.audit, name="audit"),
]

of_project = [
    path("settings/", settings.project_settings, name="settings"),
    path("settings/keys/", keys.key_list, name="keys"),
    path("settings/keys/create/", keys.create, name="key-create"),
    path("settings/keys/<int:pk>/rotate/", keys.rotate, name="key-rotate"),
    path("settings/keys/<int:pk>/revoke/", keys.revoke, name="key-revoke"),
]

urlpatterns = [
    path("welcome/", settings.welcome, name="welcome"),
    path("o/<slug:organization_slug>/", include(of_organization)),
    path("o/<slug:organization_slug>/p/<slug:project_slug>/", include(of_project)),
    path("api/v1/me", Me.as_view(), name="api-me"),
    path("api/v1/audit", Audit.as_view(), name="api-audit"),
]
