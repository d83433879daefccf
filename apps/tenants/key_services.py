"""Making, rotating and revoking API keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.tenants import keys
from apps.tenants.access import permissions_in_project
from apps.tenants.models import ApiKey, Project
from apps.tenants.permissions import SCOPE_GRANTORS, Permission, Scope
from apps.tenants.services import clean_name

DEFAULT_LIFE = timedelta(days=180)
# How long the old key still works after a rotation.
DEFAULT_OVERLAP = timedelta(hours=24)
ENVIRONMENT_LENGTH = 64


@transaction.atomic
def create_api_key(
    project: Project,
    *,
    name: str,
    scopes: Iterable[str] = (Scope.INGEST,),
    environment: str = "",
    expires_at: datetime | None = None,
    actor: Actor,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its secret, which is stored nowhere and cannot be had again."""
    wanted = read_scopes(scopes)
    _check_grant(actor, project, wanted)
    _check_maker(actor, wanted)
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidError("The expiry must lie in the future.", "expires_at")
    draft = ApiKey(
        project=project,
        name=clean_name(name),
        scopes=wanted,
        environment=clean_environment(environment),
        expires_at=expires_at,
        created_by_id=_maker(actor),
    )
    return _issue(draft, "key.create", actor)


@transaction.atomic
def rotate_api_key(
    key: ApiKey, *, overlap: timedelta = DEFAULT_OVERLAP, actor: Actor
) -> tuple[ApiKey, str]:
    """Make a successor with the same rights; the old key stops when the overlap is over."""
    key = key.locked()
    if not key.is_usable:
        raise ConflictError("This key is revoked or expired. Create a new one.")
    _check_grant(actor, key.project, key.scopes)
    _check_maker(actor, key.scopes)
    draft = ApiKey(
        project=key.project,
        name=key.name,
        scopes=key.scopes,
        environment=key.environment,
        expires_at=_same_life(key),
        created_by_id=_maker(actor),
        rotated_from=key,
    )
    ends_at = timezone.now() + overlap
    key.expires_at = min(key.expires_at, ends_at) if key.expires_at else ends_at
    key.save(update_fields=["expires_at"])
    return _issue(draft, "key.rotate", actor)


@transaction.atomic
def revoke_api_key(key: ApiKey, *, actor: Actor) -> ApiKey:
    """Stop a key: the next request with it is refused."""
    key = key.locked()
    if Permission.MANAGE_KEYS not in permissions_in_project(actor, key.project):
        raise PermissionDenied("Your role may not manage API keys.")
    if key.revoked_at is not None:
        raise ConflictError("This key is already revoked.")
    key.revoked_at = timezone.now()
    key.save(update_fields=["revoked_at"])
    _record(actor, "key.revoke", key)
    return key


def read_scopes(scopes: Iterable[str]) -> list[str]:
    """Return the scopes in their usual order; an unknown or missing one is refused."""
    given = set(scopes)
    unknown = sorted(given - set(Scope.values))
    if unknown:
        known = ", ".join(Scope.values)
        raise InvalidError(f"Unknown scope {unknown[0]}. Known are: {known}.", "scopes")
    if not given:
        raise InvalidError("A key needs at least one scope.", "scopes")
    return [scope for scope in Scope.values if scope in given]


def clean_environment(environment: str) -> str:
    """Return the environment as it will stand on sessions."""
    environment = environment.replace("\x00", "").strip()
    if len(environment) > ENVIRONMENT_LENGTH:
        raise InvalidError(
            f"An environment has at most {ENVIRONMENT_LENGTH} characters.", "environment"
        )
    return environment


def _issue(draft: ApiKey, act: str, actor: Actor) -> tuple[ApiKey, str]:
    secret = keys.make(is_live=draft.environment in {"", "production"})
    draft.digest = keys.digest(secret)
    draft.prefix = secret[: keys.SHOWN_START]
    draft.last_four = secret[-keys.SHOWN_END :]
    draft.save(force_insert=True)
    _record(actor, act, draft)
    return draft, secret


def _check_grant(actor: Actor, project: Project, scopes: Iterable[str]) -> None:
    own = permissions_in_project(actor, project)
    if Permission.MANAGE_KEYS not in own:
        raise PermissionDenied("Your role may not manage API keys.")
    for scope in scopes:
        if not SCOPE_GRANTORS[Scope(scope)] <= own:
            raise PermissionDenied(f"Your role may not give the scope {scope}.")


def _check_maker(actor: Actor, scopes: Iterable[str]) -> None:
    # A key with this scope acts as its maker, so there must be one.
    if Scope.ADMIN in scopes and _maker(actor) is None:
        raise InvalidError("A key with the scope admin must be made by a person.", "scopes")


def _maker(actor: Actor) -> int | None:
    return int(actor.id) if actor.kind == "user" else None


def _same_life(key: ApiKey) -> datetime | None:
    if key.expires_at is None:
        return None
    return timezone.now() + max(key.expires_at - key.created_at, timedelta(days=1))


def _record(actor: Actor, act: str, key: ApiKey) -> None:
    expires_at = key.expires_at.isoformat() if key.expires_at else None
    audit.record(
        actor,
        act,
        organization_id=key.project.organization_id,
        project_id=key.project_id,
        objects=[f"key:{key.pk}"],
        detail={
            "name": key.name,
            "prefix": key.prefix,
            "last_four": key.last_four,
            "scopes": key.scopes,
            "environment": key.environment,
            "expires_at": expires_at,
            "rotated_from": key.rotated_from_id,
        },
    )
