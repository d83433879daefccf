"""The client of an application: where its sessions go, and how one is opened."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playhead import places
from playhead.fetching import Server, fetch_session
from playhead.files import SUFFIX, check_place, read_file, write_file
from playhead.forking import Forking
from playhead.recording import Event, Recording
from playhead.replaying import RECORDED, STOP, Policy, Replaying
from playhead.reporting import Reporting
from playhead.sending import Counts, Sender
from playhead.spawning import follow_tasks_and_threads
from playhead.surroundings import take_over
from playhead.tapes import Tape
from playhead.transports import listen_to_http

Json = Any

URL, KEY, SPOOL, REPORT = (f"PLAYHEAD_{name}" for name in ("URL", "API_KEY", "SPOOL", "REPORT"))
# Of the original, said of a replay too: it is found beside it, and erased with its user.
SAME = ("user", "user_role", "agent", "consent")

_sender: Sender | None = None
_server: Server | None = None
_lock = threading.Lock()


def init(
    url: str | None = None, key: str | None = None, *, spool: str | Path | None = None
) -> None:
    """Begin to record: sessions go to the Playhead at ``url``.

    ``url`` and ``key`` default to ``PLAYHEAD_URL`` and ``PLAYHEAD_API_KEY``. Without them
    sessions are kept only where ``session(file=...)`` says. While the server is away events
    lie in the folder ``spool`` (``PLAYHEAD_SPOOL``), if one is given. Call it once, before the
    first session.
    """
    global _sender, _server
    url, key = url or os.environ.get(URL), key or os.environ.get(KEY)
    spool = spool or os.environ.get(SPOOL)
    if url and not key:
        raise ValueError(f"key is missing: give it, or set {KEY}.")
    with _lock:
        _listen()
        if url and key:
            _server = Server(url, key)
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
    passphrase: str | None = None,
    variables: Iterable[str] = (),
    **shared: Json,
) -> Iterator[Recording]:
    """Record what runs inside as one session.

    ``shared`` fields are said on every event: ``user``, ``agent``, ``environment``, ``tags``,
    ``metadata``, ``stamps``. ``variables`` of the environment are recorded, secret ones as
    hashes. With ``file`` the session is also written there at the end, encrypted where a
    ``passphrase`` is given or ``PLAYHEAD_PASSPHRASE`` is set.
    """
    _listen()
    if file is not None:
        check_place(file)
    kept: list[Event] = []
    sink = _sink(kept if file else None, _sender)
    recording = Recording(id or uuid.uuid4().hex, sink, shared, variables)
    try:
        with places.running(recording):
            yield recording
    finally:
        recording.end()
        if file is not None:
            write_file(file, recording.session, kept, passphrase=passphrase)


def _sink(kept: list[Event] | None, sender: Sender | None) -> Callable[[Event], None]:
    def take(event: Event) -> None:
        if kept is not None:
            kept.append(event)
        if sender is not None:
            sender.put(event)

    return take


@contextmanager
def replay(  # noqa: PLR0913
    session: str | Path,
    *,
    match: str = "strict",
    on_divergence: str = STOP,
    allow_live: Sequence[str] = (),
    stubs: Mapping[str, Any] | None = None,
    stream_speed: float = 0.0,
    clock: str = RECORDED,
    at: int | None = None,
    id: str | None = None,
    file: str | Path | None = None,
    passphrase: str | None = None,
    report: bool = True,
    **shared: Json,
) -> Iterator[Replaying]:
    """Run what is inside with every answer from the record of ``session``.

    ``session`` is a session of the server (its id, or the name that it was recorded under), or
    the path of a file. A call that the record does not answer raises ``Divergence``, unless
    ``on_divergence`` says otherwise: ``live`` makes it for real where ``allow_live`` names it,
    ``stub`` answers it by ``stubs`` or by what the tool declares, ``ask`` asks at the terminal.
    With ``at`` it is also asked before that step of the record. ``clock`` is ``recorded``,
    ``real``, or ``shifted``: it begins where the record does, and goes on as time does here.

    Where a server is known the replay is reported to it, as a session of its own called ``id``
    (by default ``replay-`` and a number); ``report=False`` or ``PLAYHEAD_REPORT=0`` keep it here.
    With ``file`` that session is written there.
    """
    policy = Policy(match, on_divergence, allow_live, stubs or {}, stream_speed, clock, at)
    run = replaying_from(load(session, passphrase=passphrase), policy=policy)
    with _running(run, id, _Ends(file, passphrase, report, shared)):
        yield run


@contextmanager
def fork(  # noqa: PLR0913
    session: str | Path,
    at: int,
    *,
    id: str | None = None,
    file: str | Path | None = None,
    passphrase: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_live: Sequence[str] = (),
    stubs: Mapping[str, Any] | None = None,
    stream_speed: float = 0.0,
    report: bool = True,
    **shared: Json,
) -> Iterator[Forking]:
    """Run what is inside from the record up to step ``at``, and for real from there.

    ``overrides`` change what is asked from there on: ``{"model": "gpt-4o-mini"}``,
    ``{"params": {"temperature": 0}}``, ``{"tool:search": function}``, and for a prompt of the
    library that is fetched from there on ``{"prompt:triage": "v8"}``. What may not run for real is
    answered by ``stubs``. The fork is recorded as a session of its own, called ``id``; the one
    that it leaves is only read.
    """
    _listen()
    policy = Policy(allow_live=allow_live, stubs=stubs or {}, stream_speed=stream_speed)
    run = Forking(load(session, passphrase=passphrase), policy, at, overrides)
    with _running(run, id, _Ends(file, passphrase, report, shared)):
        yield run


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where a replay's own session goes."""

    file: str | Path | None
    passphrase: str | None
    report: bool
    shared: Mapping[str, Json]

    def sender(self) -> Sender | None:
        """Return who reports the replay; None where it stays here."""
        if not self.report or os.environ.get(REPORT) == "0":
            return None
        if _sender is None and os.environ.get(URL) and os.environ.get(KEY):
            init()
        return _sender


@contextmanager
def _running(run: Replaying, id: str | None, ends: _Ends) -> Iterator[None]:
    if ends.file is not None:
        check_place(ends.file)
    sender, kept, name = ends.sender(), list[Event](), id or run.name
    reporting = Reporting(sender, run, name) if sender else None
    if reporting:
        reporting.begin()
    if sender or ends.file or run.origin == Forking.origin:
        sink = _sink(kept if ends.file else None, sender)
        run.record_as(name, sink, _said(run.tape) | dict(ends.shared))
    broken: BaseException | None = None
    try:
        with places.running(run):
            yield
    except BaseException as error:
        broken = error
        raise
    finally:
        run.end()
        if reporting:
            reporting.end(broken)
        if ends.file is not None:
            write_file(ends.file, name, kept, passphrase=ends.passphrase)


def _said(tape: Tape) -> dict[str, Json]:
    """Return what the original says on its events of whom it was for and by which agent."""
    # What is shared by all events stands on the first one too; on others it may be a step's own.
    first = tape.events[0] if tape.events else {}
    return {name: first[name] for name in SAME if first.get(name)}


def replaying_from(tape: Tape, *, policy: Policy | None = None, **options: Any) -> Replaying:
    """Return the run that answers from a tape; ``options`` are those of ``replay``."""
    _listen()
    return Replaying(tape, policy or Policy(**options))


def load(session: str | Path, *, passphrase: str | None = None) -> Tape:
    """Return a recorded session, from a file or from the server."""
    if isinstance(session, Path) or session.endswith(SUFFIX):
        return Tape.of(*read_file(session, passphrase=passphrase))
    return Tape.of(session, fetch_session(known_server(session), session))


def known_server(wanted: str) -> Server:
    """Return where sessions are read from; ``wanted`` is named where there is none."""
    if _server is None and os.environ.get(URL):
        init()
    if _server is None:
        raise ValueError(
            f"{wanted!r} is no {SUFFIX} file, and no server is known: set {URL} and {KEY}, or "
            f"call playhead.init(url, key)."
        )
    return _server


def send(events: Iterable[Event]) -> None:
    """Send events that were recorded before."""
    if _sender is None:
        raise ValueError(f"No server is known: call playhead.init(url, key), or set {URL}.")
    for event in events:
        _sender.put(event)


def flush(timeout: float = 10.0) -> bool:
    """Wait until everything recorded so far is sent or lies on disk; tell whether it does."""
    return _sender.flush(timeout) if _sender else True


def counts() -> Counts:
    """Return what became of the events so far."""
    return _sender.counts if _sender else Counts(0, 0, 0, 0)


def reported(run: Replaying, timeout: float = 0.0) -> Json:
    """Return what the server answered to the report of a replay; None where it has not.

    It is waited for up to ``timeout`` seconds, and no longer once the server is known to be away.
    """
    if _sender is None:
        return None
    if timeout:
        _sender.settle(timeout)
    return _sender.reported.get(run.id)
