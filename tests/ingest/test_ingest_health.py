"""What the API tells of a project's ingest, and how it helps."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone

from apps.ingest import advice, history
from apps.ingest.reasons import REASONS
from apps.ingest.views import REASONS as OF_REQUESTS
from tests.ingest.factories import make_body, make_event, make_log, make_logs, make_pairs

HEALTH = "/api/v1/ingest/health"
JSON = "application/json"
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
USAGE = {"gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 1}
SAID = {"gen_ai.input.messages": '[{"role": "user", "parts": []}]'}
GENAI = ("opentelemetry.instrumentation.genai.openai", "1.3b0")
OPENINFERENCE = ("openinference.instrumentation.openai", "0.1.66")
TRACELOOP = ("opentelemetry.instrumentation.openai.v1", "0.62.4")
PROVIDER = ("com.anthropic.sdk.python", "2.11.0")


@pytest.fixture
def sender(project, key_client):
    return key_client(project, "ingest")


@pytest.fixture
def reader(project, key_client):
    return key_client(project, "ingest", "read:content")


def send(client, *events, **headers):
    return client.post(
        "/api/v1/events", make_body(*events), content_type=JSON, headers=headers or None
    )


def send_calls(client, library, *told):
    """Send one span for each, as an instrumentation library does."""
    name, version = library
    started = str(int(timezone.now().timestamp() * 1e9))
    spans = [
        {
            "traceId": f"{number:032x}", "spanId": f"{number:016x}", "name": "chat",
            "startTimeUnixNano": started, "endTimeUnixNano": started,
            "attributes": make_pairs(one),
        }
        for number, one in enumerate(told, start=abs(hash(library)) % 10**9 + 1)
    ]  # fmt: skip
    part = {"scope": {"name": name, "version": version}, "spans": spans}
    return client.post("/v1/traces", {"resourceSpans": [{"scopeSpans": [part]}]}, content_type=JSON)


def advice_for(client, missing="content"):
    told = client.get(HEALTH).json()["advice"]
    return [one for one in told if one["missing"] == missing]


@pytest.mark.parametrize(
    ("library", "call", "package", "switch"),
    [
        (GENAI, CALL, "opentelemetry-instrumentation-genai-openai 1.3b0",
         "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=SPAN_ONLY"),
        (TRACELOOP, CALL, "0.62.4", "TRACELOOP_TRACE_CONTENT=true"),
        (PROVIDER, CALL, "anthropic 2.11.0", "ANTHROPIC_OPEN_TELEMETRY=false"),
        (OPENINFERENCE, {"openinference.span.kind": "LLM", "input.value": "__REDACTED__",
         "output.value": "__REDACTED__"}, "openinference-instrumentation-openai 0.1.66",
         "OPENINFERENCE_HIDE_INPUTS"),
        (("my.library", "3"), CALL, "my.library 3", "input and output"),
    ],
    ids=["genai", "openllmetry", "provider", "openinference", "unknown"],
)  # fmt: skip
def test_content_that_is_off_at_its_source_is_said_with_the_switch(
    sender, library, call, package, switch
):
    send_calls(sender, library, call | USAGE, call)

    (one,) = advice_for(sender)
    assert package in one["sentence"]
    assert switch in one["fix"]


def test_a_library_whose_content_arrives_needs_no_advice(sender):
    send_calls(sender, GENAI, CALL | USAGE, CALL | USAGE | SAID)

    told = sender.get(HEALTH).json()
    assert advice_for(sender) == []
    (library,) = told["libraries"]
    assert library["package"] == "opentelemetry-instrumentation-genai-openai"
    counts = [library[name] for name in ("events", "llm", "llm_content", "llm_usage", "llm_model")]
    assert counts == [2, 2, 1, 2, 2]


def test_content_that_comes_on_log_records_is_no_silence(sender):
    send_calls(sender, GENAI, CALL | USAGE)
    body = {"gen_ai.input.messages": [{"role": "user"}]}
    record = make_log(body, eventName="gen_ai.client.inference.operation.details")

    assert advice_for(sender) != []
    sender.post("/v1/logs", make_logs(record), content_type=JSON)

    assert advice_for(sender) == []


def test_the_providers_own_spans_inside_of_others_are_no_silence(sender):
    send_calls(sender, GENAI, CALL | USAGE | SAID)
    send_calls(sender, PROVIDER, CALL | USAGE)

    assert advice_for(sender) == []


def test_calls_without_tokens_and_without_sessions_are_said(sender):
    send_calls(sender, GENAI, CALL | SAID)

    assert advice_for(sender, "usage")[0]["library"] == GENAI[0]
    assert "session.id" in advice_for(sender, "session")[0]["fix"]


def test_native_calls_with_their_content_need_no_advice(sender):
    send(sender, make_event(kind="llm", input="Hello", usage={"input": 1}))

    assert sender.get(HEALTH).json()["advice"] == []


def test_a_reason_comes_with_its_fix_and_a_sample_for_those_who_may_read(sender, reader):
    send(sender, make_event(kind="zebra", output="a secret"))

    (told,) = reader.get(HEALTH).json()["reasons"]
    assert (told["reason"], told["effect"], told["source"], told["count"]) == (
        "invalid", "refused", "events", 1,
    )  # fmt: skip
    assert told["fix"]
    assert told["sample"].startswith("kind: Must be one of")
    assert "a secret" in told["sample"]


def test_a_key_that_may_only_send_sees_no_sample_and_no_names(sender, reader):
    send(sender, make_event(kind="zebra", output="a secret"), make_event(mood="glad"))

    told = sender.get(HEALTH)
    assert [one["sample"] for one in told.json()["reasons"]] == [None, None]
    assert told.json()["unmapped_names"] is None
    assert b"a secret" not in told.content
    assert reader.get(HEALTH).json()["unmapped_names"] == ["mood"]


def test_the_state_names_the_worst_first_and_all_is_well_otherwise(sender):
    assert sender.get(HEALTH).json()["state"] == "none"
    send(sender, make_event())
    assert sender.get(HEALTH).json()["headline"].startswith("All is well")

    send(sender, make_event(kind="zebra"))

    told = sender.get(HEALTH).json()
    assert (told["state"], told["headline"]) == (
        "error", "1 event was refused, mostly: invalid field.",
    )  # fmt: skip


def test_only_what_came_within_the_window_is_told(project, sender):
    send(sender, make_event())
    project.ingest_clients.update(hour=F("hour") - timedelta(hours=30))
    send(sender, make_event(id="e2"))

    told = [sender.get(f"{HEALTH}?hours={hours}").json() for hours in (1, 24, 168)]

    assert [one["sent"] for one in told] == [1, 1, 2]
    assert [len(one["series"]) for one in told] == [1, 24, 168]
    assert sum(hour["sent"] for hour in told[2]["series"]) == 2


def test_silence_is_told_with_the_time_of_the_last_request(project, sender):
    assert sender.get(HEALTH).json()["headline"] == "Nothing was sent yet."
    send(sender, make_event())
    project.ingest_clients.update(hour=F("hour") - timedelta(hours=30))

    assert "the last request came 20" in sender.get(HEALTH).json()["headline"]


@pytest.mark.parametrize("hours", ["0", "169", "a", "-1", "1e9", "²", "9" * 5000])
def test_another_window_is_refused_with_its_limits(sender, hours):
    answer = sender.get(HEALTH, {"hours": hours})

    assert answer.status_code == 400
    assert "from 1 to 168" in answer.content.decode()


def test_the_delay_of_events_is_told_in_steps(sender):
    now = timezone.now()
    ages = (0, 0, 5, 5, 30, 5000)
    events = [
        make_event(id=f"e{at}", started_at=(now - timedelta(seconds=age)).isoformat())
        for at, age in enumerate(ages)
    ]

    send(sender, *events)

    told = sender.get(HEALTH).json()
    assert told["late"] == 1
    assert (told["lag"]["p50_within_ms"], told["lag"]["p95_within_ms"]) == (10_000, None)
    assert told["lag"]["newest_event_age_ms"] < 60_000


def test_clients_are_told_with_their_versions_and_what_became_of_their_requests(sender):
    send(sender, make_event(), make_event(), **{"User-Agent": "agent/1.0 (linux)"})
    send(sender, make_event(kind="zebra"), **{"User-Agent": "agent/1.1"})

    told = {one["version"]: one for one in sender.get(HEALTH).json()["clients"]}
    assert (told["1.0"]["accepted"], told["1.0"]["duplicates"]) == (1, 1)
    assert told["1.1"]["rejected"] == 1
    assert told["1.0"]["first_seen"] <= told["1.0"]["last_seen"]


def test_the_account_of_one_project_says_nothing_of_another(sender, other_project, key_client):
    send(sender, make_event(kind="zebra"))

    told = key_client(other_project, "ingest", "read:content").get(HEALTH).json()
    assert (told["sent"], told["reasons"], told["clients"], told["libraries"]) == (0, [], [], [])


def test_a_health_check_reads_no_more_for_many_hours_and_clients(
    reader, sender, django_assert_max_num_queries
):
    for number in range(12):
        send(sender, make_event(kind=f"zebra {number}"), **{"User-Agent": f"agent/{number}"})

    with django_assert_max_num_queries(16):
        assert len(reader.get(f"{HEALTH}?hours=168").json()["clients"]) == 12


def test_a_sender_may_name_any_number_of_libraries(project, sender):
    for start in range(2):
        libraries = [
            {"scope": {"name": f"library {start} {number} \x00", "version": "v" * 200},
             "spans": [{"traceId": "1" * 32, "spanId": f"{start * 100 + number + 1:016x}"}]}
            for number in range(80)
        ]  # fmt: skip
        sender.post("/v1/traces", {"resourceSpans": [{"scopeSpans": libraries}]}, JSON)

    assert project.ingest_libraries.count() <= 2 * 51
    assert sum(row.events for row in project.ingest_libraries.all()) == 160


def reasons_in(path: Path) -> set[str]:
    """Return the reasons that a module gives as literals."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Refusal", "Loss"):
            named = [word.value for word in node.keywords if word.arg == "reason"]
            third = node.args[2:3] if node.func.id == "Refusal" else []
            found |= {value.value for value in [*named, *third] if isinstance(value, ast.Constant)}
    return found


def test_every_reason_that_the_code_gives_is_explained():
    sources = (Path(settings.BASE_DIR) / "apps").rglob("*.py")
    given = set().union(*(reasons_in(path) for path in sources)) | set(OF_REQUESTS.values())
    given |= {"invalid", "request_quota_minute", "request_quota_month", "redacted"}

    assert {"no_trace", "truncated", "session_conflict", "unstorable"} <= given
    assert given - REASONS.keys() == set()
    assert REASONS.keys() - given == set()


def test_every_reason_and_every_switch_stands_in_the_guide():
    guide = (Path(settings.BASE_DIR) / "docs" / "ingest-health.md").read_text()

    assert [code for code in REASONS if f"| `{code}` |" not in guide] == []
    assert [one.prefix for one in advice.FAMILIES if f"`{one.prefix}" not in guide] == []


def test_the_account_of_long_ago_is_forgotten_in_steps(project, sender, monkeypatch):
    monkeypatch.setattr(history, "AT_ONCE", 1)
    for number in range(3):
        send(sender, make_event(kind="zebra"), make_event(id=f"e{number}"))
    old = timezone.now() - timedelta(days=91)
    project.ingest_losses.update(minute=old)
    project.ingest_libraries.update(hour=old)
    kept = project.ingest_clients.count()

    assert history.forget_history(timezone.now()) > 0

    assert project.ingest_losses.count() == project.ingest_libraries.count() == 0
    assert project.ingest_clients.count() == kept


def test_the_running_month_is_never_forgotten(project, sender, settings):
    settings.PLAYHEAD_INGEST_HISTORY_DAYS = 1
    send(sender, make_event())
    project.ingest_clients.update(hour=timezone.now() - timedelta(days=31))

    history.forget_history(timezone.now())

    assert project.ingest_clients.exists()
