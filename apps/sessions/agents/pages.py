"""Pages of agents: the list, the line of an agent's versions, and one version."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from apps.audit.services import record_reading
from apps.core.diff_table import diff_table
from apps.core.line_diff import read_diff
from apps.core.paging import read_limit
from apps.sessions.agents import queries
from apps.sessions.agents.comparing import VARIES, Compared, compare_versions, sessions_read
from apps.sessions.agents.models import Agent
from apps.sessions.agents.queries import VersionRow
from apps.sessions.filters import refuse_unknown
from apps.sessions.pages import may_read_content
from apps.tenants.doors import SignedInRequest, project_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

PAGING = frozenset({"cursor", "limit"})
VERSIONS = 20


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def agent_list(request: SignedInRequest, project: Project) -> HttpResponse:
    """Show the project's agents, the one seen last first."""
    query = request.GET.dict()
    refuse_unknown(query, PAGING)
    page = queries.agent_page(
        project, cursor=query.get("cursor"), limit=read_limit(query.get("limit"))
    )
    context = {"project": project, "organization": project.organization, "page": page}
    return render(request, "sessions/agents/list.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def agent_detail(request: SignedInRequest, project: Project, agent_id: int) -> HttpResponse:
    """Show the versions of an agent, what changed with each, and how each did."""
    query = request.GET.dict()
    refuse_unknown(query, frozenset({"cursor"}))
    agent = queries.find_agent(project, pk=agent_id)
    page = queries.version_page(agent, cursor=query.get("cursor"), limit=VERSIONS)
    context = {
        "project": project,
        "organization": project.organization,
        "agent": agent,
        "page": page,
        "newest_sessions": queries.NEWEST_SESSIONS,
    }
    return render(request, "sessions/agents/agent.html", context)


@require_safe
@gzip_page
@project_view(Permission.READ_META)
def agent_version(
    request: SignedInRequest, project: Project, agent_id: int, number: int
) -> HttpResponse:
    """Show one version: what it has otherwise than the one before it, word by word."""
    refuse_unknown(request.GET.dict(), frozenset())
    agent = queries.find_agent(project, pk=agent_id)
    row, may_read = queries.find_row(agent, number), may_read_content(request)
    if row.version.number != number:
        return redirect("sessions:agent-version", *_place(project, agent), row.version.number)
    context = {
        "project": project,
        "organization": project.organization,
        "agent": agent,
        "row": row,
        "may_read": may_read,
        "prompts": _prompts(request, project, row) if may_read else [],
        "varies": VARIES,
    }
    return render(request, "sessions/agents/version.html", context)


def _place(project: Project, agent: Agent) -> tuple[str, str, int]:
    return project.organization.slug, project.slug, agent.pk


def _prompts(
    request: SignedInRequest, project: Project, row: VersionRow
) -> list[dict[str, object]]:
    """Return what the version's prompts say, beside those before; it is written down."""
    compared = compare_versions(row.older, row.version)
    record_reading(
        request.actor,
        organization_id=project.organization_id,
        project_id=project.pk,
        session_ids=sessions_read(compared),
    )
    return [{"one": one, "table": _table(one)} for one in compared]


def _table(one: Compared) -> str:
    return diff_table(read_diff(one.words, is_split=False), is_split=False) if one.words else ""


@require_safe
@project_view(Permission.READ_META)
def agent_at(request: SignedInRequest, project: Project) -> HttpResponse:
    """Lead to the page of a version that is named as sessions name it: ``support@3``; else all."""
    query = request.GET.dict()
    refuse_unknown(query, frozenset({"version"}))
    if not query.get("version"):
        return redirect("sessions:agents", project.organization.slug, project.slug)
    agent, version = queries.find_stamp(project, query["version"])
    return redirect("sessions:agent-version", *_place(project, agent), version.number)
