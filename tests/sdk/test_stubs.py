"""Where the record has no answer a stub may give one, which is never taken for the record's."""

from __future__ import annotations

import asyncio
import socket

import anthropic
import openai
import playhead
import pytest
from playhead.transports.synthesis import status_of

from tests.sdk.sample import look_up, record

SAID = [{"role": "user", "content": "rain?"}]
OPENAI = openai.OpenAI(base_url="http://127.0.0.1:9/v1", api_key="none", max_retries=0)
ANTHROPIC = anthropic.Anthropic(base_url="http://127.0.0.1:9", api_key="none", max_retries=0)
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "look_up", "arguments": '{"city": 1}'}}
    ],
}


@playhead.tool(effects="write", simulator=lambda amount: {"paid": amount, "simulated": True})
def pay(amount: int) -> dict:
    raise AssertionError("never for real")


@playhead.tool(default=None)
async def ring(number: str) -> None:
    raise AssertionError("never for real")


@pytest.fixture
def path(tmp_path):
    record(tmp_path / "one.playhead", lambda: look_up("Oslo"))
    return tmp_path / "one.playhead"


def stubbed(path, act, **stubs):
    named = {name.replace("_is_", ":"): stub for name, stub in stubs.items()}
    with playhead.replay(
        path, on_divergence="stub", stubs=named, file=path.with_name("r.playhead")
    ) as run:
        return act(), run.report


def test_a_tools_own_simulator_or_default_answers_and_counts_as_no_coverage(path):
    def act():
        return look_up("Oslo"), pay(5), asyncio.run(ring("112"))

    (_, paid, rung), report = stubbed(path, act)

    assert (paid, rung) == ({"paid": 5, "simulated": True}, None)
    assert report.coverage == pytest.approx(1 / 3)
    assert [one.kind for one in report.divergences] == ["extra", "extra"]
    assert report.fidelity < 1


def test_a_stub_that_is_given_goes_before_that_of_the_tool(path):
    assert stubbed(path, lambda: pay(5), tool_is_pay={"paid": 0})[0] == {"paid": 0}
    assert stubbed(path, lambda: pay(5), **{"tool_is_*": lambda amount: -amount})[0] == -5


def test_without_a_stub_the_replay_stops(path):
    with pytest.raises(playhead.Divergence):
        stubbed(path, lambda: look_up("Rome"))


def test_the_error_of_a_stub_is_the_tools_and_told(path):
    def fail(amount):
        raise KeyError("no such account")

    with (
        pytest.raises(KeyError),
        playhead.replay(path, on_divergence="stub", stubs={"tool:pay": fail}) as run,
    ):
        pay(5)

    [extra] = [one for one in run.report.divergences if one.kind != "missing"]
    assert "no such account" in extra.says


def test_a_stub_reaches_the_network_no_more_than_the_replay(path):
    def call_out(amount):
        with socket.socket() as line:
            line.connect(("127.0.0.1", 9))

    with pytest.raises(playhead.Divergence, match="was refused"):
        stubbed(path, lambda: pay(5), tool_is_pay=call_out)


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize("answer", ["sun", CALL], ids=["text", "call"])
def test_models_are_answered_by_stubs_in_the_form_that_their_client_reads(
    path, answer, is_streamed
):
    stub = {"llm_is_*": lambda asked: answer if asked["model"] == "m" else None}

    text, names = stubbed(path, lambda: chat(is_streamed), **stub)[0]
    assert (text, names) == (("sun", []) if answer == "sun" else ("", ["look_up"]))
    text, names = stubbed(path, lambda: responses(is_streamed), **stub)[0]
    assert (text, names) == (("sun", []) if answer == "sun" else ("", ["look_up"]))
    text, names = stubbed(path, lambda: messages(is_streamed), **stub)[0]
    assert (text, names) == (("sun", []) if answer == "sun" else ("", ["look_up"]))


@pytest.mark.parametrize("is_streamed", [False, True])
def test_an_answer_that_was_cut_off_is_so_in_every_form(path, is_streamed):
    cut = {"role": "assistant", "content": "su", "finish_reason": "length"}

    def act():
        made = OPENAI.chat.completions.create(model="m", messages=SAID, stream=is_streamed)
        chats = [part.choices[0].finish_reason for part in (made if is_streamed else [made])]
        asked = {"model": "m", "max_tokens": 9, "messages": SAID, "stream": is_streamed}
        made = ANTHROPIC.messages.create(**asked)
        parts = (
            [part.delta for part in made if part.type == "message_delta"] if is_streamed else [made]
        )
        return chats[-1], parts[-1].stop_reason

    assert stubbed(path, act, **{"llm_is_*": cut})[0] == ("length", "max_tokens")


def chat(is_streamed):
    if is_streamed:
        with OPENAI.chat.completions.stream(model="m", messages=SAID) as stream:
            made = stream.get_final_completion()
    else:
        made = OPENAI.chat.completions.create(model="m", messages=SAID)
    message = made.choices[0].message
    return message.content or "", [call.function.name for call in message.tool_calls or ()]


def responses(is_streamed):
    if is_streamed:
        with OPENAI.responses.stream(model="m", input="rain?") as stream:
            made = stream.get_final_response()
    else:
        made = OPENAI.responses.create(model="m", input="rain?")
    return made.output_text, [one.name for one in made.output if one.type == "function_call"]


def messages(is_streamed):
    asked = {"model": "m", "max_tokens": 9, "messages": SAID}
    if is_streamed:
        with ANTHROPIC.messages.stream(**asked) as stream:
            made = stream.get_final_message()
    else:
        made = ANTHROPIC.messages.create(**asked)
    text = "".join(one.text for one in made.content if one.type == "text")
    return text, [one.name for one in made.content if one.type == "tool_use"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ({"type": "RateLimitError", "code": "429"}, 429),
        ({"type": "openai.APIStatusError", "message": "Error code: 503 - away"}, 503),
        ({"type": "openai.NotFoundError", "message": "no"}, 404),
        ({"type": "APIConnectionError", "message": "refused"}, None),
    ],
)
def test_an_error_that_others_recorded_has_its_status(error, status):
    assert status_of(error) == status
