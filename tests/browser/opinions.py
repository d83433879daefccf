"""What is said about the sessions that pages are tried with."""

from __future__ import annotations

from apps.annotations import commenting, exemplifying, scoring
from apps.annotations.event_tagging import tag_event
from apps.audit.actors import SYSTEM
from apps.sessions.models import Session
from tests.browser.words import HOSTILE


def say_hostile_things(session: Session) -> None:
    """Write wherever people can write what a page must not do."""
    every = "\n\n".join(HOSTILE)
    event = session.project.events.filter(session_id=session.pk).earliest("order_at").id.hex
    thread = commenting.add_comment(session, text=every, event_id=event, actor=SYSTEM)
    commenting.add_comment(session, text=f"> {HOSTILE[0]}\n\n`x`", thread=thread, actor=SYSTEM)
    commenting.resolve_thread(thread, actor=SYSTEM)
    commenting.add_comment(session, text=every, actor=SYSTEM)
    exemplifying.mark_example(session, title=HOSTILE[1], notes=every, actor=SYSTEM)
    tag_event(session, event, add=[HOSTILE[0]], actor=SYSTEM)
    for label in (HOSTILE[2], "ok"):
        scoring.add_score(session, name=HOSTILE[1], value=label, comment=every, actor=SYSTEM)
