"""Replays as lists show them: with their sessions, and what the first divergence is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.replays.models import Replay
from apps.replays.pages_words import (
    MEASURES,
    Word,
    band_word,
    class_means,
    class_word,
    share,
)
from apps.replays.sealing import Brief, briefs_of
from apps.sessions import reader
from apps.sessions.listing import short_id
from apps.sessions.models import Session

# What the client calls a replay's session that nobody gave a name.
MADE_NAME = re.compile("(?:replay|fork)-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Named:
    """A session as it is spoken of, with its title where that may be read."""

    session: Session
    title: str = ""

    @property
    def short_id(self) -> str:
        return short_id(self.session)

    @property
    def name(self) -> str:
        return self.title or self.session.external_id or self.short_id


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One replay of a list."""

    replay: Replay
    session: Named
    # None: the original is not on this server.
    original: Named | None
    # Of the first divergence, where content may be read: its words, and the step's name.
    says: str = ""
    step_name: str = ""

    @property
    def short_id(self) -> str:
        return replay_word(self.replay)

    @property
    def given_name(self) -> str:
        """Return what the sender called the new session; empty where the client made a name."""
        name = self.session.session.external_id or ""
        return "" if MADE_NAME.fullmatch(name) else name

    @property
    def band(self) -> Word:
        replay = self.replay
        return band_word(replay.status, replay.band, is_silent=replay.is_silent)

    @property
    def numbers(self) -> list[tuple[str, str]]:
        """Return the four numbers, each under its name, as they stand in the columns."""
        return [(each.title, share(getattr(self.replay, each.name))) for each in MEASURES]

    @property
    def first(self) -> str:
        return class_word(self.replay.first_kind)

    @property
    def first_means(self) -> str:
        return class_means(self.replay.first_kind)


def replay_word(replay: Replay) -> str:
    """Return a word short enough to say, like that of a session."""
    return f"R-{replay.pk.hex[-6:].upper()}"


def rows_of(replays: Sequence[Replay], *, content: bool) -> list[ReplayRow]:
    """Return replays, joined with their sessions, in as many queries for fifty as for one."""
    return list(told_of(replays, content=content).rows.values())


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says of replays and sessions, all opened at once."""

    rows: Mapping[UUID, ReplayRow]
    titles: Mapping[UUID, str]


def told_of(replays: Sequence[Replay], *, content: bool, also: Sequence[Session] = ()) -> Told:
    """Return the lines of replays by their ids, and titles of their and other sessions."""
    sessions = {session.pk: session for session in (*also, *_sessions(replays))}
    titles = reader.titles(list(sessions.values())) if content and sessions else {}
    briefs = briefs_of(replays) if content and replays else {}
    rows = {one.pk: _row(one, titles, briefs.get(one.pk)) for one in replays}
    return Told(rows, titles)


def _row(replay: Replay, titles: Mapping[UUID, str], brief: Brief | None) -> ReplayRow:
    original = replay.original
    return ReplayRow(
        replay,
        Named(replay.session, titles.get(replay.session_id, "")),
        Named(original, titles.get(original.pk, "")) if original else None,
        says=brief.says if brief else "",
        step_name=(brief.name or "") if brief else "",
    )


def _sessions(replays: Sequence[Replay]) -> Iterator[Session]:
    for replay in replays:
        yield replay.session
        if replay.original is not None:
            yield replay.original
