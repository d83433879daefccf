"""The palette: jumping anywhere by typing, from every page.

Each source offers what the person may open, a few at most, and names the right that it takes.
What the browser keeps of what was chosen lately is told apart (``kept``): never recorded text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

from django.db.models import Q
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.annotations import library
from apps.audit.services import record_reading
from apps.core.errors import InvalidError
from apps.replays.pages_rows import replay_word
from apps.replays.pages_words import band_word
from apps.sessions import jumping
from apps.sessions.filters import refuse_unknown
from apps.sessions.listing import short_id
from apps.sessions.models import Session
from apps.tenants.doors import SignedInRequest, project_view, signed_in_view
from apps.tenants.models import Project
from apps.tenants.permissions import Permission
from apps.tickets.models import Ticket
from apps.tickets.words import words_of
from apps.web.context import shell

# Of each group.
MOST = 8
LONGEST = 100
# Shorter than this is no name of anything.
SHORTEST = 2
# The newest rows whose sealed titles are opened to be looked at.
NEWEST = 100
MOST_PROJECTS = 500
LARGEST_NUMBER = 2**31 - 1
OWN_PAGES = (
    ("Inbox", "tickets:inbox", "inbox"),
    ("Shared with me", "web:shared-with-me", "users"),
    ("Account", "accounts:account", "user"),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be opened."""

    title: str
    url: str
    icon: str
    hint: str = ""
    # How the browser may remember it; empty: not at all.
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what, and where."""

    request: SignedInRequest
    project: Project
    text: str

    @property
    def words(self) -> list[str]:
        return self.text.casefold().split()

    @property
    def place(self) -> tuple[str, str]:
        return self.project.organization.slug, self.project.slug

    def may(self, permission: Permission) -> bool:
        return permission in self.request.permissions


Offer = Callable[[Asked], Iterator[Entry]]


@dataclass(frozen=True, slots=True)
class Source:
    """A group of the palette."""

    name: str
    needs: Permission
    offer: Offer
    # Whether there is something to offer before anything is typed.
    at_once: bool = False


@require_safe
@never_cache
@project_view(Permission.READ_META)
def palette(request: SignedInRequest, project: Project) -> HttpResponse:
    """Answer what the typed words may mean in a project."""
    asked = Asked(request, project, read_text(request))
    sources = [source for source in SOURCES if asked.may(source.needs)]
    if len(asked.text) < SHORTEST:
        sources = [source for source in sources if source.at_once]
    return answer((source.name, islice(source.offer(asked), MOST)) for source in sources)


@require_safe
@never_cache
@signed_in_view
def palette_of_person(request: SignedInRequest) -> HttpResponse:
    """Answer the same where no project is open: what is the person's own."""
    words = read_text(request).casefold().split()
    return answer([("Projects", projects_of(request, words)), ("Pages", own_pages(words))])


def answer(groups: Iterable[tuple[str, Iterable[Entry]]]) -> HttpResponse:
    found = [{"name": name, "entries": [asdict(e) for e in entries]} for name, entries in groups]
    return JsonResponse({"groups": [group for group in found if group["entries"]]})


def read_text(request: SignedInRequest) -> str:
    refuse_unknown(request.GET.dict(), frozenset({"q"}))
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())
    if len(text) > LONGEST:
        raise InvalidError(f"q has at most {LONGEST} characters.", "q")
    return text


def matches(words: Sequence[str], *texts: str) -> bool:
    return all(any(word in text.casefold() for text in texts) for word in words)


def offer_pages(asked: Asked) -> Iterator[Entry]:
    for link in shell(asked.request)["shell"].destinations:
        if matches(asked.words, link.label):
            yield Entry(link.label, link.url, link.icon, kept=link.label)
    yield from own_pages(asked.words)


def own_pages(words: Sequence[str]) -> Iterator[Entry]:
    for label, name, icon in OWN_PAGES:
        if matches(words, label):
            yield Entry(label, reverse(name), icon, kept=label)


def offer_projects(asked: Asked) -> Iterator[Entry]:
    yield from projects_of(asked.request, asked.words, besides=asked.project)


def projects_of(
    request: SignedInRequest, words: Sequence[str], besides: Project | None = None
) -> Iterator[Entry]:
    """Yield the projects that the person may switch to."""
    for project in shell(request)["shell"].projects[:MOST_PROJECTS]:
        organization = project.organization
        if project != besides and matches(words, project.name, project.slug, organization.name):
            url = reverse("sessions:list", args=(organization.slug, project.slug))
            yield Entry(project.name, url, "layers", organization.name, kept=project.name)


def offer_sessions(asked: Asked) -> Iterator[Entry]:
    """Yield sessions by their ids; by their titles, too, to those who may read content."""
    titles = asked.may(Permission.READ_CONTENT)
    if len(asked.text) < SHORTEST:
        found = jumping.newest_sessions(asked.project, titles=titles, limit=MOST)
    else:
        found = jumping.sessions_called(asked.project, asked.text, titles=titles, limit=MOST)
    if titles and found:
        record_reading(
            asked.request.actor,
            organization_id=asked.project.organization_id,
            project_id=asked.project.pk,
            session_ids=[str(session.pk) for session, _ in found],
        )
    for session, title in found:
        yield session_entry(asked, session, title)


def session_entry(asked: Asked, session: Session, title: str) -> Entry:
    name = short_id(session)
    known = [name, session.external_id or "", session.agent or ""]
    if session.started_at is not None:
        known.append(f"{session.started_at:%Y-%m-%d %H:%M} UTC")
    url = reverse("sessions:detail", args=(*asked.place, session.pk))
    icon = "octagon-x" if session.error_count else "list-tree"
    return Entry(
        title or session.external_id or name, url, icon, " · ".join(filter(None, known)), name
    )


def offer_search(asked: Asked) -> Iterator[Entry]:
    """Yield the way to a search in everything that was said."""
    url = reverse("sessions:list", args=asked.place)
    yield Entry(
        f"Search all content for: {asked.text}", f"{url}?{urlencode({'q': asked.text})}", "search"
    )


def offer_views(asked: Asked) -> Iterator[Entry]:
    views = asked.project.saved_views.filter(Q(owner=None) | Q(owner=asked.request.user))
    url = reverse("sessions:list", args=asked.place)
    for view in views.filter(deleted_at=None)[:NEWEST]:
        if matches(asked.words, view.name):
            yield Entry(view.name, f"{url}?view={view.pk}", "list-filter", "Saved view", view.name)


def offer_tickets(asked: Asked) -> Iterator[Entry]:
    """Yield tickets by their numbers, or by words of their titles: the newest that are open."""
    number = asked.text.removeprefix("#")
    rows = asked.project.tickets.order_by("-number")
    if number.isascii() and number.isdigit():
        rows = rows.filter(number=min(int(number[:12]), LARGEST_NUMBER))
    else:
        rows = rows.unfinished()
    newest = list(rows[:NEWEST])
    words = words_of(newest)
    for ticket in newest:
        title = words[ticket.pk].title if ticket.pk in words else ""
        if number == str(ticket.number) or matches(asked.words, title):
            yield ticket_entry(asked, ticket, title)


def ticket_entry(asked: Asked, ticket: Ticket, title: str) -> Entry:
    url = reverse("tickets:ticket", args=(*asked.place, ticket.number))
    name = f"#{ticket.number}"
    return Entry(title or name, url, "ticket", f"{name} · {ticket.get_status_display()}", name)


def offer_prompts(asked: Asked) -> Iterator[Entry]:
    rows = asked.project.prompts.in_use().order_by("name")
    for word in asked.words:
        rows = rows.filter(name__icontains=word)
    for prompt in rows[:MOST]:
        url = reverse("prompts:prompt", args=(*asked.place, prompt.name))
        yield Entry(prompt.name, url, "scroll-text", f"v{prompt.last_number}", prompt.name)


def offer_examples(asked: Asked) -> Iterator[Entry]:
    rows = asked.project.examples.select_related("session").order_by("-marked_at")
    for example in library.opened(asked.project, list(rows[:NEWEST])):
        if matches(asked.words, example.title):
            url = reverse("sessions:detail", args=(*asked.place, example.row.session_id))
            yield Entry(example.title, url, "sparkles", short_id(example.row.session))


def offer_suites(asked: Asked) -> Iterator[Entry]:
    rows = asked.project.suites.filter(archived_at=None).order_by("-id")
    for suite in rows[:MOST_PROJECTS]:
        if matches(asked.words, suite.name):
            url = reverse("suites:suite", args=(*asked.place, suite.pk))
            yield Entry(suite.name, url, "bookmark", f"Suite · version {suite.latest}", suite.name)


def offer_replays(asked: Asked) -> Iterator[Entry]:
    """Yield the newest replays by their short words, or by the names of their sessions."""
    rows = asked.project.replays.select_related("session").defer("sealed", "sealed_brief")
    for replay in rows.order_by("-pk")[:NEWEST]:
        name = replay_word(replay)
        known = (name, replay.session.external_id or "", replay.original_name)
        if matches(asked.words, *known):
            url = reverse("replays:detail", args=(*asked.place, replay.pk))
            band = band_word(replay.status, replay.band).name
            hint = f"{replay.get_origin_display()} of {replay.original_name} · {band}"
            yield Entry(known[1] or name, url, "play", hint, name)


# In the order in which they are shown. A new capability adds its source here.
SOURCES = (
    Source("Sessions", Permission.READ_META, offer_sessions, at_once=True),
    Source("Prompts", Permission.READ_PROMPTS, offer_prompts),
    Source("Tickets", Permission.READ_CONTENT, offer_tickets),
    Source("Replays", Permission.READ_META, offer_replays),
    Source("Examples", Permission.READ_CONTENT, offer_examples),
    Source("Suites", Permission.READ_META, offer_suites),
    Source("Saved views", Permission.READ_META, offer_views),
    Source("Pages", Permission.READ_META, offer_pages, at_once=True),
    Source("Projects", Permission.READ_META, offer_projects, at_once=True),
    Source("Search", Permission.READ_CONTENT, offer_search),
)
