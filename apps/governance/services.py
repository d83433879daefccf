"""Changing what becomes of personal data in what a project records."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.governance.choices import RULE_ACTIONS
from apps.governance.detection import KINDS, PERSONAL, Rule, compile_rule
from apps.governance.policies import OwnRule, Policy, policy_of
from apps.governance.redaction import word
from apps.tenants.models import Project

MOST_RULES = 50
LONGEST_NAME = 40
NAME = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,39}")
NAMES = "A name has letters, digits, spaces, - and _, 40 at most, a letter first."
CHANGED = "The policy was changed by somebody else in the meantime. Look at it and change it again."


@transaction.atomic
def change_policy(
    project: Project, *, policy: Policy, seen_version: int | None = None, actor: Actor
) -> Policy:
    """Let the project be treated by this policy from the next request on.

    ``seen_version`` is the version that the actor looked at; another one in force is a
    conflict. Events that are recorded already stay as they are.
    """
    # The project's row orders first changes too, which have no row of their own to lock.
    Project.objects.select_for_update().get(pk=project.pk)
    before = policy_of(project)
    if seen_version is not None and seen_version != before.version:
        raise ConflictError(CHANGED)
    after = replace(checked(policy), version=before.version + 1)
    if replace(after, version=before.version) == before:
        return before
    _write(project, after)
    audit.record(
        actor,
        "redaction.change",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[f"project:{project.slug}"],
        detail={"before": before.as_json(), "after": after.as_json()},
    )
    return after


def checked(policy: Policy) -> Policy:
    """Return a policy that can be applied, or raise InvalidError naming what cannot."""
    unknown = sorted(policy.kinds - set(PERSONAL))
    if unknown:
        known = ", ".join(PERSONAL)
        raise InvalidError(f"{unknown[0]} is not one of {known}.", "kinds")
    rules = [_checked_rule(rule, f"rules[{at}]") for at, rule in enumerate(policy.rules)]
    if len(rules) > MOST_RULES:
        raise InvalidError(f"A project may have {MOST_RULES} rules.", "rules")
    _check_marks(rules)
    return replace(policy, rules=tuple(rules))


def _check_marks(rules: Sequence[OwnRule]) -> None:
    """Refuse a rule whose mark in a text would be another's too."""
    taken = {word(kind) for kind in KINDS}
    for at, rule in enumerate(rules):
        if word(rule.kind) in taken:
            raise InvalidError("There is something else of this name.", f"rules[{at}].name")
        taken.add(word(rule.kind))


def _checked_rule(rule: OwnRule, path: str) -> OwnRule:
    name = " ".join(rule.name.split())
    if not NAME.fullmatch(name):
        raise InvalidError(NAMES, f"{path}.name")
    rule = replace(rule, name=name)
    if rule.action not in dict(RULE_ACTIONS):
        raise InvalidError("Must be mask, hash, pseudonymise or empty.", f"{path}.action")
    try:
        compile_rule(Rule(rule.name, rule.pattern))
    except InvalidError as error:
        raise InvalidError(str(error), f"{path}.{error.errors[0]['path']}") from None
    return rule


def _write(project: Project, policy: Policy) -> None:
    told = policy.as_json()
    project.redaction_policies.update_or_create(
        defaults={
            **told["actions"],
            "version": policy.version,
            "kinds": told["kinds"],
            "looks_at_names": policy.looks_at_names,
            "rules": told["rules"],
        },
    )
