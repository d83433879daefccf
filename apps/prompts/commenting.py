"""What people say about lines of a version."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.prompts.checks import clean_words
from apps.prompts.content import lines_of
from apps.prompts.models import LONGEST_COMMENT, Prompt, PromptVersion, VersionComment
from apps.prompts.services import record
from apps.tenants.access import people_who_may_see, permissions_in_project
from apps.tenants.inbox import Matter, tell_of
from apps.tenants.inbox_models import InboxKind
from apps.tenants.models import Project
from apps.tenants.naming import handles_in, people_called
from apps.tenants.permissions import Permission

MOST_COMMENTS = 1_000


@transaction.atomic
def add_comment(
    version: PromptVersion, *, text: str, line: int | None, actor: Actor
) -> VersionComment:
    """Say something about one line of a version, or about all of it."""
    prompt = version.prompt.locked()
    text = clean_words(text, "text", LONGEST_COMMENT)
    if not text:
        raise InvalidError("Write something.", "text")
    count = len(lines_of(version.prompt.kind, version.body))
    if line is not None and not 1 <= line <= count:
        raise InvalidError(f"This version has lines 1 to {count:,}.", "line")
    if prompt.comments.filter(number=version.number).count() >= MOST_COMMENTS:
        raise ConflictError(f"A version holds at most {MOST_COMMENTS:,} comments.")
    comment = prompt.project.prompt_comments.create(
        prompt=prompt,
        number=version.number,
        line=line,
        text=text,
        author=User.objects.filter(pk=actor.id).first() if actor.kind == "user" else None,
        by=actor.label or actor.kind,
    )
    people = _people_named(prompt.project, text)
    told = {"version": version.number, "line": line, "comment": comment.pk}
    record(actor, "prompt.comment", prompt, told | {"mentions": [one.pk for one in people]})
    _tell(comment, prompt, people, actor)
    return comment


def _people_named(project: Project, text: str) -> list[User]:
    """Return whom a comment names, of those who may read prompts."""
    handles = handles_in(text)
    readers = people_who_may_see(project, needs=Permission.READ_PROMPTS)
    return list({one.pk: one for one in people_called(readers, handles).values()}.values())


def _tell(comment: VersionComment, prompt: Prompt, people: Iterable[User], actor: Actor) -> None:
    place = f", line {comment.line}" if comment.line else ""
    matter = Matter(
        f"{prompt.name} v{comment.number}{place}",
        "prompts:version",
        (prompt.name, str(comment.number)),
        Permission.READ_PROMPTS,
        f"comment-{comment.pk}",
    )
    for person in people:
        tell_of(person, prompt.project, kind=InboxKind.MENTION, actor=actor, matter=matter)


@transaction.atomic
def resolve_comment(comment: VersionComment, *, is_resolved: bool, actor: Actor) -> VersionComment:
    """Mark what was said as dealt with, or as open again."""
    comment = comment.locked()
    if (comment.resolved_at is not None) == is_resolved:
        return comment
    comment.resolved_at = timezone.now() if is_resolved else None
    comment.resolved_by = (actor.label or actor.kind) if is_resolved else ""
    comment.save(update_fields=["resolved_at", "resolved_by"])
    told = {"comment": comment.pk, "resolved": is_resolved}
    record(actor, "prompt.comment.resolve", comment.prompt, told)
    return comment


@transaction.atomic
def delete_comment(comment: VersionComment, *, actor: Actor) -> None:
    """Take back what one said; whoever manages the project takes back what others said, too."""
    comment = comment.locked()
    is_own = actor.kind == "user" and str(comment.author_id) == actor.id
    allowed = permissions_in_project(actor, comment.project)
    if not is_own and Permission.MANAGE_PROJECT not in allowed:
        raise ConflictError("Only who said it takes it back.")
    record(actor, "prompt.comment.delete", comment.prompt, {"comment": comment.pk})
    comment.delete()
