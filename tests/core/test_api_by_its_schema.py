"""The API under requests made from its own OpenAPI document: it answers as the document says."""

from __future__ import annotations

import warnings

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from apps.tenants.permissions import Scope
from tests.factories import make_key, make_project
from tests.sessions.factories import make_session

pytestmark = pytest.mark.django_db

with warnings.catch_warnings():
    # In a fresh clone there are no collected static files, and none are needed.
    warnings.simplefilter("ignore")
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", get_wsgi_application())

# A list with some events refused is a 207, and filters ask for more than a type can say.
LENIENT = [positive_data_acceptance, negative_data_rejection]
EVERY_SCOPE = [scope.value for scope in Scope if scope != Scope.ADMIN]


@schemathesis.serializer("application/x-protobuf")
def as_it_is(context, value):
    """Send what stands for protobuf as bytes; almost none of it is a message."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(autouse=True)
def open_connection():
    """Keep the test's own connection, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def project(db):
    """A project of no usual name: these tests may run beside those of the browser."""
    return make_project()


@pytest.fixture
def headers(project):
    return {"Authorization": f"Bearer {make_key(project, EVERY_SCOPE)[1]}"}


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_the_document_says(case, headers, project):
    if case.path_parameters.get("session_id"):
        case.path_parameters["session_id"] = str(make_session(project).pk)

    case.call_and_validate(headers=headers, excluded_checks=LENIENT)
