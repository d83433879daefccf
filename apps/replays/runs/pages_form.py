"""What people may type to start a run, and the same as the settings that the API takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson
from django import forms

from apps.core.errors import DomainError, InvalidError
from apps.replays.runs.models import LONGEST_NAME
from apps.replays.runs.pages_words import METRICS
from apps.replays.server.settings import AT_HOME, MOST_SAMPLES, RECORDED, SCRIPTED
from apps.replays.suite_models import Suite
from apps.replays.verdict_shapes import Result

Json = Any

# Rows of the form; a gate file may have more.
CANDIDATES, GATES = 4, 4
LONGEST_NAMED, LONGEST_TEXT = 512, 200_000
AGAIN, RECORD, OTHER = "again", "recorded", "other"
DECIDES, SHOWN = "decides", "shown"
MODES = (
    ("teacher_forced", "Each answer alone, after what was recorded"),
    ("prefix_then_free", "As recorded up to a step, then on its own"),
    ("free_running", "On its own from the start"),
)
MONO = {"class": "mono", "spellcheck": "false", "autocapitalize": "none"}


class Blank(forms.Form):
    """A form whose browser asks nothing: the server names what is missing, beside the field."""

    use_required_attribute = False

    def typed(self, name: str) -> str:
        return str(self.cleaned_data.get(name) or "").strip()


def _object(text: str, what: str) -> Json:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise forms.ValidationError(f"This is no JSON: {str(error)[:200]}") from None
    if not isinstance(told, list if what == "list" else dict):
        raise forms.ValidationError(f"A JSON {what} is expected here.")
    return told


class MainForm(Blank):
    """What is run, by whom it is answered, and how far it may go."""

    suite = forms.ChoiceField()
    version = forms.IntegerField(
        required=False, min_value=1, label="Its version", help_text="Empty: the newest."
    )
    provider = forms.ChoiceField(label="Who answers")
    repeats = forms.IntegerField(
        min_value=1,
        max_value=MOST_SAMPLES,
        initial=1,
        label="Times each case is asked, on each side",
        help_text="Models answer otherwise each time. Four and four decide with half the sessions.",
    )
    budget = forms.DecimalField(
        required=False,
        min_value=Decimal("0.000001"),
        max_digits=16,
        decimal_places=10,
        widget=forms.NumberInput(attrs={"step": "any"}),
        label="Budget in US dollars",
        help_text="Over all sides and repeats. The run pauses before it would cost more.",
    )
    sequential = forms.BooleanField(
        required=False,
        label="Stop as soon as it is decided",
        help_text="Cases are asked in batches, and the rest is spared once the verdict is clear.",
    )
    baseline = forms.ChoiceField(
        choices=[
            (AGAIN, "The recorded prompt and model, asked again beside the candidates"),
            (RECORD, "The record as it is: costs nothing, and needs more sessions to decide"),
            (OTHER, "Another prompt or model:"),
        ],
        initial=AGAIN,
        widget=forms.RadioSelect,
        label="Against",
    )
    baseline_prompt = forms.CharField(
        required=False, max_length=LONGEST_NAMED, label="Prompt of the baseline"
    )
    baseline_model = forms.CharField(
        required=False, max_length=LONGEST_NAMED, label="Model of the baseline"
    )
    name = forms.CharField(required=False, max_length=LONGEST_NAME, label="Name of the run")
    mode = forms.ChoiceField(choices=MODES, label="How sessions are replayed")
    from_step = forms.IntegerField(
        required=False, min_value=1, label="On its own from step", help_text="Of the second way."
    )
    limit = forms.IntegerField(
        required=False, min_value=1, label="Only so many cases", help_text="Drawn by the seed."
    )
    seed = forms.IntegerField(required=False, min_value=0, max_value=2**31)
    agree_at = forms.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        label="An answer agrees from",
        help_text="0.8: four fifths alike. For cases of which nothing else is expected.",
    )
    script = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 5, **MONO}),
        help_text="Rules for who answers by rules, as a JSON list: "
        "[{&quot;say&quot;: [&quot;I refunded it.&quot;]}]",
    )

    def __init__(self, offers: Offers, sent: Any = None, **options: Any) -> None:
        super().__init__(sent, **options)
        self.fields["suite"].choices = offers.suites  # type: ignore[attr-defined]
        self.fields["provider"].choices = offers.providers  # type: ignore[attr-defined]
        for name, named in (("baseline_prompt", "prompts"), ("baseline_model", "models")):
            self.fields[name].widget.attrs |= {"list": named, **MONO}

    def clean_script(self) -> Json:
        text = self.typed("script")
        return _object(text, "list") if text else None

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        is_named = self.typed("baseline_prompt") or self.typed("baseline_model")
        if told.get("baseline") == OTHER and not is_named:
            self.add_error("baseline_prompt", "Name the prompt or the model to hold it against.")
        if told.get("provider") == SCRIPTED and not told.get("script"):
            self.add_error("script", "Say by which rules it answers.")
        if told.get("mode") == "prefix_then_free" and not told.get("from_step"):
            self.add_error("from_step", "Say from which step on the model goes its own way.")
        return told


class CandidateForm(Blank):
    """One thing that is tried."""

    prompt = forms.CharField(
        required=False,
        max_length=LONGEST_NAMED,
        help_text="triage@8, triage:production, or triage for its newest version.",
        widget=forms.TextInput(attrs={"list": "prompts", "placeholder": "as recorded", **MONO}),
    )
    model = forms.CharField(
        required=False,
        max_length=LONGEST_NAMED,
        widget=forms.TextInput(attrs={"list": "models", "placeholder": "as recorded", **MONO}),
    )
    name = forms.CharField(required=False, max_length=LONGEST_NAME, label="Called")
    provider = forms.ChoiceField(required=False, label="Answered by")
    params = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label="Parameters",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": '{"temperature": 0}', **MONO}),
        help_text="A JSON object; null takes a parameter away.",
    )
    system = forms.CharField(
        required=False,
        max_length=LONGEST_TEXT,
        label="System message",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="In place of a prompt of the library.",
    )

    def __init__(self, offers: Offers, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        usual = ("", "As the run")
        self.fields["provider"].choices = [usual, *offers.providers]  # type: ignore[attr-defined]

    @property
    def is_used(self) -> bool:
        """Whether anything was typed."""
        return any((self[name].value() or "").strip() for name in self.fields)

    def clean_params(self) -> Json:
        text = self.typed("params")
        return _object(text, "object") if text else {}


class GateForm(Blank):
    """What must not get worse, and by how much it may."""

    metric = forms.ChoiceField(
        required=False, choices=[("", "None"), *((one.name, one.title) for one in METRICS.values())]
    )
    margin = forms.FloatField(
        required=False, widget=forms.NumberInput(attrs={"step": "any", "min": "0"})
    )
    role = forms.ChoiceField(
        choices=[(DECIDES, "decides"), (SHOWN, "is shown only")], label="What for"
    )
    unclear = forms.ChoiceField(
        choices=[
            (Result.INCONCLUSIVE.value, "inconclusive"),
            (Result.PASS.value, "pass"),
            (Result.FAIL.value, "fail"),
        ],
        label="Not decided counts as",
    )

    def clean(self) -> dict[str, Any]:
        told = super().clean() or self.cleaned_data
        margin = told.get("margin")
        if told.get("metric") and "margin" in told and (margin is None or not margin > 0):
            self.add_error("margin", "Above 0: 3 is 3 points.")
        return told

    @property
    def is_used(self) -> bool:
        return bool(self.cleaned_data.get("metric"))


class Offers:
    """What the selects of the form offer."""

    def __init__(self, suites: Sequence[Suite], credentials: Sequence[Any]) -> None:
        named = {row.name: row for row in credentials if row.name not in AT_HOME}
        self.has_credentials = bool(named)
        self.suites = [("", "Choose a suite"), *((str(one.pk), one.name) for one in suites)]
        self.providers = [
            *((name, name) for name in named),
            (RECORDED, "The record itself (no calls, no cost)"),
            (SCRIPTED, "By rules (scripted: no calls, no cost)"),
        ]
        self.models = sorted({name for row in named.values() for name in row.models_found})[:500]


class RunForm:
    """The whole page: what is run, candidates and gates."""

    def __init__(
        self, offers: Offers, sent: Any = None, initial: Mapping[str, Json] | None = None
    ) -> None:
        told = initial or {}
        self.main = MainForm(offers, sent, initial=told.get("main", {}))
        self.candidates = [
            CandidateForm(offers, sent, prefix=f"c{at}", initial=_at(told, "candidates", at))
            for at in range(CANDIDATES)
        ]
        self.gates = [
            GateForm(sent, prefix=f"g{at}", initial=_at(told, "gates", at)) for at in range(GATES)
        ]

    @property
    def all(self) -> Iterator[Blank]:
        yield from (self.main, *self.candidates, *self.gates)

    @property
    def is_sent(self) -> bool:
        return self.main.is_bound

    @property
    def wrong(self) -> list[tuple[str, str, str]]:
        """Return the fields that were refused: label, id on the page, and why."""
        if not self.is_sent:
            return []
        return [
            (str(form[name].label), form[name].id_for_label, str(says[0]))
            for form in self.all
            for name, says in form.errors.items()
            if name in form.fields
        ]

    @property
    def has_more(self) -> bool:
        """Whether something is typed, or wrong, where the page folds it away."""
        folded = ("name", "from_step", "limit", "seed", "agree_at", "script")
        usual = MODES[0][0]
        return any(self.main[name].value() for name in folded) or (
            (self.main["mode"].value() or usual) != usual
        )

    def is_valid(self) -> bool:
        valid = [form.is_valid() for form in self.all]
        if not any(one.is_used for one in self.candidates):
            self.candidates[0].add_error(
                "prompt", "Say what is tried: a prompt, a model, or parameters."
            )
            return False
        return all(valid)

    def told(self) -> Json:
        """Return what was typed as the settings of a run."""
        main = self.main.cleaned_data
        version = main["version"]
        settings: dict[str, Json] = {
            "suite": f"{main['suite']}@{version}" if version else main["suite"],
            "provider": main["provider"],
            "mode": main["mode"],
            "repeats": main["repeats"],
            "sequential": main["sequential"],
            "baseline": self._baseline(),
            "candidates": list(_named(one for one in self.candidates if one.is_used)),
            "gates": [_gate(one) for one in self.gates if one.is_used],
        }
        return settings | self._optional()

    def _baseline(self) -> Json:
        way = self.main.cleaned_data["baseline"]
        if way != OTHER:
            return {"recorded": True} if way == RECORD else {}
        told = {"prompt": "baseline_prompt", "model": "baseline_model"}
        return {name: self.main.typed(at) for name, at in told.items() if self.main.typed(at)}

    def _optional(self) -> dict[str, Json]:
        main = self.main.cleaned_data
        told: dict[str, Json] = {
            "name": main["name"],
            "from_step": main["from_step"],
            "budget": None if main["budget"] is None else format(main["budget"], "f"),
            "seed": main["seed"],
            "agree_at": main["agree_at"],
            "script": main["script"],
            "limit": {"cases": main["limit"]} if main["limit"] else None,
        }
        return {name: value for name, value in told.items() if value not in (None, "")}

    def tell(self, error: DomainError) -> None:
        """Show what was refused beside the field that it names, else above the form."""
        told = [{"path": "", "message": str(error)}]
        for row in error.errors if isinstance(error, InvalidError) else told:
            form, field = self._place(row["path"].split("."))
            form.add_error(field, row["message"] if field == row["path"] else _placed(row, field))

    def _place(self, path: Sequence[str]) -> tuple[Blank, str | None]:
        first, rest = path[0], path[1:]
        if first == "candidates":
            used = [one for one in self.candidates if one.is_used] or self.candidates
            return _row(used, rest, "prompt")
        if first == "gates":
            return _row([one for one in self.gates if one.is_used] or self.gates, rest, "metric")
        name = f"baseline_{rest[0]}" if first == "baseline" and rest else first
        return self.main, name if name in self.main.fields else None


def _row(forms_used: Sequence[Blank], path: Sequence[str], usual: str) -> tuple[Blank, str]:
    at = int(path[0]) if path and path[0].isdigit() else 0
    form = forms_used[min(at, len(forms_used) - 1)]
    name = path[1] if len(path) > 1 else usual
    return form, name if name in form.fields else usual


def _placed(row: Mapping[str, str], field: str | None) -> str:
    """Name the place where the field beside which it stands does not say it."""
    last = row["path"].rpartition(".")[2]
    is_row = last.isdigit() and field != "script"
    is_said = not row["path"] or is_row or (field or "").endswith(last)
    return row["message"] if is_said else f"{row['path']}: {row['message']}"


def _at(initial: Mapping[str, Json], name: str, at: int) -> dict[str, Json]:
    rows = initial.get(name, ())
    return rows[at] if at < len(rows) else {}


def _named(used: Iterator[CandidateForm]) -> Iterator[dict[str, Json]]:
    """Yield candidates, those without a name called after what they try."""
    seen: set[str] = set()
    for at, form in enumerate(used, 1):
        told = {name: form.typed(name) for name in ("prompt", "model", "provider")}
        first = form.typed("name") or told["prompt"] or told["model"] or f"candidate {at}"
        name = first if first not in seen or form.typed("name") else f"{first} ({at})"
        seen.add(name)
        more = {"params": form.cleaned_data["params"], "system": form.cleaned_data["system"]}
        kept = {key: value for key, value in (told | more).items() if value}
        yield {"name": name[:LONGEST_NAME], **kept}


def _gate(form: GateForm) -> dict[str, Json]:
    metric = METRICS[form.cleaned_data["metric"]]
    return {
        "metric": metric.name,
        "margin": float(Decimal(str(form.cleaned_data["margin"])) / metric.factor),
        "on_inconclusive": form.cleaned_data["unclear"],
        "informational": form.cleaned_data["role"] == SHOWN,
    }
