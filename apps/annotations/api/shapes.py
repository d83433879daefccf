"""The shapes of what is said about sessions, over HTTP."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.annotations.commenting import LONGEST_COMMENT
from apps.annotations.exemplifying import LONGEST_NOTES, LONGEST_TITLE
from apps.annotations.library import Shown
from apps.annotations.models import LONGEST_LABEL, ScoreSource
from apps.annotations.places import LARGEST_NUMBER, LONGEST_PLACE, LONGEST_QUOTE
from apps.annotations.queries import Given, Said
from apps.annotations.scoring import LONGEST_WHY
from apps.sessions.tagging import LONGEST_TAG, MOST_AT_ONCE

Json = dict[str, Any]


def event_field() -> serializers.CharField:
    """Return a field for the id of a step; whether there is one, the service says."""
    return serializers.CharField(
        max_length=64,
        required=False,
        allow_blank=True,
        help_text="The step's id; the session without it.",
    )


class RangeIn(serializers.Serializer[Any]):
    """Characters of one text of a step."""

    place = serializers.CharField(
        max_length=LONGEST_PLACE,
        help_text="`input[2][0]`: the first part of the third message of the input, as pages show"
        " it (also `output`, `reasoning`); or a path to a text, such as `output/answer`.",
    )
    start = serializers.IntegerField(
        min_value=0, max_value=LARGEST_NUMBER, help_text="In code points, from 0."
    )
    end = serializers.IntegerField(
        min_value=1, max_value=LARGEST_NUMBER, help_text="The first one behind it."
    )
    quote = serializers.CharField(
        max_length=LONGEST_QUOTE,
        required=False,
        allow_blank=True,
        trim_whitespace=False,
        help_text="What the characters hold; another text there is refused.",
    )


class RangeOut(RangeIn):
    is_there = serializers.BooleanField(
        allow_null=True, help_text="False: the text has changed since."
    )


class CommentIn(serializers.Serializer[Any]):
    """A comment in Markdown; `@ann` names a person who may see the session."""

    text = serializers.CharField(max_length=2 * LONGEST_COMMENT)
    event = event_field()
    range = RangeIn(required=False, allow_null=True)
    thread = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="The comment that is answered; the answer is where that is.",
    )


class CommentEditIn(serializers.Serializer[Any]):
    """What to change."""

    text = serializers.CharField(max_length=2 * LONGEST_COMMENT, required=False)
    is_resolved = serializers.BooleanField(
        required=False, help_text="Of the comment that began a thread."
    )


class PersonOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()


class CommentOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    thread = serializers.CharField(allow_null=True)
    event = serializers.CharField(allow_null=True)
    seq = serializers.IntegerField(allow_null=True, help_text="The step's number.")
    range = RangeOut(allow_null=True)
    text = serializers.CharField(allow_null=True, help_text="Null once deleted.")
    html = serializers.CharField(allow_null=True, help_text="The text's Markdown, cleaned.")
    by = serializers.CharField(help_text="The name that the person or key had then.")
    mentions = PersonOut(many=True)
    edits = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)
    deleted_at = serializers.DateTimeField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_null=True)


class CommentPageOut(serializers.Serializer[Any]):
    results = CommentOut(many=True)
    next = serializers.CharField(allow_null=True)


@extend_schema_field({"oneOf": [{"type": "number"}, {"type": "boolean"}, {"type": "string"}]})
class ValueField(serializers.Field[Any, Any, Any, Any]):
    """A number, true or false, or a label; nothing is made into another."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, bool | int | float | str):
            raise serializers.ValidationError("A number, true or false, or a label.")
        return value

    def to_representation(self, value: Any) -> Any:
        return value


class ScoreIn(serializers.Serializer[Any]):
    """A judgement."""

    name = serializers.CharField(max_length=2 * LONGEST_LABEL)
    value = ValueField(help_text=f"A label has at most {LONGEST_LABEL} characters.")
    source = serializers.ChoiceField(  # type: ignore[assignment]
        ScoreSource.choices,
        required=False,
        help_text="`human` for a person and `code` for a key, if left out.",
    )
    comment = serializers.CharField(max_length=LONGEST_WHY, required=False, allow_blank=True)
    event = event_field()
    against = serializers.UUIDField(
        required=False, allow_null=True, help_text="The session that it was held against."
    )
    replaces = serializers.BooleanField(
        required=False,
        help_text="Take away what you said before under this name on the same thing.",
    )


class ScoreOut(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    value = ValueField()
    source = serializers.ChoiceField(ScoreSource.choices)  # type: ignore[assignment]
    comment = serializers.CharField(
        allow_null=True, help_text="Null without the right to read content."
    )
    event = serializers.CharField(allow_null=True)
    against = serializers.CharField(allow_null=True)
    by = serializers.CharField()
    created_at = serializers.DateTimeField()


class ScorePageOut(serializers.Serializer[Any]):
    results = ScoreOut(many=True)
    next = serializers.CharField(allow_null=True)


def tag_list() -> serializers.ListField:
    one = serializers.CharField(max_length=LONGEST_TAG)
    return serializers.ListField(child=one, required=False, max_length=MOST_AT_ONCE)


class TagsIn(serializers.Serializer[Any]):
    """Tags to give and to take; asking twice changes nothing more."""

    add = tag_list()
    remove = tag_list()
    event = event_field()


class TagOut(serializers.Serializer[Any]):
    tag = serializers.CharField()
    given_by = serializers.CharField(
        allow_null=True, help_text="Null: the application sent it with its events."
    )
    given_at = serializers.DateTimeField(allow_null=True)


class TagsOut(serializers.Serializer[Any]):
    """What changed, and all tags that the session or the step has now."""

    added = serializers.ListField(child=serializers.CharField())
    removed = serializers.ListField(child=serializers.CharField())
    kept = serializers.ListField(
        child=serializers.CharField(),
        help_text="Asked to be removed, but sent by the application: they stay.",
    )
    tags = TagOut(many=True, allow_null=True, help_text="Null without the right to read metadata.")


class ExampleIn(serializers.Serializer[Any]):
    """What the library says of a session."""

    title = serializers.CharField(max_length=2 * LONGEST_TITLE)
    notes = serializers.CharField(
        max_length=2 * LONGEST_NOTES,
        required=False,
        allow_blank=True,
        default="",
        help_text="Markdown: how this was solved.",
    )


class ExampleOut(serializers.Serializer[Any]):
    session = serializers.CharField()
    title = serializers.CharField()
    notes = serializers.CharField()
    tags = serializers.ListField(child=serializers.CharField())
    by = serializers.CharField()
    marked_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField(allow_null=True)


class ExamplePageOut(serializers.Serializer[Any]):
    results = ExampleOut(many=True)
    next = serializers.CharField(allow_null=True)


def comment_json(said: Said) -> Json:
    row, is_deleted = said.row, said.row.deleted_at is not None
    chosen = said.chosen
    return {
        "id": str(row.pk),
        "thread": row.thread_id and str(row.thread_id),
        "event": said.event,
        "seq": said.seq,
        "range": chosen
        and {
            "place": chosen.place,
            "start": chosen.start,
            "end": chosen.end,
            "quote": chosen.quote,
            "is_there": said.is_there,
        },
        "text": None if is_deleted else said.source,
        "html": None if is_deleted else said.html,
        "by": row.by,
        "mentions": [{"id": str(pk), "name": str(one)} for pk, one in said.people.items()],
        "edits": row.edit_count,  # type: ignore[attr-defined]
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted_at": row.deleted_at,
        "resolved_at": row.resolved_at,
        "resolved_by": row.resolved_by or None,
    }


def score_json(given: Given) -> Json:
    row = given.row
    return {
        "id": str(row.pk),
        "name": row.name,
        "value": row.value,
        "source": row.source,
        "comment": given.comment,
        "event": row.event_id.hex if row.event_id else None,
        "against": row.against and str(row.against),
        "by": row.by,
        "created_at": row.created_at,
    }


def example_json(shown: Shown) -> Json:
    row = shown.row
    return {
        "session": str(row.session.pk),
        "title": shown.title,
        "notes": shown.notes,
        "tags": list(shown.tags),
        "by": row.by,
        "marked_at": row.marked_at,
        "changed_at": row.changed_at,
    }
