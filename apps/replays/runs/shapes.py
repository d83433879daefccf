"""The shapes of the API of runs."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class RunIn(serializers.Serializer[Any]):
    """What is run. Instead of all of it: `gate`, the text of a gate file with the same names."""

    gate = serializers.CharField(required=False, help_text="A gate file, as YAML.")
    suite = serializers.CharField(required=False, help_text="Its name or id; `refunds@3`.")
    provider = serializers.CharField(
        required=False, help_text="A credential's name, `recorded` or `scripted`."
    )
    name = serializers.CharField(required=False)
    script = serializers.JSONField(required=False, help_text="The rules of `scripted`.")
    seed = serializers.IntegerField(default=0)
    mode = serializers.CharField(default="teacher_forced")
    from_step = serializers.IntegerField(required=False)
    simulators = serializers.JSONField(required=False, help_text="Of free modes, as in a replay's.")
    pool = serializers.JSONField(required=False)
    reads = serializers.ListField(child=serializers.CharField(), required=False)
    most_steps = serializers.IntegerField(required=False)
    most_seconds = serializers.IntegerField(required=False)
    baseline = serializers.JSONField(
        required=False, help_text="As a candidate; or `{recorded: true}`. Default: as recorded."
    )
    candidates = serializers.JSONField(
        required=False,
        help_text="1 to 8 of `name`, `prompt` (`triage@8`, `triage:production`), `model`, "
        "`params`, `system`, `tools`, `provider`.",
    )
    repeats = serializers.IntegerField(default=1)
    budget = serializers.CharField(required=False, help_text="US dollars, over all.")
    sequential = serializers.BooleanField(default=False)
    pinned_by = serializers.CharField(default="success")
    agree_at = serializers.FloatField(default=0.8)
    gates = serializers.JSONField(required=False, help_text="What must hold, by metric.")
    limit = serializers.JSONField(required=False, help_text="`{cases: n}`: a sample of the suite.")
    plan_hash = serializers.CharField(required=False, help_text="Of the plan that was looked at.")


class RunPlanOut(serializers.Serializer[Any]):
    """What a run would try and cost."""

    plan_hash = serializers.CharField()
    suite = serializers.JSONField()
    mode = serializers.CharField()
    sides = serializers.JSONField()
    cases = serializers.JSONField()
    skipped = serializers.JSONField()
    looked_into = serializers.IntegerField(help_text="Cases of which reasons were looked for.")
    repeats = serializers.IntegerField()
    trials = serializers.IntegerField()
    expected = serializers.JSONField()
    budget = serializers.CharField(allow_null=True)
    hints = serializers.ListField(child=serializers.CharField())


class RunProgressOut(serializers.Serializer[Any]):
    """How far a run has come."""

    state = serializers.CharField()
    reason = serializers.CharField()
    trials = serializers.JSONField(help_text="By state.")
    count = serializers.IntegerField(help_text="Trials.")
    ended = serializers.IntegerField()
    left = serializers.IntegerField()
    cases = serializers.IntegerField()
    finished = serializers.IntegerField(help_text="Cases of which every trial has ended.")
    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
    changed = serializers.IntegerField()
    errors = serializers.IntegerField(  # type: ignore[assignment]
        help_text="Cases of which a trial failed."
    )
    paid = serializers.CharField(allow_null=True)
    limit = serializers.CharField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)


class RunOut(serializers.Serializer[Any]):
    """A run."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    suite = serializers.JSONField()
    state = serializers.CharField()
    reason = serializers.CharField(help_text="Why it is paused, failed or cancelled.")
    paused_by = serializers.CharField(
        allow_null=True, help_text="`budget`, `provider` or `person`; null unless it is paused."
    )
    result = serializers.CharField(allow_null=True)
    cases = serializers.IntegerField()
    owner = serializers.CharField(allow_null=True)
    started_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField()


class RunDetailOut(RunOut):
    """A run with its progress and, once it has ended, its verdicts."""

    sides = serializers.JSONField(help_text="The baseline, then the candidates.")
    gates = serializers.JSONField()
    repeats = serializers.IntegerField()
    mode = serializers.CharField()
    progress = RunProgressOut()
    verdicts = serializers.JSONField()
    environment = serializers.JSONField()


class RunPageOut(serializers.Serializer[Any]):
    """Runs, the newest first."""

    results = RunOut(many=True)
    next = serializers.CharField(allow_null=True)


class TrialOut(serializers.Serializer[Any]):
    """One case tried once on one side."""

    sample = serializers.IntegerField()
    state = serializers.CharField()
    reason = serializers.CharField()
    measures = serializers.JSONField(allow_null=True)
    replay = serializers.UUIDField(allow_null=True)
    session = serializers.UUIDField(allow_null=True)


class RunCaseOut(serializers.Serializer[Any]):
    """One case of a run."""

    case = serializers.UUIDField()
    session = serializers.UUIDField()
    event = serializers.CharField(allow_null=True)
    pinned = serializers.BooleanField()
    flaky = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    change = serializers.ChoiceField(["same", "better", "worse", "unknown"])
    sides = serializers.ListField(
        child=TrialOut(many=True), help_text="The baseline, then the candidates."
    )


class RunCasePageOut(serializers.Serializer[Any]):
    """Cases of a run."""

    results = RunCaseOut(many=True)
    next = serializers.CharField(allow_null=True)


class RunResumeIn(serializers.Serializer[Any]):
    """What a run is resumed with."""

    budget = serializers.CharField(required=False, help_text="US dollars, over all.")
