"""Sessions worth looking at, made through the record's own door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from apps.audit.actors import SYSTEM
from apps.providers.prices import NewPrice, add_price
from apps.providers.services import Draft, add_credential
from apps.sessions import store
from apps.sessions.events import ErrorInfo, IncomingEvent, Outcome, PromptStamp, Usage
from apps.sessions.models import Session
from apps.tenants.models import Project
from tests.browser.words import HOSTILE, RIGHT_TO_LEFT

BEGIN = datetime(2026, 11, 21, 3, 12, 4, tzinfo=UTC)
MODEL = {"provider": "openai", "model": "gpt-4o", "model_returned": "gpt-4o-2024-11-20"}


def add(project: Project, events: Sequence[IncomingEvent]) -> Session:
    """Record the events and return their one session."""
    result = store.append(project, events)
    return project.sessions.get(pk=result.sessions[0])


class Story:
    """Events of one session, each told by when it starts and how long it takes."""

    def __init__(self, session: str, begin: datetime = BEGIN, **shared: Any) -> None:
        self.session, self.begin, self.shared = session, begin, shared
        self.events: list[IncomingEvent] = []

    def step(self, kind: str, name: str, at: float, lasts: float | None, **fields: Any) -> str:
        event_id = f"{len(self.events) + 1:04}"
        started = self.begin + timedelta(seconds=at)
        ended = None if lasts is None else started + timedelta(seconds=lasts)
        given = {"status": "ok", "started_at": started, "ended_at": ended} | self.shared | fields
        self.events.append(
            IncomingEvent(id=event_id, session=self.session, kind=kind, name=name, **given)
        )
        return event_id


def says(role: str, content: str | None, **more: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **more}


def calls(*named: tuple[str, str, str]) -> dict[str, Any]:
    made = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in named
    ]
    return says("assistant", None, tool_calls=made)


def refund_story(session: str = "chat-4711", begin: datetime = BEGIN) -> list[IncomingEvent]:
    """An agent that looks things up in parallel, fails, retries, decides and answers."""
    told = Story(
        session,
        begin,
        user="customer-17",
        environment="production",
        release="1.4.2",
        trace=f"trace-{session}",
    )
    system = says("system", "You are the support agent of Acme. Refund only what was paid twice.")
    asked = says("user", "Refund order 4411 twice? I was charged two times for it.")
    first = calls(
        ("call_1", "lookup_order", '{"order": 4411}'),
        ("call_2", "lookup_payments", '{"order": 4411}'),
    )
    order = {"order": 4411, "status": "paid", "total": "59.90", "lines": [{"sku": "A-7", "n": 1}]}
    payments = {"payments": [{"id": "p1", "amount": "59.90"}, {"id": "p2", "amount": "59.90"}]}
    history = [
        system,
        asked,
        first,
        says("tool", '{"order": 4411, "status": "paid"}', tool_call_id="call_1"),
        says("tool", '{"payments": 2}', tool_call_id="call_2"),
    ]
    retry = calls(("call_3", "refund_order", '{"payment": "p2"}'))
    approved = says("tool", '{"refund": "r1"}', tool_call_id="call_3")
    answer = says("assistant", "You paid twice. I have refunded the second payment, $59.90.")

    agent = told.step(
        "agent",
        "support",
        0,
        12.4,
        agent="support",
        tags=["billing", "vip"],
        outcome=Outcome(status="success", reason="second payment refunded"),
    )
    told.step("state", "start", 0.05, 0, parent=agent, state={"order": None, "refunds": []})
    told.step(
        "llm",
        "plan",
        0.1,
        1.2,
        parent=agent,
        **MODEL,
        input={"messages": [system, asked]},
        output={"messages": [first]},
        usage=Usage(input=840, output=105, cache_read=128),
        params={"temperature": 0.2, "max_tokens": 512},
        time_to_first_token_ms=210.0,
        prompt=PromptStamp(name="triage", version=7, variables={"tone": "calm"}),
        tools=[{"type": "function", "function": {"name": "lookup_order", "parameters": {}}}],
        request_id="req_9f",
        stamps={"config": "sha256:ab12"},
        confidence=0.93,
        reasoning="Two charges are claimed. The order and the payments must be compared.",
    )
    told.step(
        "tool",
        "lookup_order",
        1.35,
        0.8,
        parent=agent,
        input={"order": 4411},
        output=order,
        effects="read",
        extra={"tool_call": {"id": "call_1"}},
        state_patch=[{"op": "replace", "path": "/order", "value": order}],
    )
    told.step(
        "tool",
        "lookup_payments",
        1.36,
        2.1,
        parent=agent,
        lane="2",
        input={"order": 4411},
        output=payments,
        effects="read",
        extra={"tool_call": {"id": "call_2"}},
    )
    told.step(
        "retriever",
        "refund policy",
        3.5,
        0.3,
        parent=agent,
        input="refund paid twice",
        output={"documents": [{"id": "policy-3", "text": "Refund the later of two payments."}]},
    )
    told.step(
        "decision",
        "refund the second payment",
        3.9,
        0.01,
        parent=agent,
        decision={
            "chosen": "refund",
            "alternatives": ["escalate", "refuse"],
            "reason": "Both payments are for the same order.",
        },
    )
    told.step(
        "llm",
        "act",
        4.0,
        1.1,
        parent=agent,
        **MODEL,
        input={"messages": history},
        output={"messages": [retry]},
        usage=Usage(input=1312, output=41, cache_read=960),
    )
    told.step(
        "tool",
        "refund_order",
        5.2,
        1.31,
        parent=agent,
        status="error",
        effects="external",
        input={"payment": "p2"},
        extra={"tool_call": {"id": "call_3"}},
        error=ErrorInfo(type="HTTPError", message="409 Conflict: payment p2 is locked", code="409"),
    )
    told.step(
        "tool",
        "refund_order",
        7.6,
        1.1,
        parent=agent,
        effects="external",
        input={"payment": "p2"},
        output={"refund": "r1", "status": "refunded"},
        extra={"tool_call": {"id": "call_3"}},
        state_patch=[
            {"op": "replace", "path": "/order/status", "value": "refunded"},
            {"op": "add", "path": "/refunds/-", "value": "r1"},
        ],
    )
    told.step(
        "human",
        "approve refund",
        8.8,
        1.2,
        parent=agent,
        input="Approve $59.90?",
        output={"approved": True, "by": "night shift"},
    )
    told.step(
        "memory",
        "remember tone",
        10.1,
        0.02,
        parent=agent,
        memory={"op": "write", "store": "profile", "key": "tone", "before": None, "after": "calm"},
    )
    told.step(
        "llm",
        "answer",
        10.2,
        2.0,
        parent=agent,
        **MODEL,
        input={"messages": [*history, retry, approved]},
        output={"messages": [answer]},
        usage=Usage(input=1489, output=52, cache_read=1280),
    )
    return told.events


def genai_story(session: str = "chat-parts") -> list[IncomingEvent]:
    """Messages in parts, in several scripts, right to left among them."""
    told = Story(session, BEGIN + timedelta(minutes=5), trace=f"trace-{session}")
    asked = {"role": "user", "parts": [{"type": "text", "content": RIGHT_TO_LEFT[0]}]}
    called = {
        "role": "assistant",
        "finish_reason": "tool_calls",
        "parts": [
            {"type": "reasoning", "content": "The order must be looked up first."},
            {"type": "tool_call", "id": "c1", "name": "lookup", "arguments": {"order": 4411}},
        ],
    }
    result = {
        "type": "tool_call_response",
        "id": "c1",
        "response": {"status": "נשלח", "день": "пн"},
    }
    answer = {"role": "assistant", "parts": [{"type": "text", "content": RIGHT_TO_LEFT[1]}]}
    told.step(
        "llm",
        "chat gpt-4o",
        0,
        0.9,
        **MODEL,
        usage=Usage(input=90, output=20),
        input={"messages": [asked], "system": [{"type": "text", "content": "Be brief."}]},
        output={"messages": [called]},
    )
    told.step(
        "llm",
        "chat gpt-4o",
        1.2,
        1.4,
        **MODEL,
        usage=Usage(input=130, output=25),
        input={
            "messages": [asked, called, {"role": "tool", "parts": [result]}],
            "system": [{"type": "text", "content": "Be brief."}],
        },
        output={"messages": [answer]},
    )
    return told.events


def silent_story(
    session: str = "chat-silent", begin: datetime = BEGIN + timedelta(minutes=9)
) -> list[IncomingEvent]:
    """What the official instrumentations send by default: no content, and little is known."""
    told = Story(session, begin)
    told.step("llm", "chat gpt-4o-mini", 0, None, status=None, model="gpt-4o-mini")
    return told.events


def hostile_story(session: str = "<script>window.pwned=1</script>") -> list[IncomingEvent]:
    """Every field that holds text, holding each hostile text in turn."""
    told = Story(session, BEGIN + timedelta(minutes=12))
    for index, text in enumerate(HOSTILE):
        kind = ("llm", "tool", "decision", "memory", "code_change", "agent")[index % 6]
        told.step(
            kind,
            text,
            index,
            1,
            status="error",
            model=text,
            model_returned=text,
            provider=text,
            agent=text,
            user=text,
            environment=text,
            release=text,
            tags=[text],
            request_id=text,
            input={"messages": [says("user", text), calls((text, text, text))]},
            output={"messages": [says(text, text, name=text)]},
            lane=text,
            trace=text,
            error=ErrorInfo(type=text, message=text, code=text),
            params={text: text},
            prompt=PromptStamp(name=text, version=text, variables={text: text}),
            stamps={"config": text},
            decision={"chosen": text, "reason": text},
            metadata={text: text},
            memory={"op": "write", "store": text, "key": text, "after": text},
            reasoning=text,
            code_change={"path": text, "diff": f"@@ {text}\n-{text}\n+{text}"},
            state={text: text},
            state_patch=[{"op": "add", "path": "/x", "value": text}],
            extra={"attributes": {text: text}},
            outcome=Outcome(status="failure", reason=text, code=text),
        )
    return told.events


def long_story(count: int, session: str = "chat-long") -> list[IncomingEvent]:
    """Loops of a call and its tools, under agents, with an error now and then."""
    told = Story(session, BEGIN + timedelta(minutes=20), trace=f"trace-{session}")
    names = ("search", "read_page", "summarise", "write_note", "check_facts")
    root = told.step("agent", "researcher", 0, count * 0.21, agent="researcher")
    agent = root
    for index in range(1, count):
        at = index * 0.2
        if index % 40 == 0:
            agent = told.step("agent", f"sub-agent {index // 40}", at, 7.5, parent=root)
        elif index % 3 == 0:
            told.step(
                "llm",
                "think",
                at,
                0.1 + index % 7 / 10,
                parent=agent,
                **MODEL,
                input=f"Step {index}: what next?",
                output=f"Use {names[index % 5]}.",
                usage=Usage(input=200 + index % 90, output=12),
                cost=Decimal("0.0006"),
            )
        else:
            failed = index % 97 == 0
            told.step(
                "tool",
                names[index % 5],
                at,
                0.05 + index % 11 / 20,
                parent=agent,
                lane=str(index % 3),
                input={"n": index},
                output=None if failed else index,
                status="error" if failed else "ok",
                error=ErrorInfo(type="Timeout", message="no answer") if failed else None,
            )
    return told.events


def fill(project: Project, *, steps: int = 5000) -> dict[str, Session]:
    """Record one session of each sort, and sixty small ones."""
    draft = Draft("local", "openai-compatible", "", base_url="https://8.8.8.8/v1")
    add_credential(project, draft, actor=SYSTEM)
    price = NewPrice("ours", Decimal(1), Decimal(1), BEGIN)
    add_price(project, price, actor=SYSTEM)
    for index in range(60):
        begin = BEGIN - timedelta(minutes=7 * index)
        add(project, refund_story(f"chat-{index:03}", begin) if index % 5 == 0 else small(index))
    return {
        "hero": add(project, refund_story()),
        "parts": add(project, genai_story()),
        "silent": add(project, silent_story()),
        "hostile": add(project, hostile_story()),
        "long": add(project, long_story(steps)),
    }


def small(index: int) -> list[IncomingEvent]:
    topics = ("Change delivery address", "Where is my parcel?", "Cancel the subscription", "VAT id")
    told = Story(f"chat-{index:03}", BEGIN - timedelta(minutes=7 * index), environment="production")
    asked = says("user", f"{topics[index % 4]} ({index})")
    told.step(
        "llm",
        "chat",
        0,
        0.4 + index % 9 / 3,
        **MODEL,
        agent="support",
        input={"messages": [asked]},
        output={"messages": [says("assistant", "Done.")]},
        usage=Usage(input=300 + index, output=20 + index % 13),
        tags=["billing"] if index % 3 else ["delivery", "first line"],
    )
    return told.events
