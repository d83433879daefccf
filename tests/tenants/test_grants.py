"""One session shown to one person who may not see the others."""

from __future__ import annotations

import html
import re

import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import store
from apps.tenants import grants, services
from apps.tenants.access import people_who_may_see
from apps.tenants.doors import actor_of
from apps.tenants.permissions import Role
from tests.factories import make_membership, make_project, make_user
from tests.sessions.factories import make_call, make_event, make_session

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(project):
    return make_session(project, make_call(id="a", input="purple elephants"))


@pytest.fixture
def guest(project):
    """Somebody of the organization who has a role in another project only."""
    elsewhere = make_project(project.organization)
    return make_membership(project.organization, project=elsewhere).user


def give(session, person, **fields):
    return grants.grant_session(session.project, session, person=person, actor=SYSTEM, **fields)


def address(session, rest="") -> str:
    return f"/o/acme/p/{session.project.slug}/sessions/{session.pk}/{rest}"


def test_a_guest_reads_the_content_of_the_session(session, guest, sign_in):
    assert sign_in(guest).get(address(session)).status_code == 404

    give(session, guest)

    page = sign_in(guest).get(address(session), {"view": "transcript"})
    assert "purple elephants" in page.content.decode()


def test_the_pages_of_a_guest_lead_nowhere_that_is_shut_to_them(session, guest, sign_in):
    give(session, guest, annotate=True)
    client = sign_in(guest)
    step = session.project.events.get(session=session).id.hex
    pages = [address(session), address(session, "?view=transcript"), address(session, "comments/")]
    pages += [address(session, f"steps/{step}/"), "/shared-with-me/", "/"]

    texts = "".join(client.get(page, follow=True).content.decode() for page in pages)

    paths = {html.unescape(found) for found in re.findall(r'href="(/o/[^"#]*)', texts)}
    shut = {path for path in paths if client.get(path, follow=True).status_code >= 400}
    assert paths
    assert shut == set()


def test_django_guardian_says_the_same(session, guest):
    give(session, guest)

    assert guest.has_perm("agent_sessions.view_session", session)
    assert not guest.has_perm("agent_sessions.annotate_session", session)


def test_a_role_without_content_reads_what_was_granted(session, sign_in):
    auditor = make_membership(session.project.organization, role=Role.AUDITOR).user
    other = make_session(session.project, make_call(session="b", input="purple elephants"))
    give(session, auditor)

    pages = [sign_in(auditor).get(address(one, "?view=transcript")) for one in (session, other)]

    assert ["purple elephants" in page.content.decode() for page in pages] == [True, False]


def test_a_grant_costs_no_query_of_its_own(
    session, guest, sign_in, member_client, django_assert_max_num_queries
):
    give(session, guest)

    for client in (member_client, sign_in(guest)):
        with django_assert_max_num_queries(22):
            assert client.get(address(session)).status_code == 200


def test_giving_again_changes_what_the_person_may(session, guest, sign_in):
    give(session, guest, annotate=True)
    path = f"/api/v1/sessions/{session.pk}/tags?project=acme/{session.project.slug}"
    tagged = sign_in(guest).post(path, {"add": ["x"]}, content_type="application/json")

    give(session, guest)

    refused = sign_in(guest).post(path, {"add": ["y"]}, content_type="application/json")
    assert (tagged.status_code, refused.status_code) == (200, 403)
    [held] = grants.guests_of(session.project, session)
    assert not held.may_annotate


def test_only_people_of_the_organization_can_be_given_a_session(session, outsider, stranger):
    for person in (outsider, stranger):
        with pytest.raises(InvalidError, match="of this organization"):
            give(session, person)


def test_who_may_already_needs_no_grant(session, viewer):
    with pytest.raises(InvalidError, match="Viewer"):
        give(session, viewer)

    assert give(session, viewer, annotate=True).may_annotate


def test_nobody_gives_more_than_they_may(session, guest, viewer, rf):
    actor = actor_of(rf.get("/"), viewer)

    with pytest.raises(PermissionDenied):
        grants.grant_session(session.project, session, person=guest, actor=actor)


def test_a_guest_cannot_show_the_session_to_others(session, guest, sign_in):
    give(session, guest, annotate=True)

    answer = sign_in(guest).post(address(session, "access/people/"), {"email": "x@example.com"})

    assert answer.status_code == 403


def test_what_is_taken_back_ends_with_the_next_request(session, guest, sign_in):
    give(session, guest)
    grants.take_grant(session.project, session, person=guest, actor=SYSTEM)

    assert sign_in(guest).get(address(session)).status_code == 404
    with pytest.raises(ConflictError):
        grants.take_grant(session.project, session, person=guest, actor=SYSTEM)


def test_giving_and_taking_are_in_the_trail_and_the_inbox(session, guest):
    give(session, guest)
    give(session, guest)
    grants.take_grant(session.project, session, person=guest, actor=SYSTEM)

    acts = AuditEntry.unscoped.filter(act__in=["session.grant", "session.ungrant"]).order_by("pk")
    assert [entry.act for entry in acts] == ["session.grant", "session.ungrant"]
    assert acts[0].object_ids == [str(session.pk), f"user:{guest.pk}"]
    [told] = guest.inbox_entries.all()
    assert (told.kind, told.session_id) == ("grant", session.pk)


def test_a_grant_ends_with_the_persons_last_role(session, guest, sign_in):
    give(session, guest)
    again = make_membership(session.project.organization, make_user(), Role.AUDITOR)
    give(session, again.user)

    services.remove_member(guest.memberships.get(), actor=SYSTEM)

    assert [held.person for held in grants.guests_of(session.project, session)] == [again.user]


def test_a_grant_ends_with_the_session(session, guest):
    give(session, guest)
    store.erase(session, actor=SYSTEM)

    assert not session.project.session_grants.exists()


def test_a_grant_follows_the_session_into_another(project, guest, sign_in):
    store.append(project, [make_event(id="a", trace="t")])
    old = project.sessions.get()
    give(old, guest)
    store.append(project, [make_event(id="b", trace="t", session="chat")])
    new = project.sessions.exclude(pk=old.pk).get()

    page = sign_in(guest).get(address(old), follow=True)

    assert page.redirect_chain[0][0] == address(new)
    assert page.status_code == 200
    assert [grant.content_object for grant in grants.grants_to(guest)] == [new]


def test_who_may_see_a_session_is_said_by_roles_and_grants(session, guest, viewer, outsider):
    auditor = make_membership(session.project.organization, role=Role.AUDITOR).user
    lowered = make_membership(session.project.organization, role=Role.ENGINEER).user
    make_membership(session.project.organization, lowered, Role.AUDITOR, session.project)
    give(session, guest)

    assert set(people_who_may_see(session.project, session)) == {viewer, guest}
    assert set(people_who_may_see(session.project)) == {viewer}
    assert auditor.pk != outsider.pk


def test_a_session_is_given_and_taken_on_its_page(session, guest, member_client, sign_in):
    page = address(session, "access/")

    member_client.post(f"{page}people/", {"email": guest.email.upper()})
    seen = sign_in(guest).get(address(session)).status_code
    listed = member_client.get(page).content.decode()
    member_client.post(f"{page}people/{guest.pk}/take/")

    assert (seen, sign_in(guest).get(address(session)).status_code) == (200, 404)
    assert guest.email in listed


def test_an_address_that_nobody_has_is_refused_beside_its_field(session, member_client, outsider):
    for email in (outsider.email, "nobody@example.com"):
        answer = member_client.post(address(session, "access/people/"), {"email": email})
        assert answer.status_code == 400
        assert "Nobody in this organization has this address" in answer.content.decode()


def test_a_session_is_given_and_taken_over_http(session, guest, member_client):
    path = f"/api/v1/sessions/{session.pk}/grants"
    named = f"?project=acme/{session.project.slug}"
    asked = {"email": guest.email, "annotate": True}

    given = member_client.post(path + named, asked, content_type="application/json")
    listed = member_client.get(path + named).json()["results"]
    taken = member_client.delete(f"{path}/{guest.pk}{named}")

    assert (given.status_code, taken.status_code) == (201, 204)
    assert listed == [given.json()]
    assert member_client.get(path + named).json()["results"] == []
