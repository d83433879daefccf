"""A project's policy, made ready to be applied to many texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.core.prepared import rows
from apps.governance.choices import AS_CATEGORY, Action, Category
from apps.governance.detection import PERSONAL, RULE_PREFIX, SECRETS, Rule, compile_rule
from apps.governance.models import RedactionPolicy
from apps.governance.searching import Search
from apps.tenants.models import Project

# Projects whose policies a process keeps ready.
KEPT_POLICIES = 512
VERSION = "SELECT version FROM governance_redactionpolicy WHERE project_id = $1"


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A pattern of the project's own, and what becomes of what it finds."""

    name: str
    pattern: str
    # Empty: what the category says, so nothing where that captures.
    action: str = Action.MASK.value

    @property
    def kind(self) -> str:
        """What its findings are called."""
        return RULE_PREFIX + self.name


@dataclass(frozen=True, slots=True)
class Policy:
    """What becomes of what a project records. The default keeps all but secrets."""

    version: int = 0
    actions: Mapping[Category, Action] = field(
        default_factory=lambda: dict.fromkeys(Category, Action.CAPTURE)
    )
    kinds: frozenset[str] = frozenset(PERSONAL)
    looks_at_names: bool = True
    rules: tuple[OwnRule, ...] = ()

    @classmethod
    def of_row(cls, row: RedactionPolicy) -> Policy:
        """Return the policy that a row says."""
        return cls(
            version=row.version,
            actions={category: Action(getattr(row, category.value)) for category in Category},
            kinds=frozenset(row.kinds),
            looks_at_names=row.looks_at_names,
            rules=tuple(OwnRule(**rule) for rule in row.rules),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the policy in the shape of the API and of the trail."""
        return {
            "version": self.version,
            "actions": {category.value: self.actions[category].value for category in Category},
            "kinds": sorted(self.kinds),
            "looks_at_names": self.looks_at_names,
            "rules": [
                {"name": rule.name, "pattern": rule.pattern, "action": rule.action}
                for rule in self.rules
            ],
        }


class Treatment:
    """How the values of a category are treated: what is looked for, and what becomes of it."""

    __slots__ = ("_of_rules", "action", "search")

    def __init__(self, action: Action, search: Search, of_rules: Mapping[str, str]) -> None:
        self.action = action
        self.search = search
        self._of_rules = of_rules

    @property
    def drops(self) -> bool:
        return self.action is Action.DROP

    def action_for(self, kind: str) -> Action:
        """Return what becomes of a finding; secrets are masked whatever the policy says."""
        if kind in SECRETS:
            return Action.MASK
        own = self._of_rules.get(kind)
        if own:
            return Action(own)
        # Where a whole value would be dropped, a part that must stay is masked.
        return Action.MASK if self.drops else self.action


class CompiledPolicy:
    """A policy with its patterns compiled; one for each version in a process."""

    def __init__(self, policy: Policy) -> None:
        self.version = policy.version
        self.actions = policy.actions
        of_rules = {rule.kind: rule.action for rule in policy.rules}
        own_way = [rule for rule in policy.rules if rule.action != AS_CATEGORY]
        captured = _search(policy, SECRETS, own_way)
        treated = _search(policy, policy.kinds | SECRETS, policy.rules)
        self.by_action = {
            action: Treatment(action, captured if action is Action.CAPTURE else treated, of_rules)
            for action in Action
        }
        self._by_categories: dict[tuple[Category, ...], Treatment] = {}
        self.strictest = self.treatment(*Category)
        # Whether it makes no difference who said something.
        self.is_uniform = len(set(policy.actions.values())) == 1
        # Whether values may be replaced by tokens for which they are given back.
        self.uses_pseudonyms = Action.PSEUDONYMISE.value in {
            *(action.value for action in policy.actions.values()),
            *of_rules.values(),
        }

    def treatment(self, *categories: Category) -> Treatment:
        """Return how a value is treated that may belong to several categories: most strictly."""
        found = self._by_categories.get(categories)
        if found is None:
            action = max((self.actions[category] for category in categories), key=_strictness)
            found = self._by_categories[categories] = self.by_action[action]
        return found


def policy_of(project: Project) -> Policy:
    """Return the project's policy as it is now."""
    row = project.redaction_policies.first()
    return Policy() if row is None else Policy.of_row(row)


_kept: dict[int, CompiledPolicy] = {}


def compiled_policy(project: Project) -> CompiledPolicy:
    """Return the project's policy ready for use.

    Its version is read each time, so a change counts for every request that begins after it,
    in whichever process.
    """
    version = _version(project.pk)
    kept = _kept.get(project.pk)
    if kept is None or kept.version != version:
        kept = CompiledPolicy(policy_of(project))
        if len(_kept) >= KEPT_POLICIES:
            _kept.clear()
        _kept[project.pk] = kept
    return kept


def _version(project_id: int) -> int:
    # Once for each request that records anything: the ORM would take most of its time.
    found = rows(VERSION, project_id)
    return found[0][0] if found else 0


def _search(policy: Policy, kinds: Iterable[str], rules: Iterable[OwnRule]) -> Search:
    compiled = [compile_rule(Rule(rule.name, rule.pattern)) for rule in rules]
    return Search(kinds, compiled, policy.looks_at_names)


def _strictness(action: Action) -> int:
    return action.strictness
