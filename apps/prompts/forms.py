"""What people may type into the pages of the library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django import forms

from apps.accounts.models import User
from apps.prompts.content import ROLES, Content
from apps.prompts.models import (
    LONGEST_COMMENT,
    LONGEST_DESCRIPTION,
    LONGEST_NOTE,
    LONGEST_WHY,
    Kind,
    Prompt,
    PromptVersion,
)
from apps.prompts.names import LONGEST_LABEL, LONGEST_NAME
from apps.prompts.showing import Shown
from apps.prompts.variables import TYPES
from apps.tenants.access import people_who_may_see
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

# People that a list of owners offers.
MOST_PEOPLE = 500
# Rows of a form beyond those that are filled.
SPARE_MESSAGES = 1
SPARE_VARIABLES = 1
MOST_ROWS = 210
LONGEST_JSON = 512 * 1024
PLACEHOLDER = "placeholder"
CODE = {"spellcheck": "false", "autocapitalize": "none", "class": "mono"}
LABEL_HELP = "Lower-case letters, digits, dots, hyphens: production, staging, eu-1."


def people_of(project: Project) -> list[User]:
    """Return who can own a prompt, by their addresses."""
    return list(people_who_may_see(project, needs=Permission.READ_PROMPTS)[:MOST_PEOPLE])


class JsonField(forms.CharField):
    """JSON as text; empty is what the field is left at."""

    def __init__(self, label: str, empty: Json, help_text: str, rows: int = 6) -> None:
        widget = forms.Textarea(attrs={"rows": rows, **CODE})
        super().__init__(
            label=label,
            required=False,
            strip=False,
            widget=widget,
            help_text=help_text,
            max_length=LONGEST_JSON,
        )
        self.empty = empty

    def clean(self, value: Any) -> Json:
        text = super().clean(value)
        if not text.strip():
            return self.empty
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise forms.ValidationError(f"This is not JSON: {error.msg} at {place}.") from None


class AboutForm(forms.Form):
    """What is said of a prompt beside its versions."""

    description = forms.CharField(
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    tags = forms.CharField(max_length=2_000, required=False, help_text="With commas between.")
    owner = forms.TypedChoiceField(required=False, empty_value=None)

    def __init__(
        self,
        people: Iterable[User],
        sent: Mapping[str, Any] | None = None,
        *,
        prompt: Prompt | None = None,
    ) -> None:
        super().__init__(sent, initial=_about(prompt) if prompt else None)
        by_key = {str(person.pk): person for person in people}
        if prompt and prompt.owner:
            by_key.setdefault(str(prompt.owner.pk), prompt.owner)
        owner = self.fields["owner"]
        owner.choices = [("", "Nobody"), *by_key.items()]  # type: ignore[attr-defined]
        owner.coerce = by_key.get  # type: ignore[attr-defined]

    @property
    def changes(self) -> dict[str, Any]:
        sent = self.cleaned_data
        tags = [tag.strip() for tag in sent["tags"].split(",")]
        return {"description": sent["description"], "tags": tags, "owner": sent["owner"]}


class NewForm(AboutForm):
    """A new prompt beside its words."""

    name = forms.CharField(
        max_length=LONGEST_NAME,
        help_text="With its folders before it, as in support/triage. It stays as it is.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false"}),
    )
    field_order = ["name", "description", "tags", "owner"]


class VersionForm(forms.Form):
    """What a version says, beside the messages of a chat and the variables, which have rows."""

    text = forms.CharField(
        strip=False, widget=forms.Textarea(attrs={"rows": 16, **CODE}), label="Text"
    )
    parameters = JsonField("Parameters", {}, 'Such as {"model": "gpt-4o", "temperature": 0.2}')
    tools = JsonField("Tools", [], "A JSON list, as the provider takes it.")
    output_schema = JsonField("Output schema", None, "JSON Schema of the answer.")
    note = forms.CharField(
        max_length=LONGEST_NOTE,
        required=False,
        help_text="What changed, and why.",
        widget=forms.TextInput(),
    )

    def __init__(self, kind: str, sent: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(sent, **more)
        if kind == Kind.CHAT:
            del self.fields["text"]

    def content(self, body: Json, variables: list[dict[str, Json]]) -> Content:
        sent = self.cleaned_data
        return Content(
            body if body is not None else sent["text"],
            parameters=sent["parameters"],
            tools=sent["tools"],
            output_schema=sent["output_schema"],
            variables=variables,
        )


def initial_of(version: PromptVersion) -> dict[str, str]:
    """Return what the form of a new version begins with: another one."""
    text = version.body if isinstance(version.body, str) else ""
    return {"text": text, **vars(Shown.of(version))}


def message_rows(sent: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the rows of messages that were sent, each with its role and words."""
    rows = []
    for at in range(MOST_ROWS):
        if f"role-{at}" not in sent:
            break
        rows.append({"role": sent[f"role-{at}"], "content": sent.get(f"content-{at}", "")})
    return rows


def rows_of_messages(body: Json) -> list[dict[str, str]]:
    """Return stored messages as rows of the form."""
    return [
        {"role": PLACEHOLDER, "content": one["placeholder"]}
        if "placeholder" in one
        else {"role": one["role"], "content": one["content"], "name": one.get("name", "")}
        for one in body
    ]


def messages_of(rows: list[dict[str, str]]) -> list[Json]:
    """Return what rows of the form say; empty ones are none."""
    filled = [row for row in rows if row["content"].strip()]
    return [
        {"placeholder": row["content"].strip()}
        if row["role"] == PLACEHOLDER
        else {"role": row["role"], "content": row["content"]}
        for row in filled
    ]


def variable_rows(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of variables that were sent."""
    rows = []
    for at in range(MOST_ROWS):
        if f"variable-{at}" not in sent:
            break
        rows.append(
            {
                "name": sent[f"variable-{at}"].strip(),
                "type": sent.get(f"type-{at}", "text"),
                "required": f"required-{at}" in sent,
                "default": sent.get(f"default-{at}", ""),
                "description": sent.get(f"about-{at}", ""),
            }
        )
    return rows


def rows_of_variables(variables: list[dict[str, Json]]) -> list[dict[str, Any]]:
    """Return declarations as rows of the form."""
    return [{**one, "default": _typed(one.get("default"))} for one in variables]


def variables_of(rows: list[dict[str, Any]]) -> list[dict[str, Json]]:
    """Return what rows of the form declare; those without a name are none."""
    found = []
    for row in rows:
        if not row["name"]:
            continue
        one = {name: row[name] for name in ("name", "type", "required")}
        if row["default"] != "":
            one["default"] = _default(row["type"], row["default"])
        if row["description"]:
            one["description"] = row["description"]
        found.append(one)
    return found


def _default(kind: str, text: str) -> Json:
    """Return a default as its type; what is none is kept as text, and refused by name later."""
    if kind == "text":
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _typed(default: Json) -> str:
    if default is None:
        return ""
    return default if isinstance(default, str) else orjson.dumps(default).decode()


def _about(prompt: Prompt) -> dict[str, Any]:
    return {
        "description": prompt.description,
        "tags": ", ".join(prompt.tags),
        "owner": str(prompt.owner.pk) if prompt.owner else "",
    }


class MoveForm(forms.Form):
    """Where a label shall stand."""

    label = forms.CharField(max_length=LONGEST_LABEL, help_text=LABEL_HELP)
    why = forms.CharField(max_length=LONGEST_WHY, required=False)


class CommentForm(forms.Form):
    text = forms.CharField(max_length=LONGEST_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))
    line = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class ProtectForm(forms.Form):
    """Which labels take two people."""

    labels = forms.CharField(
        required=False,
        max_length=2_000,
        label="Protected labels",
        help_text="With commas between, as in production, eu-production. Empty: none.",
    )
    allows_emergency = forms.BooleanField(
        required=False,
        label="In an emergency, let one person who may move protected labels roll one back alone",
    )


class ImportForm(forms.Form):
    file = forms.FileField(
        label="File of prompts", help_text="A JSON file as it is exported here, up to 20 MiB."
    )
    moves_labels = forms.BooleanField(
        required=False, label="Move labels that stand elsewhere to where the file has them"
    )


ROLE_CHOICES = (*ROLES, PLACEHOLDER)
TYPE_CHOICES = TYPES
