"""Prompts worth looking at: one that says what would run if trusted, with comments and labels."""

from __future__ import annotations

from apps.accounts.models import User
from apps.audit.actors import SYSTEM, Actor
from apps.prompts import commenting, services
from apps.prompts.moving import move_label
from apps.tenants.models import Project
from tests.browser.words import HOSTILE
from tests.prompts.factories import MESSAGES, make_prompt, make_version


def keep_prompts(project: Project, person: User) -> None:
    """Keep a prompt of two versions, whose label waits for a second person, and a chat."""
    words = "\n".join(HOSTILE).replace("{{", "\\{{")
    prompt = make_prompt(project, "desk/hostile", f"{words}\n{{{{customer}}}}")
    told = {"parameters": {"stop": HOSTILE[0]}, "tools": [{"name": HOSTILE[1]}]}
    version = make_version(prompt, f"Be short.\n{words}", note=HOSTILE[2], **told)
    move_label(prompt, label="production", number=1, actor=SYSTEM, why=HOSTILE[3])
    services.protect_labels(project, labels=["production"], allows_emergency=True, actor=SYSTEM)
    asking = Actor(kind="user", id="0", label=HOSTILE[0])
    move_label(prompt, label="production", number=2, actor=asking, why=HOSTILE[1])
    by = Actor(kind="user", id=str(person.pk), label=person.email)
    commenting.add_comment(version, text="\n".join(HOSTILE), line=2, actor=by)
    services.change_prompt(prompt, changes={"description": words, "tags": ["a"]}, actor=SYSTEM)
    make_prompt(project, "desk/chat", MESSAGES)
