"""Finds personal data and secrets in text. Pure: it knows no project and stores nothing."""

from apps.governance.detection.kinds import KINDS, PERSONAL, SECRETS, Finding
from apps.governance.detection.names import find_by_key
from apps.governance.detection.rules import RULE_PREFIX, CompiledRule, Rule, compile_rule
from apps.governance.detection.search import find

__all__ = [
    "KINDS",
    "PERSONAL",
    "RULE_PREFIX",
    "SECRETS",
    "CompiledRule",
    "Finding",
    "Rule",
    "compile_rule",
    "find",
    "find_by_key",
]
