"""Rules of a project's own. They run on RE2 alone, whose time is linear in the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import re2

from apps.core.errors import InvalidError
from apps.governance.detection.kinds import Finding

NAME_LIMIT = 40
PATTERN_LIMIT = 500
# What a compiled pattern may take; RE2 refuses a longer program at once.
MEMORY_LIMIT = 1 << 20
# Each match can look ahead to the end of the text, so their number bounds the work.
MATCH_LIMIT = 2000
# In one of them a pattern that can match nothing does so.
_PROBES = ("", " ", "a -1.\n")
# A kind of this start is a rule's, and the rest is the rule's name.
RULE_PREFIX = "rule:"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern that a project looks for besides the kinds that are built in."""

    name: str
    pattern: str


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule that is ready to be used. Made by ``compile_rule`` alone."""

    kind: str
    expression: Any

    def find(self, text: str) -> Iterator[Finding]:
        """Yield what the rule finds. Where it finds too much, all the rest counts as found."""
        for count, match in enumerate(self.expression.finditer(text)):
            start, end = match.span()
            if count == MATCH_LIMIT:
                yield Finding(self.kind, start, max(len(text), end))
                return
            if end > start:
                yield Finding(self.kind, start, end)


def compile_rule(rule: Rule) -> CompiledRule:
    """Return the rule ready for use, or refuse it with the field and the reason."""
    if not rule.name.strip() or len(rule.name) > NAME_LIMIT:
        raise InvalidError(f"A rule needs a name of 1 to {NAME_LIMIT} characters.", "name")
    if not rule.pattern or len(rule.pattern) > PATTERN_LIMIT:
        message = f"A pattern has 1 to {PATTERN_LIMIT} characters."
        raise InvalidError(message, "pattern")
    expression = _compile(rule.pattern)
    if any(_is_empty(match) for text in _PROBES for match in expression.finditer(text)):
        raise InvalidError("The pattern matches the empty text.", "pattern")
    return CompiledRule(RULE_PREFIX + rule.name.strip(), expression)


def _is_empty(match: Any) -> bool:
    start, end = match.span()
    return bool(start == end)


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY_LIMIT
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        message = f"The pattern cannot be used: {_reason(error)}."
        raise InvalidError(message, "pattern") from error


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "it holds half a character"
    reason = error.args[0] if error.args else ""
    return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
