"""What people may type into the pages of organizations, projects, members and keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django import forms
from django.utils import timezone

from apps.core.errors import DomainError, InvalidError
from apps.tenants.models import Project
from apps.tenants.permissions import SCOPE_GRANTORS, Permission, Role, Scope

SLUG_HELP = "Lower-case letters, digits and hyphens. It stands in addresses and stays as it is."
LIVES = [("30", "30 days"), ("90", "90 days"), ("180", "180 days"), ("365", "1 year")]
LIVES += [("", "Never")]
OVERLAPS = [("0", "at once"), ("1", "in 1 hour"), ("24", "in 24 hours"), ("168", "in 7 days")]


def tell(form: forms.BaseForm, error: DomainError) -> None:
    """Show what a service refused at the field that it names, else above the form."""
    told = [{"path": "", "message": str(error)}]
    for row in error.errors if isinstance(error, InvalidError) else told:
        field = row["path"] if row["path"] in form.fields else None
        form.add_error(field, row["message"])


class SlugField(forms.CharField):
    """The part of an address that names an organization or a project."""

    def __init__(self, label: str) -> None:
        widget = forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"})
        super().__init__(max_length=62, label=label, help_text=SLUG_HELP, widget=widget)


class StartForm(forms.Form):
    """The first organization of a person, with its first project."""

    organization = SlugField("Organization")
    project = SlugField("First project")


class ProjectForm(forms.Form):
    slug = SlugField("Short name")
    name = forms.CharField(max_length=120, required=False, help_text="As people read it.")


class RenameForm(forms.Form):
    name = forms.CharField(max_length=120)


class RoleForm(forms.Form):
    """A role that the person at the form may give."""

    role = forms.ChoiceField()

    def __init__(self, roles: Iterable[Role], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        offered = [(role.value, role.label) for role in roles]
        self.fields["role"] = forms.ChoiceField(choices=offered, initial=Role.VIEWER)


class MemberForm(RoleForm):
    """Somebody who has an account, their role, and the project if it is for one only."""

    email = forms.EmailField(label="E-mail address", help_text="Of somebody who has signed up.")
    project = forms.ModelChoiceField(
        Project.objects.none(), required=False, empty_label="All projects", label="Project"
    )
    field_order = ["email", "role", "project"]

    def __init__(
        self, roles: Iterable[Role], projects: Iterable[Project], data: object = None
    ) -> None:
        super().__init__(roles, data)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        self.order_fields(self.field_order)


class KeyForm(forms.Form):
    """A new API key."""

    name = forms.CharField(max_length=120, help_text="Where it will be used.")
    scopes = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, label="What it may do", initial=[Scope.INGEST]
    )
    environment = forms.CharField(
        max_length=64,
        required=False,
        help_text="Sessions sent with this key get this environment. Empty: as they say.",
    )
    days = forms.ChoiceField(choices=LIVES, initial="180", required=False, label="Expires after")

    def __init__(self, own: frozenset[Permission], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        offered = [
            (scope.value, f"{scope.value}: {scope.label}")
            for scope in Scope
            if SCOPE_GRANTORS[scope] <= own
        ]
        self.fields["scopes"].choices = offered  # type: ignore[attr-defined]

    @property
    def expires_at(self) -> datetime | None:
        days = self.cleaned_data["days"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class RotateForm(forms.Form):
    """When the old key stops."""

    hours = forms.ChoiceField(choices=OVERLAPS, initial="24", label="The old key stops")

    @property
    def overlap(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["hours"]))
