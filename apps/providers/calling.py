"""One call to a model, with all that keeps it in bounds: cache, budget, limits, tries.

In this order: an answer that was paid for is served again; money is reserved; a place is
waited for; the provider is asked; what passes (limits, breaks, time) is tried again with
growing pauses. Whatever happens, the outcome says what was paid. No transaction may be open
while a provider thinks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import cast

from django.db.models import Q
from django.utils import timezone

from apps.providers import budgets, caching, estimates, services
from apps.providers.caching import Cache
from apps.providers.limits import Gate, gate_of
from apps.providers.models import Budget, Credential, Reservation
from apps.providers.prices import PriceList, price_list
from apps.providers.protocol import (
    Answer,
    Provider,
    ProviderError,
    RateLimitedError,
    Request,
    ServerError,
    TimeOutError,
    UnreadableAnswerError,
    Usage,
)
from apps.providers.remote import Remote
from apps.tenants.models import Project

NOTHING = Decimal(0)
# How often somebody looks whether other calls have given money back.
TIED_UP_SECONDS = 0.5
USED_GRAIN = timedelta(minutes=1)
PRICE_UNKNOWN = (
    "The price of {} is not known, so no budget can be kept. "
    "Set one under Settings, Models and prices; 0 if it costs nothing."
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often somebody is asked."""

    # For one answer.
    seconds: float = 120.0
    tries: int = 4
    # For a place, and between tries, all in all.
    waits: float = 90.0
    # Between tries where the provider does not say: doubled each time.
    first_pause: float = 1.0
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, which repetition it is, and where its answer is kept."""

    request: Request
    sample: int
    place: caching.Place | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call."""

    answer: Answer | None = None
    error: ProviderError | None = None
    # US dollars; None is not known (the model has no price), never nothing.
    paid: Decimal | None = NOTHING
    is_cached: bool = False
    tries: int = 0
    waited_seconds: float = 0.0

    def value(self) -> Answer:
        """Return the answer, or raise what went wrong."""
        if self.answer is None:
            raise self.error or ProviderError("Nobody was asked.")
        return self.answer


def call(
    project: Project,
    credential: Credential | Provider,
    request: Request,
    *,
    sample: int = 0,
    budget: Budget | None = None,
    cache: Cache | None = None,
) -> Outcome:
    """Ask once, and say what came of it. Errors of the provider are in the outcome."""
    caller = Caller(project, credential, budget=budget, cache=cache)
    return caller.call(request, sample=sample)


class Caller:
    """Many calls for one piece of work: what they share is read once.

    ``credential`` is a kept one, or something that answers itself (recorded, scripted): that
    costs nothing and has no limits.
    """

    def __init__(
        self,
        project: Project,
        credential: Credential | Provider,
        *,
        budget: Budget | None = None,
        cache: Cache | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.project, self.budget, self.cache = project, budget, cache
        self.patience = patience or Patience()
        self.credential = credential if isinstance(credential, Credential) else None
        self.prices: PriceList | None = price_list(project) if self.credential else None
        self.provider, self.refusal = _ready(credential)
        # When the use of the credential was last noted.
        self._noted_at = datetime.min.replace(tzinfo=UTC)

    def call(self, request: Request, *, sample: int = 0) -> Outcome:
        """Ask, or serve what was answered before."""
        if self.provider is None:
            return Outcome(error=self.refusal)
        if not isinstance(self.provider, Remote) or self.credential is None:
            return _ask_at_home(self.provider, request, sample, self.patience)
        place = None
        if self.cache is not None:
            place = caching.place_of(
                self.project, self.provider, request, sample=sample, cache=self.cache
            )
            if (kept := caching.find(place)) is not None:
                return Outcome(kept, is_cached=True)
        outcome = self._ask_with_tries(self.provider, Question(request, sample, place))
        self._note_use()
        return outcome

    def _ask_with_tries(self, provider: Remote, question: Question) -> Outcome:
        outcome, pause = Outcome(), self.patience.first_pause
        while True:
            waits = self.patience.waits - outcome.waited_seconds
            step = self._try(provider, question, max(waits, 0.0))
            outcome = _added(outcome, step)
            # Without a try there was no place or no money, and that was waited for already.
            if not self._may_ask_again(outcome) or not step.tries:
                return outcome
            wait = _wait_after(outcome.error, pause)
            if outcome.waited_seconds + wait > self.patience.waits:
                return outcome
            self.patience.sleep(wait)
            outcome = replace(outcome, waited_seconds=outcome.waited_seconds + wait)
            pause *= 2

    def _may_ask_again(self, outcome: Outcome) -> bool:
        is_passing = outcome.error is not None and outcome.error.is_passing
        return is_passing and outcome.tries < self.patience.tries

    def _try(self, provider: Remote, question: Question, waits: float) -> Outcome:
        """Ask the provider once, with money reserved and a place held.

        Where this is killed in between the reservation stays, and is counted as perhaps paid;
        an answer is kept before it is settled, so that it is not paid again.
        """
        asked = question.request if self.budget is None else estimates.bounded(question.request)
        try:
            reservation = self._reserve(asked, waits)
        except ProviderError as error:
            return Outcome(error=error)
        outcome = self._ask(provider, replace(question, request=asked), waits)
        if outcome.answer is not None and asked is not question.request:
            noted = outcome.answer.noting([estimates.bounded_note(asked)])
            outcome = replace(outcome, answer=noted)
        if outcome.answer is not None and question.place is not None:
            caching.keep(question.place, provider, outcome.answer)
        outcome = replace(outcome, paid=self._paid(asked, outcome))
        if reservation is not None:
            budgets.settle(reservation, outcome.paid)
        return outcome

    def _ask(self, provider: Remote, question: Question, waits: float) -> Outcome:
        gate = self._gate()
        seconds, waited, tries = self.patience.seconds, 0.0, 0
        try:
            with gate.turn(patience=waits, lease=seconds + 30) as waited:
                tries = 1
                answer = provider.ask(question.request, sample=question.sample, seconds=seconds)
        except ProviderError as error:
            if tries and isinstance(error, RateLimitedError) and error.retry_after:
                gate.pause(error.retry_after)
            return Outcome(error=error, tries=tries, waited_seconds=waited)
        return Outcome(answer, tries=tries, waited_seconds=waited)

    def _gate(self) -> Gate:
        credential = cast(Credential, self.credential)
        return gate_of(self.project, credential, sleep=self.patience.sleep)

    def _reserve(self, request: Request, waits: float) -> Reservation | None:
        """Set aside the most that a try can cost; None where no budget is to be kept.

        Money that other calls have set aside comes back in a moment, so that is waited for.
        """
        if self.budget is None:
            return None
        most = self._price(request.model, estimates.most_tokens(request))
        if most is None:
            raise budgets.PriceUnknownError(PRICE_UNKNOWN.format(request.model))
        longest = self.patience.waits + self.patience.seconds + 60
        for _ in range(int(waits / TIED_UP_SECONDS)):
            try:
                return budgets.reserve(self.budget, most, seconds=longest)
            except budgets.BudgetSpentError as error:
                if not error.is_tied_up:
                    raise
            self.patience.sleep(TIED_UP_SECONDS)
        return budgets.reserve(self.budget, most, seconds=longest)

    def _paid(self, request: Request, outcome: Outcome) -> Decimal | None:
        """Return what a try cost; None where nobody can know."""
        if outcome.answer is not None:
            usage = outcome.answer.usage
            own = self._price(request.model, usage)
            return own if own is not None else self._price(outcome.answer.model, usage)
        return None if outcome.tries and _may_be_billed(outcome.error) else NOTHING

    def _price(self, model: str, usage: Usage) -> Decimal | None:
        kind = self.credential.kind if self.credential else None
        prices = self.prices or PriceList()
        return prices.price(kind, model, usage, timezone.now())

    def _note_use(self) -> None:
        now = timezone.now()
        if self.credential is None or now - self._noted_at < USED_GRAIN:
            return
        self._noted_at = now
        is_old = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_GRAIN)
        Credential.unscoped.filter(is_old, pk=self.credential.pk).update(last_used_at=now)


def _ready(
    credential: Credential | Provider,
) -> tuple[Provider | None, ProviderError | None]:
    """Return who is asked, or why nobody can be."""
    if not isinstance(credential, Credential):
        return credential, None
    try:
        return services.remote(credential), None
    except ProviderError as error:
        return None, error


def _ask_at_home(provider: Provider, request: Request, sample: int, patience: Patience) -> Outcome:
    """Ask somebody who takes no money: the record, a script."""
    paid = None if isinstance(provider, Remote) else NOTHING
    try:
        answer = provider.ask(request, sample=sample, seconds=patience.seconds)
    except ProviderError as error:
        return Outcome(error=error, paid=paid, tries=1)
    return Outcome(answer, paid=paid, tries=1)


def _may_be_billed(error: ProviderError | None) -> bool:
    """Whether the provider may have answered, and we did not hear or understand it."""
    return isinstance(error, TimeOutError | UnreadableAnswerError) or (
        isinstance(error, ServerError) and error.status is None
    )


def _wait_after(error: ProviderError | None, pause: float) -> float:
    """Return how long to wait: as the provider says, else with jitter, so that all do not come."""
    if isinstance(error, RateLimitedError) and error.retry_after is not None:
        return error.retry_after
    return pause * (0.5 + random.random())  # noqa: S311


def _added(before: Outcome, step: Outcome) -> Outcome:
    paid = None if None in (before.paid, step.paid) else _sum(before.paid, step.paid)
    return replace(
        step,
        paid=paid,
        tries=before.tries + step.tries,
        waited_seconds=before.waited_seconds + step.waited_seconds,
    )


def _sum(*amounts: Decimal | None) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), NOTHING)
