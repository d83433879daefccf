"""What people type in to show a session to others."""

from __future__ import annotations

from django import forms

from apps.annotations.share_links import (
    DAYS,
    LONGEST_NOTE,
    LONGEST_PASSPHRASE,
    MOST_OPENINGS,
    Terms,
)

LIVES = [("1", "1 day"), (str(DAYS), "7 days"), ("30", "30 days"), ("90", "90 days")]
# No step: the whole session.
WHOLE = "session"


class LinkForm(forms.Form):
    """A new share link."""

    event = forms.ChoiceField(label="It shows", widget=forms.RadioSelect)
    days = forms.ChoiceField(label="It opens for", choices=LIVES, initial=str(DAYS))
    passphrase = forms.CharField(
        required=False,
        max_length=LONGEST_PASSPHRASE,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 8 characters. Send it another way than the link.",
    )
    most_openings = forms.IntegerField(
        label="Openings at most",
        required=False,
        min_value=1,
        max_value=MOST_OPENINGS,
        help_text="Empty: as often as wanted until it expires.",
    )
    note = forms.CharField(
        label="For whom",
        required=False,
        max_length=LONGEST_NOTE,
        help_text="Only members see this.",
    )

    def __init__(self, event_id: str, seq: int | None, data: object = None) -> None:
        super().__init__(data, auto_id="link-%s")  # type: ignore[arg-type]
        offered = [(WHOLE, "The whole session")]
        if event_id:
            offered.append((event_id, f"Step {seq} alone" if seq else "One step alone"))
        field = self.fields["event"]
        field.choices = offered  # type: ignore[attr-defined]
        field.initial = event_id or WHOLE

    def terms(self) -> Terms:
        told = self.cleaned_data
        return Terms(
            event_id=told["event"].removeprefix(WHOLE),
            days=int(told["days"]),
            passphrase=told["passphrase"],
            most_openings=told["most_openings"],
            note=" ".join(told["note"].split()),
        )


class GrantForm(forms.Form):
    """A person of the organization to whom one session is shown."""

    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"list": "people"})
    )
    annotate = forms.BooleanField(required=False, label="They may also comment, tag and score it")

    def __init__(self, data: object = None) -> None:
        super().__init__(data, auto_id="grant-%s")  # type: ignore[arg-type]
