"""The shapes of the API of tickets and of the inbox."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.tenants.inbox_models import InboxKind
from apps.tickets.fields import FIRST_DAY, LAST_DAY
from apps.tickets.models import LONGEST_DESCRIPTION, LONGEST_TITLE, Severity, Status

SEVERITIES = [severity.word for severity in Severity]
HEX_ID = r"^[0-9a-f]{32}$"
WITHHELD = "Null without the right to read content, and once the session was erased."


class ChangeIn(serializers.Serializer[Any]):
    """What may be changed of a ticket. What is left out stays."""

    title = serializers.CharField(max_length=LONGEST_TITLE, required=False)
    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True
    )
    severity = serializers.ChoiceField(choices=SEVERITIES, required=False)
    status = serializers.ChoiceField(choices=Status.values, required=False)
    assignee = serializers.EmailField(
        required=False,
        allow_null=True,
        help_text="The e-mail address of somebody who may read the project's sessions.",
    )
    due_on = serializers.DateField(
        required=False, allow_null=True, help_text=f"From {FIRST_DAY} to {LAST_DAY}."
    )


class PatchIn(ChangeIn):
    """A change, and the version that it was made for: another one is a 409."""

    version = serializers.IntegerField(
        required=False, min_value=1, help_text="Needed unless `If-Match` names it."
    )


class TicketIn(ChangeIn):
    """A new ticket about a session, or about one of its steps."""

    title = serializers.CharField(max_length=LONGEST_TITLE)
    session = serializers.UUIDField(help_text="The session's id in Playhead.")
    event = serializers.RegexField(
        HEX_ID, required=False, allow_null=True, help_text="The id of a step; 32 hex digits."
    )


class ClaimOut(serializers.Serializer[Any]):
    by = serializers.CharField()
    until = serializers.DateTimeField()


class ChangeOut(serializers.Serializer[Any]):
    """One act of the history."""

    version = serializers.IntegerField()
    by = serializers.CharField()
    at = serializers.DateTimeField()
    # Declared, so that the field does not hide the serializer's own attribute.
    changes = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(allow_blank=True)),
        help_text="`{field: [before, after]}`; words only with the right to read content.",
    )


class TicketOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    version = serializers.IntegerField(help_text="Send it with a change.")
    title = serializers.CharField(allow_null=True, help_text=WITHHELD)
    description = serializers.CharField(allow_null=True, help_text=WITHHELD)
    status = serializers.ChoiceField(choices=Status.values)
    severity = serializers.ChoiceField(choices=SEVERITIES)
    assignee = serializers.EmailField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    session = serializers.UUIDField()
    event = serializers.CharField(allow_null=True)
    claim = ClaimOut(allow_null=True, help_text="Who looks at it now, and how long it is theirs.")
    opened_by = serializers.CharField()
    opened_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="The ticket's page.")


class TicketDetailOut(TicketOut):
    history = ChangeOut(many=True)


class TicketPageOut(serializers.Serializer[Any]):
    results = TicketOut(many=True)
    next = serializers.CharField(allow_null=True)


class InboxOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=InboxKind.choices)
    project = serializers.CharField(allow_null=True, help_text="Null: closed to you since.")
    by = serializers.CharField()
    at = serializers.DateTimeField()
    times = serializers.IntegerField(help_text="How often it happened since you last read it.")
    about = serializers.CharField(
        help_text="What it is about where that is no session, in words; else empty."
    )
    session = serializers.UUIDField(allow_null=True)
    event = serializers.CharField(allow_null=True)
    ticket = serializers.IntegerField(allow_null=True)
    comment = serializers.IntegerField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(allow_null=True)


class InboxPageOut(serializers.Serializer[Any]):
    results = InboxOut(many=True)
    next = serializers.CharField(allow_null=True)
    unread = serializers.IntegerField()


class ReadIn(serializers.Serializer[Any]):
    """Which entries are read: some by their ids, or all up to one."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        required=False,
        max_length=500,
    )
    until = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="The newest entry that you saw."
    )
    is_read = serializers.BooleanField(default=True, help_text="False: mark `ids` as unread.")


class ReadOut(serializers.Serializer[Any]):
    changed = serializers.IntegerField()
    unread = serializers.IntegerField()
