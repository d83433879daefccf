"""One call: what is tried again, what is served again, what is waited for."""

from __future__ import annotations

import time
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import timezone

from apps.core import valkey
from apps.providers import budgets, caching
from apps.providers.caching import Cache, Session
from apps.providers.calling import call
from apps.providers.limits import HELD, Gate, gate_of
from apps.providers.protocol import (
    Answer,
    ContentFilterError,
    CredentialError,
    InvalidRequestError,
    Message,
    NotRecordedError,
    RateLimitedError,
    ServerError,
    Text,
    UnreadableAnswerError,
)
from apps.providers.recorded import Recorded
from apps.sessions.keys import SealError
from tests.providers.factories import KEY, ask, make_credential
from tests.providers.server import Reply, chat, refusal

PRICE = Decimal("0.000075")


def test_an_answer_says_what_it_cost_and_how_often_was_asked(asked):
    caller, sent = asked(chat("Hi.", system_fingerprint="fp_1"))

    outcome = caller.call(ask())

    assert (outcome.value().message.text, outcome.value().system_fingerprint) == ("Hi.", "fp_1")
    assert (outcome.paid, outcome.tries, outcome.is_cached) == (PRICE, 1, False)
    assert sent[0].headers["authorization"] == f"Bearer {KEY}"
    caller.credential.refresh_from_db()
    assert caller.credential.last_used_at is not None


def test_what_passes_is_tried_again_after_as_long_as_the_provider_says(asked):
    caller, sent = asked(refusal(429, retry_after="7"), refusal(503), chat())

    outcome = caller.call(ask())

    assert (outcome.tries, len(sent), outcome.error) == (3, 3, None)
    # The pause is asked for again at the gate: whoever comes meanwhile waits as well.
    assert caller.slept[0] == 7
    assert outcome.paid == PRICE


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (refusal(400, "Unknown parameter"), InvalidRequestError),
        (refusal(401, f"Incorrect key {KEY}"), CredentialError),
        (refusal(404, "No such model"), InvalidRequestError),
        (refusal(429, "Pay", code="insufficient_quota"), CredentialError),
        (refusal(400, "Held back", code="content_filter"), ContentFilterError),
        (Reply({}, 302, {"Location": "http://127.0.0.1/"}), InvalidRequestError),
    ],
)
def test_what_will_not_pass_is_asked_once_and_costs_nothing(asked, reply, kind):
    caller, sent = asked(reply)

    outcome = caller.call(ask())

    assert isinstance(outcome.error, kind)
    assert (outcome.paid, outcome.tries, len(sent)) == (0, 1, 1)
    assert KEY not in str(outcome.error)


def test_a_provider_that_is_broken_is_given_up_after_four_tries(asked):
    caller, sent = asked(refusal(500))

    outcome = caller.call(ask())

    assert isinstance(outcome.error, ServerError)
    assert (outcome.tries, len(sent)) == (4, 4)
    assert sorted(caller.slept) == caller.slept or len(caller.slept) == 3


def test_a_provider_that_asks_for_more_time_than_there_is_is_not_waited_for(asked):
    caller, sent = asked(refusal(429, retry_after="600"))

    outcome = caller.call(ask())

    assert isinstance(outcome.error, RateLimitedError)
    assert (outcome.error.retry_after, caller.slept, len(sent)) == (600, [], 1)
    # Whoever comes next is told without the provider being asked again.
    assert isinstance(caller.call(ask("again")).error, RateLimitedError)
    assert len(sent) == 1


@pytest.mark.parametrize("body", [b"<html>", b"{", b"[]", b'{"choices": null}', b""])
def test_an_answer_that_cannot_be_read_is_asked_for_once_and_may_have_been_paid(asked, body):
    caller, sent = asked(Reply(body))

    outcome = caller.call(ask())

    assert isinstance(outcome.error, UnreadableAnswerError)
    assert (outcome.paid, len(sent)) == (None, 1)


def test_a_key_that_is_said_back_is_kept_nowhere(asked):
    caller, _ = asked(chat(f"Your key is {KEY}."))

    answer = caller.call(ask()).value()

    assert KEY not in repr(answer)
    assert answer.message.text == "Your key is [key]."
    assert KEY not in repr(caller.provider)


def test_headers_of_the_servers_own_environment_are_not_sent(asked, monkeypatch):
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "of-the-operator")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Internal: of-the-operator")
    caller, sent = asked(chat())

    caller.call(ask())

    assert "of-the-operator" not in repr(sent[0].headers)


def test_an_answer_is_paid_once_and_each_sample_has_its_own(asked):
    caller, sent = asked(chat("a"), chat("b"), cache=Cache())

    first, again, other = (caller.call(ask(), sample=sample) for sample in (0, 0, 1))

    assert [one.value().message.text for one in (first, again, other)] == ["a", "a", "b"]
    assert (again.is_cached, again.paid, again.tries, len(sent)) == (True, 0, 0, 2)
    assert again.value() == first.value()


@pytest.mark.parametrize(
    "reply", [chat(finish="content_filter"), chat(None, refused="I will not."), refusal(400)]
)
def test_refusals_filtered_answers_and_errors_are_asked_again(asked, reply):
    caller, sent = asked(reply, cache=Cache())

    for _ in range(2):
        caller.call(ask())

    assert len(sent) == 2


def test_an_answer_is_served_to_its_run_for_ever_and_to_others_until_it_is_old(asked, project):
    run, other = uuid.uuid4(), uuid.uuid4()
    caller, sent = asked(chat("a"), chat("b"), cache=Cache(timedelta(hours=1), run=run))
    caller.call(ask())

    with time_machine.travel(timezone.now() + timedelta(hours=2)):
        assert caller.call(ask()).is_cached
        caller.cache = Cache(run=other)
        assert not caller.call(ask()).is_cached
        caching.forget_run(project, run)
        caching.forget_old()

    assert len(sent) == 2
    assert set(project.cached_answers.values_list("run", flat=True)) == {other}


def test_a_run_keeps_what_it_was_served_of_another(asked, project):
    first, second = uuid.uuid4(), uuid.uuid4()
    caller, sent = asked(chat(), cache=Cache(timedelta(hours=1), run=first))
    caller.call(ask())
    caller.cache = Cache(timedelta(hours=1), run=second)
    caller.call(ask())

    with time_machine.travel(timezone.now() + timedelta(days=9)):
        assert caller.call(ask()).is_cached

    assert len(sent) == 1


class Cipher:
    """Seals as a session's key does, for itself alone."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark

    def seal(self, data: bytes, purpose: bytes) -> bytes:
        return self.mark + data[::-1]

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        if not sealed.startswith(self.mark):
            raise SealError
        return sealed.removeprefix(self.mark)[::-1]


def test_an_answer_about_a_session_is_under_that_sessions_key_and_ends_with_it(asked, project):
    about = Session(uuid.uuid4(), Cipher(b"1"))
    caller, sent = asked(chat(), cache=Cache(about=about))
    caller.call(ask())
    [row] = project.cached_answers.all()

    caller.cache = Cache(about=Session(uuid.uuid4(), Cipher(b"2")))
    assert not caller.call(ask()).is_cached

    assert bytes(row.sealed).startswith(b"1")
    assert len(sent) == 2
    caching.forget_session(project.pk, about.id)
    assert about.id not in project.cached_answers.values_list("about", flat=True)


def test_what_is_kept_tells_the_database_nothing_of_the_conversation(asked, project):
    caller, _ = asked(chat("It rains in Oslo."), cache=Cache())
    caller.call(ask("What of Oslo?"))
    [row] = project.cached_answers.all()

    assert b"Oslo" not in bytes(row.sealed)
    assert len(bytes(row.key)) == 32


def test_a_budget_is_kept_by_calls_and_their_answers_are_bounded(asked, project):
    budget = budgets.make_budget(project, limit=Decimal("0.1"), purpose="a run")
    caller, sent = asked(chat(), budget=budget)

    outcome = caller.call(ask())

    budget.refresh_from_db()
    assert (budget.spent, budget.reserved) == (PRICE, 0)
    assert sent[0].body["max_tokens"] == 8192
    assert "limited to 8192 tokens" in outcome.value().notes[0]


def test_a_budget_that_is_too_small_says_what_to_do_before_anybody_is_asked(asked, project):
    budget = budgets.make_budget(project, limit=Decimal("0.001"), purpose="a run")
    caller, sent = asked(chat(), budget=budget)

    outcome = caller.call(ask())

    assert outcome.error.kind == "budget"
    assert "Raise the budget" in str(outcome.error)
    assert (sent, outcome.paid) == ([], 0)


def test_a_model_without_a_price_is_asked_only_without_a_budget(asked, project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")
    caller, sent = asked(chat(model="our-own-model"), budget=budget)

    assert caller.call(ask(model="our-own-model")).error.kind == "price"
    caller.budget = None
    assert caller.call(ask(model="our-own-model")).paid is None
    assert len(sent) == 1


def test_an_answer_without_usage_stays_counted_as_perhaps_paid(asked, project):
    budget = budgets.make_budget(project, limit=Decimal(1), purpose="a run")
    caller, _ = asked(chat(usage=None), budget=budget)

    outcome = caller.call(ask(params={"max_tokens": 100}))

    budget.refresh_from_db()
    assert outcome.paid is None
    assert budget.uncertain > Decimal("0.001")
    assert budget.reserved == 0


def gate(**fields) -> Gate:
    told = {"project_id": 1, "credential_id": uuid.uuid4().hex, "places": 2}
    return Gate(**told | {"calls_per_minute": 0} | fields)


def test_no_more_calls_are_made_at_a_time_than_there_are_places():
    held = gate()
    with (
        held.turn(patience=0, lease=60),
        held.turn(patience=0, lease=60),
        pytest.raises(RateLimitedError),
        held.turn(patience=0, lease=60),
    ):
        raise AssertionError("There was a third place.")

    with held.turn(patience=0, lease=60) as waited:
        assert waited == 0


def test_a_place_of_a_killed_worker_is_free_again_after_its_lease():
    held = gate(places=1)
    assert held._enter("killed", 0.0) == 0

    assert held._enter("next", 60.0) == 0


def test_a_place_is_held_for_as_long_as_its_worker_lives():
    held = gate(places=1)
    with held.turn(patience=0, lease=0.05):
        HELD.prolong()
        time.sleep(0.06)
        with pytest.raises(RateLimitedError), held.turn(patience=0, lease=60):
            raise AssertionError("There was a second place.")


def test_no_more_calls_are_made_in_a_minute_than_the_provider_takes():
    held = gate(places=100, calls_per_minute=12)
    taken = [held._enter(str(number), 60.0) for number in range(3)]

    assert taken[:2] == [0, 0]
    assert 3 < taken[2] <= 5


def test_without_valkey_calls_go_on_and_pauses_hold_in_the_process(monkeypatch):
    monkeypatch.setattr(valkey, "_away_until", float("inf"))
    held = gate(places=1)
    with held.turn(patience=0, lease=60), held.turn(patience=0, lease=60):
        held.pause(5)

    with pytest.raises(RateLimitedError), held.turn(patience=0, lease=60):
        raise AssertionError("The pause was not obeyed.")


def test_a_credential_says_how_many_places_it_has(project):
    credential = make_credential(project, "https://8.8.8.8/v1", concurrency=3)

    assert (gate_of(project, credential).places, gate_of(project, credential).calls_per_minute) == (
        3,
        0,
    )


def test_history_answers_what_it_holds_and_costs_nothing(project):
    told = {("Hello?", 0): Answer(Message("assistant", (Text("Hi."),)), finish_reason="stop")}
    history = Recorded(lambda request, sample: told.get((request.messages[0].text, sample)))

    served = call(project, history, ask())
    missing = call(project, history, ask(), sample=1)

    assert (served.value().message.text, served.paid) == ("Hi.", 0)
    assert isinstance(missing.error, NotRecordedError)
