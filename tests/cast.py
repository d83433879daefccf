"""The cast of most tests: two projects of two organizations, and who is in the first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.tenants.models import Project
from apps.tenants.permissions import Role
from tests.factories import make_key, make_membership, make_organization, make_project, make_user


@pytest.fixture
def project(db) -> Project:
    return make_project(make_organization("acme"), "support-bot")


@pytest.fixture
def other_project(db) -> Project:
    """A project of strangers."""
    return make_project(make_organization("globex"), "search")


@pytest.fixture
def member(project: Project) -> User:
    """An engineer of the whole organization of ``project``."""
    return make_membership(project.organization, role=Role.ENGINEER).user


@pytest.fixture
def owner(project: Project) -> User:
    return make_membership(project.organization, role=Role.OWNER).user


@pytest.fixture
def viewer(project: Project) -> User:
    return make_membership(project.organization, role=Role.VIEWER).user


@pytest.fixture
def stranger(other_project: Project) -> User:
    """The owner of the other organization."""
    return make_membership(other_project.organization, role=Role.OWNER).user


@pytest.fixture
def outsider(db) -> User:
    """Somebody who belongs to no organization."""
    return make_user()


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def member_client(sign_in, member: User) -> Client:
    return sign_in(member)


@pytest.fixture
def owner_client(sign_in, owner: User) -> Client:
    return sign_in(owner)


@pytest.fixture
def viewer_client(sign_in, viewer: User) -> Client:
    return sign_in(viewer)


@pytest.fixture
def stranger_client(sign_in, stranger: User) -> Client:
    return sign_in(stranger)


@pytest.fixture
def key_client() -> Callable[..., Client]:
    """Makes a client that sends a new key of a project: ``key_client(project, "ingest")``."""

    def with_key(project: Project, *scopes: str, **fields: object) -> Client:
        _, secret = make_key(project, scopes or ("ingest",), **fields)
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return with_key
