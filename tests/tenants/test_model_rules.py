"""Rules over all models and all sources: how a row may be reached at all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist

from apps.tenants.models import ProjectModel

OURS = [
    model
    for config in apps.get_app_configs()
    if config.name.startswith("apps.")
    for model in config.get_models()
]

# They belong to no project: who owns projects, people, and the trail, which knows ids only.
OF_NO_PROJECT = {
    "accounts.User",
    "audit.AuditEntry",
    "audit.Reading",
    # An organization's, and sometimes of one project of it alone, as a membership is.
    "providers.Credential",
    "tenants.Membership",
    "tenants.Organization",
    "tenants.Project",
}

# django-guardian asks for its manager by this name; our own code does not.
OPEN = {"tenants.SessionGrant"}

# They use a manager that sees every project: to find the project itself (the credential), to
# lock a row that the caller holds, to sweep over all projects, or with the project's id given
# (the record's own modules, the trail).
MAY_CROSS_PROJECTS = {
    "apps/annotations/following.py",
    "apps/annotations/share_links.py",
    "apps/annotations/share_visits.py",
    "apps/audit/queries.py",
    "apps/audit/services.py",
    "apps/ingest/imports/sweeping.py",
    "apps/replays/following.py",
    "apps/replays/suite_following.py",
    "apps/replays/schedules/sweeping.py",
    "apps/replays/runs/sweeping.py",
    "apps/replays/server/sweeping.py",
    "apps/providers/budgets.py",
    "apps/providers/caching.py",
    "apps/providers/calling.py",
    "apps/providers/queries.py",
    "apps/sessions/agents/assigning.py",
    "apps/sessions/agents/comparing.py",
    "apps/sessions/agents/following.py",
    "apps/sessions/agents/generalising.py",
    "apps/sessions/agents/queries.py",
    "apps/sessions/agents/sweeping.py",
    "apps/sessions/erasure.py",
    "apps/sessions/keys.py",
    "apps/sessions/models.py",
    "apps/sessions/queries.py",
    "apps/sessions/reader.py",
    "apps/sessions/saved_views.py",
    "apps/sessions/store.py",
    "apps/tenants/access.py",
    "apps/tenants/authentication.py",
    "apps/tenants/grants.py",
    "apps/tenants/idempotency.py",
    "apps/tenants/inbox.py",
    "apps/tenants/models.py",
    "apps/tickets/following.py",
    "apps/web/doctor.py",
}

# get_object_or_404(Ticket, ...) would quietly use the default manager, which is unscoped.
CROSSES = (
    r"\.unscoped\b|SessionGrant\.objects|_(default|base)_manager"
    r"|get_(object|list)_or_404\(\s*[A-Z]"
)

OF_PROJECTS = [model for model in OURS if model._meta.label not in OF_NO_PROJECT]


@pytest.mark.parametrize("model", OF_PROJECTS, ids=lambda model: model._meta.label)
def test_every_model_belongs_to_a_project_and_has_no_open_manager(model):
    try:
        assert not model._meta.get_field("project").null
    except FieldDoesNotExist:
        # A composite key names the project by its id alone.
        assert not model._meta.get_field("project_id").null
    assert not hasattr(model, "objects") or model._meta.label in OPEN


def test_the_list_of_models_without_a_project_names_only_models_that_exist():
    assert {model._meta.label for model in OURS} >= OF_NO_PROJECT


def test_crossing_projects_stays_on_the_short_list():
    sources = (Path(settings.BASE_DIR) / "apps").rglob("*.py")
    crossing = {
        str(path.relative_to(settings.BASE_DIR))
        for path in sources
        if re.search(CROSSES, path.read_text()) and "migrations" not in path.parts
    }

    assert crossing == MAY_CROSS_PROJECTS


def test_rows_of_projects_are_reached_by_their_base():
    assert [model for model in OF_PROJECTS if not issubclass(model, ProjectModel)] == []
