"""Reports without what their project does not keep.

An application reports what it saw, before any redaction; what a report quotes is treated as
the project's policy treats events, by the strictest of its categories, as a difference may be
of any part of a step. Ids, names of steps and numbers stay, or nothing could be found again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from apps.governance.policies import compiled_policy
from apps.governance.redaction import DROPPED, ProjectMarks, Redactor
from apps.replays.reports import LONGEST_NAME
from apps.tenants.models import Project

Json = Any

RANDOM_ID = re.compile(r"[0-9a-fA-F-]{16,36}|(replay|fork)-[0-9a-f]{32}")
# Of a divergence, its differences and its nearest calls: what quotes the sessions.
QUOTES = frozenset({"says", "expected", "got", "words", "path"})
# Sentences, of which findings are taken out even where values are dropped whole.
SENTENCES = frozenset({"says", "path"})


class ReportRedactor:
    """Applies the project's policy as it is now."""

    def __init__(self, project: Project) -> None:
        policy = compiled_policy(project)
        self._how = policy.strictest
        self._marks = ProjectMarks(project.pk)
        self._redactor = Redactor(self._marks)

    def name(self, text: str) -> str:
        """Return a session's name as its events were recorded under."""
        if RANDOM_ID.fullmatch(text):
            return text
        parts, end = [], 0
        for found in self._how.search.findings(text):
            parts += [text[end : found.start]]
            parts += [self._marks.hashed(found.kind, text[found.start : found.end])]
            end = found.end
        made = "".join([*parts, text[end:]])
        return made if len(made) <= LONGEST_NAME else self._marks.hashed("id", text)

    def body(self, body: Mapping[str, Json]) -> dict[str, Json]:
        """Return plan, report and error as they may be kept."""
        plan, report, error = body["plan"] or {}, body["report"], body["error"]
        if plan.get("overrides"):
            plan = plan | {"overrides": self._values(plan["overrides"])}
        if error is not None:
            error = error | {"message": self._value(error.get("message"))}
        made = {"plan": plan, "report": report and self._report(report), "error": error}
        return {**body, **made}

    def _report(self, report: dict[str, Json]) -> dict[str, Json]:
        made = dict(report)
        for name in ("divergences", "soft"):
            made[name] = [self._divergence(one) for one in report.get(name) or ()]
        for name in ("hints", "notes"):
            made[name] = [self._text(one) for one in report.get(name) or ()]
        if report.get("environment"):
            made["environment"] = self._values(report["environment"])
        return made

    def _divergence(self, divergence: dict[str, Json]) -> dict[str, Json]:
        made = self._quotes(divergence)
        if "hints" in divergence:
            made["hints"] = [self._text(one) for one in divergence["hints"]]
        for name in ("differences", "nearest"):
            if name in divergence:
                made[name] = [self._quotes(one) for one in divergence[name]]
        return made

    def _quotes(self, told: dict[str, Json]) -> dict[str, Json]:
        return {name: self._quote(name, value) for name, value in told.items()}

    def _quote(self, name: str, value: Json) -> Json:
        if name not in QUOTES:
            return value
        if name in SENTENCES:
            return self._text(value)
        if name == "words":
            return [[sign, self._value(words)] for sign, words in value]
        return self._value(value)

    def _values(self, told: dict[str, Json]) -> dict[str, Json]:
        """Return values under their names, which may tell what they are; pairs stay pairs."""
        if self._how.drops:
            is_pair = {name: isinstance(value, list) for name, value in told.items()}
            return {name: [DROPPED] * 2 if pair else DROPPED for name, pair in is_pair.items()}
        made: dict[str, Json] = self._redactor.value(told, self._how)
        return made

    def _text(self, text: str) -> str:
        return self._redactor.plain_text(text, self._how)

    def _value(self, value: Json) -> Json:
        if self._how.drops:
            return None if value is None else DROPPED
        return self._redactor.value(value, self._how)
