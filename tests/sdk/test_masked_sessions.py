"""A session whose personal data the server has masked replays all the same, and says so."""

from __future__ import annotations

import openai
import playhead
import pytest
from playhead import places
from playhead.client import replaying_from
from playhead.files import read_file
from playhead.masked import is_all_but_masked
from playhead.tapes import Tape

from tests.governance.factories import set_policy
from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import record

EMAIL = "jane.doe@example.org"


@playhead.tool(effects="read")
def owner_of(order: str) -> dict[str, str]:
    return {"order": order, "mail": EMAIL}


def work(client: openai.OpenAI, email: str = EMAIL) -> str:
    def ask(text: str) -> str:
        said = [{"role": "user", "content": text}]
        made = client.chat.completions.create(model="gpt-4o", messages=said)
        return made.choices[0].message.content

    first = ask(f"I am {email}. Where is my order?")
    return first + ask(f"Write to {owner_of('order-4711')['mail']}, please.")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    path = tmp_path_factory.mktemp("masked") / "order.playhead"
    with running_provider() as url:
        client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
        record(path, lambda: work(client))
    return read_file(path)[1], client


@pytest.fixture
def masked(project, key_client, recorded):
    """Return the session as a server has it that masks what it finds."""
    set_policy(project, "mask")
    sent = {"events": recorded[0]}
    answer = key_client(project, "ingest").post("/api/v1/events", sent, "application/json")
    assert answer.status_code == 200
    session = project.sessions.get(external_id="sample")
    reader = key_client(project, "read:content")
    return reader.get(f"/api/v1/sessions/{session.pk}/events").json()["results"]


def test_masked_requests_match_by_the_hash_that_was_made_before(masked, recorded):
    assert EMAIL not in str(masked)
    replaying = replaying_from(Tape.of("sample", masked))

    with places.running(replaying):
        work(recorded[1])

    report = replaying.report
    assert report.matched == {"exact": 2, "masked": 1}
    assert (report.first, report.band, report.fidelity) == (None, "identical", 1.0)
    assert "1 answers were served masked" in report.text()
    assert "1 masked requests were matched by what of them is not masked" in report.text()


def test_another_request_is_not_taken_for_the_masked_one(masked, recorded):
    replaying = replaying_from(Tape.of("sample", masked))

    with pytest.raises(playhead.Divergence, match="asks something else"), places.running(replaying):
        recorded[1].chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": f"You are {EMAIL}. Who am I?"}]
        )


@pytest.mark.parametrize(
    ("recorded", "asked", "is_alike"),
    [
        ("Write to [EMAIL].", f"Write to {EMAIL}.", True),
        ("Write to [EMAIL].", "Write to [EMAIL].", True),
        ("Write to [EMAIL].", "Write to .", False),
        ("[EMAIL] and [EMAIL:0123456789abcdef]", "a and b", True),
        ({"to": "[EMAIL]", "n": 1}, {"to": "x", "n": 2}, False),
        ('{"to": "[EMAIL]"}', '{"to":"x"}', True),
        (["[PHONE]"], [4711], True),
        ("a [X] " * 500 + "b", "a y " * 500 + "c", False),
    ],
)
def test_what_is_not_masked_has_to_be_the_same(recorded, asked, is_alike):
    assert is_all_but_masked(recorded, asked) is is_alike
