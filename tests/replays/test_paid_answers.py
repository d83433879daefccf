"""Answers that were paid for belong to the session that they are about, and go with it."""

from __future__ import annotations

import pytest

from apps.audit.actors import SYSTEM
from apps.providers import caching
from apps.providers.caching import Cache
from apps.providers.dialects import read
from apps.providers.remote import Remote
from apps.sessions import reader, store
from tests.providers.factories import ask
from tests.providers.server import chat
from tests.sessions.factories import make_call, make_event

PROVIDER = Remote("lab", "openai", "chat", "https://models.example/v1", "")


@pytest.fixture
def session(project):
    """A session without a name of its own, and an answer about it."""
    store.append(project, [make_call(id="call", trace="t", input="Good morning")])
    session = project.sessions.get()
    place = place_in(session)
    caching.keep(place, PROVIDER, read("chat", chat("Quark.").body))
    assert caching.find(place).message.text == "Quark."
    return session


def place_in(session):
    cipher = reader.ciphers([session])[session.pk]
    cache = Cache(about=caching.Session(session.pk, cipher))
    return caching.place_of(session.project, PROVIDER, ask(), sample=0, cache=cache)


def test_they_are_erased_with_their_session(project, session):
    store.erase(session, actor=SYSTEM)

    assert not project.cached_answers.exists()


def test_they_are_let_go_when_their_session_becomes_part_of_another(project, session):
    store.append(project, [make_event(id="late", trace="t", session="chat")])

    assert not project.cached_answers.exists()
    assert caching.find(place_in(project.sessions.get(external_id="chat"))) is None
