"""Projects with one of everything in them, for those who try to reach it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from apps.annotations import sealing
from apps.annotations.share_links import Terms, make_link
from apps.audit.actors import SYSTEM
from apps.providers.prices import NewPrice, add_price
from apps.providers.services import Draft, add_credential
from apps.replays.runs.settings import read_run_settings
from apps.replays.runs.sides import Kept, resolve_sides, seal
from apps.replays.suite_changes import Added, Change
from apps.replays.suite_models import Suite
from apps.replays.suites import create_suite
from apps.sessions import store
from apps.sessions.agents.assigning import read_session
from apps.sessions.events import IncomingEvent
from apps.sessions.models import Event
from apps.sessions.saved_views import save_view
from apps.tenants import grants
from apps.tenants.models import Project
from apps.tenants.permissions import Role
from apps.tickets.words import cipher_of, seal_words
from tests.factories import make_key, make_membership, make_project
from tests.replays.reporting import make_divergence, make_run
from tests.replays.scheduling import make_schedule
from tests.tenants.routes import fill

SEALED = {
    "title": sealing.TITLE,
    "notes": sealing.NOTES,
    "why": sealing.WHY,
    "comment": sealing.COMMENT,
}


@dataclass(frozen=True)
class Place:
    """A project with one of everything in it."""

    project: Project
    # Stands in all that was recorded, so that any answer that holds it has leaked.
    content: str
    values: dict[str, object]

    def url(self, path: str, **other: object) -> str:
        pk = self.values["membership" if "/members/" in path else "key"]
        return fill(path, self.values | {"pk": pk} | other)

    def url_for_people(self, path: str) -> str:
        return f"{self.url(path)}?project={self.values['organization_slug']}/{self.project.slug}"


def furnish(project: Project) -> Place:
    content = f"spoken in {project.slug}"
    event = IncomingEvent(
        id="one",
        session=f"chat in {project.slug}",
        kind="llm",
        input=content,
        output=content,
        started_at=datetime(2026, 11, 20, tzinfo=UTC),
    )
    [session_id] = store.append(project, [event]).sessions
    row = Event.unscoped.filter(project_id=project.pk, session_id=session_id).get()
    session = project.sessions.get(pk=session_id)
    [seen] = read_session(session)
    words = seal_words(cipher_of(session), 1, title=content, description=content)
    project.tickets.create(number=1, session=session, opened_by="a key", **words)
    key, _ = make_key(project)
    values = {
        "organization_slug": project.organization.slug,
        "project_slug": project.slug,
        "session_id": session_id,
        "event_id": event_hex(row),
        "field": "input",
        "agent_id": seen.agent.pk,
        "agent_name": "-",
        "import_id": project.imports.create(status="cancelled", file_name=content).pk,
        "key": key.pk,
        "view_id": save_view(
            project, name="errors", query="status=error", owner=None, actor=SYSTEM
        ).pk,
        "number": 1,
        **in_library(project),
        "membership": make_membership(project.organization).pk,
        **shared(project, session_id),
        **said(project, session_id, content),
        "replay_id": make_run(
            project,
            session=session.external_id,
            report={"divergences": [make_divergence(says=content)]},
        ).pk,
        **gathered(project, session_id, content),
        **provided(project),
        **scheduled(project, content),
        "uidb36": "1",
    }
    return Place(project, content, values)


def gathered(project: Project, session_id: object, content: str) -> dict[str, object]:
    """A suite with a case of which something is expected."""
    expected = {"kind": "contains", "words": [content]}
    change = Change(add=[Added(UUID(str(session_id)), expectations=[expected])])
    suite = create_suite(project, name="refunds", change=change, actor=SYSTEM)
    suite.project = project
    return {"suite_id": suite.pk, "case_id": suite.cases.get().pk, "run_id": tried(suite)}


def tried(suite: Suite) -> UUID:
    """A run of a suite, by rows alone."""
    candidate = {"name": "v8", "system": "Be brief."}
    sent = {"suite": str(suite.pk), "provider": "recorded", "candidates": [candidate]}
    settings = read_run_settings(sent)
    kept = Kept(settings=settings, sides=resolve_sides(suite.project, settings))
    run = suite.project.regression_runs.create(
        suite=suite,
        suite_version=1,
        name="v8 on refunds",
        sealed_settings=seal(suite.project, kept),
        cases=1,
        started_by="somebody",
    )
    run.trials.create(project=suite.project, case=suite.cases.get(), side=1, sample=0)
    return run.pk


def in_library(project: Project) -> dict[str, object]:
    """Keep one prompt with one of everything, by rows alone."""
    prompt = project.prompts.create(name="desk/triage", kind="text", last_number=1)
    project.prompt_versions.create(prompt=prompt, number=1, body="Sort this", digest="0" * 64)
    comment = project.prompt_comments.create(prompt=prompt, number=1, text="Why?", by="somebody")
    project.prompt_labels.create(prompt=prompt, name="production", number=1, moved_by="somebody")
    request = project.label_requests.create(prompt=prompt, label="live", to_number=1)
    return {
        "prompt_name": prompt.name,
        "older": 1,
        "newer": 1,
        "remark_id": comment.pk,
        "request_id": request.pk,
    }


def provided(project: Project) -> dict[str, object]:
    """A provider of models, and a price."""
    draft = Draft("local", "openai-compatible", "", base_url="https://8.8.8.8/v1")
    new = NewPrice("ours", Decimal(1), Decimal(1), datetime(2026, 1, 1, tzinfo=UTC))
    return {
        "credential_id": add_credential(project, draft, actor=SYSTEM).pk,
        "price_id": add_price(project, new, actor=SYSTEM).pk,
    }


def scheduled(project: Project, content: str) -> dict[str, object]:
    """A schedule over sessions in which something was said."""
    owner = make_membership(project.organization, role=Role.ENGINEER).user
    sessions = {"last": 5, "filter": f'"{content}"'}
    schedule = make_schedule(project, owner, sessions=sessions)
    schedule.firings.create(project=project, due_at=schedule.next_at, state="failed")
    return {"schedule_id": schedule.pk}


def shared(project: Project, session_id: object) -> dict[str, object]:
    session = project.sessions.get(pk=session_id)
    elsewhere = make_project(project.organization)
    guest = make_membership(project.organization, project=elsewhere).user
    grants.grant_session(project, session, person=guest, actor=SYSTEM)
    link, token = make_link(session, Terms(), actor=SYSTEM)
    return {"person_id": guest.pk, "link_id": link.pk, "token": token}


def said(project: Project, session_id: object, content: str) -> dict[str, object]:
    """Say something of each kind, by rows alone."""
    session = project.sessions.get(pk=session_id)
    cipher = sealing.cipher_of(session)
    texts = {name: sealing.seal(cipher, content, purpose) for name, purpose in SEALED.items()}
    by = {"session": session, "by": "somebody"}
    project.examples.create(**by, sealed_title=texts["title"], sealed_notes=texts["notes"])
    score = project.scores.create(
        **by, name="fit", number=1, source="code", sealed_comment=texts["why"]
    )
    comment = project.comments.create(**by, sealed_text=texts["comment"])
    return {"comment_id": comment.pk, "score_id": score.pk}


def event_hex(row: Event) -> str:
    return bytes(row.id).hex() if isinstance(row.id, bytes | memoryview) else row.id.hex
