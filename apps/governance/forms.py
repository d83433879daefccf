"""What people may choose and type on the page of redaction."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.governance import trial
from apps.governance.choices import RULE_ACTIONS, Action, Category
from apps.governance.detection import PERSONAL
from apps.governance.policies import OwnRule, Policy
from apps.governance.services import LONGEST_NAME

MEANINGS = {
    Category.INPUT: "What was asked: messages of users, parameters, variables of prompts.",
    Category.OUTPUT: "What was answered: messages of assistants, reasoning, decisions.",
    Category.SYSTEM: "System and developer messages.",
    Category.TOOL: "Calls of tools, their arguments and results, definitions of tools.",
    Category.METADATA: "Users, tags, metadata, consent, and all attributes of no other kind.",
}
SAMPLE = (
    "Please refund order 8812 to jane.doe@example.org, card 4111 1111 1111 1111. "
    "Call her at +49 30 901820. The key is phk_live_" + "4f8Tq2" * 6 + "."
)


class PolicyForm(forms.Form):
    """The action of each category, and what is looked for."""

    kinds = forms.MultipleChoiceField(
        choices=list(PERSONAL.items()),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        label="Personal data that is looked for",
    )
    looks_at_names = forms.BooleanField(
        required=False,
        label="Names tell too: what stands under “password” or “phone” is taken for one",
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, policy: Policy, data: Any = None) -> None:
        super().__init__(data, initial=_initial(policy))
        actions = {
            category.value: forms.ChoiceField(
                choices=Action.choices, label=category.label, help_text=MEANINGS[category]
            )
            for category in Category
        }
        self.fields = actions | self.fields
        self._before = policy

    @property
    def categories(self) -> list[forms.BoundField]:
        return [self[category.value] for category in Category]

    @property
    def policy(self) -> Policy:
        """The policy that was chosen; its rules as they were."""
        chosen = self.cleaned_data
        return Policy(
            actions={category: Action(chosen[category.value]) for category in Category},
            kinds=frozenset(chosen["kinds"]),
            looks_at_names=chosen["looks_at_names"],
            rules=self._before.rules,
        )


class RuleForm(forms.Form):
    """A rule of the project's own."""

    name = forms.CharField(
        max_length=LONGEST_NAME, help_text="Stands in the text in its place: [ORDER_NUMBER]."
    )
    pattern = forms.CharField(
        help_text="A regular expression of RE2, such as ORD-[0-9]{6}. No look-around.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
        strip=False,
    )
    action = forms.ChoiceField(
        choices=RULE_ACTIONS,
        required=False,
        initial=Action.MASK,
        label="What becomes of it",
        help_text="In every category, also where everything is captured.",
    )

    @property
    def rule(self) -> OwnRule:
        return OwnRule(**self.cleaned_data)


class TrialForm(forms.Form):
    """A text to try the policy on. It is not kept."""

    text = forms.CharField(
        max_length=trial.LONGEST,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        initial=SAMPLE,
        label="Text or JSON",
        strip=False,
    )
    category = forms.ChoiceField(choices=Category.choices, label="As if it stood in")
    action = forms.ChoiceField(
        choices=[("", "As the policy says"), *Action.choices],
        required=False,
        label="With the action",
    )


def _initial(policy: Policy) -> dict[str, Any]:
    actions = {category.value: policy.actions[category].value for category in Category}
    return actions | {
        "kinds": sorted(policy.kinds),
        "looks_at_names": policy.looks_at_names,
        "version": policy.version,
    }
