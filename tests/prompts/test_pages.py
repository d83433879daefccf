"""Pages of the library, without a browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.prompts.moving import move_label
from apps.prompts.showing import parts_of
from apps.sessions.events import PromptStamp, Usage
from apps.sessions.prompt_metrics import mean, quantile, share
from tests.prompts.factories import MESSAGES, SYSTEM, make_prompt, make_version
from tests.sessions.factories import make_event, make_session

URL = "/o/acme/p/support-bot/prompts/"
HOSTILE = "<script>alert(1)</script> \u202e {{x}}"


@pytest.fixture
def prompt(project):
    prompt = make_prompt(project, "support/triage", "One {{ticket}}\nTwo", tools=[{"name": "a"}])
    make_version(prompt, "One {{ticket}}\nTwo!", note="Louder", parameters={"temperature": 0})
    move_label(prompt, label="production", number=1, actor=SYSTEM)
    return prompt


def words(answer) -> str:
    return answer.content.decode()


def test_the_library_is_drawn_with_few_queries(
    member_client, project, django_assert_max_num_queries
):
    for at in range(20):
        prompt = make_prompt(project, f"folder-{at % 3}/prompt-{at}")
        move_label(prompt, label="production", number=1, actor=SYSTEM)

    with django_assert_max_num_queries(15):
        page = words(member_client.get(URL))

    assert page.count("production → v1") == 20
    assert "folder-2" in page


def test_a_prompt_and_its_parts_are_drawn_with_few_queries(
    member_client, prompt, django_assert_max_num_queries
):
    for path in ("", "v/2/", "diff/1..2/", "labels/", "-/metrics/", "-/edit/"):
        with django_assert_max_num_queries(15):
            answer = member_client.get(f"{URL}support/triage/{path}")
        assert answer.status_code == 200


def test_hostile_words_are_shown_as_text_and_hidden_signs_by_number(member_client, project):
    make_prompt(project, "bad", HOSTILE, variables=[{"name": "x", "description": HOSTILE}])

    page = words(member_client.get(f"{URL}bad/v/1/"))

    assert "<script>alert" not in page
    assert "U+202E" in page


def test_what_hides_in_a_line_is_told():
    assert [(part.kind, part.text) for part in parts_of("a\u200b{{b}}")] == [
        ("", "a"),
        ("hidden", "U+200B"),
        ("variable", "{{b}}"),
    ]


def test_a_version_is_written_from_the_page(member_client, prompt, project):
    form = {"text": "One {{ticket}}\r\nThree", "note": "Third", "parameters": '{"n": 1}'}
    rows = {"variable-0": "ticket", "type-0": "text", "default-0": "none", "about-0": "What"}

    answer = member_client.post(f"{URL}support/triage/-/edit/", form | rows)

    version = project.prompt_versions.get(number=3)
    assert answer.headers["Location"] == f"{URL}support/triage/v/3/"
    assert (version.body, version.parameters) == ("One {{ticket}}\nThree", {"n": 1})
    assert version.variables == [
        {"name": "ticket", "type": "text", "required": False, "default": "none"}
        | {"description": "What"}
    ]


def test_what_was_refused_stays_in_the_form(member_client, prompt):
    form = {"text": "Broken {{two words}}", "parameters": "{"}
    url = f"{URL}support/triage/-/edit/"

    no_json = member_client.post(url, form)
    no_template = member_client.post(url, form | {"parameters": ""})

    assert (no_json.status_code, no_template.status_code) == (400, 400)
    assert "This is not JSON" in words(no_json)
    assert "Line 1, column 8: two words is no name" in words(no_template)
    assert "Broken {{two words}}" in words(no_template)


def test_a_chat_is_written_row_by_row(member_client, project):
    rows = {"role-0": "system", "content-0": "You help.", "role-1": "placeholder"}
    rows |= {"content-1": "history", "role-2": "user", "content-2": " "}
    form = {"kind": "chat", "name": "support/chat"} | rows

    more = member_client.post(f"{URL}-/new/", form | {"more": "messages"})
    member_client.post(f"{URL}-/new/", form)

    assert words(more).count("Who speaks in message") == 4
    assert project.prompt_versions.get().body == [
        {"role": "system", "content": "You help."},
        {"placeholder": "history"},
    ]


def test_the_check_tells_variables_and_faults(member_client, project):
    make_prompt(project, "rules", "Up to {{limit}}")
    url = f"{URL}-/check/"

    good = words(member_client.post(url, {"text": "{{> rules@1}} {{name}}"}))
    bad = words(member_client.post(url, {"text": "a\n{{> rules@2}}", "name": "x"}))

    assert all(name in good for name in ("limit", "name", "rules</bdi> v1", "It can be saved"))
    assert "includes rules@2, which does not exist" in bad


def test_labels_are_moved_and_rolled_back_from_the_page(member_client, prompt, project):
    url = f"{URL}support/triage/labels/move/"

    member_client.post(url, {"label": "production", "version": "2"})
    assert prompt.labels.get().number == 2
    member_client.post(url, {"label": "production", "rollback": "1"})
    assert prompt.labels.get().number == 1
    member_client.post(url, {"label": "production", "remove": "1"})
    assert not prompt.labels.exists()


def test_two_people_move_a_protected_label(member_client, owner_client, prompt, project):
    owner_client.post(f"{URL}-/protection/", {"labels": "production"})
    member_client.post(f"{URL}support/triage/labels/move/", {"label": "production", "version": "2"})
    waiting = prompt.requests.get()
    url = f"{URL}support/triage/labels/requests/{waiting.pk}/"

    member_client.post(url, {"decision": "approve"})
    assert prompt.labels.get().number == 1
    owner_client.post(url, {"decision": "approve"})

    assert prompt.labels.get().number == 2
    assert "approved by" in words(member_client.get(f"{URL}support/triage/labels/"))


def test_lines_are_commented_and_comments_resolved(member_client, viewer_client, prompt):
    url = f"{URL}support/triage/v/1/comments/"

    answer = member_client.post(url, {"line": "2", "text": HOSTILE})
    beyond = member_client.post(url, {"line": "9", "text": "x"}, follow=True)
    comment = prompt.comments.get()
    change = f"{URL}support/triage/-/comments/{comment.pk}/"
    member_client.post(change, {"act": "resolve"})
    comment.refresh_from_db()

    assert answer.headers["Location"].endswith("/v/1/#L2")
    assert "lines 1 to 2" in words(beyond)
    assert comment.resolved_at is not None
    assert "<script>alert" not in words(viewer_client.get(f"{URL}support/triage/v/1/"))
    member_client.post(change, {"act": "delete"})
    assert not prompt.comments.exists()


def test_readers_are_offered_nothing_to_write(viewer_client, prompt):
    for path in ("", "support/triage/", "support/triage/v/1/"):
        page = words(viewer_client.get(f"{URL}{path}"))
        # The theme and signing out are forms of every page.
        assert page.count('method="post"') == 2


def test_the_difference_is_shown_in_each_way(member_client, prompt):
    url = f"{URL}support/triage/diff/1..2/"

    pages = [words(member_client.get(f"{url}?mode={mode}")) for mode in ("unified", "split")]
    inline = words(member_client.get(f"{url}?mode=words"))

    assert all("<ins>!</ins>" in page for page in pages)
    assert "<ins>!</ins>" in inline
    assert "temperature" in inline
    assert member_client.get(f"{url}?mode=none").status_code == 400


def test_white_space_can_be_left_out(member_client, project):
    prompt = make_prompt(project, body="a  b\nc")
    make_version(prompt, "a b\nc ")

    shown = words(member_client.get(f"{URL}triage/diff/1..2/?space=ignore"))

    assert "The two say the same, but for white space" in shown


def test_numbers_of_versions_stand_side_by_side(member_client, prompt, project):
    now = timezone.now()
    for at in range(6):
        event = {
            "started_at": now,
            "ended_at": now + timedelta(seconds=1),
            "prompt": PromptStamp(name="support/triage", version=1),
            "status": "error" if at == 0 else "ok",
            "usage": Usage(input=100, output=50 + at),
        }
        make_session(project, make_event(kind="llm", **event))

    page = words(member_client.get(f"{URL}support/triage/-/metrics/"))

    assert all(told in page for told in (">6</a>", "17%", "[3.0%, 56%]", "152"))
    assert "prompt=support%2Ftriage&amp;prompt_version=1" in page


def test_a_step_leads_to_the_version_that_made_it(member_client, prompt, project):
    stamp = PromptStamp(name="support/triage", version=1)
    session = make_session(project, make_event(kind="llm", prompt=stamp))

    page = words(member_client.get(f"/o/acme/p/support-bot/sessions/{session.pk}/"))

    assert f'href="{URL}support/triage/v/1/"' in page


def test_intervals_hold_what_their_papers_say():
    # Wilson's of 10 in 100: 0.0552 to 0.1744 (Newcombe, Stat. Med. 17, 1998, table I).
    found = share(10, 100)

    assert (round(found.low, 4), round(found.high, 4)) == (0.0552, 0.1744)
    assert share(0, 0) is None
    assert mean([1.0, 2.0]).low is None
    assert mean([2.0] * 10) == mean([2.0] * 5)
    assert quantile({}, 0.5) is None


def test_a_file_is_brought_in_from_the_page(member_client, project, tmp_path):
    make_prompt(project, "chat", MESSAGES)
    file = b"".join(member_client.get(f"{URL}-/export/").streaming_content)
    path = tmp_path / "prompts.json"
    path.write_bytes(file)

    with path.open("rb") as sent:
        page = member_client.post(f"{URL}-/import/", {"file": sent})

    assert "0 prompts and 0 versions were added" in words(page)
