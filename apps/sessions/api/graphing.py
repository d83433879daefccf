"""The graph of a session over HTTP: nodes, edges and lanes; step by step, or as groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.core.paging import encode_cursor, read_limit
from apps.sessions import reader
from apps.sessions.api.views import PAGING, SessionAPIView, read_seq, record_reading
from apps.sessions.graph import Graph, graph_of
from apps.sessions.graph_alternatives import DECISION, Choice, choices_of
from apps.sessions.graph_edges import REASONS, Edge, Tie, Why
from apps.sessions.graph_groups import Bundle, Group
from apps.sessions.graph_pages import AGGREGATED, EXPANDED, MODES
from apps.sessions.graph_pictures import choice_of_group
from apps.sessions.keys import SessionCipher
from apps.tenants.permissions import Permission

Json = dict[str, Any]


class LaneOut(serializers.Serializer[Any]):
    """A logical thread: of an agent, in a service; what runs beside it is a branch."""

    id = serializers.CharField()
    name = serializers.CharField()
    agent = serializers.CharField(allow_null=True)
    service = serializers.CharField(allow_null=True)
    branch = serializers.IntegerField(help_text="0 for the first lane of an agent, 1, 2, ...")


class NodeOut(serializers.Serializer[Any]):
    """A step; with `graph=aggregated` all steps of a kind and name under one parent."""

    id = serializers.CharField(help_text="The event's id; of a group, its own.")
    seq = serializers.IntegerField(help_text="Number of the (first) step in replay order.")
    kind = serializers.CharField()
    name = serializers.CharField(allow_null=True)
    lane = serializers.CharField(help_text="Id of the lane.")
    parent = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="Id of the parent's node."
    )
    count = serializers.IntegerField(help_text="How many steps it stands for.")
    errors = serializers.IntegerField()  # type: ignore[assignment]
    total_ms = serializers.FloatField(allow_null=True)
    p50_ms = serializers.FloatField(allow_null=True)
    at_once = serializers.IntegerField(
        help_text="How many of its steps ran at the same time, at most."
    )
    folded = serializers.IntegerField(
        help_text="How many kinds of steps share the node: 1, but where there were too many."
    )
    chosen = serializers.CharField(
        allow_null=True, help_text="What a decision chose; null without the right to read content."
    )
    alternatives = serializers.ListField(child=serializers.CharField(), allow_null=True)


class EdgeOut(serializers.Serializer[Any]):
    source = serializers.CharField(help_text="Id of the node that it begins at.")  # type: ignore[assignment]
    target = serializers.CharField()
    kind = serializers.ChoiceField(list(Tie))
    explicit = serializers.BooleanField(help_text="True: told by the sender. False: inferred.")
    why = serializers.ChoiceField(list(Why), help_text="How it is known.")
    says = serializers.CharField(help_text="The same in words.")
    count = serializers.IntegerField()


class GraphOut(serializers.Serializer[Any]):
    """Each edge is on the page of the node that it leads to; it may begin on an earlier one."""

    graph = serializers.ChoiceField(list(MODES))
    steps = serializers.IntegerField(help_text="How many steps the session has.")
    lanes = LaneOut(many=True)
    nodes = NodeOut(many=True)
    edges = EdgeOut(many=True)
    next = serializers.CharField(allow_null=True)


class SessionGraph(SessionAPIView):
    """Which step led to which, in whose lane."""

    known: ClassVar[frozenset[str]] = PAGING | {"graph"}

    @extend_schema(
        operation_id="read_graph",
        summary="Read the graph of a session",
        responses=GraphOut,
        parameters=[
            OpenApiParameter(
                "graph",
                str,
                OpenApiParameter.QUERY,
                enum=list(MODES),
                description="`expanded` (the default): a node for each step, in pages. "
                "`aggregated`: steps of one kind and name under one parent as one node.",
            ),
            OpenApiParameter("cursor", str, OpenApiParameter.QUERY),
            OpenApiParameter("limit", int, OpenApiParameter.QUERY),
        ],
    )
    def get(self, request: Request, session_id: UUID) -> Response:
        mode = request.query_params.get("graph", EXPANDED)
        if mode not in MODES:
            raise InvalidError(f"graph must be one of {', '.join(MODES)}.", "graph")
        limit = read_limit(request.query_params.get("limit"))
        after = read_seq(request.query_params.get("cursor"))
        if self.session.merged_into_id is not None:
            # Answered by a redirect to the session that it joined.
            return Response()
        content = self.may(Permission.READ_CONTENT)
        if content:
            record_reading(self, [self.session])
        cipher = reader.ciphers([self.session]).get(self.session.pk) if content else None
        graph = graph_of(self.session, cipher)
        if mode == AGGREGATED:
            return Response(self._groups(graph, after, limit, cipher))
        return Response(self._steps(graph, after, limit, cipher))

    def _steps(self, graph: Graph, after: int, limit: int, cipher: SessionCipher | None) -> Json:
        count = len(graph.layout)
        chosen = range(count)[after : after + limit]
        choices = choices_of(self.session, graph, chosen, cipher, most=limit)
        edges = (
            edge for step in chosen for edge in graph.edges_into(step, content=cipher is not None)
        )
        return {
            "graph": EXPANDED,
            "steps": count,
            "lanes": lanes_json(graph, chosen),
            "nodes": [step_json(graph, step, choices.get(step)) for step in chosen],
            "edges": [edge_json(graph, edge) for edge in edges],
            "next": encode_cursor(after + limit) if after + limit < count else None,
        }

    def _groups(self, graph: Graph, after: int, limit: int, cipher: SessionCipher | None) -> Json:
        groups = graph.groups.groups[after : after + limit]
        shown = {group.number for group in groups}
        more = after + limit < len(graph.groups)
        steps = [step for group in groups if group.kind == DECISION for step in group.steps]
        choices = choices_of(self.session, graph, steps, cipher)
        return {
            "graph": AGGREGATED,
            "steps": len(graph.layout),
            "lanes": lanes_json(graph, [group.steps[0] for group in groups]),
            "nodes": [
                group_json(graph, group, choice_of_group(group, choices)) for group in groups
            ],
            "edges": [
                bundle_json(one)
                for one in graph.groups.bundles
                if one.target in shown and (cipher is not None or one.why is not Why.CONTENT)
            ],
            "next": encode_cursor(after + limit) if more else None,
        }


def lanes_json(graph: Graph, steps: Sequence[int]) -> list[Json]:
    """Return the lanes of some steps, agents in the order of their first."""
    found = sorted({(graph.lanes.owner_of[step], graph.lanes.branch_of[step]) for step in steps})
    return [
        {
            "id": f"{owner}.{branch}",
            "name": graph.lanes.name(owner) + (f" ({branch + 1})" if branch else ""),
            "agent": graph.lanes.owners[owner][1],
            "service": graph.lanes.owners[owner][0],
            "branch": branch,
        }
        for owner, branch in found
    ]


def lane_of(graph: Graph, step: int) -> str:
    return f"{graph.lanes.owner_of[step]}.{graph.lanes.branch_of[step]}"


def step_json(graph: Graph, step: int, choice: Choice | None) -> Json:
    layout = graph.layout
    place, parent = layout.place(step), layout.parents[step]
    return {
        "id": place.id,
        "seq": place.seq,
        "kind": place.kind,
        "name": place.name,
        "lane": lane_of(graph, step),
        "parent": layout.id(parent) if parent >= 0 else None,
        "count": 1,
        "errors": int(place.is_error),
        "total_ms": place.duration_ms,
        "p50_ms": place.duration_ms,
        "at_once": 1,
        "folded": 1,
        "chosen": choice.chosen if choice else None,
        "alternatives": list(choice.alternatives) if choice else None,
    }


def edge_json(graph: Graph, edge: Edge) -> Json:
    source, target = graph.layout.id(edge.source), graph.layout.id(edge.target)
    return {"source": source, "target": target} | _known(edge.tie, edge.why) | {"count": 1}


def _known(tie: Tie, why: Why) -> Json:
    return {"kind": tie, "explicit": why.is_explicit, "why": why, "says": REASONS[why]}


def group_json(graph: Graph, group: Group, choice: Choice) -> Json:
    is_read = bool(choice.chosen or choice.alternatives)
    return {
        "id": f"g{group.number}",
        "seq": group.steps[0] + 1,
        "kind": group.kind,
        "name": group.name,
        "lane": lane_of(graph, group.steps[0]),
        "parent": f"g{group.parent}" if group.parent >= 0 else None,
        "count": group.count,
        "errors": group.errors,
        "total_ms": group.total_ms,
        "p50_ms": group.p50_ms,
        "at_once": group.at_once,
        "folded": group.folded,
        "chosen": choice.chosen,
        "alternatives": list(choice.alternatives) if is_read else None,
    }


def bundle_json(one: Bundle) -> Json:
    ends = {"source": f"g{one.source}", "target": f"g{one.target}"}
    return ends | _known(one.tie, one.why) | {"count": one.count}
