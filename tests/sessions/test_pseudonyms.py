"""Tokens in the place of personal data: the same in a session, and given back on request."""

from __future__ import annotations

import json
import re
import threading

import pytest
from django.db import connection

from apps.audit.actors import SYSTEM
from apps.audit.models import AuditEntry
from apps.sessions import pseudonyms, reader, store
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.governance.factories import set_policy
from tests.ingest.factories import make_body, make_event, make_span, make_spans, numbered

JSON = "application/json"
JANE, JOE = "jane.doe@example.org", "joe.bloggs@example.org"
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def sender(project, key_client):
    set_policy(project, "pseudonymise")
    return key_client(project, "ingest")


def send(sender, *events) -> None:
    answer = sender.post("/api/v1/events", make_body(*events), content_type=JSON)
    assert answer.status_code == 200, answer.content


def send_spans(sender, *spans) -> None:
    assert sender.post("/v1/traces", make_spans(*spans), content_type=JSON).status_code == 200


def session_of(project, external_id: str | None = "chat-1"):
    return project.sessions.listed().get(external_id=external_id)


def said(project, session) -> dict[str, str]:
    """Return the input of each event of a session, by the sender's id."""
    steps = reader.read_steps(session, reader.outline(session).steps, content=True)
    return {step["client_id"]: step["input"] for step in steps}


def values(session) -> dict[str, str]:
    [cipher] = reader.ciphers([session]).values()
    return pseudonyms.values_of(session.project_id, session.pk, cipher)


def test_a_value_has_one_token_in_a_session_whichever_request_it_comes_in(sender, project):
    send(sender, make_event(id="a", input=f"{JANE} and {JOE}"), make_event(id="b", input=JOE))
    send(sender, make_event(id="c", input=f"{JOE} again, {JANE}"))

    session = session_of(project)
    told = said(project, session)
    assert told["a"] == "<EMAIL_1> and <EMAIL_2>"
    assert (told["b"], told["c"]) == ("<EMAIL_2>", "<EMAIL_2> again, <EMAIL_1>")
    assert values(session) == {"<EMAIL_1>": JANE, "<EMAIL_2>": JOE}


def test_tokens_of_two_sessions_have_nothing_in_common(sender, project):
    send(sender, make_event(id="a", input=JANE), make_event(id="b", session="chat-2", input=JOE))

    assert values(session_of(project)) == {"<EMAIL_1>": JANE}
    assert values(session_of(project, "chat-2")) == {"<EMAIL_1>": JOE}


def test_an_event_sent_again_is_a_duplicate(sender, project):
    event = make_event(id="a", input=JANE)
    send(sender, event)
    send(sender, event)

    assert session_of(project).event_count == 1
    assert said(project, session_of(project)) == {"a": "<EMAIL_1>"}


def test_a_trace_whose_session_is_known_by_name_goes_on_with_its_tokens(sender, project):
    named = {"session.id": "chat-1", "input.value": JANE}
    send_spans(sender, numbered(1, told=named, traceId=TRACE))
    send_spans(sender, numbered(2, 1, told={"input.value": f"{JOE}, {JANE}"}, traceId=TRACE))

    told = said(project, session_of(project))
    assert sorted(told.values()) == ["<EMAIL_1>", "<EMAIL_2>, <EMAIL_1>"]


def test_tokens_of_a_trace_stay_apart_from_those_of_the_session_that_adopts_it(sender, project):
    send(sender, make_event(id="a", input=JANE))
    send_spans(sender, numbered(1, told={"input.value": JOE}, traceId=TRACE))
    [own] = values(session_of(project, None))
    named = {"session.id": "chat-1", "input.value": f"{JOE}, {JANE}"}
    send_spans(sender, numbered(2, 1, told=named, traceId=TRACE))

    session = session_of(project)
    assert re.fullmatch(r"<EMAIL_1_[0-9A-F]{6}>", own)
    assert values(session) == {"<EMAIL_1>": JANE, own: JOE}
    assert said(project, session)[f"{2:016x}"] == f"{own}, <EMAIL_1>"


def test_tokens_of_a_conversation_stay_apart_from_those_of_the_session_that_overrules_it(
    sender, project
):
    send(sender, make_event(id="a", input=JANE))
    invented = {"gen_ai.conversation.id": "conversation-9", "input.value": JOE}
    send_spans(sender, numbered(1, told=invented, traceId=TRACE))
    [of_joe] = values(session_of(project, "conversation-9"))
    named = {"session.id": "chat-1", "input.value": f"{JOE}, {JANE}"}
    send_spans(sender, numbered(2, 1, told=named, traceId=TRACE))
    send_spans(sender, numbered(3, 1, told={"input.value": f"{JANE}, {JOE}"}, traceId=TRACE))

    session = session_of(project)
    told = said(project, session)
    assert values(session)["<EMAIL_1>"] == JANE
    assert values(session)[of_joe] == JOE
    restored = {name: unmasked(text, values(session)) for name, text in told.items()}
    assert [restored[name] for name in ("a", *(f"{number:016x}" for number in (1, 2, 3)))] == [
        JANE,
        JOE,
        f"{JOE}, {JANE}",
        f"{JANE}, {JOE}",
    ]


def unmasked(text: str, values: dict[str, str]) -> str:
    return re.sub(r"<\w+>", lambda token: values[token[0]], text)


def test_requests_of_one_conversation_go_on_with_its_tokens(sender, project):
    invented = {"gen_ai.conversation.id": "conversation-9", "input.value": JANE}
    send_spans(sender, numbered(1, told=invented, traceId=TRACE))
    again = {"gen_ai.conversation.id": "conversation-9", "input.value": f"{JOE}, {JANE}"}
    send_spans(sender, numbered(2, told=again, traceId=TRACE[::-1]))

    session = session_of(project, "conversation-9")
    assert sorted(values(session).values()) == [JANE, JOE]
    assert len(values(session)) == 2


def test_what_tokens_stand_for_is_sealed_and_ends_with_the_session(sender, project):
    send(sender, make_event(id="a", input=JANE))
    session = session_of(project)
    [row] = project.pseudonyms.all()

    store.erase(session, actor=SYSTEM)

    assert JANE.encode() not in bytes(row.sealed) + bytes(row.mac)
    assert not project.pseudonyms.exists()


@pytest.mark.django_db(transaction=True)
def test_senders_at_once_never_give_one_token_to_two_values(project, sender):
    send_spans(sender, numbered(99, told={"session.id": "chat-1"}, traceId=TRACE))
    people = [f"person{number}@example.org" for number in range(8)]

    def say(number: int) -> None:
        person = people[number]
        if number % 2:
            send(sender, make_event(id=f"e{number}", input=person))
        else:
            told = {"input.value": person}
            send_spans(sender, numbered(number + 1, 99, told=told, traceId=TRACE))
        connection.close()

    threads = [threading.Thread(target=say, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    session = session_of(project)
    assert sorted(values(session).values()) == people
    assert len(set(said(project, session).values()) - {None}) == len(people)


@pytest.fixture
def revealed(sender, project):
    """Ask for what the tokens of a recorded session stand for."""
    send(sender, make_event(id="a", input=f"{JANE}, {JOE}"))
    url = f"/api/v1/sessions/{session_of(project).pk}/reveal?project=acme/support-bot"

    def ask(client, **body):
        return client.post(url, json.dumps(body), content_type=JSON)

    return ask


def test_an_owner_who_says_why_gets_the_values_and_the_trail_tells(revealed, owner_client):
    answer = revealed(owner_client, reason="A customer asks for their data.")

    assert answer.json() == {"values": {"<EMAIL_1>": JANE, "<EMAIL_2>": JOE}}
    entry = AuditEntry.unscoped.get(act="session.reveal")
    assert entry.detail == {"reason": "A customer asks for their data.", "tokens": 2}
    assert entry.actor_kind == "user"


def test_single_tokens_can_be_asked_for(revealed, owner_client):
    answer = revealed(owner_client, reason="A call back.", tokens=["<EMAIL_2>", "<EMAIL_9>"])

    assert answer.json() == {"values": {"<EMAIL_2>": JOE}}


@pytest.mark.parametrize(
    "body",
    [{}, {"reason": ""}, {"reason": " "}, {"reason": "x" * 501}, {"reason": "a", "tokens": 1}],
)
def test_nothing_is_revealed_without_a_reason(revealed, owner_client, body):
    answer = revealed(owner_client, **body)

    assert answer.status_code == 400
    assert JANE not in answer.content.decode()
    assert not AuditEntry.unscoped.filter(act="session.reveal").exists()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.ENGINEER, Role.VIEWER, Role.AUDITOR])
def test_others_than_owners_are_refused(revealed, project, sign_in, role):
    client = sign_in(make_membership(project.organization, role=role).user)

    assert revealed(client, reason="I want to know.").status_code == 403


def test_strangers_do_not_find_the_session(revealed, stranger_client):
    assert revealed(stranger_client, reason="I want to know.").status_code == 404


def test_a_rule_with_pseudonyms_works_where_everything_is_captured(project, key_client):
    set_policy(project, rules=[("Order number", "ORD-[0-9]{6}", "pseudonymise")])

    send(key_client(project, "ingest"), make_event(id="a", input=f"ORD-123456 of {JANE}"))

    session = session_of(project)
    assert said(project, session) == {"a": f"<ORDER_NUMBER_1> of {JANE}"}
    assert values(session) == {"<ORDER_NUMBER_1>": "ORD-123456"}


def test_a_span_without_session_keeps_its_values_too(sender, project):
    send_spans(sender, make_span({"input.value": JANE}))

    session = session_of(project, None)
    [token] = values(session)
    assert list(said(project, session).values()) == [token]
