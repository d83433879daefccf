"""Several people at one board: every number once, every ticket one holder, no change lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.audit.actors import Actor
from apps.tickets import queries, services
from apps.tickets.models import Status
from apps.tickets.services import StaleError
from tests.sessions.factories import make_session
from tests.tickets.factories import make_ticket

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 8


def at_once(act):
    """Let eight threads do the same at one moment; return what each got."""
    start = Barrier(CROWD)

    def one(number):
        try:
            start.wait(10)
            return act(Actor(kind="user", id=str(number), label=f"person {number}"))
        except StaleError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(one, range(CROWD)))


def test_a_crowd_at_one_board_gets_in_nobodys_way(project):
    session = make_session(project)

    opened = at_once(lambda actor: make_ticket(project, session, actor=actor).number)
    claimed = at_once(lambda actor: services.claim_next_ticket(project, actor=actor).number)
    moved = at_once(lambda actor: move_first(project, actor))

    assert sorted(opened) == sorted(claimed) == list(range(1, CROWD + 1))
    # One was first; all others are told, and what the first did stands.
    [first] = [done for done in moved if not isinstance(done, StaleError)]
    ticket = queries.find_ticket(project, 1)
    assert (ticket.version, ticket.status) == (2, first.status)
    assert {error.now.status for error in moved if error is not first} == {first.status}


def move_first(project, actor):
    """Move the first ticket as one saw it at first: half want it done, half want it to wait."""
    ticket = queries.find_ticket(project, 1)
    status = Status.DONE if int(actor.id) % 2 else Status.WAITING
    changes = {"status": status, "title": f"what {actor.label} calls it"}
    return services.change_ticket(ticket, changes=changes, seen_version=1, actor=actor)
