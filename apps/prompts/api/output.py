"""How the API writes prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.urls import reverse

from apps.core.value_diff import Change
from apps.prompts.differing import VersionDiff
from apps.prompts.models import LabelMove, LabelRequest, Prompt, PromptVersion
from apps.prompts.resolving import Resolved, content_of

Json = Any


def prompt_json(prompt: Prompt) -> dict[str, Json]:
    """Write a prompt without its words; its labels should have been read."""
    return {
        "name": prompt.name,
        "folder": prompt.folder,
        "kind": prompt.kind,
        "description": prompt.description,
        "tags": prompt.tags,
        "owner": prompt.owner.email if prompt.owner else None,
        "latest": prompt.last_number,
        "labels": {row.name: row.number for row in prompt.labels.all()},
        "created_by": prompt.created_by,
        "created_at": prompt.created_at,
        "changed_at": prompt.changed_at,
        "archived_at": prompt.archived_at,
        "url": page_of(prompt),
    }


def version_json(version: PromptVersion, labels: Mapping[int, Sequence[str]]) -> dict[str, Json]:
    """Write a version as it was written: includes are not put in."""
    return {
        "version": version.number,
        "labels": list(labels.get(version.number, [])),
        **body_json(version.body),
        "parameters": version.parameters,
        "tools": version.tools,
        "output_schema": version.output_schema,
        "variables": version.variables,
        "includes": [str(one) for one in content_of(version).includes],
        **head_json(version),
    }


def head_json(version: PromptVersion) -> dict[str, Json]:
    """Write what is said about a version."""
    return {
        "note": version.note,
        "author": version.author,
        "created_at": version.created_at,
        "digest": version.digest,
    }


def resolved_json(resolved: Resolved) -> dict[str, Json]:
    """Write a version with its includes put in: what only takes values for its variables."""
    return {
        **body_json(resolved.body),
        "variables": resolved.variables,
        "placeholders": resolved.placeholders,
        "included": [{"name": name, "version": number} for name, number in resolved.included],
    }


def body_json(body: Json) -> dict[str, Json]:
    is_text = isinstance(body, str)
    return {"text": body if is_text else None, "messages": None if is_text else body}


def move_json(move: LabelMove) -> dict[str, Json]:
    return {
        "label": move.label,
        "from": move.from_number,
        "to": move.to_number,
        "why": move.why,
        "by": move.moved_by,
        "approved_by": move.approved_by or None,
        "is_rollback": move.is_rollback,
        "is_emergency": move.is_emergency,
        "at": move.moved_at,
    }


def request_json(request: LabelRequest) -> dict[str, Json]:
    return {
        "id": request.pk,
        "label": request.label,
        "from": request.from_number,
        "to": request.to_number,
        "why": request.why,
        "is_rollback": request.is_rollback,
        "state": request.state,
        "asked_by": request.asked_label,
        "asked_at": request.asked_at,
        "decided_by": request.decided_by or None,
        "decided_why": request.decided_why,
        "decided_at": request.decided_at,
    }


def diff_json(diff: VersionDiff) -> dict[str, Json]:
    rows = diff.rows(is_split=True)
    return {
        "added": rows.added,
        "removed": rows.removed,
        "unified": diff.unified,
        **{
            section.name: {
                "changes": [change_json(one) for one in section.difference.changes],
                "is_cut": section.difference.is_cut,
            }
            for section in diff.sections
        },
    }


def change_json(change: Change) -> dict[str, Json]:
    return {
        "path": change.path,
        "op": change.op,
        "before": change.before,
        "after": change.after,
    }


def page_of(prompt: Prompt) -> str:
    project = prompt.project
    return reverse("prompts:prompt", args=(project.organization.slug, project.slug, prompt.name))
