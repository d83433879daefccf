"""URLs of what a project decides about its data."""

from __future__ import annotations

from django.urls import path

from apps.governance import api, views

app_name = "governance"
REDACTION = "o/<slug:organization_slug>/p/<slug:project_slug>/settings/redaction/"

urlpatterns = [
    path(REDACTION, views.redaction, name="redaction"),
    path(f"{REDACTION}rules/add/", views.add_rule, name="rule-add"),
    path(f"{REDACTION}rules/remove/", views.remove_rule, name="rule-remove"),
    path(f"{REDACTION}try/", views.try_out, name="redaction-try"),
    path("api/v1/redaction", api.RedactionDetail.as_view(), name="api-redaction"),
    path("api/v1/redaction/test", api.RedactionTest.as_view(), name="api-redaction-test"),
]
