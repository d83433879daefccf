"""The shapes of the API of replays, as its OpenAPI document tells them."""

from __future__ import annotations

from typing import Any

import msgspec
from rest_framework import serializers

from apps.replays.models import ORIGINS, Band, Status, Where
from apps.replays.reports import ReplayReport

Json = dict[str, Any]


def report_request() -> Json:
    """The body of a report, made from the type that reads it."""
    (schema,), parts = msgspec.json.schema_components([ReplayReport], ref_template="{name}")
    return dict(_inlined(schema, parts))


def _inlined(schema: Any, parts: Json) -> Any:
    """Return a schema with its parts in place, which an OpenAPI document can hold anywhere."""
    if isinstance(schema, list):
        return [_inlined(inner, parts) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"]], parts)
    return {name: _inlined(inner, parts) for name, inner in schema.items()}


class ReportedOut(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Playhead's id of the replay.")
    client_id = serializers.CharField()
    status = serializers.ChoiceField(choices=Status.choices)
    session = serializers.UUIDField(help_text="The session that the replay makes.")
    replay_of = serializers.UUIDField(
        allow_null=True, help_text="The original; null until it is here."
    )
    url = serializers.CharField(help_text="The replay's page.")


class FirstDivergenceOut(serializers.Serializer[Any]):
    """The first step that was not as recorded."""

    kind = serializers.CharField()
    step = serializers.IntegerField(allow_null=True, help_text="Of the original, from 1.")
    event = serializers.CharField(allow_null=True, help_text="The original's event.")
    made = serializers.CharField(allow_null=True, help_text="The replay's event.")
    says = serializers.CharField(
        allow_null=True, help_text="Null without the right to read content."
    )
    compare_url = serializers.CharField(
        allow_null=True, help_text="Both sessions side by side, at this step."
    )


class ReplayOut(ReportedOut):
    """One replay, without what it quotes."""

    origin = serializers.ChoiceField(choices=[(one.value, one.label) for one in ORIGINS])
    where = serializers.ChoiceField(choices=Where.choices)
    external_id = serializers.CharField(
        allow_null=True, help_text="The new session's, as its sender names it."
    )
    original = serializers.CharField(help_text="The original, as the report names it.")
    agent = serializers.CharField(allow_null=True)
    release = serializers.CharField(allow_null=True)
    match = serializers.CharField(allow_null=True)
    fork_step = serializers.IntegerField(allow_null=True)
    band = serializers.ChoiceField(choices=Band.choices, allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    consumption = serializers.FloatField(allow_null=True)
    fidelity = serializers.FloatField(allow_null=True)
    decisions = serializers.FloatField(allow_null=True)
    calls = serializers.IntegerField(allow_null=True)
    recorded_calls = serializers.IntegerField(allow_null=True)
    divergences = serializers.IntegerField(allow_null=True)
    first_divergence = FirstDivergenceOut(allow_null=True)
    error_type = serializers.CharField(allow_null=True)
    digest = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    reported_at = serializers.DateTimeField()
    reported_by = serializers.CharField()


class ReplayDetailOut(ReplayOut):
    plan = serializers.DictField(
        allow_null=True, help_text="Null, as `report` and `error`, without the right to content."
    )
    forked_at = serializers.CharField(
        allow_null=True, help_text="The original's event that a fork left it at."
    )
    report = serializers.DictField(
        allow_null=True,
        help_text="As it was reported. `event_id` and `made_id` of a divergence are the events"
        " that it names, once they are here.",
    )
    error = serializers.DictField(allow_null=True)


class ReplayPageOut(serializers.Serializer[Any]):
    results = ReplayOut(many=True)
    next = serializers.CharField(allow_null=True)


class BucketOut(serializers.Serializer[Any]):
    """Replays of some time."""

    starts_on = serializers.DateField(allow_null=True)
    replays = serializers.IntegerField()
    running = serializers.IntegerField()
    ended = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField(
        allow_null=True, help_text="Of those that are over: the share that ran to the end."
    )
    bands = serializers.DictField(child=serializers.IntegerField())
    median_coverage = serializers.FloatField(allow_null=True)
    median_fidelity = serializers.FloatField(allow_null=True)


class RecordedOut(serializers.Serializer[Any]):
    """Recorded sessions of the time, replays and forks left out."""

    sessions = serializers.IntegerField()
    by_fidelity = serializers.DictField(child=serializers.IntegerField())
    replayed = serializers.IntegerField(help_text="Of them: those that were ever replayed.")
    replay_coverage = serializers.FloatField(allow_null=True)


class ReplaySummaryOut(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    by = serializers.ChoiceField(choices=["day", "week"])
    total = BucketOut()
    buckets = BucketOut(many=True)
    recorded = RecordedOut()
