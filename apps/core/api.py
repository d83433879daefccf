"""How the API answers: JSON by orjson, errors as RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.renderers import BaseRenderer
from rest_framework.response import Response

from apps.core.errors import DomainError, InvalidError, UnavailableError

# SQLSTATE of a transaction that may not write.
READ_ONLY = "25006"


def plain(value: Any) -> str:
    """Return the JSON text of what JSON has no form for."""
    # Money stays exact on the wire, and every time has its microseconds.
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    raise TypeError(f"{type(value).__name__} has no JSON form")


class OrjsonRenderer(BaseRenderer):
    """Writes JSON; times in UTC with microseconds."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)


def problem(
    status: int, title: str, detail: str, errors: Sequence[Mapping[str, str]] | None = None
) -> Response:
    """Return an RFC 9457 answer; ``errors`` name the fields that were refused."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = list(errors)
    return Response(body, status=status, content_type="application/problem+json")


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Turn what a view raised into a problem; bugs stay 500s and are not dressed up."""
    if cannot_write(error):
        error = UnavailableError("The database cannot take this now. Send it again later.")
    if isinstance(error, DomainError):
        return _domain_problem(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    if isinstance(error, exceptions.APIException):
        return _api_problem(error)
    return None


def cannot_write(error: BaseException | None) -> bool:
    """Whether the database is away, or is a copy that takes no writes (during a failover)."""
    if isinstance(error, InternalError):
        return getattr(error.__cause__, "sqlstate", None) == READ_ONLY
    return isinstance(error, OperationalError | InterfaceError)


def _domain_problem(error: DomainError) -> Response:
    errors = error.errors if isinstance(error, InvalidError) else None
    response = problem(error.status, error.title, str(error), errors)
    if seconds := getattr(error, "retry_after_seconds", None):
        response["Retry-After"] = str(seconds)
    return response


def _api_problem(error: exceptions.APIException) -> Response:
    title = str(error.default_detail).rstrip(".")
    if isinstance(error, exceptions.ValidationError):
        errors = list(_field_errors(error.detail))
        return problem(error.status_code, title, "Some fields were refused.", errors)
    response = problem(error.status_code, title, str(error.detail))
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if (wait := getattr(error, "wait", None)) is not None:
        response["Retry-After"] = str(int(wait))
    return response


def _field_errors(detail: Any, path: str = "") -> list[dict[str, str]]:
    if isinstance(detail, Mapping):
        pairs = [(f"{path}.{key}" if path else str(key), value) for key, value in detail.items()]
        return [row for inner, value in pairs for row in _field_errors(value, inner)]
    if isinstance(detail, list):
        return [row for value in detail for row in _field_errors(value, path)]
    return [{"path": path, "message": str(detail)}]
