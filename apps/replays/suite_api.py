"""Suites over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.core.paging import read_limit
from apps.replays import suite_queries, suites
from apps.replays.suite_changes import Added, Change
from apps.replays.suite_choosing import (
    Chosen,
    choose,
    filters_of_text,
    filters_of_view,
    record_search,
)
from apps.replays.suite_models import Suite
from apps.replays.suite_sampling import Sample
from apps.replays.suite_shapes import SuiteIn, SuiteOut, SuitePageOut, SuitePatch
from apps.sessions.filters import refuse_unknown
from apps.tenants.access import people_who_may_see
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency import repeatable
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

Json = Any

COMMON = frozenset({"project"})
PAGING = frozenset({"cursor", "limit"})
TAGS = ["suites"]
DEFAULT_CHOSEN = 200


def parameters(*names: str) -> list[OpenApiParameter]:
    return [OpenApiParameter(name, str, OpenApiParameter.QUERY) for name in names]


class SuiteAPIView(ProjectAPIView):
    """A view that answers with suites, and reads which sessions are meant."""

    def check_query(self, request: Request, *also: str) -> dict[str, str]:
        query = request.query_params.dict()
        refuse_unknown(query, COMMON | frozenset(also))
        return query

    def change_in(self, wanted: Mapping[str, Json]) -> Change:
        """Return the additions that a body asks for, those chosen by filters among them."""
        added = [_added(one) for one in wanted.get("add", ())]
        chosen = self.chosen_in(wanted["choose"]) if wanted.get("choose") else None
        if chosen is None:
            return Change(add=added, note=wanted.get("note", ""))
        added += [Added(session) for session in chosen.sessions]
        return Change(add=added, note=wanted.get("note", ""), source=chosen.source)

    def chosen_in(self, wanted: Mapping[str, Json]) -> Chosen:
        # Which sessions there are is read here, too.
        self.require(Permission.READ_META)
        found = self._filters(wanted)
        if found.get("q"):
            self.require(Permission.READ_CONTENT)
        told = wanted.get("sample")
        sample = Sample(told["size"], told["seed"], tuple(told.get("by", ()))) if told else None
        most = sample.size if sample else wanted.get("limit", DEFAULT_CHOSEN)
        chosen = choose(self.project, found, sample, most=most)
        record_search(self.project, chosen, self.actor)
        return chosen

    def _filters(self, wanted: Mapping[str, Json]) -> Mapping[str, str]:
        if "filters" in wanted:
            return dict(wanted["filters"])
        if "filter" in wanted:
            return filters_of_text(wanted["filter"])
        view = self.project.saved_views.filter(
            pk=wanted["view"], owner=None, deleted_at=None
        ).first()
        if view is None:
            raise InvalidError("There is no such view of the project.", "choose.view")
        return filters_of_view(view)


def _added(told: Mapping[str, Json]) -> Added:
    event = told.get("event")
    return Added(
        session=told["session"],
        event=UUID(event) if event else None,
        is_pinned=told["pinned"],
        tags=told.get("tags", ()),
        expectations=told.get("expectations", ()),
    )


class SuiteCollection(SuiteAPIView):
    """The project's suites."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "POST": Permission.RUN_REPLAYS,
    }

    @extend_schema(
        operation_id="list_suites",
        summary="List suites",
        responses=SuitePageOut,
        parameters=parameters("archived", "cursor", "limit"),
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """The newest first; archived ones with `archived=true`."""
        query = self.check_query(request, "archived", "cursor", "limit")
        if query.get("archived", "false") not in ("true", "false"):
            raise InvalidError("archived must be true or false.", "archived")
        page = suite_queries.suite_page(
            self.project,
            archived=query.get("archived") == "true",
            cursor=query.get("cursor"),
            limit=read_limit(query.get("limit")),
        )
        results = [
            suite_json(self.project, suite, suite.newest_cases)  # type: ignore[attr-defined]
            for suite in page.rows
        ]
        return Response({"results": results, "next": page.next})

    @repeatable
    @extend_schema(
        operation_id="create_suite",
        summary="Make a suite",
        request=SuiteIn,
        responses={201: SuiteOut},
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        """Make a suite from sessions by name, by filters, or by a sample of what these find."""
        self.check_query(request)
        told = SuiteIn(data=request.data)
        told.is_valid(raise_exception=True)
        wanted = told.validated_data
        suite = suites.create_suite(
            self.project,
            name=wanted["name"],
            description=wanted.get("description", ""),
            owner=find_owner(self.project, wanted.get("owner")),
            change=self.change_in(wanted),
            actor=self.actor,
        )
        version = suite_queries.find_version(suite, 1)
        return Response(suite_json(self.project, suite, version.cases), status=201)


class SuiteDetail(SuiteAPIView):
    """One suite."""

    needs: ClassVar[Mapping[str, Permission]] = {
        "GET": Permission.READ_META,
        "PATCH": Permission.RUN_REPLAYS,
        "DELETE": Permission.RUN_REPLAYS,
    }

    @extend_schema(operation_id="read_suite", summary="One suite", responses=SuiteOut, tags=TAGS)
    def get(self, request: Request, suite_id: UUID) -> Response:
        self.check_query(request)
        return answer(suite_queries.find_suite(self.project, suite_id))

    @extend_schema(
        operation_id="change_suite",
        summary="Rename, describe or give away",
        request=SuitePatch,
        responses=SuiteOut,
        tags=TAGS,
    )
    def patch(self, request: Request, suite_id: UUID) -> Response:
        """Change name, description or owner. Cases change by a new version."""
        self.check_query(request)
        suite = suite_queries.find_suite(self.project, suite_id)
        told = SuitePatch(data=request.data)
        told.is_valid(raise_exception=True)
        changes = dict(told.validated_data)
        if "owner" in changes:
            changes["owner"] = find_owner(self.project, changes["owner"])
        return answer(suites.change_suite(suite, changes, actor=self.actor))

    @extend_schema(
        operation_id="archive_suite", summary="Archive a suite", responses=SuiteOut, tags=TAGS
    )
    def delete(self, request: Request, suite_id: UUID) -> Response:
        """Take it out of the lists. Nothing is lost: its versions stay."""
        self.check_query(request)
        suite = suite_queries.find_suite(self.project, suite_id)
        return answer(suites.archive_suite(suite, actor=self.actor))


class SuiteRestore(SuiteAPIView):
    """Takes a suite out of the archive."""

    needs: ClassVar[Mapping[str, Permission]] = {"POST": Permission.RUN_REPLAYS}

    @repeatable
    @extend_schema(
        operation_id="restore_suite",
        summary="Take a suite out of the archive",
        request=None,
        responses=SuiteOut,
        tags=TAGS,
    )
    def post(self, request: Request, suite_id: UUID) -> Response:
        """409 where it is not archived; 400 where its name is another suite's by now."""
        self.check_query(request)
        suite = suite_queries.find_suite(self.project, suite_id)
        return answer(suites.restore_suite(suite, actor=self.actor))


def answer(suite: Suite, status: int = 200) -> Response:
    cases = suite_queries.find_version(suite, None).cases
    return Response(suite_json(suite.project, suite, cases), status=status)


def suite_json(project: Project, suite: Suite, cases: int) -> dict[str, Json]:
    place = (project.organization.slug, project.slug, suite.pk)
    return {
        "id": str(suite.pk),
        "name": suite.name,
        "description": suite.description,
        "owner": suite.owner.email if suite.owner else None,
        "version": suite.latest,
        "cases": cases,
        "created_by": suite.created_by,
        "created_at": suite.created_at,
        "archived_at": suite.archived_at,
        "url": reverse("suites:suite", args=place),
    }


def find_owner(project: Project, email: str | None) -> User | None:
    """Return whom an address means, among those who may see the project."""
    if email is None:
        return None
    person = people_who_may_see(project).filter(email=email.lower()).first()
    if person is None:
        raise InvalidError("Nobody of this address may see this project's sessions.", "owner")
    return person
