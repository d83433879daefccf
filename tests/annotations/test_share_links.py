"""Sessions shown by a link to whoever has it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from apps.annotations import share_links, share_visits
from apps.annotations.share_links import Terms
from apps.annotations.share_models import ShareLink
from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import reader, store
from apps.tenants import services
from apps.tenants.doors import actor_of
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)> \u202e[x](javascript:alert(3))"


@pytest.fixture
def session(project):
    events = [
        make_call(id="a", name="plan", input="the question", output="an answer", started_at=at(0)),
        make_event(
            id="b",
            kind="tool",
            name="look up",
            output="tool words",
            started_at=at(1),
            extra={"secret.attribute": "raw words"},
        ),
        make_event(id="c", kind="chain", name="wrap", output="chain words", started_at=at(2)),
    ]
    return make_session(project, *events)


def make(session, **terms) -> tuple[ShareLink, str]:
    link, token = share_links.make_link(session, Terms(**terms), actor=SYSTEM)
    return link, f"/s/{token}/"


def step_ids(session) -> list[str]:
    return [step.id for step in reader.outline(session).steps]


def test_a_link_shows_the_session_without_an_account(session):
    _, url = make(session)

    page = Client().get(url)

    text = page.content.decode()
    assert page.status_code == 200
    assert "the question" in text
    assert "an answer" in text
    assert "raw words" not in text
    assert "<script" not in text


def test_pages_of_a_link_lead_nowhere_else(session):
    _, url = make(session)
    visitor = Client()
    pages = [visitor.get(url, {"view": view}) for view in ("transcript", "steps")]
    pages += [visitor.get(f"{url}steps/{step}/") for step in step_ids(session)]

    for page in pages:
        addresses = re.findall(r'(?:href|src|action)="([^"]*)"', page.content.decode())
        assert all(a.startswith((url, "?", "#", "/static/", "data:image/svg")) for a in addresses)
        assert str(session.pk) not in page.content.decode()
    assert "chain words" in pages[-1].content.decode()


def test_answers_are_kept_nowhere_and_found_by_no_search_engine(session):
    _, url = make(session, most_openings=3)

    for answer in (Client().get(url), Client().post(url), Client().get("/s/none/")):
        assert answer["X-Robots-Tag"] == "noindex, nofollow, noarchive"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert answer["Cache-Control"] == "no-store"
        assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_a_link_to_a_step_shows_that_step_alone(session):
    first, second, _ = step_ids(session)
    _, url = make(session, event_id=second)
    visitor = Client()

    page = visitor.get(url).content.decode()

    assert "tool words" in page
    assert "the question" not in page
    assert visitor.get(f"{url}steps/{first}/").status_code == 404
    assert first not in page


def test_the_record_cannot_be_written_by_a_link(session):
    _, url = make(session)
    visitor = Client()
    visitor.get(url)

    answers = {visitor.generic(method, url).status_code for method in ("PUT", "PATCH", "DELETE")}

    assert answers == {405}
    assert visitor.post(f"{url}steps/{step_ids(session)[0]}/").status_code == 405


def ended(session) -> dict[str, str]:
    """Return the addresses of links that do not open, each for its own reason."""
    expired, url = make(session)
    ShareLink.unscoped.filter(pk=expired.pk).update(expires_at=timezone.now())
    revoked, revoked_url = make(session)
    share_links.revoke_link(revoked, actor=SYSTEM)
    _, used_url = make(session, most_openings=1)
    Client().post(used_url)
    return {"expired": url, "revoked": revoked_url, "used up": used_url, "never was": "/s/abc/"}


def test_whatever_ended_a_link_it_is_as_if_it_never_was(session):
    pages = {why: Client().get(url) for why, url in ended(session).items()}

    assert {page.status_code for page in pages.values()} == {404}
    assert len({page.content for page in pages.values()}) == 1
    assert len({tuple(sorted(page.headers.keys())) for page in pages.values()}) == 1


def test_looking_for_a_link_takes_one_query_whether_it_is_there_or_not(
    session, django_assert_num_queries
):
    for url in (*ended(session).values(), "/s/" + "x" * 22 + "/"):
        with django_assert_num_queries(1):
            share_visits.find_link(url.split("/")[2])
    with django_assert_num_queries(0):
        assert share_visits.find_link("x" * 10_000) is None


def test_no_token_is_stored(session):
    _, token = share_links.make_link(session, Terms(), actor=SYSTEM)

    [link] = ShareLink.unscoped.values()
    assert len(token) == 22
    assert token not in str(link)
    assert bytes(link["digest"]) == share_links.digest_of(token)


def test_each_visit_is_one_opening_in_the_trail(session):
    link, url = make(session)
    visitor = Client(REMOTE_ADDR="203.0.113.9")
    visitor.get(url)
    visitor.get(url, {"view": "steps"})
    Client().get(url)

    link.refresh_from_db()
    opened = AuditEntry.unscoped.filter(act="link.open").order_by("pk")
    assert (link.openings, opened.count()) == (2, 2)
    assert (opened[0].actor_kind, opened[0].ip) == ("link", "203.0.113.9")
    assert opened[0].object_ids == [str(session.pk), f"link:{link.pk}"]
    assert AuditEntry.unscoped.filter(act="session.read", actor_kind="link").count() == 1


def test_programs_that_preview_a_link_use_up_no_opening(session):
    link, url = make(session, most_openings=1)

    asked = Client().get(url)
    Client().head(url)

    assert b"the question" not in asked.content
    visitor = Client()
    assert visitor.post(url, follow=True).content.count(b"the question")
    assert visitor.get(url).status_code == 200
    link.refresh_from_db()
    assert (link.openings, Client().post(url).status_code) == (1, 404)


def test_a_passphrase_is_asked_for(session):
    link, url = make(session, passphrase="over the hills")
    visitor = Client(enforce_csrf_checks=True)

    wrong = visitor.post(url, {"passphrase": "over the hill"})

    assert (visitor.get(url).status_code, wrong.status_code) == (200, 403)
    assert b"the question" not in wrong.content
    assert (
        b"the question" in visitor.post(url, {"passphrase": "over the hills"}, follow=True).content
    )
    assert "over" not in link.passphrase


def test_a_link_that_is_used_up_answers_no_guess(session):
    link, url = make(session, passphrase="over the hills", most_openings=1)
    Client().post(url, {"passphrase": "over the hills"})

    answers = [Client().post(url, {"passphrase": word}) for word in ("wrong", "over the hills")]

    link.refresh_from_db()
    assert ([answer.status_code for answer in answers], link.openings) == ([404, 404], 1)


def test_nobody_guesses_a_passphrase_for_long(session):
    _, url = make(session, passphrase="over the hills")
    guesses = [Client().post(url, {"passphrase": f"guess {n}"}).status_code for n in range(6)]

    right = Client().post(url, {"passphrase": "over the hills"})
    elsewhere = Client(REMOTE_ADDR="203.0.113.9").post(url, {"passphrase": "over the hills"})

    assert guesses == [403] * 5 + [429]
    assert (right.status_code, elsewhere.status_code) == (429, 302)


def test_a_visit_ends_with_the_link_and_holds_for_no_other(session):
    link, url = make(session)
    _, other = make(session, passphrase="over the hills")
    visitor = Client()
    visitor.get(url)
    visitor.cookies["playhead_shared"]["path"] = "/"

    assert b"Passphrase" in visitor.get(other).content
    share_links.revoke_link(link, actor=SYSTEM)
    assert visitor.get(url).status_code == 404


def test_a_visit_ends_after_an_hour(session):
    link, url = make(session)
    visitor = Client()
    visitor.get(url)

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        visitor.get(url)

    link.refresh_from_db()
    assert link.openings == 2


def test_a_project_can_switch_its_links_off_and_on(session):
    _, url = make(session)
    services.allow_links(session.project, allowed=False, actor=SYSTEM)

    assert Client().get(url).status_code == 404
    with pytest.raises(ConflictError, match="switched off"):
        make(session)
    services.allow_links(session.project, allowed=True, actor=SYSTEM)
    assert Client().get(url).status_code == 200


def test_making_a_link_takes_the_right_to_share(session, viewer, rf):
    with pytest.raises(PermissionDenied):
        share_links.make_link(session, Terms(), actor=actor_of(rf.get("/"), viewer))


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"days": 91}, "days"),
        ({"days": 0}, "days"),
        ({"most_openings": 0}, "most_openings"),
        ({"passphrase": "short"}, "passphrase"),
        ({"note": "x" * 121}, "note"),
        ({"event_id": "0" * 32}, "event"),
    ],
)
def test_terms_out_of_bounds_are_refused_by_their_name(session, terms, field):
    with pytest.raises(InvalidError) as refused:
        make(session, **terms)

    assert refused.value.errors[0]["path"] == field


def test_links_end_with_their_session(session):
    _, url = make(session)
    store.erase(session, actor=SYSTEM)

    assert Client().get(url).status_code == 404
    assert not ShareLink.unscoped.exists()


def test_of_a_session_that_joins_another_only_links_to_steps_go_along(project):
    old = make_session(project, make_call(id="a", trace="t", input="its words"))
    _, whole = make(old)
    _, step = make(old, event_id=step_ids(old)[0], note="for a friend")
    store.append(project, [make_call(id="b", trace="t", session="chat", input="other words")])
    new = project.sessions.exclude(pk=old.pk).get()

    page = Client().get(step).content.decode()

    assert Client().get(whole).status_code == 404
    assert "its words" in page
    assert "other words" not in page
    assert [note for _, note in share_links.links_of(new)] == ["for a friend", ""]


def test_recorded_text_stays_text(project):
    session = make_session(project, make_call(name=HOSTILE, input=HOSTILE, output=HOSTILE))
    _, url = make(session)

    for rest in ("", "?view=steps", f"steps/{step_ids(session)[0]}/"):
        page = Client().get(url + rest).content.decode()
        assert "<script" not in page
        assert "<img" not in page
        assert 'href="javascript' not in page


def test_a_long_session_is_shown_in_windows(project):
    session = make_session(project, *(make_event(position=n, name=f"n{n}") for n in range(250)))
    _, url = make(session)
    visitor = Client()

    first = visitor.get(url, {"view": "steps"}).content.decode()
    later = visitor.get(url, {"view": "steps", "at": "201"}).content.decode()

    assert first.count("<tr>") == 101
    assert later.count("<tr>") == 51
    assert visitor.get(url, {"at": "251"}).status_code == 400
    assert visitor.get(url, {"nothing": "x"}).status_code == 400


def test_links_are_made_listed_and_revoked_over_http(session, member_client, project):
    api = f"/api/v1/sessions/{session.pk}/share-links"
    named = f"?project=acme/{project.slug}"

    made = member_client.post(
        api + named, {"note": "vendor", "most_openings": 2}, content_type="application/json"
    )

    link = made.json()
    assert made.status_code == 201
    assert Client().get(link["url"].removeprefix("http://127.0.0.1:8000")).status_code == 200
    [listed] = member_client.get(api + named).json()["results"]
    assert listed == link | {"url": None}
    assert member_client.delete(f"{api}/{link['id']}{named}").status_code == 204
    assert member_client.get(api + named).json()["results"][0]["revoked_at"]


def test_the_page_of_who_can_see_shows_each_link_once(session, member_client, project):
    page = f"/o/acme/p/{project.slug}/sessions/{session.pk}/access/"

    made = member_client.post(f"{page}links/", {"event": "session", "days": "7", "note": "vendor"})
    [url] = re.findall(r"http://127.0.0.1:8000(/s/[\w-]+/)", made.content.decode())
    listed = member_client.get(page).content.decode()

    assert Client().get(url).status_code == 200
    assert "no-store" in made["Cache-Control"]
    assert "vendor" in listed
    assert url not in listed


def test_the_page_of_who_can_see_shows_no_links_to_those_who_may_make_none(session, viewer_client):
    make(session, note="for the vendor")
    project = session.project

    page = viewer_client.get(f"/o/acme/p/{project.slug}/sessions/{session.pk}/access/")

    assert "Engineer" in page.content.decode() or "Viewer" in page.content.decode()
    assert "for the vendor" not in page.content.decode()


def test_a_project_lists_its_links_and_ends_all_at_once(session, owner_client, project):
    urls = [make(session, note=f"for {who}")[1] for who in ("one", "two")]
    page = f"/o/acme/p/{project.slug}/settings/sharing/"
    listed = owner_client.get(page).content.decode()

    owner_client.post(f"{page}revoke/")

    assert "for one" in listed
    assert "for two" in listed
    assert {Client().get(url).status_code for url in urls} == {404}
    assert AuditEntry.unscoped.filter(act="link.revoke").count() == 2


def test_links_are_switched_off_on_the_page_of_settings(session, owner_client, project):
    page = f"/o/acme/p/{project.slug}/settings/sharing/"

    owner_client.post(page, {"allowed": "no"})

    project.refresh_from_db()
    assert not project.allows_links
    assert owner_client.post(page, {"allowed": "perhaps"}).status_code == 400
    made = owner_client.post(
        f"/o/acme/p/{project.slug}/sessions/{session.pk}/access/links/",
        {"event": "session", "days": "7"},
    )
    assert made.status_code == 409
