"""Real instrumentations with their content switched off: what the page says of them."""

from __future__ import annotations

import pytest

from tests.ingest.collector import running_collector
from tests.ingest.fake_provider import running_provider
from tests.ingest.test_real_clients import run

HIDDEN = {"OPENINFERENCE_HIDE_INPUTS": "true", "OPENINFERENCE_HIDE_OUTPUTS": "true"}
SCENARIOS = ("chat", "chat_stream", "messages")


@pytest.fixture(scope="module")
def provider():
    with running_provider() as address:
        yield address


@pytest.fixture
def told_of(project, key_client, provider):
    """Runs a real client, takes in what it sent, and returns what is told of its libraries."""

    def tell(convention: str, mode: str, **environment: str):
        sender = key_client(project, "ingest")
        with running_collector() as (address, requests):
            run(convention, provider, *SCENARIOS, mode=mode, endpoint=address, **environment)
        for one in requests:
            sender.generic("POST", one.path, one.body, headers=one.headers)
        told = sender.get("/api/v1/ingest/health").json()
        return [one for one in told["advice"] if one["missing"] == "content"], told

    return tell


def test_the_official_instrumentations_without_content_are_named_with_the_switch(told_of):
    silent, told = told_of("genai", "NO_CONTENT")

    names = {one["library"].rpartition(".")[2] for one in silent}
    assert names == {"openai", "anthropic"}
    assert all("CAPTURE_MESSAGE_CONTENT=SPAN_ONLY" in one["fix"] for one in silent)
    assert told["state"] == "warn"


@pytest.mark.parametrize("mode", ["SPAN_ONLY", "EVENT_ONLY", "SPAN_AND_EVENT"])
def test_content_on_spans_or_on_log_records_is_content(told_of, mode):
    silent, told = told_of("genai", mode)

    assert silent == []
    assert (told["state"], told["rejected"]) == ("ok", 0)


def test_openinference_that_hides_is_named_with_its_variables(told_of):
    silent, _ = told_of("openinference", "SPAN_ONLY", **HIDDEN)

    assert {one["library"] for one in silent} == {
        "openinference.instrumentation.openai", "openinference.instrumentation.anthropic",
    }  # fmt: skip
    assert all("OPENINFERENCE_HIDE_INPUTS" in one["fix"] for one in silent)


def test_openinference_as_it_is_installed_says_all(told_of):
    silent, told = told_of("openinference", "SPAN_ONLY")

    assert silent == []
    assert told["state"] == "ok"
