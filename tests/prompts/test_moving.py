"""Labels: who may move them, what waits, what going back means."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.actors import Actor
from apps.core.errors import ConflictError, InvalidError
from apps.prompts import moving, services
from apps.prompts.models import LabelMove, LabelRequest, RequestState
from apps.prompts.moving import move_label, roll_back
from apps.tenants.inbox_models import InboxEntry
from apps.tenants.permissions import Role
from tests.factories import make_key, make_membership
from tests.prompts.factories import SYSTEM, acting, make_prompt, make_version


@pytest.fixture
def prompt(project):
    prompt = make_prompt(project, body="v1")
    for number in range(2, 6):
        make_version(prompt, f"v{number}")
    return prompt


@pytest.fixture
def admin(project):
    return acting(make_membership(project.organization, role=Role.ADMIN).user)


@pytest.fixture
def other_admin(project):
    return acting(make_membership(project.organization, role=Role.ADMIN).user)


@pytest.fixture
def protected(project):
    services.protect_labels(project, labels=["live"], allows_emergency=True, actor=SYSTEM)


def put(prompt, *numbers, actor=SYSTEM):
    for number in numbers:
        result = move_label(prompt, label="live", number=number, actor=actor)
    return result


def stands(prompt):
    return prompt.labels.filter(name="live").values_list("number", flat=True).first()


def back(prompt, **more):
    roll_back(prompt, label="live", **{"actor": SYSTEM} | more)
    return stands(prompt)


def test_going_back_goes_to_what_it_stood_at_and_further_each_time(prompt):
    put(prompt, 1, 3, 5)

    assert [back(prompt), back(prompt)] == [3, 1]
    with pytest.raises(ConflictError, match="no version that live stood at before"):
        back(prompt)


def test_a_move_after_going_back_starts_from_there(prompt):
    put(prompt, 1, 5)
    back(prompt)
    put(prompt, 4)

    assert back(prompt) == 1


def test_moving_to_where_it_stands_is_no_move(prompt):
    put(prompt, 2)

    assert put(prompt, 2) is None
    assert prompt.moves.count() == 1


def test_a_version_that_is_not_there_is_refused(prompt):
    with pytest.raises(InvalidError, match="no version 9"):
        put(prompt, 9)


def test_who_asks_cannot_agree_and_neither_can_who_may_not(prompt, protected, admin, member):
    request = put(prompt, 2, actor=admin)

    with pytest.raises(PermissionDenied, match="yourself"):
        moving.approve_request(request, actor=admin)
    with pytest.raises(PermissionDenied, match="move protected labels"):
        moving.approve_request(request, actor=acting(member))

    assert stands(prompt) is None


def test_who_asks_with_a_key_of_theirs_cannot_agree_in_person(prompt, protected, admin, project):
    key, _ = make_key(project, ["prompts:write"], actor=admin)
    request = put(prompt, 2, actor=Actor("key", str(key.pk), key.name))

    with pytest.raises(PermissionDenied, match="yourself"):
        moving.approve_request(request, actor=admin)


def test_an_engineer_asks_and_an_admin_agrees(prompt, protected, admin, member):
    request = put(prompt, 2, actor=acting(member))

    move = moving.approve_request(request, actor=admin)

    assert (move.moved_by, move.approved_by) == (member.email, admin.label)
    assert stands(prompt) == 2


def test_a_request_is_refused_by_one_and_withdrawn_by_who_asked(prompt, protected, admin, member):
    refused = moving.refuse_request(put(prompt, 2, actor=acting(member)), actor=admin, why="no")
    withdrawn = moving.refuse_request(put(prompt, 3, actor=acting(member)), actor=acting(member))

    assert (refused.state, refused.decided_why) == (RequestState.REFUSED, "no")
    assert withdrawn.state == RequestState.WITHDRAWN
    with pytest.raises(ConflictError, match="decided already"):
        moving.approve_request(refused, actor=admin)


def test_one_move_of_a_label_waits_at_a_time(prompt, protected, member, admin):
    request = put(prompt, 2, actor=acting(member))

    assert put(prompt, 2, actor=acting(member)) == request
    with pytest.raises(ConflictError, match="waits already"):
        put(prompt, 3, actor=admin)


def test_a_request_that_another_move_overtook_is_void(prompt, project, admin, member):
    put(prompt, 1, 2)
    services.protect_labels(project, labels=["live"], allows_emergency=True, actor=SYSTEM)
    request = put(prompt, 3, actor=acting(member))
    roll_back(prompt, label="live", actor=admin, why="it burns", is_emergency=True)

    with pytest.raises(ConflictError, match="was moved after"):
        moving.approve_request(request, actor=admin)


def test_in_an_emergency_one_goes_back_alone_and_says_why(prompt, project, admin, member):
    put(prompt, 1, 2)
    services.protect_labels(project, labels=["live"], allows_emergency=True, actor=SYSTEM)
    alone = {"label": "live", "is_emergency": True}

    with pytest.raises(InvalidError, match="Say why"):
        roll_back(prompt, actor=admin, **alone)
    with pytest.raises(PermissionDenied):
        roll_back(prompt, actor=acting(member), why="fire", **alone)
    move = roll_back(prompt, actor=admin, why="fire", **alone)

    assert isinstance(move, LabelMove)
    assert (move.is_emergency, stands(prompt)) == (True, 1)


def test_a_project_may_allow_no_emergencies(prompt, project, admin):
    put(prompt, 1, 2)
    services.protect_labels(project, labels=["live"], allows_emergency=False, actor=SYSTEM)

    with pytest.raises(PermissionDenied, match="nobody"):
        roll_back(prompt, label="live", actor=admin, why="fire", is_emergency=True)
    assert isinstance(roll_back(prompt, label="live", actor=admin), LabelRequest)


def told(actor):
    rows = InboxEntry.unscoped.filter(person_id=int(actor.id), read_at=None).order_by("pk")
    return [(row.kind, row.about) for row in rows]


def test_approvers_are_told_what_waits_and_the_asker_what_became_of_it(
    prompt, protected, admin, other_admin, member
):
    request = put(prompt, 2, actor=acting(member))
    waits = [("approval", "live of triage, nowhere \u2192 v2")]
    assert (told(admin), told(other_admin), told(acting(member))) == (waits, waits, [])

    moving.approve_request(request, actor=admin)

    assert (told(admin), told(other_admin)) == ([], [])
    assert told(acting(member)) == [("decision", "live of triage, nowhere \u2192 v2 was approved")]


def test_who_asked_with_a_key_is_not_asked_to_agree(prompt, project, protected, admin, other_admin):
    key, _ = make_key(project, actor=admin)

    request = put(prompt, 2, actor=Actor(kind="key", id=str(key.pk), label="CI"))
    assert (told(admin), len(told(other_admin))) == ([], 1)

    moving.refuse_request(request, actor=other_admin)
    assert [kind for kind, _ in told(admin)] == ["decision"]
