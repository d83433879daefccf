"""Prompts and their versions over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.prompts import queries, services
from apps.prompts.api.base import (
    PromptAPIView,
    read_content,
    read_owner,
    tagged,
)
from apps.prompts.api.output import (
    diff_json,
    head_json,
    prompt_json,
    resolved_json,
    version_json,
)
from apps.prompts.api.shapes import (
    PromptDetailOut,
    PromptDiffOut,
    PromptIn,
    PromptOneVersionOut,
    PromptOut,
    PromptPageOut,
    PromptPatchIn,
    PromptVersionIn,
    PromptVersionPageOut,
)
from apps.prompts.differing import diff_versions
from apps.prompts.models import PromptVersion
from apps.prompts.queries import COMMON, PromptFilters
from apps.prompts.resolving import resolve_version
from apps.prompts.services import About
from apps.tenants.idempotency import repeatable
from apps.tenants.permissions import Permission

TAG = ["prompts"]
PAGING = frozenset({"cursor", "limit"})
READ, WRITE = Permission.READ_PROMPTS, Permission.WRITE_PROMPTS
ABOUT = ("description", "tags", "owner")
NAME = OpenApiParameter("prompt_name", str, OpenApiParameter.PATH, description="With its folders.")


def in_query(*names: str) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names]


class PromptCollection(PromptAPIView):
    """The project's prompts."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_prompts",
        summary="List prompts",
        responses=PromptPageOut,
        parameters=in_query(*(one.name for one in fields(PromptFilters)), *sorted(PAGING)),
        tags=TAG,
    )
    def get(self, request: Request) -> Response:
        """In the order of their names, without their words."""
        query = request.query_params.dict()
        page = queries.prompt_page(
            self.project,
            PromptFilters.from_query(query, also=COMMON | PAGING),
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        return Response({"results": [prompt_json(row) for row in page.rows], "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="create_prompt",
        summary="Add a prompt",
        request=PromptIn,
        responses={201: PromptDetailOut},
        tags=TAG,
    )
    def post(self, request: Request) -> Response:
        """Add a prompt with its first version."""
        self.check_query(request)
        sent = read_owner(self.project, self.read(PromptIn, request))
        kind = sent.get("kind") or ("chat" if "messages" in sent else "text")
        told = {name: sent[name] for name in ABOUT if sent.get(name) is not None}
        version = services.create_prompt(
            self.project,
            about=About(sent["name"], kind, **told),
            content=read_content(kind, sent),
            note=sent.get("note", ""),
            actor=self.actor,
        )
        return Response(_detail(version), status=201)


class PromptDetail(PromptAPIView):
    """One prompt with one of its versions."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "PATCH": WRITE}

    @extend_schema(
        operation_id="read_prompt",
        summary="One prompt, at a label or version",
        responses={
            200: PromptDetailOut,
            304: OpenApiResponse(description="It is what `If-None-Match` names."),
        },
        parameters=[NAME, *in_query("label", "version")],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        """The version under a label, or that is named; without either the newest.

        `version.resolved` has the includes put in: what is left to do is to put in values. The
        answer has an `ETag` over all of it.
        """
        query = self.check_query(request, "label", "version")
        prompt = self.find(prompt_name)
        number = queries.number_at(
            prompt, label=query.get("label", ""), version=query.get("version", "")
        )
        return tagged(request, _detail(queries.find_version(prompt, number)))

    @extend_schema(
        operation_id="change_prompt",
        summary="Change what is said of a prompt, or archive it",
        request=PromptPatchIn,
        responses=PromptOut,
        parameters=[NAME],
        tags=TAG,
    )
    def patch(self, request: Request, prompt_name: str) -> Response:
        """Its name and kind stay: the record of every call names it."""
        self.check_query(request)
        changes = read_owner(self.project, self.read(PromptPatchIn, request))
        prompt = services.change_prompt(self.find(prompt_name), changes=changes, actor=self.actor)
        return Response(prompt_json(prompt))


class VersionCollection(PromptAPIView):
    """The versions of a prompt."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="list_prompt_versions",
        summary="List the versions of a prompt",
        responses=PromptVersionPageOut,
        parameters=[NAME, *in_query(*sorted(PAGING))],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        """The newest first, without their words."""
        query = self.check_query(request, *PAGING)
        prompt = self.find(prompt_name)
        page = queries.version_page(
            prompt, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
        )
        labels = queries.labels_of(prompt)
        rows = [
            {"version": row.number, "labels": labels.get(row.number, []), **head_json(row)}
            for row in page.rows
        ]
        return Response({"results": rows, "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="add_prompt_version",
        summary="Add a version",
        request=PromptVersionIn,
        responses={201: PromptOneVersionOut},
        parameters=[NAME],
        tags=TAG,
    )
    def post(self, request: Request, prompt_name: str) -> Response:
        """Add a version; 409 where it is the newest one again, word for word."""
        self.check_query(request)
        prompt = self.find(prompt_name)
        sent = self.read(PromptVersionIn, request)
        version = services.add_version(
            prompt,
            content=read_content(prompt.kind, sent),
            note=sent.get("note", ""),
            actor=self.actor,
        )
        return Response(_version(version), status=201)


class VersionDifference(PromptAPIView):
    """How one version became another."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": READ}

    @extend_schema(
        operation_id="diff_prompt_versions",
        summary="Compare two versions",
        responses=PromptDiffOut,
        parameters=[
            NAME,
            OpenApiParameter("from", str, OpenApiParameter.QUERY, required=True),
            OpenApiParameter("to", str, OpenApiParameter.QUERY, required=True),
            OpenApiParameter("whitespace", str, OpenApiParameter.QUERY, enum=["ignore"]),
        ],
        tags=TAG,
    )
    def get(self, request: Request, prompt_name: str) -> Response:
        """The words as a unified diff; parameters, variables, tools and schema by path."""
        query = self.check_query(request, "from", "to", "whitespace")
        prompt = self.find(prompt_name)
        a, b = (
            queries.find_version(prompt, queries.read_number(query.get(name, ""), name))
            for name in ("from", "to")
        )
        if query.get("whitespace", "ignore") != "ignore":
            raise InvalidError("whitespace must be ignore, or left out.", "whitespace")
        diff = diff_versions(a, b, ignores_space="whitespace" in query)
        return Response({"name": prompt.name, "from": a.number, "to": b.number, **diff_json(diff)})


def _detail(version: PromptVersion) -> dict[str, object]:
    return {**prompt_json(version.prompt), "version": _version(version)}


def _version(version: PromptVersion) -> dict[str, object]:
    labels = queries.labels_of(version.prompt)
    resolved = resolve_version(version)
    return {**version_json(version, labels), "resolved": resolved_json(resolved)}
