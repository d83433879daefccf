"""Prompts of the library as Langfuse's SDKs ask for and send them.

What they call config are a version's parameters; their commit message is its note. A placeholder
is theirs and ours alike. A version that is the newest again is answered, and not added.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.prompts import moving, queries, services
from apps.prompts.content import Content
from apps.prompts.models import Kind, LabelRequest, Prompt, PromptVersion
from apps.prompts.names import LATEST
from apps.prompts.queries import PromptFilters, filtered, refuse_unknown
from apps.prompts.resolving import resolve_version
from apps.prompts.services import About, SameVersionError
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission

Json = Any

PRODUCTION = "production"
MOST = 100
LAST_PAGE = 10_000
NAME = OpenApiParameter("prompt_name", str, OpenApiParameter.PATH)
PROMPT = OpenApiResponse(OpenApiTypes.OBJECT, "As Langfuse's SDKs read it.")
TAGS = ["langfuse"]
READ, WRITE = Permission.READ_PROMPTS, Permission.WRITE_PROMPTS
WAITS = "The label {} is protected: two people move it, in the library."


class PromptLabelling(ProjectAPIView):
    """A view that puts labels on versions."""

    def label(self, version: PromptVersion, labels: list[str]) -> None:
        """Put labels on a version; a protected one is asked for, and said so."""
        for label in labels:
            if label == LATEST:
                continue
            moved = moving.move_label(
                version.prompt, label=label, number=version.number, actor=self.actor
            )
            if isinstance(moved, LabelRequest):
                raise InvalidError(WAITS.format(label), "labels")


class LangfusePrompts(PromptLabelling):
    """The prompts of the project, page by page, and new ones."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="langfuse_list_prompts",
        summary="List prompts, for Langfuse's SDKs",
        responses=PROMPT,
        parameters=[
            OpenApiParameter(name, str, OpenApiParameter.QUERY)
            for name in ("name", "label", "tag", "page", "limit")
        ],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        query = request.query_params.dict()
        refuse_unknown(query, {"name", "label", "tag", "page", "limit", "project"})
        page, limit = (
            read_whole(query, name, most) for name, most in (("page", LAST_PAGE), ("limit", MOST))
        )
        filters = PromptFilters.from_query(
            {name: query.get(name, "") for name in ("label", "tag")}, also=frozenset()
        )
        rows = filtered(self.project, filters).order_by("name")
        if "name" in query:
            rows = rows.filter(name=query["name"].replace("\x00", ""))
        total = rows.count()
        found = rows.prefetch_related("labels", "versions")[(page - 1) * limit : page * limit]
        meta = {"page": page, "limit": limit, "totalItems": total}
        pages = {"totalPages": -(-total // limit)}
        return Response({"data": [listed(row) for row in found], "meta": meta | pages})

    @extend_schema(
        operation_id="langfuse_create_prompt",
        summary="Add a prompt or a version, for Langfuse's SDKs",
        request=OpenApiTypes.OBJECT,
        responses={201: PROMPT},
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        refuse_unknown(request.query_params.dict(), {"project"})
        sent = request.data
        if not isinstance(sent, dict) or not isinstance(sent.get("name"), str):
            raise InvalidError("Send an object with a name.", "name")
        # Whole or not at all: nobody would look for a version whose label was refused.
        with transaction.atomic():
            version = self._add(sent)
            self.label(version, read_labels(sent.get("labels"), "labels"))
        return Response(told(version), status=201)

    def _add(self, sent: Mapping[str, Json]) -> PromptVersion:
        kind = Kind.CHAT if isinstance(sent.get("prompt"), list) else Kind.TEXT
        content, note = read_content(sent), sent.get("commitMessage") or ""
        prompt = self.project.prompts.filter(name=sent["name"].replace("\x00", "")).first()
        if prompt is None:
            about = About(sent["name"], kind, tags=read_labels(sent.get("tags"), "tags"))
            return services.create_prompt(
                self.project, about=about, content=content, note=note, actor=self.actor
            )
        prompt.project = self.project
        try:
            return services.add_version(prompt, content=content, note=note, actor=self.actor)
        except SameVersionError:
            return queries.find_version(prompt, prompt.last_number)


class LangfusePrompt(ProjectAPIView):
    """One prompt, at a label or version."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ}

    @extend_schema(
        operation_id="langfuse_read_prompt",
        summary="One prompt, for Langfuse's SDKs",
        responses=PROMPT,
        parameters=[
            NAME,
            *(
                OpenApiParameter(name, str, OpenApiParameter.QUERY)
                for name in ("version", "label", "resolve")
            ),
        ],
        tags=TAGS,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        """The version under `production` where neither a label nor a version is named."""
        query = request.query_params.dict()
        refuse_unknown(query, {"version", "label", "resolve", "project"})
        prompt = queries.find_prompt(self.project, prompt_name)
        label, version = query.get("label", ""), query.get("version", "")
        if not label and not version:
            label = PRODUCTION
        number = queries.number_at(prompt, label=label, version=version)
        is_resolved = query.get("resolve", "true") != "false"
        return Response(told(queries.find_version(prompt, number), is_resolved=is_resolved))


class LangfusePromptVersion(PromptLabelling):
    """The labels of one version."""

    needs: ClassVar[Mapping[str, Permission]] = {"PATCH": WRITE}

    @extend_schema(
        operation_id="langfuse_label_prompt",
        summary="Put labels on a version, for Langfuse's SDKs",
        request=OpenApiTypes.OBJECT,
        responses=PROMPT,
        parameters=[NAME],
        tags=TAGS,
    )
    def patch(self, request: Request, prompt_name: str, number: int) -> Response:
        refuse_unknown(request.query_params.dict(), {"project"})
        version = queries.find_version(queries.find_prompt(self.project, prompt_name), number)
        sent = request.data if isinstance(request.data, dict) else {}
        with transaction.atomic():
            self.label(version, read_labels(sent.get("newLabels"), "newLabels", needed=True))
        return Response(told(version))


def told(version: PromptVersion, *, is_resolved: bool = True) -> dict[str, Json]:
    """Return a version as Langfuse's SDKs read it; with its includes put in, or as written."""
    prompt = version.prompt
    body = resolve_version(version).body if is_resolved else version.body
    return {
        "id": f"{prompt.pk}-{version.number}",
        "name": prompt.name,
        "version": version.number,
        "type": prompt.kind,
        "prompt": body if isinstance(body, str) else [message(one) for one in body],
        "config": version.parameters,
        "labels": queries.labels_of(prompt).get(version.number, []),
        "tags": prompt.tags,
        "commitMessage": version.note or None,
        "createdAt": version.created_at,
        "updatedAt": version.created_at,
        "createdBy": version.author,
        "isActive": None,
        "projectId": str(prompt.project_id),
    }


def message(one: Mapping[str, str]) -> dict[str, str]:
    if "placeholder" in one:
        return {"type": "placeholder", "name": one["placeholder"]}
    return {"type": "chatmessage", **one}


def listed(prompt: Prompt) -> dict[str, Json]:
    versions = sorted(prompt.versions.all(), key=lambda row: row.number)
    labels = [row.name for row in prompt.labels.all()]
    return {
        "name": prompt.name,
        "type": prompt.kind,
        "versions": [row.number for row in versions],
        "labels": [*labels, LATEST],
        "tags": prompt.tags,
        "lastUpdatedAt": prompt.changed_at,
        "lastConfig": versions[-1].parameters if versions else {},
    }


def read_content(sent: Mapping[str, Json]) -> Content:
    """Return what a version says, unchecked."""
    body, config = sent.get("prompt"), sent.get("config")
    if isinstance(body, list):
        body = [own_message(one) for one in body]
    return Content(body, parameters={} if config is None else config)


def own_message(one: Json) -> Json:
    """Return a message as the library has it; what is none is refused there by its place."""
    if not isinstance(one, dict):
        return one
    if one.get("type") == "placeholder":
        return {"placeholder": one.get("name")}
    return {name: value for name, value in one.items() if name != "type"}


def read_labels(sent: Json, path: str, *, needed: bool = False) -> list[str]:
    if sent is None and not needed:
        return []
    if not isinstance(sent, list) or not all(isinstance(one, str) for one in sent):
        raise InvalidError(f"{path} must be a list of texts.", path)
    return sent


def read_whole(query: Mapping[str, str], name: str, most: int) -> int:
    text = query.get(name) or {"page": "1", "limit": "50"}[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidError(f"{name} must be a whole number from 1 to {most:,}.", name)
    return int(text)
