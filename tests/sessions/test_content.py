"""What goes in comes out, and only where it belongs."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.core.canonical import canonical_json
from apps.sessions import reader, store
from apps.sessions.content import LEVEL_ON_ARRIVAL, LISTS, Parts, join, pack, unpack
from apps.sessions.keys import SealError, project_keys
from apps.sessions.models import Chunk, SessionKey
from tests.sessions.factories import make_call, make_event, make_session

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
long = text.filter(bool).map(lambda part: part * (300 // len(part) + 1))
keys = st.sampled_from([*LISTS, "$ph", "$ph$ph", "$phx", "content"]) | text
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | long
    | st.sampled_from(["$ph", '{"$ph":"00112233445566778899aabbccddeeff"}'])
)
reference = st.just({"$ph": "00112233445566778899aabbccddeeff"})
json = st.recursive(
    leaves | reference,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


def digest(data: bytes) -> bytes:
    return uuid.uuid5(uuid.NAMESPACE_OID, data.hex()).bytes


@given(body=json, name=st.sampled_from(["input", "output", "extra"]))
@settings(max_examples=400, deadline=None)
def test_a_body_is_put_together_exactly_as_it_was(body, name):
    parts = Parts(digest)

    skeleton = parts.by_digest[parts.store(name, body)]

    assert canonical_json(join(skeleton, parts.by_digest)) == canonical_json(body)


@given(body=json)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.django_db
def test_what_goes_in_comes_out_of_the_database(project, body):
    event = make_call(id="a", trace=uuid.uuid4().hex, input=body, output=[body], extra={"k": body})

    [step] = store.append(project, [event]).sessions
    session = project.sessions.get(pk=step)
    [read] = reader.read_steps(session, reader.outline(session).steps, content=True)

    for name in ("input", "output", "extra"):
        assert canonical_json(read[name]) == canonical_json(getattr(event, name))


@pytest.mark.django_db
def test_no_recorded_word_lies_in_the_tables(project):
    make_session(project, make_call(input="a secret word " * 3, user="jane", output="it"))

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM agent_sessions_session s WHERE s::text LIKE '%secret%'"
        )
        [sessions] = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM agent_sessions_event e WHERE e::text LIKE '%jane%'")
        [events] = cursor.fetchone()
    assert (sessions, events) == (0, 0)
    assert all(b"secret" not in bytes(chunk.body) for chunk in Chunk.unscoped.all())


@pytest.mark.django_db
def test_a_chunk_moved_to_another_session_does_not_open(project):
    mine = make_session(project, make_call(session="mine", input="x" * 300))
    theirs = make_session(project, make_call(session="theirs", input="x" * 300))
    body = Chunk.unscoped.get(session_id=mine.pk).body

    Chunk.unscoped.filter(session_id=theirs.pk).update(body=body)

    with pytest.raises(SealError):
        reader.read_steps(theirs, reader.outline(theirs).steps, content=True)


@pytest.mark.django_db
def test_a_key_moved_to_another_project_does_not_open(project, other_project):
    mine = make_session(project, make_call(input="x" * 300))
    theirs = make_session(other_project, make_call(input="x" * 300))
    key = SessionKey.unscoped.get(session_id=mine.pk)

    SessionKey.unscoped.filter(session_id=theirs.pk).update(wrapped=key.wrapped)

    with pytest.raises(SealError):
        reader.read_steps(theirs, reader.outline(theirs).steps, content=True)


@pytest.mark.django_db
def test_a_chunk_opens_only_as_itself(project):
    keys = project_keys(project.pk)
    session = uuid.uuid4()
    cipher = keys.cipher(session, keys.new_session_key(session))
    digests, body = pack(cipher, 1, {b"d" * 16: b"word"}, level=LEVEL_ON_ARRIVAL)

    assert unpack(cipher, 1, 1, digests, body) == {b"d" * 16: b"word"}
    for number, listed in ((2, digests), (1, b"e" * 16)):
        with pytest.raises(SealError):
            unpack(cipher, number, 1, listed, body)


@pytest.mark.django_db
def test_meta_holds_no_content(project):
    session = make_session(project, make_event(input="words", metadata={"a": 1}, tags=["t"]))

    [read] = reader.read_steps(session, reader.outline(session).steps, content=False)

    assert not {"input", "output", "metadata", "tags", "extra"} & read.keys()
