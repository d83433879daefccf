"""A session as one HTML file that opens anywhere, also without a network.

It has no script and names no other file; its own policy forbids both, whatever was recorded.
It is written step by step, so a session of any length takes the same memory.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.core.units import duration, money, number
from apps.sessions import native
from apps.sessions.export_drawing import Shown, draw
from apps.sessions.export_walk import walk
from apps.sessions.layout import Layout
from apps.sessions.layout_cache import layout_of
from apps.sessions.listing import short_id, total_tokens
from apps.sessions.models import Session, Status

Json = Any

SHEETS = ("tokens.css", "export.css")
# A session of no more steps has all of them open; of a longer one, those that failed.
OPEN_STEPS = 60
# Failed steps that are named at the head.
ERRORS_NAMED = 200


@cache
def sheet() -> str:
    """Return the style of an exported page."""
    folder = settings.BASE_DIR / "static" / "css"
    return "".join((folder / name).read_text("utf-8") for name in SHEETS)


@cache
def policy() -> str:
    """Return the policy of an exported page: nothing is loaded and nothing runs."""
    style = base64.b64encode(hashlib.sha256(sheet().encode()).digest()).decode()
    rules = (
        "default-src 'none'",
        f"style-src 'sha256-{style}'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


def page(session: Session, facts: Mapping[str, Json]) -> Iterator[bytes]:
    """Yield the file piece by piece."""
    layout, shown, total = layout_of(session), Shown(), hashlib.sha256()
    yield _head(session, facts, layout).encode()
    is_open = len(layout) <= OPEN_STEPS
    count = 0
    for walked in walk(session):
        drawn = draw(walked, shown, is_open=is_open).encode()
        total.update(drawn)
        count += 1
        yield drawn
    yield _end(count, total.hexdigest()).encode()


def _head(session: Session, facts: Mapping[str, Json], layout: Layout) -> str:
    title = escape(facts["title"] or session.external_id or short_id(session))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title} · Playhead</title>\n<style>{sheet()}</style>\n</head>\n"
        f'<body class="export">\n<header>\n<h1><bdi>{title}</bdi></h1>\n'
        f"{summary(session, facts)}{_notes(session, layout)}</header>\n<main>\n"
        f"<h2>Steps</h2>\n"
    )


def summary(session: Session, facts: Mapping[str, Json]) -> str:
    """Draw what is known of a session as a whole."""
    stamps: Mapping[str, list[str]] = facts["stamps"]
    outcome = facts["outcome"] or {}
    told = (
        ("Session", f"{short_id(session)} ({session.pk})"),
        ("Your id", session.external_id),
        ("Project", f"{session.project.organization.name} / {session.project.name}"),
        ("Started", native.moment(session.started_at)),
        ("Duration", duration(session.duration_ms)),
        ("Steps", _steps(facts)),
        ("Errors", number(session.error_count)),
        ("Tokens", number(total_tokens(session))),
        ("Cost", money(session.cost)),
        ("Agent", session.agent),
        ("Models", ", ".join(stamps.get("models", []))),
        ("Prompts", ", ".join(stamps.get("prompts", []))),
        ("Environment", session.environment),
        ("Release", session.release),
        ("Outcome", " ".join(str(one) for one in outcome.values() if one)),
        ("Tags", ", ".join(facts["tags"])),
        ("Exported", native.moment(timezone.now())),
        ("In Playhead", facts["url"]),
    )
    rows = "".join(
        f"<div><dt>{title}</dt><dd><bdi>{escape(str(value))}</bdi></dd></div>"
        for title, value in told
        if value
    )
    return f'<dl class="facts about">{rows}</dl>\n'


def _steps(facts: Mapping[str, Json]) -> str:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(facts["counts"].items()))
    return f"{facts['events']:,}" + (f" ({counts})" if counts else "")


def _notes(session: Session, layout: Layout) -> str:
    notes = []
    if session.status == Status.OPEN:
        notes.append('<p class="muted">The session was still open: more of it may have come.</p>')
    if layout.errors:
        notes.append(_errors(layout))
    if len(layout) > OPEN_STEPS:
        notes.append("<p>Steps are folded; those that failed are open. All are in this file.</p>")
    return "".join(f"{note}\n" for note in notes)


def _errors(layout: Layout) -> str:
    named = ", ".join(
        f'<a href="#s{at + 1}">{at + 1:,} <bdi>{escape(layout.names[at] or "")}</bdi></a>'
        for at in layout.errors[:ERRORS_NAMED]
    )
    rest = len(layout.errors) - ERRORS_NAMED
    more = f" and {rest:,} more" if rest > 0 else ""
    return f'<p class="notice">Failed: {named}{more}</p>'


def _end(count: int, digest: str) -> str:
    steps = "1 step" if count == 1 else f"{count:,} steps"
    return (
        f'</main>\n<footer id="end"><p>{steps}, all that the session had. SHA-256 of what is drawn '
        f"of them: <code>{digest}</code>. A file that does not end with this line is not whole."
        "</p></footer>\n</body>\n</html>\n"
    )
