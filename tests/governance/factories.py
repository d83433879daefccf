"""Makers of policies."""

from __future__ import annotations

from typing import Any

from apps.audit.actors import SYSTEM
from apps.governance import services
from apps.governance.choices import Action, Category
from apps.governance.policies import CompiledPolicy, OwnRule, Policy
from apps.governance.redaction import ProjectMarks, Redactor
from apps.tenants.models import Project


def make_policy(action: str = "capture", **fields: Any) -> Policy:
    """Return a policy of one action, but for the categories that are given by name."""
    actions = {category: Action(fields.pop(category.value, action)) for category in Category}
    rules = tuple(OwnRule(*rule) for rule in fields.pop("rules", ()))
    return Policy(actions=actions, rules=rules, **fields)


def set_policy(project: Project, action: str = "capture", **fields: Any) -> Policy:
    """Give a project a policy."""
    policy = make_policy(action, **fields)
    return services.change_policy(project, policy=policy, actor=SYSTEM)


def redacted(value: Any, action: str = "mask", **fields: Any) -> Any:
    """Return a value as a policy of one action treats it."""
    policy = CompiledPolicy(make_policy(action, **fields))
    return Redactor(ProjectMarks(1)).value(value, policy.strictest)
