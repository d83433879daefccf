"""Trying a policy on a text, so that people see what it does before it counts."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from apps.governance.choices import Action, Category
from apps.governance.detection import KINDS, RULE_PREFIX
from apps.governance.policies import CompiledPolicy, Policy, Treatment
from apps.governance.redaction import MARK, Marks, ProjectMarks, Redactor, word
from apps.tenants.models import Project

Json = Any

LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Trialled:
    """One thing that was found, and what would stand in its place."""

    kind: str
    value: str
    action: str
    mark: str

    @property
    def label(self) -> str:
        return KINDS.get(self.kind) or self.kind.removeprefix(RULE_PREFIX)


@dataclass(frozen=True, slots=True)
class Trial:
    """What a policy makes of a value."""

    value: Json
    is_dropped: bool = False
    findings: list[Trialled] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The outcome as text; JSON in a form that people can read."""
        if isinstance(self.value, str):
            return self.value
        return json.dumps(self.value, ensure_ascii=False, indent=2)

    @property
    def pieces(self) -> list[tuple[str, bool]]:
        """The outcome in pieces, each with whether it is a mark."""
        pieces, end, text = [], 0, self.text
        for mark in MARK.finditer(text):
            pieces += [(text[end : mark.start()], False), (mark[0], True)]
            end = mark.end()
        return [piece for piece in [*pieces, (text[end:], False)] if piece[0]]


class TrialMarks(ProjectMarks):
    """Marks as they would be in a session that begins here."""

    def __init__(self, project_id: int) -> None:
        super().__init__(project_id)
        self._tokens: defaultdict[str, list[str]] = defaultdict(list)

    def pseudonym(self, kind: str, value: str) -> str:
        known = self._tokens[kind]
        if value not in known:
            known.append(value)
        return f"<{word(kind)}_{known.index(value) + 1}>"


class Recorder(Redactor):
    """Writes down each thing that it finds."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(marks)
        self.trialled: list[Trialled] = []

    def mark(self, kind: str, value: str, how: Treatment) -> str:
        mark = super().mark(kind, value, how)
        self.trialled.append(Trialled(kind, value, how.action_for(kind).value, mark))
        return mark


def try_policy(
    project: Project,
    policy: Policy,
    value: Json,
    *,
    category: Category,
    action: Action | None = None,
) -> Trial:
    """Return what the policy makes of a value; with ``action``, as if the category had that."""
    compiled = CompiledPolicy(policy)
    how = compiled.treatment(category) if action is None else compiled.by_action[action]
    if how.drops:
        return Trial(None, is_dropped=True)
    recorder = Recorder(TrialMarks(project.pk))
    return Trial(recorder.value(value, how), findings=recorder.trialled)


def opened(text: str) -> Json:
    """Return JSON that somebody pasted as JSON, anything else as the text that it is."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
