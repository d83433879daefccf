"""How the versions of a prompt did, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.annotations.prompt_pages import DAYS, VERSIONS
from apps.annotations.prompt_scores import scores_of
from apps.core.errors import InvalidError
from apps.prompts import queries
from apps.prompts.api.base import PromptAPIView
from apps.prompts.api.views import NAME, READ, TAG, in_query
from apps.sessions.prompt_metrics import Estimate, VersionNumbers, numbers_of
from apps.tenants.permissions import Permission


class PromptEstimateOut(serializers.Serializer[Any]):
    """A number with the interval that holds the true one, 95 times of 100."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True, help_text="Null: too few to say.")
    high = serializers.FloatField(allow_null=True)


class PromptVersionNumbersOut(serializers.Serializer[Any]):
    """Each null where nothing is known; tokens and cost are those of one call."""

    version = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField())
    uses = serializers.IntegerField()
    error_share = PromptEstimateOut(allow_null=True)
    p50_ms = PromptEstimateOut(allow_null=True)
    p95_ms = PromptEstimateOut(allow_null=True)
    tokens = PromptEstimateOut(allow_null=True)
    cost = PromptEstimateOut(allow_null=True)
    total_cost = serializers.DecimalField(max_digits=30, decimal_places=10, allow_null=True)
    scores = serializers.DictField(child=PromptEstimateOut(), help_text="By the score's name.")


class PromptMetricsOut(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    results = PromptVersionNumbersOut(many=True)
    next = serializers.CharField(allow_null=True)


class PromptMetrics(PromptAPIView):
    """Versions of a prompt side by side."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ}

    @extend_schema(
        operation_id="read_prompt_metrics",
        responses=PromptMetricsOut,
        parameters=[NAME, *in_query("days", "cursor")],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        """Uses, errors, times, tokens, cost and scores of the newest versions, 12 at a time."""
        query = self.check_query(request, "days", "cursor")
        days = query.get("days", "30")
        if days not in DAYS:
            raise InvalidError(f"days must be one of {', '.join(DAYS)}.", "days")
        prompt, since = self.find(prompt_name), timezone.now() - timedelta(days=int(days))
        page = queries.version_page(prompt, cursor=query.get("cursor"), limit=VERSIONS)
        versions = [row.number for row in page.rows]
        numbers = numbers_of(self.project, prompt.name, versions, since=since)
        _, scores = scores_of(self.project, prompt.name, versions, since=since)
        labels = queries.labels_of(prompt)
        results = [
            {"version": number, "labels": labels.get(number, [])}
            | _numbers_json(numbers[number], scores.get(number, {}))
            for number in versions
        ]
        return Response({"days": int(days), "results": results, "next": page.next})


def _numbers_json(numbers: VersionNumbers, scores: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        "uses": numbers.calls,
        "error_share": _estimate_json(numbers.errors),
        "p50_ms": _estimate_json(numbers.p50_ms),
        "p95_ms": _estimate_json(numbers.p95_ms),
        "tokens": _estimate_json(numbers.tokens),
        "cost": _estimate_json(numbers.cost),
        "total_cost": numbers.total_cost,
        "scores": {name: _estimate_json(told) for name, told in scores.items()},
    }


def _estimate_json(told: Estimate | None) -> dict[str, float | None] | None:
    return None if told is None else {"value": told.value, "low": told.low, "high": told.high}
