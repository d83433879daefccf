"""The shapes of the API of prompts."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.prompts.content import ROLES
from apps.prompts.models import (
    LONGEST_DESCRIPTION,
    LONGEST_NOTE,
    LONGEST_WHY,
    Kind,
    RequestState,
)
from apps.prompts.names import LONGEST_LABEL, LONGEST_NAME, LONGEST_TAG, MOST_TAGS
from apps.prompts.queries import LARGEST_NUMBER
from apps.prompts.variables import TYPES

AS_WRITTEN = "As it was written: `{{> other@3}}` stands where another prompt is included."


class PromptMessageShape(serializers.Serializer[Any]):
    """One message, or a place where the caller puts messages of their own."""

    role = serializers.ChoiceField(choices=ROLES, required=False)
    content = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    name = serializers.CharField(required=False)
    placeholder = serializers.CharField(required=False)


class PromptVariableShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=TYPES)
    # Declared, so that the fields do not hide the serializer's own attributes.
    required = serializers.BooleanField()  # type: ignore[assignment]
    default = serializers.JSONField(required=False)
    description = serializers.CharField(required=False)


class PromptVersionIn(serializers.Serializer[Any]):
    """What a version says. One of `text` and `messages`, as the prompt's kind is."""

    text = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    messages = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text='`{"role", "content"}`, or `{"placeholder"}`: messages that are put in later.',
    )
    parameters = serializers.DictField(required=False, help_text="Model, temperature, and so on.")
    tools = serializers.ListField(child=serializers.DictField(), required=False)
    output_schema = serializers.DictField(required=False, allow_null=True)
    variables = serializers.ListField(
        child=serializers.DictField(),
        required=False,
        help_text="`{name, type, required, default, description}`; others are required text.",
    )
    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)


class PromptAboutIn(serializers.Serializer[Any]):
    """What is said of a prompt beside its versions. What is left out stays."""

    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TAG), required=False, max_length=MOST_TAGS
    )
    owner = serializers.EmailField(required=False, allow_null=True)


class PromptIn(PromptVersionIn, PromptAboutIn):
    """A new prompt and its first version."""

    name = serializers.CharField(max_length=LONGEST_NAME, help_text="A path: `support/triage`.")
    kind = serializers.ChoiceField(choices=Kind.choices, required=False)


class PromptPatchIn(PromptAboutIn):
    is_archived = serializers.BooleanField(required=False)


class PromptLabelIn(serializers.Serializer[Any]):
    """Where a label shall stand: at a version, nowhere (null), or where it stood before."""

    # Declared, so that the field does not hide the serializer's own attribute.
    label = serializers.CharField(max_length=LONGEST_LABEL)  # type: ignore[assignment]
    version = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LARGEST_NUMBER
    )
    rollback = serializers.BooleanField(default=False)
    emergency = serializers.BooleanField(
        default=False, help_text="Roll a protected label back alone. Only people, saying why."
    )
    why = serializers.CharField(max_length=LONGEST_WHY, required=False, allow_blank=True)


class LabelDecisionIn(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=["approve", "refuse", "withdraw"])
    why = serializers.CharField(max_length=LONGEST_WHY, required=False, allow_blank=True)


class PromptOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    folder = serializers.CharField()
    kind = serializers.ChoiceField(choices=Kind.choices)
    description = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    owner = serializers.EmailField(allow_null=True)
    latest = serializers.IntegerField(help_text="The number of the newest version.")
    labels = serializers.DictField(child=serializers.IntegerField())
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()


class PromptVersionHeadOut(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField())
    note = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    digest = serializers.CharField(help_text="SHA-256 of all that a model would be sent.")


class PromptVersionOut(PromptVersionHeadOut):
    text = serializers.CharField(allow_null=True, help_text=AS_WRITTEN)
    messages = PromptMessageShape(many=True, allow_null=True)
    parameters = serializers.DictField()
    tools = serializers.ListField(child=serializers.DictField())
    output_schema = serializers.DictField(allow_null=True)
    variables = PromptVariableShape(many=True)
    includes = serializers.ListField(child=serializers.CharField())


class PromptIncludedOut(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField()


class PromptResolvedOut(serializers.Serializer[Any]):
    """A version with its includes put in: it only takes values for its variables."""

    text = serializers.CharField(allow_null=True)
    messages = PromptMessageShape(many=True, allow_null=True)
    variables = PromptVariableShape(many=True)
    placeholders = serializers.ListField(child=serializers.CharField())
    included = PromptIncludedOut(many=True)


class PromptOneVersionOut(PromptVersionOut):
    resolved = PromptResolvedOut()


class PromptDetailOut(PromptOut):
    version = PromptOneVersionOut()


class PromptPageOut(serializers.Serializer[Any]):
    results = PromptOut(many=True)
    next = serializers.CharField(allow_null=True)


class PromptVersionPageOut(serializers.Serializer[Any]):
    results = PromptVersionHeadOut(many=True)
    next = serializers.CharField(allow_null=True)


class LabelMoveShape(serializers.Serializer[Any]):
    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        # A word of Python's own.
        return {"from": serializers.IntegerField(allow_null=True), **fields}


class LabelMoveOut(LabelMoveShape):
    label = serializers.CharField()  # type: ignore[assignment]
    to = serializers.IntegerField(allow_null=True)
    why = serializers.CharField()
    by = serializers.CharField()
    approved_by = serializers.CharField(allow_null=True)
    is_rollback = serializers.BooleanField()
    is_emergency = serializers.BooleanField()
    at = serializers.DateTimeField()


class LabelRequestOut(LabelMoveShape):
    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]
    to = serializers.IntegerField(allow_null=True)
    why = serializers.CharField()
    is_rollback = serializers.BooleanField()
    state = serializers.ChoiceField(choices=RequestState.choices)
    asked_by = serializers.CharField()
    asked_at = serializers.DateTimeField()
    decided_by = serializers.CharField(allow_null=True)
    decided_why = serializers.CharField()
    decided_at = serializers.DateTimeField(allow_null=True)


class LabelMovedOut(serializers.Serializer[Any]):
    """What became of it: `moved`, `waiting` for a second person, or `unchanged`."""

    state = serializers.ChoiceField(choices=["moved", "waiting", "unchanged"])
    move = LabelMoveOut(allow_null=True)
    request = LabelRequestOut(allow_null=True)


class PromptLabelsOut(serializers.Serializer[Any]):
    labels = serializers.DictField(child=serializers.IntegerField())
    protected = serializers.ListField(child=serializers.CharField())
    requests = LabelRequestOut(many=True, help_text="What waits for a second person.")
    results = LabelMoveOut(many=True, help_text="The history, the latest move first.")
    next = serializers.CharField(allow_null=True)


class PromptChangeOut(serializers.Serializer[Any]):
    path = serializers.CharField()
    op = serializers.ChoiceField(choices=["add", "remove", "replace"])
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class PromptSectionOut(serializers.Serializer[Any]):
    changes = PromptChangeOut(many=True)
    is_cut = serializers.BooleanField(help_text="Whether there are more changes than are told.")


class PromptDiffOut(LabelMoveShape):
    name = serializers.CharField()
    to = serializers.IntegerField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    unified = serializers.CharField(help_text="Unified diff of the words; empty: no difference.")
    parameters = PromptSectionOut()
    variables = PromptSectionOut()
    tools = PromptSectionOut()
    output_schema = PromptSectionOut()
