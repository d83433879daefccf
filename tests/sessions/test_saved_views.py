"""Saved views: named queries of the list, one's own or the project's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.http import QueryDict
from django.utils import timezone

from apps.audit.actors import SYSTEM, Actor
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError, InvalidError
from apps.sessions import saved_views
from apps.sessions.models import SavedView
from apps.sessions.saved_view_queries import canonical, query_of
from apps.tenants import services as tenants
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.tenants.test_at_once import at_once, refusals

pytestmark = pytest.mark.django_db


def acting(user):
    return Actor(kind="user", id=str(user.pk), label=user.email)


def make_view(project, owner=None, name="Errors", query="status=error", **fields):
    fields = {"actor": acting(owner) if owner else SYSTEM} | fields
    return saved_views.save_view(project, name=name, query=query, owner=owner, **fields)


def test_a_view_keeps_every_parameter_in_one_order(project, member):
    query = "sort=cost&status=error&model=gpt-4o&columns=status,cost&density=compact&cursor=x&q="

    view = make_view(project, member, query=query)

    kept = "columns=status%2Ccost&density=compact&model=gpt-4o&sort=cost&status=error"
    assert query_of(view) == kept
    assert canonical(QueryDict("status=error&sort=-started&view=3")) == "status=error"


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "query"),
        ("sort=-started&limit=7", "query"),
        ("colour=red", "colour"),
        ("status=blue", "status"),
        ("started_after=yesterday", "started_after"),
        ("density=airy", "density"),
        ("q=%3F", "q"),
        ("model=a%00b", "model"),
        ("agent=" + "x" * 600, "agent"),
        ("&".join(f"tag={'x' * 500}{n}" for n in range(9)), "query"),
    ],
)
def test_what_the_list_cannot_read_is_refused_by_name(project, member, query, path):
    with pytest.raises(InvalidError) as refused:
        make_view(project, member, query=query)

    assert refused.value.errors[0]["path"] == path


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\x00"])
def test_a_name_has_1_to_60_characters(project, member, name):
    with pytest.raises(InvalidError) as refused:
        make_view(project, member, name=name)

    assert refused.value.errors[0]["path"] == "name"


def test_a_name_is_used_once_by_each_owner(project, other_project, member, viewer):
    for one, owner in ((project, member), (project, viewer), (project, None)):
        make_view(one, owner)
    make_view(other_project)

    with pytest.raises(InvalidError, match="Choose another"):
        make_view(project, member, name=" Errors ")
    assert SavedView.unscoped.count() == 4


def test_there_is_room_for_50_views_of_each_owner(project, member):
    for number in range(50):
        make_view(project, member, name=f"view {number}")

    with pytest.raises(InvalidError, match="50 views"):
        make_view(project, member, name="one more")
    make_view(project)
    assert project.saved_views.count() == 51


def test_a_default_of_ones_own_is_one_and_the_projects_another(project, member):
    first, second = (make_view(project, member, name=name) for name in ("a", "b"))
    shared = make_view(project)
    for view in (first, shared, second):
        saved_views.make_default_view(view, actor=acting(member))

    assert {view.pk for view in project.saved_views.filter(is_default=True)} == {
        second.pk,
        shared.pk,
    }
    saved_views.make_default_view(second, is_default=False, actor=acting(member))
    assert [view.pk for view in project.saved_views.filter(is_default=True)] == [shared.pk]


def changes(view, actor):
    """Every change that one can ask for."""
    return [
        lambda: saved_views.rename_view(view, name="x", seen_version=1, actor=actor),
        lambda: saved_views.change_view(view, query="status=ok", seen_version=1, actor=actor),
        lambda: saved_views.share_view(view, owner=None, seen_version=1, actor=actor),
        lambda: saved_views.make_default_view(view, actor=actor),
        lambda: saved_views.delete_view(view, seen_version=1, actor=actor),
    ]


def test_a_personal_view_is_changed_by_its_owner_alone(project, viewer, owner):
    view = make_view(project, viewer)

    for change in changes(view, acting(owner)):
        with pytest.raises(PermissionDenied, match="somebody else"):
            change()
    saved_views.delete_view(view, seen_version=1, actor=acting(viewer))
    with pytest.raises(PermissionDenied, match="somebody else"):
        saved_views.restore_view(view, actor=acting(owner))


def test_views_of_the_project_are_changed_by_those_who_may_annotate(project, viewer):
    view = make_view(project)
    reviewer = make_membership(project.organization, role=Role.REVIEWER).user

    for change in changes(view, acting(viewer)):
        with pytest.raises(PermissionDenied, match="of the project"):
            change()
    with pytest.raises(PermissionDenied, match="of the project"):
        saved_views.save_view(project, name="x", query="q=x", owner=None, actor=acting(viewer))
    make_view(project, name="mine", actor=acting(reviewer))
    saved_views.rename_view(view, name="ours", seen_version=1, actor=acting(reviewer))


def test_nobody_makes_a_view_for_somebody_else_or_shares_without_the_right(project, viewer, owner):
    view = make_view(project, viewer)
    with pytest.raises(PermissionDenied):
        make_view(project, viewer, name="x", actor=acting(owner))
    with pytest.raises(PermissionDenied):
        saved_views.share_view(view, owner=None, seen_version=1, actor=acting(viewer))


def test_the_second_of_two_who_change_a_shared_view_is_told(project, member, owner):
    view = make_view(project)
    saved_views.change_view(view, query="status=ok", seen_version=1, actor=acting(member))

    for change in changes(view, acting(owner))[:2]:
        with pytest.raises(ConflictError, match="Somebody else changed this view"):
            change()
    view.refresh_from_db()
    assert (query_of(view), view.version, view.name) == ("status=ok", 2, "Errors")


@pytest.mark.django_db(transaction=True)
def test_of_two_who_act_at_once_one_is_told(project, member, owner):
    view = make_view(project)

    def change(user):
        query = f"user={user.pk}"
        return saved_views.change_view(view, query=query, seen_version=1, actor=acting(user))

    assert refusals(at_once(lambda: change(member), lambda: change(owner))) == 1
    saves = at_once(*[lambda: make_view(project, member, name="Twice")] * 3)
    assert refusals(saves) == 2
    views = [view, *project.saved_views.filter(owner=member)]
    at_once(*[lambda v=v: saved_views.make_default_view(v, actor=acting(member)) for v in views])
    assert project.saved_views.filter(is_default=True).count() == 2


def test_a_view_moves_between_a_person_and_the_project(project, member):
    view = make_view(project, member)
    saved_views.make_default_view(view, actor=acting(member))

    shared = saved_views.share_view(view, owner=None, seen_version=1, actor=acting(member))
    assert (shared.is_shared, shared.is_default) == (True, False)
    make_view(project, member)
    with pytest.raises(InvalidError, match="Choose another"):
        saved_views.share_view(shared, owner=member, seen_version=2, actor=acting(member))


def test_a_deleted_view_comes_back_once_unless_its_name_was_taken(project, member):
    view, actor = make_view(project, member), acting(member)
    saved_views.delete_view(view, seen_version=1, actor=actor)
    with pytest.raises(ConflictError, match="deleted"):
        saved_views.rename_view(view, name="x", seen_version=2, actor=actor)

    assert saved_views.restore_view(view, actor=actor).deleted_at is None
    saved_views.delete_view(view, seen_version=3, actor=actor)
    make_view(project, member)
    with pytest.raises(InvalidError, match="Choose another"):
        saved_views.restore_view(view, actor=actor)


def test_one_deleted_view_of_an_owner_is_kept_and_that_for_a_day(project, member):
    views = [make_view(project, member, name=name) for name in ("a", "b", "c")]
    for view in views[:2]:
        saved_views.delete_view(view, seen_version=1, actor=acting(member))
    assert set(project.saved_views.values_list("name", flat=True)) == {"b", "c"}

    assert saved_views.sweep_views() == 0
    project.saved_views.filter(name="b").update(deleted_at=timezone.now() - timedelta(days=2))
    assert saved_views.sweep_views() == 1


def test_views_go_with_their_owner_their_membership_and_their_project(project, member, viewer):
    for owner in (None, member, viewer):
        make_view(project, owner)
    viewer.delete()
    membership = member.memberships.get()
    tenants.remove_member(membership, actor=SYSTEM)

    assert saved_views.sweep_views() == 1
    assert [view.owner for view in project.saved_views.all()] == [None]


def test_a_role_in_one_project_keeps_the_views_of_that_project(project, member):
    make_view(project, member)
    make_membership(project.organization, member, Role.VIEWER, project)
    member.memberships.filter(project=None).delete()

    assert saved_views.sweep_views() == 0


def test_what_is_searched_for_stands_neither_in_the_table_nor_in_the_trail(project, member):
    view = make_view(project, member, query="q=quastenflosser&user=jane@example.com")
    saved_views.change_view(view, query="q=kieselgur", seen_version=1, actor=acting(member))

    kept = str(list(SavedView.unscoped.values())) + str(list(AuditEntry.unscoped.values()))
    kept += bytes(SavedView.unscoped.get().sealed).decode("latin-1")
    assert not [word for word in ("quastenflosser", "jane@", "kieselgur") if word in kept]
    assert "view.change" in kept


def test_a_search_is_saved_by_those_who_may_search(project):
    auditor = make_membership(project.organization, role=Role.AUDITOR).user

    with pytest.raises(PermissionDenied, match="search content"):
        make_view(project, auditor, query="q=walrus")
    make_view(project, auditor, query="status=error")
