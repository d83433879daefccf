"""Labels over HTTP: moving them, their history, and what waits for a second person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.prompts import moving, queries
from apps.prompts.api.base import PromptAPIView
from apps.prompts.api.output import move_json, request_json
from apps.prompts.api.shapes import LabelDecisionIn, LabelMovedOut, PromptLabelIn, PromptLabelsOut
from apps.prompts.api.views import NAME, PAGING, READ, TAG, WRITE, in_query
from apps.prompts.models import LabelMove, LabelRequest
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

NO_PLACE = "Name the version, null to take the label away, or rollback."


class LabelCollection(PromptAPIView):
    """The labels of a prompt."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_prompt_labels",
        summary="Labels, what waits for approval, and the history",
        responses=PromptLabelsOut,
        parameters=[NAME, *in_query(*sorted(PAGING))],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        query = self.check_query(request, *PAGING)
        prompt = self.find(prompt_name)
        page = queries.move_page(
            prompt, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
        )
        return Response(
            {
                "labels": {row.name: row.number for row in prompt.labels.all()},
                "protected": queries.settings_of(self.project).protected_labels,
                "requests": [request_json(row) for row in queries.open_requests(prompt)],
                "results": [move_json(row) for row in page.rows],
                "next": page.next,
            }
        )

    @repeatable
    @extend_schema(
        operation_id="move_prompt_label",
        summary="Move a label",
        request=PromptLabelIn,
        responses={200: LabelMovedOut, 202: LabelMovedOut},
        parameters=[NAME],
        tags=TAG,
    )
    def post(self, request: Request, prompt_name: str) -> Response:
        """Move a label, take it away, or roll it back.

        202: the label is protected, and the move waits for a second person.
        """
        self.check_query(request)
        prompt = self.find(prompt_name)
        sent = self.read(PromptLabelIn, request)
        told = {"label": sent["label"], "why": sent.get("why", ""), "actor": self.actor}
        if sent["rollback"]:
            return moved(moving.roll_back(prompt, is_emergency=sent["emergency"], **told))
        if "version" not in sent:
            raise InvalidError(NO_PLACE, "version")
        return moved(moving.move_label(prompt, number=sent["version"], **told))


class RequestDetail(PromptAPIView):
    """A move that waits for a second person."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": WRITE}

    @repeatable
    @extend_schema(
        operation_id="decide_prompt_label",
        summary="Approve, refuse or withdraw a move",
        request=LabelDecisionIn,
        responses=LabelMovedOut,
        parameters=[NAME],
        tags=TAG,
    )
    def post(self, request: Request, prompt_name: str, request_id: int) -> Response:
        """Only a person who may move protected labels, and did not ask for it, approves it."""
        self.check_query(request)
        sent = self.read(LabelDecisionIn, request)
        waiting = find_request(self, prompt_name, request_id)
        approves = sent["decision"] == "approve"
        decide = moving.approve_request if approves else moving.refuse_request
        return moved(decide(waiting, actor=self.actor, why=sent.get("why", "")), status=200)


def find_request(view: PromptAPIView, prompt_name: str, request_id: int) -> LabelRequest:
    rows = view.find(prompt_name).requests
    waiting = rows.filter(pk=request_id).first() if request_id < 2**63 else None
    if waiting is None:
        raise Http404("There is no such request.")
    waiting.project = view.project
    return waiting


def moved(result: LabelMove | LabelRequest | None, status: int = 202) -> Response:
    """Say what became of a move."""
    if isinstance(result, LabelRequest):
        state = "waiting" if result.decided_at is None else "unchanged"
        answer = {"state": state, "move": None, "request": request_json(result)}
        return Response(answer, status=status)
    move = None if result is None else move_json(result)
    answer = {"state": "moved" if result else "unchanged", "move": move, "request": None}
    return Response(answer)
