"""The policy of redaction for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.governance import services
from apps.governance.choices import RULE_ACTIONS, Action, Category
from apps.governance.detection import PERSONAL
from apps.governance.policies import OwnRule, Policy, policy_of
from apps.governance.trial import LONGEST, try_policy
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

Json = Any


class ActionsIn(serializers.Serializer[Any]):
    """What becomes of each category."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {
            category.value: serializers.ChoiceField(
                choices=Action.choices, help_text=category.label
            )
            for category in Category
        }


class RuleIn(serializers.Serializer[Any]):
    """A rule of the project's own."""

    name = serializers.CharField(max_length=services.LONGEST_NAME)
    pattern = serializers.CharField(
        trim_whitespace=False, max_length=500, help_text="A regular expression of RE2."
    )
    action = serializers.ChoiceField(
        choices=RULE_ACTIONS,
        default=Action.MASK.value,
        allow_blank=True,
        help_text="In every category; empty: what the category says, so nothing under `capture`.",
    )


class PolicyIn(serializers.Serializer[Any]):
    """A whole policy. What is left out becomes the default."""

    version = serializers.IntegerField(
        required=False, min_value=0, help_text="The version that you read; another one is a 409."
    )
    actions = ActionsIn()
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=list(PERSONAL.items())),
        default=lambda: list(PERSONAL),
        help_text="Personal data that is looked for. Secrets always are.",
    )
    looks_at_names = serializers.BooleanField(
        default=True, help_text="Whether a name such as `password` tells what its value is."
    )
    rules = serializers.ListField(child=RuleIn(), default=list, max_length=services.MOST_RULES)


class PolicyOut(PolicyIn):
    """The policy in force."""

    version = serializers.IntegerField(help_text="0: the default of a project that chose nothing.")


class TrialIn(serializers.Serializer[Any]):
    """A value to try the policy on. It is not kept."""

    value = serializers.JSONField(help_text="Text, or any other JSON.")
    category = serializers.ChoiceField(choices=Category.choices, default=Category.INPUT.value)
    action = serializers.ChoiceField(
        choices=Action.choices, required=False, help_text="As if the category had this action."
    )


class FindingOut(serializers.Serializer[Any]):
    """One thing that was found."""

    kind = serializers.CharField()
    action = serializers.CharField()
    value = serializers.CharField()
    mark = serializers.CharField(help_text="What stands in its place.")


class TrialOut(serializers.Serializer[Any]):
    """What the policy makes of a value."""

    value = serializers.JSONField(allow_null=True)
    is_dropped = serializers.BooleanField()
    findings = FindingOut(many=True)


class RedactionDetail(ProjectAPIView):
    """What becomes of personal data and secrets in what the project records."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.MANAGE_PROJECT,
        "PUT": Permission.MANAGE_PROJECT,
    }

    @extend_schema(
        operation_id="redaction",
        summary="The policy of redaction",
        responses=PolicyOut,
        tags=["governance"],
    )
    def get(self, request: Request) -> Response:
        refuse_unknown(request)
        return Response(policy_of(self.project).as_json())

    @extend_schema(
        operation_id="set_redaction",
        summary="Change the policy of redaction",
        request=PolicyIn,
        responses=PolicyOut,
        tags=["governance"],
    )
    def put(self, request: Request) -> Response:
        refuse_unknown(request)
        told = PolicyIn(data=request.data)
        told.is_valid(raise_exception=True)
        sent = told.validated_data
        policy = services.change_policy(
            self.project,
            policy=policy_in(sent),
            seen_version=sent.get("version"),
            actor=self.actor,
        )
        return Response(policy.as_json())


class RedactionTest(ProjectAPIView):
    """Tries the policy in force on a value."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.MANAGE_PROJECT}

    @extend_schema(
        operation_id="test_redaction",
        summary="Try the policy of redaction on a value",
        request=TrialIn,
        responses=TrialOut,
        tags=["governance"],
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request)
        told = TrialIn(data=request.data)
        told.is_valid(raise_exception=True)
        sent = told.validated_data
        check_size(request)
        action = Action(sent["action"]) if "action" in sent else None
        trial = try_policy(
            self.project,
            policy_of(self.project),
            sent["value"],
            category=Category(sent["category"]),
            action=action,
        )
        return Response(
            {
                "value": trial.value,
                "is_dropped": trial.is_dropped,
                "findings": FindingOut(trial.findings, many=True).data,
            }
        )


def policy_in(sent: Mapping[str, Json]) -> Policy:
    """Return the policy that was sent."""
    return Policy(
        actions={category: Action(sent["actions"][category.value]) for category in Category},
        kinds=frozenset(sent["kinds"]),
        looks_at_names=sent["looks_at_names"],
        rules=tuple(OwnRule(**rule) for rule in sent["rules"]),
    )


def check_size(request: Request) -> None:
    """Refuse a value that is larger than anybody would paste."""
    if int(request.headers.get("Content-Length") or 0) > 2 * LONGEST:
        raise InvalidError(f"Longer than {LONGEST} characters.", "value")


def refuse_unknown(request: Request) -> None:
    """Refuse query parameters other than the one by which a person names the project."""
    unknown = sorted(set(request.query_params) - {"project"})
    if unknown:
        raise InvalidError(f"Unknown query parameter: {', '.join(unknown)}.", unknown[0])
