"""A fork follows the record up to a step, and goes on for real with what was changed."""

from __future__ import annotations

import openai
import playhead
import pytest
from playhead.files import read_file

from tests.ingest.fake_provider import running_provider
from tests.sdk.sample import record


@playhead.tool(effects="read")
def look_up(city: str) -> str:
    return f"rain in {city}"


def work(client: openai.OpenAI) -> list[str]:
    def ask(text: str) -> str:
        said = [{"role": "user", "content": text}]
        made = client.chat.completions.create(model="gpt-4o", messages=said)
        return made.choices[0].message.content

    return [ask("one"), look_up("Oslo"), ask("two"), look_up("Bergen")]


@pytest.fixture(scope="module")
def provider():
    with running_provider() as url:
        yield openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


@pytest.fixture
def recorded(tmp_path, provider):
    path = tmp_path / "work.playhead"
    record(path, lambda: work(provider))
    return path


def calls_in(path):
    return [event for event in read_file(path)[1] if event["kind"] in ("llm", "tool")]


def test_a_fork_asks_another_model_from_its_step_on(recorded, provider, tmp_path):
    before, path = recorded.read_bytes(), tmp_path / "fork.playhead"
    with playhead.fork(recorded, 5, file=path, overrides={"model": "gpt-4o-mini"}):
        work(provider)

    first, second = calls_in(path)[::2]
    assert (first["model"], first["metadata"]["served"], first["cost"]) == ("gpt-4o", True, 0)
    assert (second["model"], second.get("metadata"), second["usage"]["output"]) == (
        "gpt-4o-mini",
        None,
        105,
    )
    assert recorded.read_bytes() == before


def test_a_fork_says_what_it_left_and_where(recorded, provider, tmp_path):
    path = tmp_path / "fork.playhead"
    with playhead.fork(recorded, 5, file=path, overrides={"params": {"temperature": 0}}):
        work(provider)

    [branch] = [event for event in read_file(path)[1] if event["name"] == "branch"]
    changed = {"params": {"temperature": 0}}
    assert branch["output"] == {"session": "sample", "step": 5, "overrides": changed}
    assert calls_in(path)[2]["params"] == {"temperature": 0}


def test_a_tool_is_replaced_from_the_step_on(recorded, provider):
    with playhead.fork(recorded, 5, overrides={"tool:look_up": lambda city: f"sun in {city}"}):
        assert work(provider)[1::2] == ["rain in Oslo", "sun in Bergen"]


def test_before_its_step_a_fork_follows_the_record_to_the_letter(recorded, provider):
    with pytest.raises(playhead.Divergence), playhead.fork(recorded, 5):
        look_up("Rome")


def test_a_tool_that_was_not_recorded_needs_to_be_allowed(recorded, provider):
    with playhead.fork(recorded, 5, allow_live=["tool:look_up"]):
        work(provider)
        assert look_up("Rome") == "rain in Rome"
    with playhead.fork(recorded, 5):
        work(provider)
        with pytest.raises(playhead.Divergence):
            look_up("Rome")


@pytest.mark.parametrize("at", [0, 99])
def test_a_step_that_is_not_there_is_refused(recorded, at):
    with (
        pytest.raises(ValueError, match="at must be a step from 1 to"),
        playhead.fork(recorded, at),
    ):
        pass


def test_an_override_that_nobody_knows_is_refused(recorded):
    with (
        pytest.raises(ValueError, match="overrides may name"),
        playhead.fork(recorded, 1, overrides={"colour": 1}),
    ):
        pass
