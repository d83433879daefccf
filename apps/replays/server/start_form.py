"""What somebody types to have a session's models asked again, and how the API says the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django import forms

from apps.core.errors import DomainError, InvalidError
from apps.providers.budgets import MOST
from apps.replays.server.models import Mode
from apps.replays.server.settings import (
    LONGEST_SYSTEM,
    MOST_SAMPLES,
    MOST_SECONDS,
    MOST_STEPS,
    OLDEST_DAYS,
    RECORDED,
    SCRIPTED,
    Settings,
    read_settings,
)

Json = Any

LONGEST_JSON = 200_000
AT_HOME_NAMES = [
    (RECORDED, "The record: its own answers, to questions that are the very same"),
    (SCRIPTED, "A script: rules that you write, without key or network"),
]
MODES = [
    (Mode.TEACHER_FORCED, "Each recorded call again, after the recorded steps before it"),
    (
        Mode.PREFIX_THEN_FREE,
        "As recorded up to a step, then on its own: what the model says is its history, and the "
        "record answers its tools",
    ),
    (Mode.FREE_RUNNING, "On its own from the first call on"),
]
# Fields of the form by the names that the API has for them.
NAMES = {
    "overrides.model": "model",
    "overrides.params": "params",
    "overrides.system": "system",
    "overrides.prompt": "prompt",
    "overrides.tools": "tools",
    "pool.max_age_days": "pool_days",
    "pool": "pool_days",
}
NO_PROMPT = "Write it as name@7 (a version) or name:production (a label)."


class JsonField(forms.CharField):
    """JSON of one type, typed by hand; None where nothing is."""

    def __init__(self, wanted: type, *, help_text: str, rows: int = 4, label: str) -> None:
        shown = forms.Textarea(attrs={"rows": rows, "class": "mono", "spellcheck": "false"})
        super().__init__(
            required=False,
            max_length=LONGEST_JSON,
            widget=shown,
            help_text=help_text,
            label=label,
        )
        self.wanted = wanted

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text.strip():
            return None
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from None
        if not isinstance(found, self.wanted):
            kind = "a list" if self.wanted is list else "an object"
            raise forms.ValidationError(f"Must be {kind} of JSON.")
        return found


class StartForm(forms.Form):
    """Who is asked, what is another than recorded, how often, and for how much money."""

    provider = forms.ChoiceField(
        label="Who answers", help_text="A provider of this project, or somebody who costs nothing."
    )
    mode = forms.ChoiceField(
        label="How", widget=forms.RadioSelect, choices=MODES, initial=Mode.TEACHER_FORCED
    )
    from_step = forms.IntegerField(
        label="Leave the record at step",
        required=False,
        min_value=1,
        help_text="Only where it goes on by itself from a step.",
    )
    model = forms.CharField(
        required=False,
        max_length=512,
        label="Another model",
        help_text="Empty: as recorded.",
        widget=forms.TextInput(attrs={"list": "models", "autocapitalize": "none"}),
    )
    prompt = forms.CharField(
        required=False,
        max_length=512,
        label="A prompt of the library",
        help_text="In the place of the system message: triage@8, or triage:production.",
        widget=forms.TextInput(attrs={"list": "prompts", "autocapitalize": "none"}),
    )
    system = forms.CharField(
        required=False,
        max_length=LONGEST_SYSTEM,
        label="Or another system message",
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    params = JsonField(
        dict,
        label="Other parameters",
        help_text='A JSON object by OpenAI\'s names: {"temperature": 0}; null takes one away.',
    )
    script = JsonField(
        list, label="The script", help_text='Rules: [{"text": "Refund", "say": "It is done."}]'
    )
    samples = forms.IntegerField(
        min_value=1,
        max_value=MOST_SAMPLES,
        initial=1,
        label="Samples",
        help_text="How often each call is asked. Each sample is a replay of its own.",
    )
    budget = forms.DecimalField(
        required=False,
        min_value=0,
        max_value=MOST,
        decimal_places=6,
        label="Budget in US dollars",
        help_text="The most that may be spent, over all samples. It pauses when that is used up.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": "1.00"}),
    )
    tools = JsonField(
        list,
        label="Tools",
        help_text="In OpenAI's form, in the place of the recorded ones.",
    )
    reads = forms.CharField(
        required=False,
        max_length=4_000,
        label="Tools that only read",
        help_text="One a line, with * for any text: they may answer the same question once more.",
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
    )
    pool_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=OLDEST_DAYS,
        label="Other sessions may answer its tools",
        help_text="If they are at most so many days old. Empty: none may.",
    )
    simulators = JsonField(
        dict,
        label="What answers a tool that nothing recorded does",
        help_text='By the name of the tool: {"find_order": {"answer": {"state": "paid"}}}',
        rows=2,
    )
    most_steps = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_STEPS,
        label="Most calls of models",
        help_text="Empty: twice as many as recorded, and ten.",
    )
    most_seconds = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=MOST_SECONDS,
        label="Most seconds that they take",
        help_text="Empty: 1,800.",
    )
    # Recorded calls that alone are asked, by their ids.
    only = forms.CharField(required=False, widget=forms.HiddenInput)

    WHO = ("provider", "mode", "from_step")
    OTHER = ("model", "prompt", "system", "params", "script")
    LIMITS = ("samples", "budget")
    FREELY = ("tools", "reads", "pool_days", "simulators", "most_steps", "most_seconds")

    def __init__(
        self, credentials: Iterable[str], sent: Any = None, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(sent, initial=dict(initial or {}))
        who: Any = self.fields["provider"]
        who.choices = [*((name, name) for name in credentials), *AT_HOME_NAMES]

    def part(self, names: Iterable[str]) -> list[forms.BoundField]:
        return [self[name] for name in names]

    @property
    def who(self) -> list[forms.BoundField]:
        return self.part(self.WHO)

    @property
    def other(self) -> list[forms.BoundField]:
        return self.part(self.OTHER)

    @property
    def limits(self) -> list[forms.BoundField]:
        return self.part(self.LIMITS)

    @property
    def freely(self) -> list[forms.BoundField]:
        return self.part(self.FREELY)

    @property
    def is_freely_used(self) -> bool:
        """Whether anything is filled in, or wrong, where replays go on by themselves."""
        return any(self[name].value() or self[name].errors for name in self.FREELY)

    def clean_prompt(self) -> dict[str, Json] | None:
        """Return a version or label of the library as the API names it."""
        text = self.cleaned_data["prompt"].strip()
        if not text:
            return None
        name, at, version = text.rpartition("@")
        if at and name and version.isdecimal() and len(version) < 10:
            return {"name": name, "version": int(version)}
        name, colon, label = text.rpartition(":")
        if at or not (colon and name and label):
            raise forms.ValidationError(NO_PROMPT)
        return {"name": name, "label": label}

    def settings(self, session: str, plan_hash: str | None = None) -> Settings:
        """Return what was typed. Raises InvalidError naming the API's field."""
        typed = self.cleaned_data
        names = ("provider", "mode", "from_step", "script", "samples")
        told = {name: typed[name] for name in (*names, "most_steps", "most_seconds", "simulators")}
        told["budget"] = None if typed["budget"] is None else format(typed["budget"], "f")
        told["overrides"] = _given({name: typed[name] for name in OVERRIDES})
        told["reads"] = typed["reads"].split()
        told["only"] = typed["only"].split(",") if typed["only"] else None
        told["pool"] = {"max_age_days": typed["pool_days"]} if typed["pool_days"] else None
        return read_settings({"session": session, "plan_hash": plan_hash} | _given(told))

    def tell(self, error: DomainError) -> None:
        """Show what was refused at its field, else above the form."""
        told = [{"path": "", "message": str(error)}]
        for row in error.errors if isinstance(error, InvalidError) else told:
            self.add_error(self._field(row["path"]), row["message"])

    def _field(self, path: str) -> str | None:
        path = path.partition("[")[0]
        parts = path.split(".")
        for name in (".".join(parts[:2]), parts[0]):
            if (field := NAMES.get(name, name)) in self.fields:
                return None if field == "only" else field
        return None


OVERRIDES = ("model", "prompt", "system", "params", "tools")


def _given(told: Mapping[str, Json]) -> dict[str, Json]:
    """Leave out what was left empty; 0 and false are something."""
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}
