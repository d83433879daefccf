"""The shapes of the read API, as its OpenAPI document tells them. What is read is plain JSON."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.sessions.events import KINDS


class UsageOut(serializers.Serializer[Any]):
    """Tokens; ``input`` includes the cached ones, and null is unknown."""

    input = serializers.IntegerField(allow_null=True)
    output = serializers.IntegerField(allow_null=True)
    cache_read = serializers.IntegerField(allow_null=True)
    cache_write = serializers.IntegerField(allow_null=True)
    reasoning = serializers.IntegerField(allow_null=True)


class OutcomeOut(serializers.Serializer[Any]):
    status = serializers.ChoiceField(["success", "failure", "abandoned"])
    reason = serializers.CharField(allow_null=True)
    code = serializers.CharField(allow_null=True)


class SegmentOut(serializers.Serializer[Any]):
    text = serializers.CharField()
    match = serializers.BooleanField()


class HitOut(serializers.Serializer[Any]):
    """A step that holds what was searched for."""

    event = serializers.CharField(help_text="The step's id.")
    seq = serializers.IntegerField(help_text="Its number in replay order.")
    field = serializers.CharField(help_text="Where in the step: `input.messages.0.content`.")
    excerpt = SegmentOut(many=True, help_text="The text around it, cut at what matches.")


class SessionOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    title = serializers.CharField(
        allow_null=True, help_text="Null without the right to read content."
    )
    environment = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["open", "closed"])
    origin = serializers.ChoiceField(["live", "import", "replay", "fork", "demo"])
    agent = serializers.CharField(allow_null=True)
    release = serializers.CharField(allow_null=True)
    outcome = OutcomeOut(allow_null=True)
    fidelity = serializers.ChoiceField(["E0", "E1", "E2", "E3"])
    started_at = serializers.DateTimeField(allow_null=True)
    last_event_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.FloatField(allow_null=True)
    events = serializers.IntegerField()
    # The base class has an attribute of this name; the API's word stays.
    errors = serializers.IntegerField()  # type: ignore[assignment]
    counts = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Events by kind; a call that two layers report counts once.",
    )
    usage = UsageOut()
    cost = serializers.DecimalField(max_digits=20, decimal_places=10, allow_null=True)
    stamps = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        help_text="Models, providers, prompts, tools and releases that its events carry.",
    )
    tags = serializers.ListField(child=serializers.CharField())
    replay_of = serializers.UUIDField(allow_null=True)
    forked_at = serializers.CharField(allow_null=True)
    url = serializers.CharField(help_text="The session's page.")
    hits = HitOut(many=True, required=False, help_text="With `q`: the best three.")


class SessionDetailOut(SessionOut):
    fidelity_next = serializers.CharField(allow_null=True, help_text="The class above; E3: null.")
    fidelity_missing = serializers.ListField(
        child=serializers.CharField(), help_text="What is missing for it, in sentences."
    )
    replays = serializers.IntegerField(
        allow_null=True,
        help_text="Replays and forks of it that are here; null, as what it is a replay of, for"
        " somebody who was given this session alone.",
    )


class SessionPageOut(serializers.Serializer[Any]):
    results = SessionOut(many=True)
    next = serializers.CharField(allow_null=True)
    is_complete = serializers.BooleanField(
        required=False,
        help_text="With `q`: false where the search stopped before the page was full;"
        " `next` goes on.",
    )


class EventOut(serializers.Serializer[Any]):
    """An event in the shape in which clients send it, with its place in the session.

    Fields that an event does not have are left out.
    """

    id = serializers.CharField(help_text="Playhead's id: 32 hexadecimal digits.")
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    client_id = serializers.CharField()
    client_parent = serializers.CharField(allow_null=True)
    trace = serializers.CharField(allow_null=True)
    seq = serializers.IntegerField(help_text="1, 2, ... in replay order.")
    depth = serializers.IntegerField()
    children = serializers.IntegerField()
    lane = serializers.CharField(allow_null=True)
    kind = serializers.ChoiceField(list(KINDS))
    name = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_ms = serializers.FloatField(allow_null=True)
    status = serializers.ChoiceField(["ok", "error"], allow_null=True)
    input = serializers.JSONField(required=False)
    output = serializers.JSONField(required=False)
    usage = UsageOut(required=False, allow_null=True)
    cost = serializers.CharField(required=False, allow_null=True)
    raw = serializers.JSONField(
        required=False,
        help_text="On demand: what no field holds, and in `sent` the spans and log records that"
        " made the event, as they were sent.",
    )


class EventPageOut(serializers.Serializer[Any]):
    results = EventOut(many=True)
    next = serializers.CharField(allow_null=True)


class StateChangeOut(serializers.Serializer[Any]):
    path = serializers.CharField(help_text="JSON Pointer, RFC 6901.")
    op = serializers.ChoiceField(["add", "remove", "replace"])
    before = serializers.JSONField(required=False)
    after = serializers.JSONField(required=False)
    error = serializers.CharField(
        required=False, help_text="Why the patch does not apply; the state stays as it was."
    )


class StateOut(serializers.Serializer[Any]):
    at = serializers.IntegerField()
    state = serializers.DictField(help_text="The folded state of each lane after the step.")
    changes = StateChangeOut(many=True)
