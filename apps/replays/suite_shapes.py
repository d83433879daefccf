"""The shapes of the API of suites."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.replays.suite_changes import MOST_CASES
from apps.replays.suite_expectations import KINDS
from apps.replays.suite_models import LONGEST_DESCRIPTION, LONGEST_NAME, LONGEST_NOTE, LONGEST_TAG
from apps.replays.suite_strata import DIMENSIONS
from apps.sessions.filter_text import LONGEST as LONGEST_FILTER

HEX_ID = r"^[0-9a-f]{32}$"
MOST_AT_ONCE = 500
EXPECTATIONS = (
    f"What the case must show; `kind` is one of {', '.join(KINDS)}. Kept under the key of the "
    "session, and read with the right to read content."
)
WITHHELD = "Null without the right to read content, and once the session was erased."


class StrictSerializer(serializers.Serializer[Any]):
    """Input whose unknown fields are refused, so that a misspelt one does not go unseen."""

    def to_internal_value(self, sent: Any) -> Any:
        if isinstance(sent, dict) and (unknown := sorted(set(sent) - set(self.fields), key=str)):
            raise serializers.ValidationError({str(unknown[0])[:64]: "There is no such field."})
        return super().to_internal_value(sent)


class AddedIn(StrictSerializer):
    """A session, or one step of it, that becomes a case."""

    session = serializers.UUIDField(help_text="The session's id in Playhead.")
    event = serializers.RegexField(
        HEX_ID, required=False, allow_null=True, help_text="The id of a step; 32 hex digits."
    )
    pinned = serializers.BooleanField(default=False, help_text="It must pass every time.")
    tags = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TAG), required=False, max_length=20
    )
    expectations = serializers.ListField(
        child=serializers.DictField(), required=False, help_text=EXPECTATIONS
    )


class SampleIn(StrictSerializer):
    """A random sample of what was found."""

    size = serializers.IntegerField(min_value=1, max_value=MOST_CASES)
    seed = serializers.IntegerField(default=1, min_value=0, max_value=2**31 - 1)
    by = serializers.ListField(
        child=serializers.ChoiceField(choices=DIMENSIONS), required=False, max_length=3
    )


class ChosenIn(StrictSerializer):
    """Sessions by what they are, as the session list finds them: one of the first three."""

    filter = serializers.CharField(
        required=False,
        max_length=LONGEST_FILTER,
        help_text="As typed into the list's box: `status:error model:gpt-4o cost>0.10`.",
    )
    filters = serializers.DictField(
        child=serializers.CharField(max_length=512),
        required=False,
        help_text="The parameters of `GET /api/v1/sessions`.",
    )
    view = serializers.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, help_text="A saved view of the project."
    )
    sample = SampleIn(required=False, allow_null=True)
    limit = serializers.IntegerField(
        required=False, min_value=1, max_value=MOST_CASES, help_text="Without a sample: the newest."
    )

    def validate(self, attrs: Any) -> Any:
        if sum(name in attrs for name in ("filter", "filters", "view")) != 1:
            raise serializers.ValidationError("Name one of filter, filters and view.")
        return attrs


class AlteredIn(StrictSerializer):
    """What changes of one case; what is left out stays."""

    case = serializers.UUIDField()
    pinned = serializers.BooleanField(required=False)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_TAG), required=False, max_length=20
    )
    expectations = serializers.ListField(
        child=serializers.DictField(), required=False, help_text=EXPECTATIONS
    )


class CasesIn(StrictSerializer):
    """One act on the cases of a suite."""

    note = serializers.CharField(max_length=LONGEST_NOTE, required=False, allow_blank=True)
    add = AddedIn(many=True, required=False, max_length=MOST_AT_ONCE)  # type: ignore[call-arg]
    choose = ChosenIn(required=False, help_text="Sessions to add, beside those in `add`.")


class SuiteIn(CasesIn):
    """A new suite, empty or with its first cases."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True
    )
    owner = serializers.EmailField(required=False, allow_null=True)


class VersionIn(CasesIn):
    """The next version: what it adds, changes and takes away."""

    remove = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=MOST_CASES
    )
    change = AlteredIn(many=True, required=False, max_length=MOST_AT_ONCE)  # type: ignore[call-arg]
    version = serializers.IntegerField(
        required=False, min_value=1, help_text="The version that you saw: another one is a 409."
    )


class SuitePatch(StrictSerializer):
    """What is known of a suite beside its cases; what is left out stays."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    description = serializers.CharField(
        max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True
    )
    owner = serializers.EmailField(required=False, allow_null=True)


class SuiteOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.EmailField(allow_null=True)
    version = serializers.IntegerField(help_text="The number of the newest one.")
    cases = serializers.IntegerField(help_text="Of the newest version.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)
    url = serializers.CharField(help_text="The suite's page.")


class SuitePageOut(serializers.Serializer[Any]):
    results = SuiteOut(many=True)
    next = serializers.CharField(allow_null=True)


class VersionOut(serializers.Serializer[Any]):
    suite = serializers.UUIDField()
    number = serializers.IntegerField()
    note = serializers.CharField()
    chosen_by = serializers.DictField(
        allow_null=True, help_text="Filters and sample that chose its cases; null: by hand."
    )
    cases = serializers.IntegerField()
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()
    made_by = serializers.CharField()
    made_at = serializers.DateTimeField()


class VersionPageOut(serializers.Serializer[Any]):
    results = VersionOut(many=True)
    next = serializers.CharField(allow_null=True)


class CaseOut(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    session = serializers.UUIDField()
    event = serializers.CharField(allow_null=True)
    pinned = serializers.BooleanField()
    tags = serializers.ListField(child=serializers.CharField())
    expectations = serializers.ListField(
        child=serializers.DictField(), allow_null=True, help_text=WITHHELD
    )
    expected = serializers.IntegerField(help_text="How many expectations there are.")
    erased = serializers.BooleanField(help_text="Its session was erased: it cannot be run.")
    baseline = serializers.DictField(
        help_text="`passes` and `samples` of baselines over all runs, and whether it is `flaky`."
    )
    since = serializers.IntegerField(help_text="The version in which it became as it is.")


class CasePageOut(serializers.Serializer[Any]):
    results = CaseOut(many=True)
    next = serializers.CharField(allow_null=True)
    version = serializers.IntegerField()


class DiffOut(serializers.Serializer[Any]):
    added = CaseOut(many=True)
    removed = CaseOut(many=True)
    changed = serializers.ListField(
        child=serializers.DictField(), help_text="Each with `before` and `after`."
    )
    unchanged = serializers.IntegerField()


class StratumOut(serializers.Serializer[Any]):
    outcome = serializers.CharField()
    path = serializers.CharField()
    length = serializers.CharField()
    sessions = serializers.IntegerField()
    cases = serializers.IntegerField()


class CoverageOut(serializers.Serializer[Any]):
    share = serializers.FloatField(allow_null=True)
    sessions = serializers.IntegerField(help_text="The newest ones, which it is held against.")
    strata = StratumOut(many=True)
    duplicates = serializers.ListField(
        child=serializers.ListField(child=serializers.UUIDField()),
        help_text="Cases that begin with the same question, by question.",
    )
