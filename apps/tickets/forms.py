"""What people may type into tickets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms

from apps.accounts.models import User
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tickets.fields import FIELDS, Draft, Values
from apps.tickets.models import LONGEST_DESCRIPTION, LONGEST_TITLE, Severity, Status

# People that a list of assignees offers.
MOST_PEOPLE = 500


def people_of(project: Project) -> list[User]:
    """Return to whom a ticket can be given, by their addresses."""
    return list(people_who_may_see(project)[:MOST_PEOPLE])


class TicketForm(forms.Form):
    """All that can be said of a ticket; a form that leaves fields out changes the others only."""

    title = forms.CharField(max_length=LONGEST_TITLE)
    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    status = forms.TypedChoiceField(choices=Status.choices, coerce=Status)
    severity = forms.TypedChoiceField(
        choices=[(severity.word, severity.label) for severity in reversed(Severity)],
        coerce=lambda word: Severity[word.upper()],
    )
    assignee = forms.TypedChoiceField(required=False, empty_value=None)
    due_on = forms.DateField(
        required=False, label="Due", widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(
        self,
        people: Iterable[User],
        sent: Mapping[str, Any] | None = None,
        *,
        values: Values | None = None,
        only: Sequence[str] = FIELDS,
    ) -> None:
        super().__init__(sent, initial=_initial(values) if values else None)
        by_key = {str(person.pk): person for person in people}
        if values and values.assignee:
            # Somebody who may no longer see the project: shown, until somebody else is chosen.
            by_key.setdefault(str(values.assignee.pk), values.assignee)
        assignee = self.fields["assignee"]
        assignee.choices = [("", "Nobody"), *by_key.items()]  # type: ignore[attr-defined]
        assignee.coerce = by_key.get  # type: ignore[attr-defined]
        for name in set(self.fields) - set(only):
            del self.fields[name]

    @property
    def changes(self) -> dict[str, Any]:
        return dict(self.cleaned_data)

    @property
    def draft(self) -> Draft:
        return Draft(**self.cleaned_data)


def _initial(values: Values) -> dict[str, Any]:
    return {
        "title": values.title,
        "description": values.description,
        "status": values.status.value,
        "severity": values.severity.word,
        "assignee": str(values.assignee.pk) if values.assignee else "",
        "due_on": values.due_on,
    }
