"""What the views of the API of prompts have in common."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from apps.accounts.models import User
from apps.core.api import plain
from apps.core.errors import InvalidError
from apps.prompts import queries
from apps.prompts.content import Content
from apps.prompts.models import Kind, Prompt
from apps.prompts.queries import COMMON, refuse_unknown
from apps.tenants.access import people_who_may_see
from apps.tenants.doors import ProjectAPIView
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

ETAG_DIGITS = 32
CONTENT = ("parameters", "tools", "output_schema", "variables")


class PromptAPIView(ProjectAPIView):
    """A view about prompts, which are named in its address."""

    def check_query(self, request: Request, *known: str) -> dict[str, str]:
        """Return the query; a parameter that is none of ours is an error that names it."""
        query: dict[str, str] = request.query_params.dict()
        refuse_unknown(query, COMMON | set(known))
        return query

    def find(self, name: str) -> Prompt:
        return queries.find_prompt(self.project, name)

    def read(self, shape: type[Serializer[Any]], request: Request) -> dict[str, Json]:
        """Return what was sent in a shape; a field that it has not is an error that names it."""
        told = shape(data=request.data)
        told.is_valid(raise_exception=True)
        if unknown := sorted(set(request.data) - set(told.fields)):
            raise InvalidError(f"There is no field {unknown[0][:64]}.", unknown[0][:64])
        return dict(told.validated_data)


def read_content(kind: str, sent: Mapping[str, Json]) -> Content:
    """Return the content in a body: its words are under the name that the kind has."""
    name, other = ("text", "messages") if kind == Kind.TEXT else ("messages", "text")
    if other in sent:
        raise InvalidError(f"A {kind} prompt has {name}, and no {other}.", other)
    if name not in sent:
        raise InvalidError(f"A {kind} prompt needs {name}.", name)
    return Content(sent[name], **{field: sent[field] for field in CONTENT if field in sent})


def read_owner(project: Project, sent: dict[str, Json]) -> dict[str, Json]:
    """Return the same with the owner's address read as a person."""
    if sent.get("owner") is None:
        return sent
    return sent | {"owner": find_person(project, sent["owner"])}


def find_person(project: Project, email: str) -> User:
    """Return whom an address means, among those who may read prompts."""
    people = people_who_may_see(project, needs=Permission.READ_PROMPTS)
    person = people.filter(email=email.lower()).first()
    if person is None:
        raise InvalidError("Nobody of this address may read this project's prompts.", "owner")
    return person


def tagged(request: Request, answer: Json) -> Response:
    """Answer with an ETag over all that is said, or that it is what the caller has (RFC 9110)."""
    body = orjson.dumps(answer, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
    tag = f'"{hashlib.sha256(body).hexdigest()[:ETAG_DIGITS]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in known_tags(request.headers.get("If-None-Match", "")):
        return Response(status=304, headers=headers)
    return Response(answer, headers=headers)


def known_tags(header: str) -> set[str]:
    """Return the tags of an If-None-Match, weak ones as strong: they are compared weakly."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
