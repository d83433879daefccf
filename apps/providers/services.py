"""Adding, rotating, testing and removing the keys of providers. A key goes in and never out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.core.outbound import BlockedError, checked_url
from apps.core.sealing import SealError, seal, unseal
from apps.providers.choices import BASE_URLS, DIALECTS, Dialect, Feature, Kind
from apps.providers.models import Credential
from apps.providers.protocol import CredentialError, ProviderError
from apps.providers.queries import credentials_of
from apps.providers.remote import Remote
from apps.tenants.access import permissions_in_organization, permissions_in_project
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tenants.services import clean_name

PURPOSE = "provider-keys"
LONGEST_KEY = 4000
# A key of fewer characters is not shown in part.
SHOWN_FROM = 16
MOST_CREDENTIALS = 100
MOST_MODELS = 1000
LONGEST_NAME = 80
GONE = "This provider was removed in the meantime."
UNREADABLE = "The key of this provider does not open with this server's master key. Replace it."
TAKEN = "There is a provider of this name already."
ORGANIZATION_ONLY = "This provider is the organization's. Whoever manages that can change it."


@dataclass(frozen=True, slots=True)
class Draft:
    """A provider as somebody asks for it."""

    name: str
    kind: str
    key: str
    base_url: str = ""
    dialect: str = ""
    # True: for every project of the organization.
    is_shared: bool = False
    lacks: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    concurrency: int = 8


@transaction.atomic
def add_credential(project: Project, draft: Draft, *, actor: Actor) -> Credential:
    """Keep a provider and its key, for this project or for all of its organization."""
    _check_right(project, is_shared=draft.is_shared, actor=actor)
    # The project's row orders additions, which have no row of their own to lock.
    Project.objects.select_for_update().get(pk=project.pk)
    credential = _drafted(project, draft)
    present = credentials_of(project)
    if present.count() >= MOST_CREDENTIALS:
        raise InvalidError(f"A project has {MOST_CREDENTIALS} providers at most.", "name")
    same_owner = present.filter(project=credential.project, name=credential.name)
    if same_owner.exists():
        raise InvalidError(TAKEN, "name")
    _seal(credential, draft.key)
    credential.created_by_id = int(actor.id) if actor.kind == "user" else None
    credential.save(force_insert=True)
    _record(actor, "provider.add", project, credential)
    return credential


@transaction.atomic
def rotate_credential(
    project: Project, credential: Credential, *, key: str, actor: Actor
) -> Credential:
    """Put a new key in the old one's place. The old one is not kept."""
    credential = _held(project, credential, actor)
    _seal(credential, key)
    credential.rotated_at = timezone.now()
    credential.test_error = credential.tested_at = None
    credential.save(
        update_fields=["sealed_key", "last_four", "rotated_at", "test_error", "tested_at"]
    )
    _record(actor, "provider.rotate", project, credential)
    return credential


@transaction.atomic
def remove_credential(project: Project, credential: Credential, *, actor: Actor) -> None:
    """Take a provider away and destroy its key; what was asked of it stays in the record."""
    credential = _held(project, credential, actor)
    credential.removed_at = timezone.now()
    credential.sealed_key = b""
    credential.save(update_fields=["removed_at", "sealed_key"])
    _record(actor, "provider.remove", project, credential)


def run_test(project: Project, credential: Credential, *, actor: Actor) -> Credential:
    """Ask the provider for its models, keep how that went, and return the credential.

    No transaction is open while the provider thinks.
    """
    _check_right(project, is_shared=credential.project_id is None, actor=actor)
    found: list[str] = []
    try:
        found, said = remote(credential).models()[:MOST_MODELS], ""
    except ProviderError as error:
        said = str(error)
    with transaction.atomic():
        credential = _held(project, credential, actor)
        credential.tested_at, credential.test_error = timezone.now(), said
        if not said:
            credential.models_found = [name[:200] for name in found]
        credential.save(update_fields=["tested_at", "test_error", "models_found"])
        _record(actor, "provider.test", project, credential)
    return credential


def remote(credential: Credential) -> Remote:
    """Return the provider ready to be asked. The only place where a key is opened.

    Raises CredentialError where there is none any more, or another master key sealed it.
    """
    if credential.removed_at is not None:
        raise CredentialError(GONE)
    try:
        key = unseal(PURPOSE, bytes(credential.sealed_key), credential.place).decode()
    except SealError:
        raise CredentialError(UNREADABLE) from None
    return Remote(
        name=credential.name,
        kind=credential.kind,
        dialect=credential.dialect,
        base_url=credential.base_url,
        key=key,
        lacks=frozenset(Feature(name) for name in credential.lacks),
    )


def may_manage(project: Project, credential: Credential, actor: Actor) -> bool:
    """Tell whether the actor may change a credential, which may be the organization's."""
    try:
        _check_right(project, is_shared=credential.project_id is None, actor=actor)
    except PermissionDenied:
        return False
    return True


def _check_right(project: Project, *, is_shared: bool, actor: Actor) -> None:
    if Permission.MANAGE_PROVIDERS not in permissions_in_project(actor, project):
        raise PermissionDenied("Your role may not manage providers of models.")
    whole = permissions_in_organization(actor, project.organization) if is_shared else None
    if whole is not None and Permission.MANAGE_PROVIDERS not in whole:
        raise PermissionDenied(ORGANIZATION_ONLY)


def _held(project: Project, credential: Credential, actor: Actor) -> Credential:
    _check_right(project, is_shared=credential.project_id is None, actor=actor)
    held = credentials_of(project).select_for_update(of=("self",)).filter(pk=credential.pk).first()
    if held is None:
        raise ConflictError(GONE)
    return held


def _drafted(project: Project, draft: Draft) -> Credential:
    if draft.kind not in Kind.values:
        raise InvalidError(f"Must be one of {', '.join(Kind.values)}.", "kind")
    kind = Kind(draft.kind)
    if len(draft.name.strip()) > LONGEST_NAME:
        raise InvalidError(f"A name has at most {LONGEST_NAME} characters.", "name")
    return Credential(
        organization_id=project.organization_id,
        project=None if draft.is_shared else project,
        name=clean_name(draft.name),
        kind=kind,
        dialect=_dialect(kind, draft.dialect),
        base_url=_base_url(kind, draft.base_url),
        lacks=_lacks(draft.lacks),
        requests_per_minute=_within("requests_per_minute", draft.requests_per_minute, 1_000_000),
        concurrency=_within("concurrency", draft.concurrency, 200) or 1,
    )


def _dialect(kind: Kind, wanted: str) -> Dialect:
    spoken = DIALECTS[kind]
    if not wanted:
        return spoken[0]
    if wanted not in spoken:
        known = ", ".join(dialect.value for dialect in spoken)
        raise InvalidError(f"{kind.label} speaks {known}.", "dialect")
    return Dialect(wanted)


def _base_url(kind: Kind, wanted: str) -> str:
    url = wanted.strip() or BASE_URLS[kind]
    if not url:
        raise BlockedError("Say where the server is, such as https://models.example.com/v1.")
    return checked_url(url)


def _lacks(wanted: Iterable[str]) -> list[str]:
    unknown = sorted(set(wanted) - set(Feature.values))
    if unknown:
        raise InvalidError(f"{unknown[0]} is not one of {', '.join(Feature.values)}.", "lacks")
    return sorted(set(wanted))


def _within(field: str, value: int | None, most: int) -> int | None:
    if value is not None and not 1 <= value <= most:
        raise InvalidError(f"Must be a number from 1 to {most:,}.", field)
    return value


def _seal(credential: Credential, key: str) -> None:
    key = key.strip()
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()) or " " in key:
        raise InvalidError(
            f"A key is plain letters, digits and signs, {LONGEST_KEY} at most.", "key"
        )
    if not key and credential.kind != Kind.COMPATIBLE:
        raise InvalidError("This provider wants a key.", "key")
    credential.sealed_key = seal(PURPOSE, key.encode(), credential.place)
    credential.last_four = key[-4:] if len(key) >= SHOWN_FROM else ""


def _record(actor: Actor, act: str, project: Project, credential: Credential) -> None:
    audit.record(
        actor,
        act,
        organization_id=project.organization_id,
        project_id=credential.project_id,
        objects=[f"provider:{credential.pk}"],
        detail={
            "name": credential.name,
            "kind": credential.kind,
            "base_url": credential.base_url,
            "last_four": credential.last_four,
            "is_shared": credential.project_id is None,
            "test": credential.test_error,
        },
    )
