"""Two people at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.audit.actors import SYSTEM
from apps.core.errors import ConflictError, InvalidError
from apps.tenants import key_services, services
from apps.tenants.models import Organization
from apps.tenants.permissions import Role
from tests.factories import make_key, make_membership, make_organization, make_project

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # Here what is queued on commit is really queued; no worker listens.
    pytest.mark.filterwarnings("ignore::celery.exceptions.AlwaysEagerIgnored"),
]


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run the acts in threads of their own, started together, and return what became of them."""
    start = Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        start.wait()
        try:
            return act()
        except (ConflictError, InvalidError) as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def refusals(results: list[object]) -> int:
    return sum(isinstance(result, Exception) for result in results)


def test_two_owners_leaving_at_once_leave_one_behind():
    organization = make_organization()
    owners = [make_membership(organization, role=Role.OWNER) for _ in range(2)]

    results = at_once(*(lambda m=m: services.remove_member(m, actor=SYSTEM) for m in owners))

    assert refusals(results) == 1
    assert organization.memberships.filter(role=Role.OWNER).count() == 1


def test_one_slug_wanted_twice_at_once_is_given_once():
    def found() -> Organization:
        return services.create_organization(slug="acme", owner=None, actor=SYSTEM)

    assert refusals(at_once(found, found, found)) == 2
    assert Organization.objects.count() == 1


def test_one_key_revoked_and_rotated_at_once_ends_with_one_of_the_two():
    key, _ = make_key(make_project())

    results = at_once(
        lambda: key_services.revoke_api_key(key, actor=SYSTEM),
        lambda: key_services.rotate_api_key(key, actor=SYSTEM),
    )

    key.refresh_from_db()
    assert key.revoked_at is not None
    assert refusals(results) == (0 if key.successors.count() else 1)
