"""Money: never more than there is, whoever asks at the same time."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import close_old_connections, connection
from django.utils import timezone

from apps.core.errors import InvalidError
from apps.providers import budgets
from apps.providers.calling import Caller, Patience
from apps.providers.tasks import sweep
from tests.factories import make_organization, make_project
from tests.providers.factories import ask, make_credential
from tests.providers.server import chat, running

WORKERS = 8
# By its list price a call of the tests costs so much: 10 tokens in, 5 out, of gpt-4o.
PAID = Decimal("0.000075")


def test_a_call_that_may_cost_more_than_is_left_is_not_made(project):
    budget = budgets.make_budget(project, limit=Decimal("0.01"), purpose="a run")
    budgets.reserve(budget, Decimal("0.006"), seconds=60)

    with pytest.raises(budgets.BudgetSpentError, match=r"\$0.004 left.*can cost \$0.005"):
        budgets.reserve(budget, Decimal("0.005"), seconds=60)


def test_what_a_call_did_not_cost_comes_back(project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")
    reservation = budgets.reserve(budget, Decimal(1), seconds=60)

    budgets.settle(reservation, Decimal("0.25"))
    budgets.settle(reservation, Decimal("0.25"))

    budget.refresh_from_db()
    assert (budget.reserved, budget.spent, budget.left) == (0, Decimal("0.25"), Decimal("0.75"))


def test_what_nobody_knows_to_be_paid_stays_counted(project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")

    budgets.settle(budgets.reserve(budget, Decimal("0.4"), seconds=60), None)

    budget.refresh_from_db()
    assert (budget.spent, budget.uncertain, budget.left) == (0, Decimal("0.4"), Decimal("0.6"))


def test_a_killed_call_is_counted_as_perhaps_paid_until_it_ends_after_all(project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")
    lost = budgets.reserve(budget, Decimal("0.4"), seconds=0)
    budgets.reserve(budget, Decimal("0.3"), seconds=60)
    sweep()
    budget.refresh_from_db()
    assert (budget.reserved, budget.uncertain) == (Decimal("0.3"), Decimal("0.4"))

    budgets.settle(lost, Decimal("0.1"))

    budget.refresh_from_db()
    assert (budget.reserved, budget.uncertain, budget.spent) == (
        Decimal("0.3"),
        0,
        Decimal("0.1"),
    )


def test_a_budget_of_another_project_cannot_be_swept(project, other_project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")
    budgets.reserve(budget, Decimal("0.4"), seconds=0)
    later = timezone.now() + timedelta(hours=1)

    assert budgets.give_up_lost(other_project, budget.pk, now=later) == 0


@pytest.mark.parametrize("limit", ["-1", "NaN", "Infinity", "1000000"])
def test_a_budget_that_is_none_is_refused(project, limit):
    with pytest.raises(InvalidError, match="US dollars"):
        budgets.make_budget(project, limit=Decimal(limit), purpose="a run")


def test_a_limit_may_be_raised_while_it_is_used(project):
    budget = budgets.make_budget(project, limit=Decimal("0.1"), purpose="a run")
    budgets.reserve(budget, Decimal("0.1"), seconds=60)

    raised = budgets.change_limit(budget, limit=Decimal("0.3"))

    assert raised.left == Decimal("0.2")
    budgets.reserve(budget, Decimal("0.2"), seconds=60)


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_the_same_time_never_spend_more_than_there_is(settings):
    project = make_project(make_organization("acme"), "support-bot")
    with running(lambda _: chat()) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        credential = make_credential(project, f"http://{place}/v1", concurrency=WORKERS)
        budget = budgets.make_budget(project, limit=PAID * 20, purpose="a run")
        told = run_at_once(project, credential, budget)

    budget.refresh_from_db()
    made = [one for one in told if one.answer]
    refused = [one for one in told if isinstance(one.error, budgets.BudgetSpentError)]
    assert (len(made), len(made) + len(refused)) == (len(sent), len(told))
    assert budget.spent == PAID * len(made) <= budget.limit
    assert (budget.reserved, budget.uncertain) == (0, 0)
    assert len(made) >= 3


def run_at_once(project, credential, budget):
    """Have workers call until the money is spent; returns every outcome."""
    told, start = [], threading.Barrier(WORKERS)

    def work():
        caller = Caller(project, credential, budget=budget, patience=Patience(seconds=30))
        start.wait()
        for number in range(4):
            told.append(caller.call(ask(f"{number}", params={"max_tokens": 20})))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    close_old_connections()
    return told
