"""The playground: a recorded call, changed by hand, asked of several models."""

from __future__ import annotations

import pytest

from apps.audit.models import AuditEntry, Reading
from apps.sessions.reader import layout
from tests.providers.conversations import CHAT, CHAT_TOOLS
from tests.providers.factories import KEY, make_credential
from tests.providers.server import chat, refusal, running
from tests.sessions.factories import make_event, make_session

PAGE = "/o/acme/p/support-bot/playground/"


@pytest.fixture
def recorded(project):
    """The address of the playground for a recorded call."""
    event = make_event(
        kind="llm",
        model="gpt-4o",
        input=CHAT[:-1],
        output={"role": "assistant", "content": "Rain and sun."},
        params={"temperature": 0.2, "user": "customer-17"},
        tools=CHAT_TOOLS,
    )
    session = make_session(project, event)
    step = layout(session).id(0)
    return f"{PAGE}?session={session.pk}&event={step}"


@pytest.fixture
def lab(project, settings):
    """A provider that answers, and what it was sent."""
    with running(lambda _: chat("Sun and rain.")) as (place, sent):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        yield make_credential(project, f"http://{place}/v1", name="lab"), sent


def filled(*targets, **more):
    told = {
        "do": "ask",
        "role": ["system", "user"],
        "text": ["Be long.", "Oslo?"],
        "params": '{"max_tokens": 9}',
        "tools": "[]",
        "provider": [str(credential.pk) for credential, _ in targets],
        "target": [model for _, model in targets],
    }
    return told | more


def test_a_recorded_call_is_opened_with_all_that_the_model_saw(member_client, recorded):
    page = member_client.get(recorded).content.decode()

    assert "Be short." in page
    assert "Oslo and Rome?" in page
    assert "call_a" in page
    assert "get_weather" in page
    assert "&quot;temperature&quot;: 0.2" in page
    assert "Rain and sun." in page
    assert Reading.unscoped.count() == 1


def test_it_is_asked_of_several_models_side_by_side(member_client, recorded, lab):
    credential, sent = lab
    asked = filled((credential, "gpt-4o"), (credential, "our-own"))

    page = member_client.post(recorded, asked).content.decode()

    assert sorted(one.body["model"] for one in sent) == ["gpt-4o", "our-own"]
    assert sent[0].body["messages"][0] == {"role": "system", "content": "Be long."}
    assert sent[0].body["max_tokens"] == 9
    assert page.count("Sun and rain.") == 2
    assert "Like the recorded answer by" in page
    assert page.count("$0.000075") == 2
    [entry] = AuditEntry.unscoped.filter(act="playground.ask")
    assert [one["model"] for one in entry.detail["asked"]] == ["gpt-4o", "our-own"]


def test_a_model_that_fails_says_so_in_its_place(member_client, project, settings):
    with running(lambda _: refusal(404, "No such model.")) as (place, _):
        settings.PLAYHEAD_OUTBOUND_ALLOW = [place]
        credential = make_credential(project, f"http://{place}/v1")
        page = member_client.post(PAGE, filled((credential, "gpt-9"))).content.decode()

    assert "No such model." in page
    assert KEY not in page


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"params": "{"}, "This is not JSON"),
        ({"tools": "{}"}, "Must be a list"),
        ({"role": ["json"], "text": ["[]"]}, "Must be an object"),
        ({"role": ["json"], "text": ['{"role": "narrator", "content": "a"}']}, "Nobody speaks"),
        ({"text": ["", " "]}, "holds no messages"),
        ({"target": [" "]}, "Name the model"),
        ({"provider": [""]}, "from one to 4 models"),
        ({"provider": ["00000000-0000-0000-0000-000000000000"]}, "was removed"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_that_was_typed_is_lost(member_client, lab, wrong, told):
    credential, sent = lab

    answer = member_client.post(PAGE, filled((credential, "gpt-4o")) | wrong)

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert sent == []


def test_a_message_is_added_without_anybody_being_asked(member_client, lab):
    credential, sent = lab

    page = member_client.post(PAGE, filled((credential, "gpt-4o"), do="add")).content.decode()

    assert page.count('name="text"') == 3
    assert "Be long." in page
    assert sent == []


def test_what_is_good_is_saved_as_a_version_of_a_prompt(member_client, project, lab):
    told = filled((lab[0], "gpt-4o"), do="save", prompt="desk/weather", what="system")
    first = member_client.post(PAGE, told, follow=True).content.decode()
    second = member_client.post(PAGE, told | {"text": ["Be kind.", "Oslo?"]}, follow=True)
    same = member_client.post(PAGE, told | {"text": ["Be kind.", "Oslo?"]})

    assert "Saved as version 1 of desk/weather." in first
    assert "Saved as version 2 of desk/weather." in second.content.decode()
    assert same.status_code == 409
    bodies = [one.body for one in project.prompts.get().versions.order_by("number")]
    assert bodies == ["Be long.", "Be kind."]


def test_a_call_that_cannot_be_asked_again_says_why(member_client, project):
    said = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]
    session = make_session(project, make_event(kind="llm", model="m", input=said))
    step = layout(session).id(0)

    page = member_client.get(f"{PAGE}?session={session.pk}&event={step}").content.decode()

    assert "cannot be asked again" in page
    assert "input_audio" in page


def test_a_strangers_session_is_not_opened(stranger_client, member_client, other_project, recorded):
    theirs = make_session(other_project, make_event(kind="llm", model="m", input="secret"))
    step = layout(theirs).id(0)

    assert stranger_client.get(recorded).status_code == 404
    answer = member_client.get(f"{PAGE}?session={theirs.pk}&event={step}")
    assert answer.status_code == 404
    assert member_client.get(f"{PAGE}?session=x").status_code == 400
    assert member_client.get(f"{PAGE}?more=x").status_code == 400
