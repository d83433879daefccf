"""What people type about sessions."""

from __future__ import annotations

from django import forms

from apps.annotations.exemplifying import LONGEST_NOTES, LONGEST_TITLE
from apps.annotations.models import LONGEST_LABEL
from apps.annotations.scoring import LONGEST_WHY

WORDS = {"true": True, "yes": True, "false": False, "no": False}


class ExampleForm(forms.Form):
    """The title in the library, and how it was solved."""

    title = forms.CharField(max_length=LONGEST_TITLE)
    notes = forms.CharField(
        required=False,
        max_length=LONGEST_NOTES,
        widget=forms.Textarea(attrs={"rows": 12}),
        label="How this was solved",
        help_text="Markdown. Quote the steps that matter, and say what to do the next time.",
    )


class ScoreForm(forms.Form):
    """A judgement by hand."""

    name = forms.CharField(max_length=LONGEST_LABEL)
    value = forms.CharField(max_length=LONGEST_LABEL)
    comment = forms.CharField(required=False, max_length=LONGEST_WHY)

    def clean_value(self) -> float | bool | str:
        """Read what was typed: yes and no, a number, or a label."""
        text = str(self.cleaned_data["value"])
        if text.lower() in WORDS:
            return WORDS[text.lower()]
        try:
            return float(text)
        except ValueError:
            return text
