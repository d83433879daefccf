"""What people may type into the pages of suites."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from django import forms

from apps.accounts.models import User
from apps.core.errors import DomainError, InvalidError
from apps.replays.suite_changes import MOST_CASES
from apps.replays.suite_models import LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_NOTE, Suite
from apps.replays.suite_sampling import LARGEST_SEED, Sample
from apps.sessions.filter_text import LONGEST as LONGEST_FILTER
from apps.sessions.saved_view_models import SavedView
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project

Json = Any

MOST_PEOPLE = 500
LONGEST_JSON = 100_000
BY = (
    ("outcome", "outcome"),
    ("path", "the tools that were called"),
    ("length", "length"),
)
NEWEST, RANDOM = "newest", "random"
WHOLE, STEP = "session", "step"
NAME_A_SOURCE = (
    "Say which sessions: type filters as in the session list (status:error, model:gpt-4o, "
    "started>-30d), or choose a saved view."
)
FILTER_HELP = (
    "As in the box of the session list: status:error model:gpt-4o tool:refund_order started>-30d"
)


def tell(form: forms.BaseForm, error: DomainError) -> None:
    """Show what was refused at the field that it names, else above the form."""
    told = [{"path": "", "message": str(error)}]
    for row in error.errors if isinstance(error, InvalidError) else told:
        # A field of the form stands for that of the API: sample.size is size.
        field = row["path"].split(".")[-1] if row["path"].startswith("sample.") else row["path"]
        field = field.split(".")[0]
        form.add_error(field if field in form.fields else None, row["message"])


class AboutForm(forms.Form):
    """What a suite is called, what it is for, and whose it is."""

    name = forms.CharField(max_length=LONGEST_NAME)
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What these sessions have in common, and what must not get worse.",
    )
    owner = forms.TypedChoiceField(required=False, empty_value=None)

    def __init__(
        self,
        project: Project,
        sent: Any = None,
        *,
        suite: Suite | None = None,
        first_owner: User | None = None,
    ) -> None:
        initial = {"owner": str(first_owner.pk) if first_owner else ""}
        if suite is not None:
            initial = {
                "name": suite.name,
                "description": suite.description,
                "owner": str(suite.owner_id or ""),
            }
        super().__init__(sent, initial=initial)
        people = {str(one.pk): one for one in people_who_may_see(project)[:MOST_PEOPLE]}
        if suite is not None and suite.owner is not None:
            people.setdefault(str(suite.owner.pk), suite.owner)
        owner = self.fields["owner"]
        owner.choices = [("", "Nobody"), *people.items()]  # type: ignore[attr-defined]
        owner.coerce = people.get  # type: ignore[attr-defined]

    @property
    def told_owner(self) -> User | None:
        owner: User | None = self.cleaned_data["owner"]
        return owner


class ChooseForm(forms.Form):
    """Which sessions become cases: what filters or a view find, newest or at random."""

    filter = forms.CharField(
        required=False, max_length=LONGEST_FILTER, label="Filters", help_text=FILTER_HELP
    )
    view = forms.ChoiceField(required=False, label="Saved view")
    how = forms.ChoiceField(
        choices=[
            (NEWEST, "The newest that match"),
            (RANDOM, "At random, the same again with the same seed"),
        ],
        initial=RANDOM,
        widget=forms.RadioSelect,
        label="Of these take",
    )
    size = forms.IntegerField(
        min_value=1, max_value=MOST_CASES, initial=50, label="How many at most"
    )
    by = forms.MultipleChoiceField(
        choices=BY,
        required=False,
        initial=["outcome"],
        widget=forms.CheckboxSelectMultiple,
        label="At random, with every kind in it, by",
    )
    seed = forms.IntegerField(min_value=0, max_value=LARGEST_SEED, initial=1)

    def __init__(
        self, views: Iterable[SavedView], sent: Any = None, *, needs_source: bool, **options: Any
    ) -> None:
        super().__init__(sent, **options)
        self.views = {str(view.pk): view for view in views}
        offered = [(key, view.name) for key, view in self.views.items()]
        self.fields["view"].choices = [("", "None"), *offered]  # type: ignore[attr-defined]
        self.needs_source = needs_source

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if told.get("filter") and told.get("view"):
            self.add_error("view", "Either filters or a view, not both.")
        if self.needs_source and not self.has_source:
            self.add_error("filter", NAME_A_SOURCE)
        return told

    @property
    def has_source(self) -> bool:
        return bool(self.cleaned_data.get("filter") or self.cleaned_data.get("view"))

    @property
    def chosen_view(self) -> SavedView | None:
        return self.views.get(self.cleaned_data["view"])

    @property
    def sample(self) -> Sample | None:
        told = self.cleaned_data
        if told["how"] == NEWEST:
            return None
        return Sample(told["size"], told["seed"], tuple(told["by"]))


class AddForm(forms.Form):
    """The suite to which sessions are added: one that there is, or a new one."""

    what = forms.ChoiceField(
        choices=[(WHOLE, "The whole session"), (STEP, "Only this step")],
        initial=WHOLE,
        widget=forms.RadioSelect,
        label="What is to be the case",
    )
    suite = forms.ChoiceField(required=False, label="Suite")
    name = forms.CharField(max_length=LONGEST_NAME, required=False, label="Or a new suite called")
    note = forms.CharField(
        max_length=LONGEST_NOTE, required=False, help_text="Why: it stands in the list of versions."
    )

    def __init__(
        self, suites: Sequence[Suite], sent: Any = None, *, has_step: bool = False, **options: Any
    ) -> None:
        super().__init__(sent, **options)
        if not has_step:
            del self.fields["what"]
        self.suites = {str(suite.pk): suite for suite in suites}
        offered = [(key, suite.name) for key, suite in self.suites.items()]
        self.fields["suite"].choices = [("", "A new one"), *offered]  # type: ignore[attr-defined]

    @property
    def is_of_step(self) -> bool:
        return self.cleaned_data.get("what") == STEP

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        if bool(told.get("suite")) == bool(told.get("name", "").strip()):
            self.add_error("name", "Choose a suite, or name a new one.")
        return told


class CaseForm(forms.Form):
    """What a case must show."""

    is_pinned = forms.BooleanField(
        required=False,
        label="Pinned",
        help_text="It must pass every time: one failure fails a run, whatever the others do.",
    )
    tags = forms.CharField(required=False, max_length=1_500, help_text="Several with commas.")
    expectations = forms.CharField(
        required=False,
        max_length=LONGEST_JSON,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        help_text="A JSON list; empty: nothing beside what every run compares.",
    )

    @property
    def told_tags(self) -> list[str]:
        return [tag for tag in self.cleaned_data["tags"].split(",") if tag.strip()]

    def clean_expectations(self) -> Json:
        text = self.cleaned_data["expectations"].strip()
        if not text:
            return []
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is no JSON: {str(error)[:200]}") from None
