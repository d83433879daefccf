"""The hostile set on the pages: what was taken in is shown, and nothing of it runs or loads."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import Page, expect

from apps.tenants.models import Project
from apps.tenants.permissions import Role
from tests.browser.conftest import Watch, session_cookie
from tests.factories import make_key, make_membership, make_organization, make_project, make_user
from tests.hostile import requests
from tests.hostile.values import TEXTS, VALUES
from tests.ingest.factories import make_event
from tests.ingest.import_files import run

# The set is sent once for all of them.
pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("hostile set")]

WORDS = "name model model_returned provider agent lane user user_role environment release".split()
ANYTHING = "input output reasoning state".split()
# Texts that would run or fetch something if a page believed them.
DANGEROUS = [name for name, text in TEXTS.items() if "pwned" in text or "{" in text]
VIEWS = ("?view=timeline", "?view=tree", "?view=transcript")


def with_text(name: str, text: str) -> str:
    """Return an event that says the text wherever text may stand."""
    word = dict.fromkeys(WORDS, text) if 0 < len(text) <= 512 else {}
    told: dict[str, Any] = word | dict.fromkeys(ANYTHING, text)
    told |= {"metadata": {text[:256]: text}, "error": {"type": text[:512], "message": text}}
    told |= {"decision": {"chosen": text, "alternatives": [text], "reason": text}}
    told |= {"code_change": {"path": text, "diff": text}, "outcome": {"status": "failure"}}
    told |= {"tags": [text[:512]], "stamps": {"release": text[:512]}, "prompt": {"name": "p"}}
    return json.dumps(make_event(id=name, session="every text", kind="decision") | told)


def with_value(name: str) -> str:
    """Return an event whose input and output are the value."""
    call = make_event(id=name, session="every value", kind="llm")
    return requests.with_values(call, dict.fromkeys(("input", "output"), VALUES[name]))


@pytest.fixture(scope="module")
def hostile(site, django_db_blocker):
    """A project that holds the set, and a window's cookie for its owner."""
    with django_db_blocker.unblock():
        organization = make_organization("hostile")
        project, owner = make_project(organization, "set"), make_user("hostile@example.com")
        make_membership(organization, owner, Role.OWNER)
        sender = Client(headers={"Authorization": f"Bearer {make_key(project)[1]}"})
        bodies = [with_text(name, text) for name, text in TEXTS.items()]
        bodies += [with_value(name) for name in VALUES if name not in TEXTS]
        for body in bodies:
            _send(sender, "/api/v1/events", f'{{"events": [{body}]}}')
        for name in DANGEROUS:
            _send(sender, "/v1/traces", requests.spans(name).body)
        # What is refused is shown as well: with its reason and the start of it.
        for name in ("script", "image from elsewhere", "template of Django", "formula"):
            _send(sender, "/api/v1/events", requests.native(name).body)
            _import(project, sender, name)
        yield project, session_cookie(owner, site.url)


def _send(sender: Client, path: str, body: Any) -> None:
    assert sender.post(path, body, content_type=requests.JSON).status_code in {200, 207, 413}


def _import(project: Project, sender: Client, name: str) -> None:
    text = TEXTS[name]
    chat = {"session": text, "messages": [{"role": "user", "content": text}]}
    broken = {"session": text, text: text, "messages": [{"content": text}]}
    lines = "\n".join([json.dumps(chat), json.dumps(broken), text])
    file = SimpleUploadedFile(text.replace("/", "") + ".jsonl", lines.encode())
    fields = {"format": "openai-chat", "environment": text[:50], "file": file}
    with warnings.catch_warnings():
        # Celery says that a task sent by its name waits for a worker. There is none here.
        warnings.simplefilter("ignore")
        assert sender.post("/api/v1/imports", fields).status_code == 202
    run(project)


@pytest.fixture
def page(hostile, open_context):
    """A page of the window of the set's owner."""
    context = open_context(user=None)
    context.add_cookies([hostile[1]])
    return context.new_page()


@pytest.fixture
def look(site, hostile, page, watch):
    """Opens pages and tells what of them ran or was fetched from elsewhere."""
    project, _ = hostile

    def visit(*rests: str) -> None:
        for rest in rests:
            answer = page.goto(site.path(rest, project))
            assert answer.status == 200, rest
            assert_inert(page, watch)

    return visit


def assert_inert(page: Page, watch: Watch) -> None:
    assert page.evaluate("window.pwned") is None, page.url
    assert page.evaluate("Object.prototype.polluted") is None, page.url
    assert [url for url in watch.requests if "pwned.invalid" in url] == []


def test_the_list_shows_every_hostile_session(look, hostile):
    project, _ = hostile
    model = project.events.exclude(model=None).values_list("model", flat=True).first()

    look("sessions/", f"sessions/?model={model}", "sessions/?sort=cost")


@pytest.mark.parametrize("name", ["every text", "every value"])
def test_the_player_shows_every_step_of_the_set(look, page, watch, hostile, name):
    project, _ = hostile
    session = project.sessions.get(external_id=name)
    at = f"sessions/{session.pk}/"

    look(*(at + view for view in VIEWS))
    look(f"{at}?view=tree")
    for seq in range(2, session.event_count + 1):
        page.keyboard.press("ArrowRight")
        # It would run if the page came with it.
        expect(page.locator(f"#panel [data-seq='{seq}']")).to_be_visible()
        expect(page.locator("#panel script, #panel iframe, #panel img")).to_have_count(0)
        assert_inert(page, watch)


def test_the_account_and_imports_show_what_was_refused(look, hostile):
    project, _ = hostile
    imports = project.imports.values_list("pk", flat=True)
    assert len(imports) == 4

    look("ingest/", "imports/", *(f"imports/{key}/" for key in imports))


def test_the_player_shows_what_came_as_spans(look, hostile):
    project, _ = hostile
    spans = project.sessions.filter(external_id__in=[f"spans {name}" for name in DANGEROUS])
    assert spans.count() == len(DANGEROUS) > 15

    look(*(f"sessions/{session.pk}/?view=transcript" for session in spans))


def test_a_page_of_the_set_that_was_taken_away_asks_for_nothing(
    site, hostile, page, browser, tmp_path
):
    project, _ = hostile
    window = browser.new_context()
    opened, asked = window.new_page(), []
    opened.on("request", lambda request: asked.append(request.url))

    for name in ("every text", "every value"):
        session = project.sessions.get(external_id=name)
        file = tmp_path / f"{session.pk}.html"
        answer = page.request.get(site.path(f"sessions/{session.pk}/export.html", project))
        file.write_bytes(answer.body())
        opened.goto(file.as_uri())
        assert opened.evaluate("window.pwned") is None
        expect(opened.locator("details.step")).to_have_count(session.event_count)
        expect(opened.locator("script, iframe, img, link, form, svg, object")).to_have_count(0)

    assert [url for url in asked if not url.startswith(tmp_path.as_uri())] == []
    assert len(asked) == 2
    window.close()
