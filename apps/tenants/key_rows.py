"""Reading the row of an API key with its project: a part of every request that has one.

The ORM writes the same statement anew each time, and PostgreSQL plans it anew; together they
would cost more than all else that a small request needs besides recording.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import models

from apps.core.prepared import rows
from apps.tenants.models import ApiKey, Organization, Project


def _names(model: type[models.Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


def _columns(alias: str, model: type[models.Model]) -> str:
    return ", ".join(f"{alias}.{field.column}" for field in model._meta.concrete_fields)


_KEY, _PROJECT, _ORGANIZATION = _names(ApiKey), _names(Project), _names(Organization)
WITH_DIGEST = f"""
SELECT {_columns("k", ApiKey)}, {_columns("p", Project)}, {_columns("o", Organization)}
FROM {ApiKey._meta.db_table} k
JOIN {Project._meta.db_table} p ON p.id = k.project_id
JOIN {Organization._meta.db_table} o ON o.id = p.organization_id
WHERE k.digest = $1
"""  # noqa: S608


def key_with(digest: bytes) -> ApiKey | None:
    """Return the key with this digest, its project and organization with it."""
    found = rows(WITH_DIGEST, digest)
    return _key(found[0]) if found else None


def _key(row: Sequence[Any]) -> ApiKey:
    after_key, after_project = len(_KEY), len(_KEY) + len(_PROJECT)
    key = ApiKey.from_db("default", _KEY, row[:after_key])
    key.project = Project.from_db("default", _PROJECT, row[after_key:after_project])
    key.project.organization = Organization.from_db("default", _ORGANIZATION, row[after_project:])
    return key
