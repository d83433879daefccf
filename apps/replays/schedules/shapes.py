"""The shapes of the API of schedules, for its document."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.replays.schedules.choice import TAKES
from apps.replays.schedules.models import FiringState, Missed

WITHHELD = "Null without the right to read content."


class ChoiceIn(serializers.Serializer[Any]):
    """Sessions that are chosen anew each time that it is due."""

    last = serializers.IntegerField(help_text="How many at most, 1 to 2,000.")
    filter = serializers.CharField(
        required=False, help_text="As typed into the session list's box: `tag:refund started>-7d`."
    )
    filters = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Or the list's parameters."
    )
    view = serializers.IntegerField(required=False, help_text="Or a saved view of the project.")
    take = serializers.ChoiceField(TAKES, default="newest")
    by = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text="With `stratified`: outcome (by default), path, length.",
    )
    seed = serializers.IntegerField(default=1, help_text="Of random samples.")


class SchedulePatch(serializers.Serializer[Any]):
    """What changes of a schedule; what is left out stays."""

    name = serializers.CharField(required=False)
    owner = serializers.EmailField(required=False, help_text="By default who asks.")
    cron = serializers.CharField(
        required=False,
        help_text="Minute, hour, day of the month, month, day of the week: `0 3 * * *`.",
    )
    time_zone = serializers.CharField(default="UTC", help_text="As `Europe/Berlin`.")
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    run = serializers.JSONField(
        required=False, help_text="The body of `POST /api/v1/regression-runs`."
    )
    gate = serializers.CharField(required=False, help_text="Or the text of a gate file.")
    sessions = ChoiceIn(
        required=False, allow_null=True, help_text="In place of a suite: leave it out of `run`."
    )
    missed = serializers.ChoiceField(Missed.values, default=Missed.RUN_ONCE.value)


class ScheduleIn(SchedulePatch):
    """A new schedule."""

    name = serializers.CharField()
    cron = serializers.CharField()
    paused = serializers.BooleanField(default=False, help_text="Made paused.")


class RunOfTime(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.CharField()
    result = serializers.CharField(allow_null=True)
    url = serializers.CharField()


class FiringOut(serializers.Serializer[Any]):
    """A time at which it was due, or was run by hand, and what became of it."""

    id = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    times = serializers.IntegerField(help_text="How many due times this stands for.")
    since = serializers.DateTimeField(allow_null=True, help_text="The first of several.")
    state = serializers.ChoiceField(FiringState.values)
    reason = serializers.CharField(help_text="Why it was left out, late, or not started.")
    asked_by = serializers.CharField(help_text="Who ran it by hand; empty: the clock did.")
    made_at = serializers.DateTimeField()
    run = RunOfTime(allow_null=True)


class FiringPageOut(serializers.Serializer[Any]):
    results = FiringOut(many=True)
    next = serializers.CharField(allow_null=True)


class ScheduleOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    owner = serializers.EmailField(allow_null=True)
    cron = serializers.CharField()
    time_zone = serializers.CharField()
    says = serializers.CharField(help_text="The expression in words.")
    starts_at = serializers.DateTimeField(allow_null=True)
    missed = serializers.CharField()
    paused = serializers.BooleanField()
    paused_because = serializers.CharField(help_text="Why it paused itself.")
    next_at = serializers.DateTimeField(allow_null=True, help_text="Null while it is paused.")
    over = serializers.ChoiceField(["suite", "sessions"])
    suite = serializers.JSONField(
        allow_null=True, help_text="`id`, `name`, and `version` where it is fixed."
    )
    sessions = serializers.JSONField(allow_null=True, help_text=WITHHELD)
    run = serializers.JSONField(allow_null=True, help_text=WITHHELD)
    last = FiringOut(allow_null=True, help_text="What became of its last time.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    url = serializers.CharField(help_text="Its page.")


class SchedulePageOut(serializers.Serializer[Any]):
    results = ScheduleOut(many=True)
    next = serializers.CharField(allow_null=True)


class NextOut(serializers.Serializer[Any]):
    """The next times, whether or not it is paused."""

    results = serializers.ListField(
        child=serializers.DictField(), help_text="`at` in UTC, `local` in its time zone."
    )
