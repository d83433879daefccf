"""Makers of prompts."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import User
from apps.audit.actors import SYSTEM, Actor
from apps.prompts import services
from apps.prompts.content import Content
from apps.prompts.models import Prompt, PromptVersion
from apps.tenants.models import Project

MESSAGES = [
    {"role": "system", "content": "You help {{customer}}."},
    {"placeholder": "history"},
    {"role": "user", "content": "{{question}}"},
]


def make_prompt(
    project: Project,
    name: str = "triage",
    body: Any = "Sort this: {{ticket}}",
    *,
    actor: Actor = SYSTEM,
    **content: Any,
) -> Prompt:
    """A prompt with one version; a list is a chat."""
    kind = "text" if isinstance(body, str) else "chat"
    about = services.About(name, kind)
    version = services.create_prompt(
        project, about=about, content=Content(body, **content), actor=actor
    )
    return version.prompt


def make_version(
    prompt: Prompt, body: Any, *, actor: Actor = SYSTEM, note: str = "", **content: Any
) -> PromptVersion:
    return services.add_version(prompt, content=Content(body, **content), note=note, actor=actor)


def acting(person: User) -> Actor:
    return Actor(kind="user", id=str(person.pk), label=person.email)
