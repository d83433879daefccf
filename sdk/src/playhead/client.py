"""The client of an application: where its sessions go, and how one is opened."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playhead import places
from playhead.fetching import fetch_session
from playhead.files import SUFFIX, read_file, write_file
from playhead.forking import Forking
from playhead.recording import Event, Recording
from playhead.replaying import STOP, Replaying
from playhead.sending import Counts, Sender
from playhead.spawning import follow_tasks_and_threads
from playhead.surroundings import take_over
from playhead.tapes import Tape
from playhead.transports import listen_to_http

Json = Any

_sender: Sender | None = None
_server: tuple[str, str] | None = None
_lock = threading.Lock()


def init(
    url: str | None = None, key: str | None = None, *, spool: str | Path | None = None
) -> None:
    """Begin to record: sessions go to the Playhead at ``url``.

    ``url`` and ``key`` default to ``PLAYHEAD_URL`` and ``PLAYHEAD_API_KEY``. Without them
    sessions are kept only where ``session(file=...)`` says. While the server is away events
    lie in the folder ``spool``, if one is given. Call it once, before the first session.
    """
    global _sender, _server
    url, key = url or os.environ.get("PLAYHEAD_URL"), key or os.environ.get("PLAYHEAD_API_KEY")
    if url and not key:
        raise ValueError("key is missing: give it, or set PLAYHEAD_API_KEY.")
    with _lock:
        _listen()
        if url and key:
            _server = (url, key)
            _sender = Sender(url, key, spool=Path(spool) if spool else None)


def _listen() -> None:
    listen_to_http()
    follow_tasks_and_threads()
    take_over()


@contextmanager
def session(
    id: str | None = None,
    *,
    file: str | Path | None = None,
    variables: Iterable[str] = (),
    **shared: Json,
) -> Iterator[Recording]:
    """Record what runs inside as one session.

    ``shared`` fields are said on every event: ``user``, ``agent``, ``environment``, ``tags``,
    ``metadata``, ``stamps``. ``variables`` of the environment are recorded, secret ones as
    hashes. With ``file`` the session is also written there at the end.
    """
    _listen()
    kept: list[Event] = []
    sink = _sink(kept if file else None)
    recording = Recording(id or uuid.uuid4().hex, sink, shared, variables)
    try:
        with places.running(recording):
            yield recording
    finally:
        recording.end()
        if file is not None:
            write_file(file, recording.session, kept)


def _sink(kept: list[Event] | None) -> Callable[[Event], None]:
    sender = _sender

    def take(event: Event) -> None:
        if kept is not None:
            kept.append(event)
        if sender is not None:
            sender.put(event)

    return take


@contextmanager
def replay(
    session: str | Path,
    *,
    match: str = "strict",
    on_divergence: str = STOP,
    allow_live: Sequence[str] = (),
    stubs: Mapping[str, Json] | None = None,
    stream_speed: float = 0.0,
) -> Iterator[Replaying]:
    """Run what is inside with every answer from the record of ``session``.

    ``session`` is a session of the server (its id, or the name that it was recorded under), or
    the path of a file. A call that the record does not answer raises ``Divergence``.
    """
    replaying = replaying_from(
        load(session),
        match=match,
        on_divergence=on_divergence,
        allow_live=allow_live,
        stubs=stubs,
        stream_speed=stream_speed,
    )
    with places.running(replaying):
        yield replaying


@contextmanager
def fork(
    session: str | Path,
    at: int,
    *,
    id: str | None = None,
    file: str | Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_live: Sequence[str] = (),
    **shared: Json,
) -> Iterator[Forking]:
    """Run what is inside from the record up to step ``at``, and for real from there.

    ``overrides`` change what is asked from there on: ``{"model": "gpt-4o-mini"}``,
    ``{"params": {"temperature": 0}}``, ``{"tool:search": function}``. The fork is recorded as a
    session of its own; the one that it leaves is only read.
    """
    _listen()
    kept: list[Event] = []
    recording = Recording(id or uuid.uuid4().hex, _sink(kept if file else None), shared)
    run = Forking(load(session), at, recording, overrides=overrides, allow_live=allow_live)
    try:
        with places.running(run):
            yield run
    finally:
        recording.end()
        if file is not None:
            write_file(file, recording.session, kept)


def replaying_from(tape: Tape, **options: Any) -> Replaying:
    """Return the run that answers from a tape; ``options`` are those of ``replay``."""
    _listen()
    return Replaying(tape, **options)


def load(session: str | Path) -> Tape:
    """Return a recorded session, from a file or from the server."""
    if isinstance(session, Path) or session.endswith(SUFFIX):
        return Tape.of(*read_file(session))
    if _server is None:
        raise ValueError(
            f"{session!r} is no file, and no server is known: call playhead.init(url, key)."
        )
    return Tape.of(session, fetch_session(*_server, session))


def send(events: Iterable[Event]) -> None:
    """Send events that were recorded before."""
    if _sender is None:
        raise ValueError("No server is known: call playhead.init(url, key).")
    for event in events:
        _sender.put(event)


def flush(timeout: float = 10.0) -> bool:
    """Wait until everything recorded so far is sent or lies on disk; tell whether it does."""
    return _sender.flush(timeout) if _sender else True


def counts() -> Counts:
    """Return what became of the events so far."""
    return _sender.counts if _sender else Counts(0, 0, 0, 0)
