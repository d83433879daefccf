"""The sides of a run: what each one is asked otherwise than recorded, with labels made numbers.

A label may be moved while a run goes on, so that what it meant at the start is written down once.
"""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import Http404

from apps.core.canonical import canonical_json
from apps.core.errors import InvalidError
from apps.prompts import queries as prompts
from apps.providers.models import Credential
from apps.providers.queries import credential_named
from apps.replays.runs.models import RegressionRun
from apps.replays.runs.settings import RunSettings, Variant, replay_settings
from apps.replays.server.questions import Questions
from apps.replays.server.settings import AT_HOME, Overrides, PromptOverride
from apps.sessions.keys import project_keys
from apps.tenants.models import Project

Json = Any

SEALED_AS = b"regression run"
AS_RECORDED, THE_RECORD = "as recorded", "the record"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One side: whom it asks, and what."""

    name: str
    provider: str
    overrides: Overrides
    # The prompt as it was asked for: a label, where the overrides have its number.
    prompt: str | None = None
    # The record itself: nobody is asked.
    is_record: bool = False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What a run keeps of what it was asked for."""

    settings: RunSettings
    sides: list[Side]
    plan_hash: str = ""
    # What counts together: "" each session by itself, else "task" or "user".
    clusters: str = ""


def resolve_sides(project: Project, settings: RunSettings) -> list[Side]:
    """Return the baseline and the candidates. Raises InvalidError naming what is not there."""
    base = settings.baseline
    if base.recorded:
        record = Side(name=THE_RECORD, provider="recorded", overrides=Overrides(), is_record=True)
    else:
        name = base.prompt or base.model or AS_RECORDED
        record = _side(project, settings, base, name, "baseline")
    return [record] + [
        _side(project, settings, one, one.name, f"candidates.{at}")
        for at, one in enumerate(settings.candidates)
    ]


def _side(project: Project, settings: RunSettings, told: Variant, name: str, path: str) -> Side:
    provider = told.provider or settings.provider
    _check_provider(project, provider, f"{path}.provider" if told.provider else "provider")
    side = Side(
        name=name,
        provider=provider,
        overrides=Overrides(
            model=told.model,
            params=told.params,
            system=told.system,
            tools=told.tools,
            prompt=_prompt(project, told.prompt, f"{path}.prompt"),
        ),
        prompt=told.prompt,
    )
    _check(project, settings, side, path)
    return side


def _check_provider(project: Project, provider: str, path: str) -> None:
    try:
        credential_of(project, provider)
    except InvalidError as error:
        message = f"There is no credential {provider[:64]}. Add it, or name another provider."
        raise InvalidError(message, path) from error


def credential_of(project: Project, provider: str) -> Credential | None:
    """Return whose key is used; None for those who answer at home."""
    return None if provider in AT_HOME else credential_named(project, provider)


def _prompt(project: Project, told: str | None, path: str) -> PromptOverride | None:
    if told is None:
        return None
    name, _, version = told.partition("@")
    name, _, label = name.partition(":")
    try:
        prompt = prompts.find_prompt(project, name)
        number = prompts.number_at(prompt, label=label, version=version)
        prompts.find_version(prompt, number)
    except Http404 as error:
        raise InvalidError(f"{error} It says {told[:128]}.", path) from None
    except InvalidError as error:
        raise InvalidError(error.errors[0]["message"], path) from None
    return PromptOverride(name=name, version=number)


def _check(project: Project, settings: RunSettings, side: Side, path: str) -> None:
    """Refuse now what could be asked of no session."""
    try:
        wanted = replay_settings(settings, provider=side.provider, overrides=side.overrides)
        Questions(project, wanted)
    except InvalidError as error:
        for one in error.errors:
            one["path"] = one["path"].replace("overrides", path, 1)
        raise


def seal(project: Project, kept: Kept) -> bytes:
    return project_keys(project.pk).seal_apart(canonical_json(msgspec.to_builtins(kept)), SEALED_AS)


def kept_of(run: RegressionRun) -> Kept:
    """Return what the run was asked for, and its sides."""
    opened = project_keys(run.project_id).open_apart(bytes(run.sealed_settings), SEALED_AS)
    return msgspec.json.decode(opened, type=Kept)
