"""Agents and their versions over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit import services as audit
from apps.core.paging import read_limit
from apps.sessions.agents import comparing, queries
from apps.sessions.agents.models import Agent
from apps.sessions.agents.publishing import UNNAMED
from apps.sessions.agents.queries import Change, VersionRow
from apps.sessions.api.views import COMMON, PAGING
from apps.sessions.filters import refuse_unknown
from apps.sessions.prompt_metrics import Estimate
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

Json = Any

TAG = ["agents"]
NAME = OpenApiParameter(
    "agent_name", str, OpenApiParameter.PATH, description="`-`: calls that name no agent."
)
PAGED = [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in sorted(PAGING)]


class EstimateOut(serializers.Serializer[Any]):
    """A number with the interval that holds the true one, 95 times of 100."""

    value = serializers.FloatField()
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class AgentOut(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="`-`: calls that name no agent.")
    versions = serializers.IntegerField()
    newest = serializers.IntegerField()
    newest_first_seen = serializers.DateTimeField(allow_null=True)
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    varying = serializers.ListField(child=serializers.CharField())


class AgentPageOut(serializers.Serializer[Any]):
    results = AgentOut(many=True)
    next = serializers.CharField(allow_null=True)


class AgentChangeOut(serializers.Serializer[Any]):
    what = serializers.ChoiceField(choices=("prompt", "model", "parameter", "tool"))
    how = serializers.ChoiceField(choices=("added", "removed", "changed"))
    prompt = serializers.CharField(help_text="Which prompt of the agent it is about.")
    name = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    says = serializers.CharField()


class AgentVersionNumbersOut(serializers.Serializer[Any]):
    """Of the newest 200 sessions; each null where nothing is known."""

    sessions_read = serializers.IntegerField()
    with_errors = EstimateOut(allow_null=True)
    failures = EstimateOut(allow_null=True)
    duration_ms = EstimateOut(allow_null=True)
    tokens = EstimateOut(allow_null=True)
    cost = EstimateOut(allow_null=True)


class AgentVersionOut(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    stamp = serializers.CharField(help_text="The value of the filter `agent_version`.")
    fingerprint = serializers.CharField()
    first_seen = serializers.DateTimeField(allow_null=True)
    last_seen = serializers.DateTimeField(allow_null=True)
    sessions = serializers.IntegerField(help_text="10001: more than 10,000.")
    calls = serializers.JSONField(help_text="By prompt: library version, model, parameters, tools.")
    before = serializers.IntegerField(allow_null=True)
    changes = AgentChangeOut(many=True, allow_null=True, help_text="Null: it is the first.")
    numbers = AgentVersionNumbersOut()


class AgentVersionPageOut(serializers.Serializer[Any]):
    results = AgentVersionOut(many=True)
    next = serializers.CharField(allow_null=True)


class AgentWordsOut(serializers.Serializer[Any]):
    prompt = serializers.CharField()
    ref = serializers.CharField()
    text = serializers.CharField(allow_null=True, help_text="Null: no session shows it any more.")
    tools = serializers.JSONField()
    diff = serializers.CharField(help_text="The words against the version before, unified.")
    session = serializers.UUIDField(allow_null=True)
    event = serializers.CharField(allow_null=True)


class AgentVersionDetailOut(AgentVersionOut):
    prompts = AgentWordsOut(many=True, required=False, help_text="With the right to read content.")


class AgentAPIView(ProjectAPIView):
    """A view about agents; it takes metadata rights, and asks for more itself."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.READ_META}

    def read_paging(self, request: Request) -> dict[str, Any]:
        query = request.query_params.dict()
        refuse_unknown(query, PAGING | COMMON)
        return {"cursor": query.get("cursor"), "limit": read_limit(query.get("limit"))}


class AgentCollection(AgentAPIView):
    """The agents that sessions of the project named."""

    @extend_schema(operation_id="list_agents", responses=AgentPageOut, parameters=PAGED, tags=TAG)
    def get(self, request: Request) -> Response:
        """Agents with their versions, the one seen last first."""
        page = queries.agent_page(self.project, **self.read_paging(request))
        return Response({"results": [_agent_json(row) for row in page.rows], "next": page.next})


class AgentVersionCollection(AgentAPIView):
    """The versions of an agent."""

    @extend_schema(
        operation_id="list_agent_versions",
        responses=AgentVersionPageOut,
        parameters=[NAME, *PAGED],
        tags=TAG,
    )
    def get(self, request: Request, agent_name: str) -> Response:
        """Versions, the newest first: what changed with each, and how its sessions did."""
        paging = self.read_paging(request)
        page = queries.version_page(queries.find_agent(self.project, name=agent_name), **paging)
        return Response({"results": [_version_json(row) for row in page.rows], "next": page.next})


class AgentVersionDetail(AgentAPIView):
    """One version of an agent."""

    @extend_schema(
        operation_id="read_agent_version",
        responses=AgentVersionDetailOut,
        parameters=[NAME],
        tags=TAG,
    )
    def get(self, request: Request, agent_name: str, number: int) -> Response:
        """A version; with the right to read content, what its prompts say and said before."""
        refuse_unknown(request.query_params.dict(), COMMON)
        agent = queries.find_agent(self.project, name=agent_name)
        row = queries.find_row(agent, number)
        told = _version_json(row)
        if self.may(Permission.READ_CONTENT):
            told["prompts"] = self._prompts(row)
        return Response(told)

    def _prompts(self, row: VersionRow) -> list[dict[str, Json]]:
        compared = comparing.compare_versions(row.older, row.version)
        audit.record_reading(
            self.actor,
            organization_id=self.project.organization_id,
            project_id=self.project.pk,
            session_ids=comparing.sessions_read(compared),
        )
        return [_words_json(one) for one in compared if one.slot in row.version.calls]


def _agent_json(agent: Agent) -> dict[str, Json]:
    told: Any = agent
    return {
        "name": agent.name or UNNAMED,
        "versions": told.count,
        "newest": told.newest,
        "newest_first_seen": told.newest_seen,
        "first_seen": agent.first_seen,
        "last_seen": agent.last_seen,
        "varying": agent.varying,
    }


def _version_json(row: VersionRow) -> dict[str, Json]:
    version = row.version
    return {
        "number": version.number,
        "stamp": row.stamp,
        "fingerprint": bytes(version.fingerprint).hex(),
        "first_seen": version.first_seen,
        "last_seen": version.last_seen,
        "sessions": row.sessions,
        "calls": {
            slot: {name: value for name, value in call.items() if name != "prompt"}
            for slot, call in version.calls.items()
        },
        "before": row.before,
        "changes": None if row.changes is None else [_change_json(one) for one in row.changes],
        "numbers": {
            "sessions_read": row.numbers.read,
            "with_errors": _estimate_json(row.numbers.errors),
            "failures": _estimate_json(row.numbers.failures),
            "duration_ms": _estimate_json(row.numbers.duration_ms),
            "tokens": _estimate_json(row.numbers.tokens),
            "cost": _estimate_json(row.numbers.cost),
        },
    }


def _change_json(change: Change) -> dict[str, Json]:
    return {
        "what": change.what,
        "how": change.how,
        "prompt": change.slot,
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "says": change.says,
    }


def _estimate_json(value: Estimate | None) -> dict[str, float | None] | None:
    return None if value is None else {"value": value.value, "low": value.low, "high": value.high}


def _words_json(one: comparing.Compared) -> dict[str, Json]:
    told = one.after
    return {
        "prompt": one.slot,
        "ref": told.ref if told else "",
        "text": told.text if told else None,
        "tools": dict(told.tools) if told else {},
        "diff": one.words,
        "session": str(told.session) if told else None,
        "event": told.event if told else None,
    }
