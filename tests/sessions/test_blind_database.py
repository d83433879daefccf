"""Whoever holds the database's files reads no content in them, however it is written."""

from __future__ import annotations

import base64
import zlib

import orjson
import pytest
import zstandard
from django.db import connection

from apps.core.canonical import canonical_json
from apps.sessions import search
from apps.sessions.events import ErrorInfo, Outcome, PromptStamp
from apps.sessions.filters import SessionFilters
from tests.sessions.factories import at, make_call, make_session
from tests.sessions.planted import words_in

TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name
"""
COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s
"""
# A word of one's own for each thing that a sender can say.
METADATA = {
    "id": "identquark", "session": "sessquark", "trace": "tracequark", "lane": "lanequark",
    "name": "namequark", "model": "modelquark", "model_returned": "returnquark",
    "provider": "provquark", "response_id": "respquark", "request_id": "reququark",
    "agent": "agentquark", "environment": "envquark", "release": "relquark",
}  # fmt: skip
CONTENT = {
    "input": {"messages": [{"role": "user", "content": "inputquark 秘密の言葉 ключевслово"}]},
    "output": {"said": "outputquark", "in": ["listquark"], "keyquark": 1},
    "params": {"stop": "stopquark"},
    "tools": [{"name": "toolquark", "description": "descquark"}],
    "decision": {"chosen": "chosenquark"},
    "state_patch": [{"op": "add", "path": "/patchquark", "value": "valuequark"}],
    "state": {"statekeyquark": "statequark"},
    "code_change": {"diff": "+diffquark"},
    "reasoning": "reasonquark",
    "memory": {"key": "memquark"},
    "user": "userquark@example.com",
    "user_role": "rolequark",
    "metadata": {"metakeyquark": "metaquark"},
    "consent": {"by": "consentquark"},
    "extra": {"extrakeyquark": "extraquark"},
    "sent": [{"attr": "sentquark"}],
    "flags": [{"field": "x", "reason": "flagquark"}],
}
NESTED = {
    "error": ErrorInfo(type="errtypequark", message="errmsgquark", code="errcodequark"),
    "prompt": PromptStamp(name="promptquark", version="versquark", variables={"a": "varquark"}),
    "outcome": Outcome(status="failure", reason="outreasonquark", code="outcodequark"),
    "tags": ["tagquark"],
    "stamps": {"git": "stampquark"},
}
SECRET = [
    word
    for word in orjson.dumps(CONTENT).decode().replace('"', " ").replace("/", " ").split()
    if "quark" in word or not word.isascii()
]
# Where what a sender calls things by stands in the clear, by table and column.
CLEAR = {
    "identquark": "event.client_id",
    "sessquark": "session.external_id",
    "tracequark": "event.trace trace.id",
    "lanequark": "event.lane",
    "namequark": "event.name",
    "modelquark": "event.model sessionfacet.value",
    "returnquark": "event.model_returned metricdelta.model sessionfacet.value",
    "provquark": "event.provider sessionfacet.value",
    "respquark": "event.response_id",
    "reququark": "event.request_id",
    "agentquark": "event.agent metricdelta.agent session.agent sessionfacet.value",
    "envquark": "event.environment metricdelta.environment session.environment sessionfacet.value",
    "relquark": "event.release session.release sessionfacet.value",
    "errtypequark": "event.error_type sessionfacet.value",
    "promptquark": "event.prompt_name metricdelta.prompt sessionfacet.value",
    "versquark": "event.prompt_version metricdelta.prompt sessionfacet.value",
    "tagquark": "sessionfacet.value",
    "stampquark": "event.stamps",
    "outcodequark": "session.outcome_code",
}


def tables():
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [name for (name,) in cursor.fetchall()]


def copied(statement):
    """Return the bytes of a table or column as its files hold them."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        with cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT binary)") as copy:
            return b"".join(bytes(block) for block in copy)


def columns_with(word):
    """Return where in the record a word stands in the clear."""
    found = set()
    for table in (name for name in tables() if word.encode() in copied(f'SELECT * FROM "{name}"')):
        with connection.cursor() as cursor:
            cursor.execute(COLUMNS, [table])
            columns = [name for (name,) in cursor.fetchall()]
        name = table.removeprefix("agent_sessions_").split("_20")[0].removesuffix("_default")
        for column in columns:
            if word.encode() in copied(f'SELECT "{column}" FROM "{table}"'):
                found.add(f"{name}.{column}")
    return " ".join(sorted(found))


@pytest.fixture
def recorded(project):
    return make_session(project, make_call(**METADATA, **CONTENT, **NESTED, started_at=at(0)))


@pytest.mark.django_db
def test_only_what_a_sender_calls_things_by_stands_in_the_clear(recorded):
    assert {word: columns_with(word) for word in CLEAR} == CLEAR


@pytest.mark.django_db
def test_no_table_holds_a_word_of_content_in_any_writing(project, recorded):
    words = [*SECRET, "errmsgquark", "errcodequark", "varquark", "outreasonquark"]
    assert len(words) > 25

    found = {name: words_in(copied(f'SELECT * FROM "{name}"'), words) for name in tables()}

    assert {name: held for name, held in found.items() if held} == {}
    searched = search.find(project, SessionFilters(q="inputquark"), cursor=None, limit=5)
    assert searched.page.rows == [recorded]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: data,
        lambda data: b"x" + data.hex().encode(),
        lambda data: base64.b64encode(b"{:" + data + b"}"),
        lambda data: b"\0" + zstandard.compress(data * 9),
        lambda data: zlib.compress(data),
        lambda data: data.decode().encode("utf-16-le"),
        lambda data: data.upper(),
    ],
)
def test_the_search_for_planted_words_would_find_them(wrap):
    data = wrap(canonical_json({"said": "inputquark"}))

    assert words_in(b"before" + data + b"after", ["inputquark", "absent"]) == {"inputquark"}
