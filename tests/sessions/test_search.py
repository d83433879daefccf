"""Search: what was said is found, by those who may read it, and by nobody else."""

from __future__ import annotations

import pytest
from django.db import ProgrammingError, connection, transaction

from apps.audit.actors import SYSTEM
from apps.audit.models import Reading
from apps.core.database import PARTITIONS
from apps.core.errors import InvalidError
from apps.sessions import search, store
from apps.sessions.filters import SessionFilters
from apps.sessions.models import Session
from apps.tenants.permissions import Role
from tests.factories import make_membership
from tests.sessions.factories import at, make_call, make_event, make_session

pytestmark = pytest.mark.django_db
SESSIONS = "/api/v1/sessions"

SAID = {
    "english": "The customer is angry about her Refund.",
    "german": "Die Straße nach Zürich ist größer als gedacht.",
    "japanese": "東京タワーに行きたいです。",
    "chinese": "我喜欢学习中文和历史。",
    "arabic": "مرحبا بالعالم، كيف حالك؟",
    "korean": "한국어를 배우고 싶어요",
    "hindi": "मुझे हिन्दी में मदद चाहिए",
    "emoji": "great 🎉 work 👩‍💻",
    "code": "def getUserName(self): return self.user_name_cache[17]",
    "ids": "order ORD-2291-XK of 3f2a9c1e-77aa-4c1d-9f00-aa12bb34cc56",
    "numbers": "it cost 1299.95 in 2024",
    "escaped": '{"city": "Gen\\u00e8ve", "note": "one\\ntwelve"}',
    "wide": "ＦＵＬＬ ｶﾀｶﾅ",
    "path": "see C:\\new\\theta for it",
}


def find(project, q, *, cursor=None, limit=50, **filters):
    return search.find(project, SessionFilters(q=q, **filters), cursor=cursor, limit=limit)


def names(project, q, **given):
    return {session.external_id for session in find(project, q, **given).page.rows}


def only_hit(project, q):
    ((hit, *_),) = find(project, q).hits.values()
    return hit


def marked(hit):
    return [part.text for part in hit.excerpt if part.is_match]


@pytest.fixture
def said(project):
    for name, text in SAID.items():
        make_session(project, make_call(session=name, input=text))


CASES = [
    ("refund", "english", ["Refund"]),
    ('"angry about her"', "english", ["angry about her"]),
    ("STRASSE", "german", ["Straße"]),
    ("zürich größer", "german", ["Zürich", "größer"]),
    ("zu\u0308rich", "german", ["Zürich"]),
    ("東京", "japanese", ["東京"]),
    ("塔", "", []),
    ("行", "japanese", ["行"]),
    ("学习中文", "chinese", ["学习中文"]),
    ("习学", "", []),
    ("بالعالم", "arabic", ["بالعالم"]),
    ("배우고", "korean", ["배우고"]),
    ("हिन्दी", "hindi", ["हिन्दी"]),
    ("🎉", "emoji", ["🎉"]),
    ("👩‍💻", "emoji", ["👩‍💻"]),
    ("getusername", "code", ["getUserName"]),
    ("username", "", []),
    ("user_name_cache", "code", ["user_name_cache"]),
    ("cache", "code", ["cache"]),
    ("ord-2291-xk", "ids", ["ORD-2291-XK"]),
    ("XK", "ids", ["XK"]),
    ("ORD-XK", "", []),
    ("3f2a9c1e-77aa-4c1d-9f00-aa12bb34cc56", "ids", ["3f2a9c1e-77aa-4c1d-9f00-aa12bb34cc56"]),
    ("1299.95", "numbers", ["1299.95"]),
    ("2024", "numbers", ["2024"]),
    ("genève", "escaped", ["Gen\\u00e8ve"]),
    ("twelve", "escaped", ["ntwelve"]),
    ("full", "wide", ["ＦＵＬＬ"]),
    ("カタカナ", "wide", ["ｶﾀｶﾅ"]),
    ("theta", "path", ["theta"]),
    ('"her about angry"', "", []),
    ("refund zürich", "", []),
    ("refun", "", []),
]


@pytest.mark.parametrize(("q", "where", "marks"), CASES, ids=[case[0] for case in CASES])
def test_words_of_any_script_are_found_and_marked(project, said, q, where, marks):
    assert names(project, q) == ({where} if where else set())
    if where:
        assert marked(only_hit(project, q)) == marks


def test_a_hit_names_the_step_its_number_and_the_place(project):
    messages = [{"role": "user", "content": "where is my zeppelin " + "x " * 60}]
    first = make_event(started_at=at(0))
    call = make_call(input={"messages": messages}, output="gone", started_at=at(1))
    session = make_session(project, first, call)

    hit = only_hit(project, "zeppelin")

    steps = {step.seq: step for step in search.reader.outline(session).steps}
    assert (hit.seq, hit.event) == (2, steps[2].id)
    assert hit.field == "input.messages.0.content"


def test_what_lies_in_metadata_and_in_attributes_has_its_place(project):
    make_session(project, make_call(metadata={"shop": "Quincaillerie"}, output={"n": [4711]}))

    assert only_hit(project, "quincaillerie").field == "metadata.shop"
    assert only_hit(project, "4711").field == "output.n.0"


def test_all_words_may_lie_in_different_steps_of_a_session(project):
    make_session(
        project, make_call(session="a", input="alpha"), make_call(session="a", input="beta")
    )
    make_session(project, make_call(session="b", input="alpha"))

    assert names(project, "alpha beta") == {"a"}
    assert names(project, '"alpha beta"') == set()
    assert len(find(project, "alpha beta").hits.popitem()[1]) == 2


def test_filters_narrow_what_is_found(project):
    for name, model in (("a", "gpt-4o"), ("b", "claude")):
        make_session(project, make_call(session=name, input="walrus", model=model))

    assert names(project, "walrus") == {"a", "b"}
    assert names(project, "walrus", facets={"model": "claude"}) == {"b"}
    assert names(project, "walrus", status="error") == set()


def test_pages_follow_each_other_both_ways(project):
    for number in range(5):
        make_session(project, make_call(session=f"s{number}", input="otter", started_at=at(number)))
    make_session(project, make_call(session="none", input="beaver", started_at=at(9)))

    first = find(project, "otter", limit=2)
    second = find(project, "otter", limit=2, cursor=first.page.next)
    back = find(project, "otter", limit=2, cursor=second.page.previous)

    assert [row.external_id for row in first.page] == ["s4", "s3"]
    assert [row.external_id for row in second.page] == ["s2", "s1"]
    assert [row.external_id for row in back.page] == ["s4", "s3"]
    assert names(project, "otter", limit=2, cursor=second.page.next) == {"s0"}


def test_a_search_that_has_done_its_share_says_so_and_goes_on(project, monkeypatch):
    monkeypatch.setattr(search, "MOST_SESSIONS", 2)
    for number in range(3):
        text = "one two" if number == 0 else "two one"
        make_session(project, make_call(session=f"s{number}", input=text, started_at=at(number)))

    first = find(project, '"one two"')
    rest = find(project, '"one two"', cursor=first.page.next)

    assert (first.page.rows, first.is_complete) == ([], False)
    assert [row.external_id for row in rest.page] == ["s0"]
    assert rest.is_complete


def test_another_project_finds_nothing(project, other_project):
    make_session(project, make_call(input="secretword"))
    make_session(other_project, make_call(input="other"))

    assert names(other_project, "secretword") == set()
    assert names(project, "other") == set()


def test_an_erased_session_is_found_no_more(project):
    session = make_session(project, make_call(input="walrus"))
    store.erase(session, actor=SYSTEM)

    assert names(project, "walrus") == set()
    assert not project.chunk_terms.exists()


def test_an_adopted_trace_is_found_in_its_session(project):
    store.append(project, [make_call(id="a", trace="t", input="walrus")])
    store.append(project, [make_event(id="b", trace="t", session="chat")])

    assert names(project, "walrus") == {"chat"}


def test_a_compacted_session_is_found_as_before(project):
    for number in range(5):
        make_session(project, make_call(input=f"walrus{number} seal", started_at=at(number)))
    before = only_hit(project, "walrus3")
    Session.unscoped.update(status="closed")
    store.compact_due()

    assert project.chunk_terms.values_list("number").count() == 1
    assert only_hit(project, "walrus3") == before
    assert names(project, "walrus0 walrus4 seal") == {"chat-1"}


def test_what_a_later_version_adds_is_found(project):
    make_session(project, make_call(id="a", input="walrus"))
    make_session(project, make_call(id="a", input="walrus", output="pelican", ended_at=at(3)))

    assert names(project, "walrus pelican") == {"chat-1"}


@pytest.mark.parametrize("q", ["!?., --", '"', '""', "\u3000", "…"])
def test_a_query_without_a_word_is_refused(project, q):
    with pytest.raises(InvalidError) as refused:
        find(project, q)
    assert refused.value.errors[0]["path"] == "q"


def test_odd_queries_are_understood_or_refused(project, key_client):
    make_session(project, make_call(input="a walrus's tusk"))
    client = key_client(project, "read:content")

    def status(q):
        return client.get(SESSIONS, {"q": q}).status_code

    assert names(project, 'walrus "tusk') == {"chat-1"}
    assert names(project, "walrus's") == {"chat-1"}
    assert [status(q) for q in ("x" * 10_000, "a\0b", "?", " ".join("abcdefghijklmnopq"))] == [
        400
    ] * 4
    assert [status(q) for q in ("%", "'; DROP TABLE x; --", "a" * 512, "{}walrus\\")] == [
        400,
        200,
        200,
        200,
    ]


def test_the_api_tells_where_it_is_and_records_the_reading(project, key_client):
    session = make_session(project, make_call(input="a walrus here"))
    client = key_client(project, "read:content")

    answer = client.get(SESSIONS, {"q": "walrus"}).json()

    (row,) = answer["results"]
    assert row["hits"][0]["excerpt"] == [
        {"text": "a ", "match": False},
        {"text": "walrus", "match": True},
        {"text": " here", "match": False},
    ]
    assert answer["is_complete"] is True
    assert Reading.unscoped.filter(session_id=str(session.pk)).exists()


def test_without_the_right_to_content_nothing_is_told(project, key_client, viewer_client):
    make_session(project, make_call(input="walrus"))
    client = key_client(project, "read:meta")

    answers = [client.get(SESSIONS, {"q": q}) for q in ("walrus", "absent")]

    assert {answer.status_code for answer in answers} == {403}
    assert answers[0].json() == answers[1].json()


def test_the_list_shows_excerpts_that_lead_to_the_step(project, viewer_client):
    make_session(project, make_call(input="<b>a walrus</b> here"))
    hit = only_hit(project, "walrus")

    page = viewer_client.get("/o/acme/p/support-bot/sessions/", {"q": "walrus"}).content.decode()

    assert "&lt;b&gt;a <mark>walrus</mark>&lt;/b&gt; here" in page
    assert f"?step={hit.event}" in page
    assert 'name="q" value="walrus"' in page


def test_a_role_without_content_can_neither_search_nor_sees_the_box(project, sign_in):
    auditor = sign_in(make_membership(project.organization, role=Role.AUDITOR).user)
    make_session(project, make_call(input="walrus"))

    page = auditor.get("/o/acme/p/support-bot/sessions/")

    assert page.status_code == 200
    assert 'name="q"' not in page.content.decode()
    for q in ("walrus", "absent"):
        assert auditor.get("/o/acme/p/support-bot/sessions/", {"q": q}).status_code == 403


def test_the_role_of_the_web_server_can_not_read_terms(project):
    make_session(project, make_call(input="walrus"))

    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS, ["agent_sessions_chunkterms"])
        tables = ["agent_sessions_chunkterms", *(row[0] for row in cursor.fetchall())]
    for table in tables:
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            connection.cursor().execute(f"SELECT terms FROM {table}")


def test_a_transaction_that_names_its_project_gets_terms_of_no_other(project, other_project):
    make_session(project, make_call(input="walrus"))

    for named, found in ((other_project, set()), (project, {"chat-1"})):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('playhead.project', %s, true)", [str(named.pk)])
        assert names(project, "walrus") == found


def test_a_phrase_is_found_in_whichever_piece_of_a_session_it_is(project):
    for number in range(20):
        text = "order is late" if number == 17 else "late is order"
        make_session(project, make_call(input=f"{text} {number}", started_at=at(number)))

    hit = only_hit(project, '"order is late"')

    assert (hit.seq, marked(hit)) == (18, ["order is late"])


def test_a_session_that_is_too_large_to_look_through_is_told_of(project, monkeypatch):
    monkeypatch.setattr(search, "MOST_OPENED", 1)
    for text in ("late is order", "order is late"):
        make_session(project, make_call(input=text))

    found = find(project, '"order is late"')

    assert (found.page.rows, found.is_complete) == ([], False)
