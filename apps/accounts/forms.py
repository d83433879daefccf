"""What a person may change about themselves."""

from __future__ import annotations

from django import forms

from apps.accounts.models import User


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ["name", "theme"]
        help_texts = {"name": "Shown to the other members in place of your address."}
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}
