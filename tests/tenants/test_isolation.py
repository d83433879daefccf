"""Every route, asked by everybody who must not get in, and by those who must.

Each rule walks all routes in one test: a place costs more to furnish than a route to ask, and
what an answer changes is undone before the next.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
import time_machine
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import User
from apps.audit.actors import SYSTEM
from apps.sessions import store
from apps.sessions.events import IncomingEvent
from apps.tenants import checks, key_services
from apps.tenants.permissions import (
    ROLE_PERMISSIONS,
    SCOPE_PERMISSIONS,
    Permission,
    Role,
    Scope,
)
from tests.factories import make_key, make_membership, make_user
from tests.tenants import rights, routes
from tests.tenants.places import Place, furnish
from tests.tenants.routes import ENDPOINTS, LISTED, METHODS, PAGES, fill

# Pages answer no others but HEAD, whoever asks: see the test of the owner.
OF_PAGES = ("GET", "POST")
WITH_KEYS = [*ENDPOINTS, *routes.CREDENTIAL]
WORKING_SCOPES = sorted(set(Scope) - {Scope.ADMIN})


@pytest.fixture
def here(project) -> Place:
    return furnish(project)


@pytest.fixture
def there(other_project) -> Place:
    return furnish(other_project)


def ask(client: Client, method: str, url: str):
    """Ask as if in a world of its own: what the answer changed is undone."""
    point = transaction.savepoint()
    answer = client.generic(method, url, content_type="application/json")
    if answer.streaming and answer.is_async:
        # A stream of how something goes on: numbers, looked at beside this transaction.
        request_finished.disconnect(close_old_connections)
        answer.close()
        request_finished.connect(close_old_connections)
        answer = HttpResponse(status=answer.status_code)
    elif answer.streaming:
        answer = HttpResponse(b"".join(answer.streaming_content), status=answer.status_code)
    transaction.savepoint_rollback(point)
    assert answer.status_code < 500, f"{method} {url}"
    return answer


def statuses(client: Client, url: str, methods=METHODS) -> set[int]:
    """Return the answers to all methods; one that the route does not have is no answer."""
    found = {ask(client, method, url).status_code for method in methods}
    assert found - {405} or "GET" not in methods, f"{url} answers nothing"
    return found - {405}


def with_key(secret: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {secret}"})


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def in_role(place: Place, role: Role) -> Client:
    return signed_in(make_membership(place.project.organization, role=role).user)


def test_every_route_is_on_the_list():
    assert {route.path for route in checks.all_routes()} - LISTED == set()


def test_the_list_holds_no_route_that_is_gone():
    assert LISTED - {route.path for route in checks.all_routes()} == set()


def test_every_route_of_the_api_is_in_its_document():
    document = SchemaGenerator().get_schema(request=None, public=True)
    described = {path.replace("{", "<").replace("}", ">") for path in document["paths"]}
    served = {fill_names(path) for path in LISTED if path.startswith(("/api/", "/v1/"))}

    assert served - described - routes.NOT_IN_SCHEMA == set()
    assert described - served == set()


class Names(dict[str, object]):
    """Stands for each place of a route by its own name."""

    def __missing__(self, name: str) -> str:
        return f"<{name}>"


def fill_names(path: str) -> str:
    return fill(path, Names())


def test_the_list_says_the_same_as_the_views():
    views = {route.path: route.needs for route in checks.all_routes()}

    assert {path: views[path] for path in PAGES} == {
        path: page.needs for path, page in PAGES.items()
    }


def test_scopes_allow_what_the_contract_says():
    assert SCOPE_PERMISSIONS == rights.SCOPE_TABLE


def test_roles_allow_what_the_table_says():
    table = {
        role: {held for held, roles in rights.ROLE_TABLE.items() if role.value in roles.split()}
        for role in Role
    }

    assert table == ROLE_PERMISSIONS


def test_a_page_sends_those_who_are_not_signed_in_to_sign_in(here):
    for path, method in product(PAGES, METHODS):
        answer = ask(Client(), method, here.url(path))
        assert answer.status_code in {302, 405}, path
        there = answer.headers.get("Location", "/login/?next=")
        assert there.startswith("/login/?next="), path


def test_a_page_knows_what_browsers_send_and_nothing_else(here, owner):
    client = signed_in(owner)
    for path, method in product(PAGES, sorted({*METHODS} - {*OF_PAGES, "HEAD"})):
        assert ask(client, method, here.url(path)).status_code == 405, (method, path)


@pytest.mark.parametrize("path", sorted(routes.OWN))
def test_what_is_ones_own_is_for_those_who_are_signed_in(path, db):
    for method in ("GET", "POST"):
        answer = ask(Client(), method, path)
        assert answer.status_code in {302, 405}
        assert answer.status_code == 405 or answer.headers["Location"].startswith("/login/")


@pytest.mark.parametrize("path", sorted(routes.PUBLIC))
def test_a_public_route_needs_no_credential_and_breaks_on_no_input(path, db):
    url = fill(path, {"key": "none", "uidb36": "1", "token": "none", "event_id": "0" * 32})

    assert not statuses(Client(), url) & {401, 403}


def test_an_endpoint_refuses_those_without_a_good_key(here):
    good = make_key(here.project, WORKING_SCOPES)[1]
    revoked, revoked_secret = make_key(here.project, WORKING_SCOPES)
    key_services.revoke_api_key(revoked, actor=SYSTEM)
    bad = [Client(), with_key("phk_live_" + "x" * 36), with_key(good[:-1]), with_key("")]

    for path, client in product(WITH_KEYS, [*bad, with_key(revoked_secret)]):
        assert statuses(client, here.url(path)) == {401}, path


def test_an_endpoint_refuses_an_expired_key(here):
    soon = timezone.now() + timedelta(minutes=1)
    _, secret = make_key(here.project, WORKING_SCOPES, expires_at=soon)

    with time_machine.travel(soon + timedelta(seconds=1)):
        for path in WITH_KEYS:
            assert statuses(with_key(secret), here.url(path)) == {401}, path


def test_a_page_does_not_exist_for_strangers(here, stranger, outsider):
    for person, path in product((signed_in(stranger), signed_in(outsider)), PAGES):
        assert statuses(person, here.url(path), OF_PAGES) <= {404}, path


def test_an_endpoint_does_not_exist_for_strangers(here, stranger, outsider):
    for person, path in product((signed_in(stranger), signed_in(outsider)), ENDPOINTS):
        methods = tuple(ENDPOINTS[path].needs)
        assert statuses(person, here.url_for_people(path), methods) == {404}, path


def test_a_key_gets_nothing_of_another_project(here, there):
    client = with_key(make_key(there.project, WORKING_SCOPES)[1])
    allowed = frozenset().union(*(rights.SCOPE_TABLE[scope] for scope in WORKING_SCOPES))

    for path, method in product(ENDPOINTS, METHODS):
        answer = ask(client, method, here.url(path))
        # What no scope allows is refused to every key, whatever it names.
        needs = ENDPOINTS[path].needs.get("GET" if method == "HEAD" else method)
        hidden = 404 if needs in allowed else 403
        is_hidden = answer.status_code in {405, hidden}
        assert is_hidden or "session_id" not in path, (method, path)
        assert here.content.encode() not in answer.content, path
        assert str(here.values["session_id"]).encode() not in answer.content, path


def test_ids_of_another_project_do_not_exist_under_ones_own(here, there, owner):
    client = signed_in(owner)
    for path, name in product(PAGES, ("session_id", "event_id", "pk")):
        if f":{name}>" not in path:
            continue
        foreign = there.values["membership" if "/members/" in path else "key"]
        foreign = foreign if name == "pk" else there.values[name]
        assert statuses(client, here.url(path, **{name: foreign})) <= {404}, path


def test_a_project_does_not_exist_under_another_organization(here, there, owner, stranger):
    of_projects = [path for path in PAGES if "project_slug" in path]
    people = [signed_in(owner), signed_in(stranger)]
    for person, path, (slug, mixed) in product(
        people, of_projects, (("acme", there), ("globex", here))
    ):
        url = mixed.url(path, organization_slug=slug)
        assert statuses(person, url, PAGES[path].methods) == {404}, path


def test_an_event_of_another_session_does_not_exist(here, there):
    client = with_key(make_key(here.project, WORKING_SCOPES)[1])

    for path in (path for path in ENDPOINTS if "event_id" in path):
        url = here.url(path, event_id=there.values["event_id"])
        assert ask(client, "GET", url).status_code == 404, path


def is_least(role: Role, needs: Permission) -> bool:
    """Tell whether no role with fewer rights may the same: those above it hold what it holds."""
    held = ROLE_PERMISSIONS[role]
    below = [other for other in Role if other.allows(needs) and ROLE_PERMISSIONS[other] < held]
    return role.allows(needs) and not below


@pytest.mark.parametrize("role", Role)
def test_a_page_opens_for_the_least_role_that_may_and_refuses_the_others(role, here):
    client = in_role(here, role)
    for path, page in PAGES.items():
        if role.allows(page.needs) and not is_least(role, page.needs):
            continue
        found = statuses(client, here.url(path), page.methods)

        if role.allows(page.needs):
            assert not found & {401, 403, 404}, path
        else:
            assert found == {403}, path


def test_an_endpoint_opens_for_the_least_role_that_may_and_refuses_the_others(here):
    for role in Role:
        client = in_role(here, role)
        for method, path, needs in of_endpoints():
            if role.allows(needs) and not is_least(role, needs):
                continue
            status = ask(client, method, here.url_for_people(path)).status_code
            assert opened(status) == role.allows(needs), (role, method, path)


def test_an_endpoint_opens_for_the_scopes_that_may_and_refuses_the_others(here):
    for scope in WORKING_SCOPES:
        client = with_key(make_key(here.project, [scope])[1])
        for method, path, needs in of_endpoints():
            status = ask(client, method, here.url(path)).status_code
            assert opened(status) == (needs in rights.SCOPE_TABLE[scope]), (scope, method, path)


def of_endpoints() -> list[tuple[str, str, object]]:
    """Return method, path and what it needs, of every endpoint."""
    return [
        (method, path, needs)
        for path in ENDPOINTS
        for method, needs in ENDPOINTS[path].needs.items()
    ]


def opened(status: int) -> bool:
    """Tell whether a route let its caller in; who is refused here must be told by a 403."""
    assert status not in {401, 404}
    return status != 403


def test_no_route_shows_content_to_those_who_may_read_metadata_only(here):
    key = with_key(make_key(here.project, ["read:meta"])[1])
    auditor = in_role(here, Role.AUDITOR)

    for path in (*PAGES, *ENDPOINTS):
        for query in ("", "?fields=meta", "?raw=1"):
            shown = ask(auditor, "GET", here.url(path) + query).content
            assert here.content.encode() not in shown, path
        assert here.content.encode() not in ask(key, "GET", here.url(path)).content, path


def test_content_is_shown_to_those_who_may_read_it(here):
    _, secret = make_key(here.project, ["read:content"])

    shown = [
        path
        for path in ENDPOINTS
        if here.content.encode() in ask(with_key(secret), "GET", here.url(path)).content
    ]
    assert f"{routes.API_SESSION}/events" in shown


def test_the_right_credential_opens_nine_routes_of_ten(here):
    owner = in_role(here, Role.OWNER)
    asked = [(method, path) for path, page in PAGES.items() for method in page.methods]
    asked += [(method, path) for path, endpoint in ENDPOINTS.items() for method in endpoint.needs]

    answers = [ask(owner, method, here.url_for_people(path)) for method, path in asked]

    let_in = [answer for answer in answers if answer.status_code not in {401, 403, 404}]
    assert len(let_in) >= 0.9 * len(asked)


def test_somebody_switched_off_is_signed_out_everywhere(here):
    user = make_membership(here.project.organization, make_user(), Role.OWNER).user
    client = signed_in(user)

    user.is_active = False
    user.save()

    for path in PAGES:
        assert statuses(client, here.url(path)) <= {302}
    for path in ENDPOINTS:
        assert statuses(client, here.url_for_people(path)) == {401}


def guest_of(place: Place) -> Client:
    return signed_in(User.objects.get(pk=place.values["person_id"]))


def asked(paths) -> list[tuple[str, str, object]]:
    """Return method, path and what it needs, of pages and endpoints alike."""
    of_pages = [
        (method, path, PAGES[path].needs) for path in PAGES for method in PAGES[path].methods
    ]
    return [row for row in of_pages + of_endpoints() if paths in row[1]]


def keep_from_guests(place: Place) -> str:
    event = IncomingEvent(id="two", session="not given", kind="llm", input="kept from guests")
    [session_id] = store.append(place.project, [event]).sessions
    return str(session_id)


def test_a_grant_opens_its_session_and_gives_no_more_rights(here):
    guest, other = guest_of(here), keep_from_guests(here)

    for method, path, needs in asked("session_id"):
        answer = ask(guest, method, here.url_for_people(path))
        if path in PAGES and not PAGES[path].is_granted:
            assert answer.status_code == 404, (method, path)
        else:
            assert opened(answer.status_code) == (needs in rights.GRANTED), (method, path)
        assert other.encode() not in answer.content, path
        assert b"kept from guests" not in answer.content, path


def test_a_grant_on_one_session_opens_nothing_else(here):
    guest, other = guest_of(here), keep_from_guests(here)

    for method, path, _ in asked("/"):
        url = here.url(path, session_id=other)
        answer = ask(guest, method, f"{url}?project=acme/{here.project.slug}")
        assert answer.status_code == 404, (method, path)
