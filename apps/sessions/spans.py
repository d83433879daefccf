"""A session's steps as columns over HTTP: packed once for each state of the session."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from math import isnan
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag

from apps.sessions.drawing import Drawing, drawing_of
from apps.sessions.fidelity import STATE
from apps.sessions.layout import Layout, Words
from apps.sessions.layout_cache import layout_of, state_of
from apps.sessions.models import Session
from apps.sessions.state import stated_steps

# Names the shape of the columns: browsers that keep an older one must ask anew.
SHAPE = 3
# Twice as fast as the usual 9, and two percent larger.
LEVEL = 6
LARGEST_WHOLE = 2**53


def answer_columns(request: HttpRequest, session: Session) -> HttpResponse:
    """Return the columns; 304 where the browser has those of this state already."""
    state = (SHAPE, session.is_open, *state_of(session))
    etag = quote_etag(hashlib.blake2b(repr(state).encode(), digest_size=12).hexdigest())
    known = get_conditional_response(request, etag=etag)
    response = known if isinstance(known, HttpResponse) else _whole(request, session)
    response["ETag"] = etag
    # Whoever follows the session may stop once it has ended.
    response["Playhead-Open"] = "yes" if session.is_open else "no"
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Accept-Encoding", "Cookie"])
    return response


def _whole(request: HttpRequest, session: Session) -> HttpResponse:
    layout = layout_of(session)
    if layout.packed is None:
        packed = orjson.dumps(whole(session, layout))
        layout.packed = gzip.compress(packed, LEVEL, mtime=0)
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(layout.packed, content_type="application/json")
        response["Content-Encoding"] = "gzip"
        return response
    return HttpResponse(gzip.decompress(layout.packed), content_type="application/json")


def whole(session: Session, layout: Layout) -> dict[str, Any]:
    """Return all columns of a session."""
    return columns(layout) | drawn(drawing_of(session, layout)) | marked(session, layout)


def columns(layout: Layout) -> dict[str, Any]:
    """Return the steps as columns, small enough to send 50,000 of them; no content.

    ``s`` holds tenths of a millisecond since the start before (null: unknown), ``d``
    durations in milliseconds, ``p`` how far back the parent lies (0: none), ``e`` the
    places of errors, ``names``, ``kinds`` and ``lanes`` what ``n``, ``k`` and ``l`` point into.
    """
    named = zip(layout.names.at, layout.kinds.at, strict=True)
    names = Words([layout.names.words[name] or layout.kinds.words[kind] for name, kind in named])
    return {
        "total": round(layout.total_ms, 1),
        "names": names.words,
        "kinds": layout.kinds.words,
        "lanes": layout.lanes.words,
        "n": names.at.tolist(),
        "k": layout.kinds.at.tolist(),
        "l": layout.lanes.at.tolist(),
        "s": _start_steps(layout),
        "d": [_rounded(lasts) for lasts in layout.durations],
        "p": [at - up if up >= 0 else 0 for at, up in enumerate(layout.parents)],
        "e": layout.errors.tolist(),
    }


def drawn(drawing: Drawing) -> dict[str, Any]:
    """Return what else the rows are drawn by, in columns of their own.

    ``sent`` are the lanes that senders named, ``c`` the steps of the critical path, as steps
    since the one before, ``shifts`` by how many milliseconds to move what a clock was wrong
    about: in ``s`` stands what was recorded. ``u`` is what steps used: their places, tokens,
    millionths of a dollar, and those of them whose usage is another step's.
    """
    layout, used = drawing.layout, drawing.layout.usage
    lanes = enumerate(layout.lanes.words)
    return {
        "sent": [number for number, lane in lanes if lane in layout.sent_lanes],
        "c": _steps_between(drawing.path),
        "shifts": [[at, round(shift * 1000, 1)] for at, shift in drawing.shifts.items()],
        "u": {
            "i": _steps_between(used),
            "t": [None if tokens is None else _fitting(tokens) for tokens, _ in used.values()],
            "c": [None if cost is None else _fitting(cost * 1e6) for _, cost in used.values()],
            "x": sorted(layout.uncounted),
        },
    }


def marked(session: Session, layout: Layout) -> dict[str, Any]:
    """Return what is marked on steps: ``m`` those that say something about the state.

    ``f`` holds the steps of which the time to the first token is known, and it in milliseconds.
    """
    stated = stated_steps(session, layout) if session.features & STATE else ()
    first = layout.first_tokens
    return {
        "m": _steps_between(one.at for one in stated),
        "f": {"i": _steps_between(first), "t": [_rounded(lasts) for lasts in first.values()]},
    }


def _fitting(value: float) -> float:
    """Return a whole number, as long as JavaScript has it; what is absurd stays about right."""
    return round(value) if abs(value) <= LARGEST_WHOLE else float(value)


def _steps_between(places: Iterable[int]) -> list[int]:
    found, before = [], 0
    for place in places:
        found.append(place - before)
        before = place
    return found


def _start_steps(layout: Layout) -> list[int | None]:
    found: list[int | None] = []
    before, begins = 0, layout.begins
    for start in layout.starts:
        if isnan(start):
            found.append(None)
            continue
        now = round((start - begins) * 10_000)
        found.append(now - before)
        before = now
    return found


def _rounded(milliseconds: float) -> float | None:
    """Keep three digits or so: what a row shows, and half the size."""
    if isnan(milliseconds):
        return None
    return _fitting(milliseconds) if milliseconds >= 10 else round(milliseconds, 1)
