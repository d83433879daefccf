"""What people may type about providers and prices."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone

from apps.providers.choices import Dialect, Feature, Kind
from apps.providers.prices import MOST_PRICE, NewPrice
from apps.providers.services import LONGEST_KEY, LONGEST_NAME, Draft

DIALECT_CHOICES = [
    ("", "The usual one"),
    (Dialect.CHAT.value, Dialect.CHAT.label),
    (Dialect.RESPONSES.value, Dialect.RESPONSES.label),
]
OWNERS = [("project", "This project"), ("organization", "Every project of the organization")]
MORE = ("dialect", "lacks", "requests_per_minute", "concurrency")
# The browser must not offer to keep it, nor put in what it kept for this site.
SECRET = {"autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "none"}


def key_field(help_text: str) -> forms.CharField:
    """Return a field whose value no page shows again."""
    return forms.CharField(
        label="Key",
        max_length=LONGEST_KEY,
        required=False,
        widget=forms.PasswordInput(attrs=SECRET, render_value=False),
        help_text=help_text,
    )


class ProviderForm(forms.Form):
    """A new provider."""

    kind = forms.ChoiceField(choices=Kind.choices, label="Provider")
    name = forms.CharField(max_length=LONGEST_NAME, help_text="As replays and gate files name it.")
    base_url = forms.CharField(
        label="Base URL",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://…/v1"}),
        help_text="Only for an OpenAI-compatible server, or a proxy of yours. "
        "Hosts of a private network must be allowed by who runs this server.",
    )
    key = key_field("Kept encrypted. Nobody can read it back, you can only replace it.")
    dialect = forms.ChoiceField(
        choices=DIALECT_CHOICES,
        required=False,
        label="Protocol",
        help_text="OpenAI and servers like it speak two.",
    )
    lacks = forms.MultipleChoiceField(
        choices=Feature.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Its models cannot do",
        help_text="Steps that need it are skipped with this reason.",
    )
    requests_per_minute = forms.IntegerField(
        required=False, min_value=1, max_value=1_000_000, label="Calls a minute at most"
    )
    concurrency = forms.IntegerField(
        initial=8, min_value=1, max_value=200, label="Calls at the same time"
    )
    owner = forms.ChoiceField(
        choices=OWNERS, initial="project", widget=forms.RadioSelect, label="For"
    )

    def __init__(self, data: Any = None, *, may_share: bool) -> None:
        super().__init__(data)
        if not may_share:
            del self.fields["owner"]

    @property
    def first(self) -> list[forms.BoundField]:
        """What everybody has to say."""
        return [field for field in self if field.name not in MORE]

    @property
    def more(self) -> list[forms.BoundField]:
        """What few people need."""
        return [field for field in self if field.name in MORE]

    @property
    def has_more_errors(self) -> bool:
        return any(field.errors for field in self.more)

    @property
    def draft(self) -> Draft:
        chosen = self.cleaned_data
        return Draft(
            name=chosen["name"],
            kind=chosen["kind"],
            key=chosen["key"],
            base_url=chosen["base_url"],
            dialect=chosen["dialect"],
            is_shared=chosen.get("owner") == "organization",
            lacks=tuple(chosen["lacks"]),
            requests_per_minute=chosen["requests_per_minute"],
            concurrency=chosen["concurrency"],
        )


class RotateForm(forms.Form):
    """A key in the place of another."""

    key = key_field("The old one is gone at once.")


class Money(forms.DecimalField):
    """US dollars per million tokens."""

    def __init__(self, label: str, *, required: bool = True) -> None:
        super().__init__(
            label=label,
            required=required,
            min_value=Decimal(0),
            max_value=MOST_PRICE,
            max_digits=16,
            decimal_places=6,
        )


class PriceForm(forms.Form):
    """A price of the project's own."""

    model = forms.CharField(max_length=200, help_text="Exactly as it is asked for.")
    provider = forms.CharField(
        max_length=60, required=False, help_text="Empty: whichever provider it is asked at."
    )
    input = Money("Input")
    output = Money("Output")
    cache_read = Money("Input read from a cache", required=False)
    cache_write = Money("Input written to a cache", required=False)
    starts_on = forms.DateField(
        required=False,
        label="From (UTC)",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: from now on.",
    )

    @property
    def new_price(self) -> NewPrice:
        chosen = self.cleaned_data
        day = chosen["starts_on"]
        starts_at = datetime.combine(day, time(), UTC) if day else timezone.now()
        return NewPrice(
            model=chosen["model"],
            provider=chosen["provider"],
            input=chosen["input"],
            output=chosen["output"],
            cache_read=chosen["cache_read"],
            cache_write=chosen["cache_write"],
            starts_at=starts_at,
        )
