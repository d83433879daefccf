"""What reports say, under the key of the new session: it quotes that one and its original."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import zstandard

from apps.core.errors import ConflictError
from apps.replays.models import Replay
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

Json = Any

# Where each belongs: what was sealed as one does not open as another.
BODY, BRIEF = b"replay report", b"replay brief"
LEVEL = 6
LONGEST_BRIEF = 500
PARTS = {"sealed": BODY, "sealed_brief": BRIEF}


@dataclass(frozen=True, slots=True)
class Body:
    """A report opened: what was planned, what it came to, and what broke it off."""

    plan: Mapping[str, Json]
    report: Mapping[str, Json] | None
    error: Mapping[str, Json] | None
    # The recorded step that a fork left its original at, as the sender names it.
    forked_at: Mapping[str, Json] | None

    @property
    def divergences(self) -> Sequence[Mapping[str, Json]]:
        return (self.report or {}).get("divergences") or ()


@dataclass(frozen=True, slots=True)
class Brief:
    """What a list says of a replay: of its first divergence, or of its error."""

    says: str
    lane: str | None
    name: str | None


def seal_body(replay: Replay, cipher: SessionCipher, body: Mapping[str, Json]) -> None:
    """Put what a report says into the replay's columns."""
    packed = zstandard.ZstdCompressor(level=LEVEL).compress(orjson.dumps(body))
    replay.sealed = cipher.seal(packed, BODY)
    replay.sealed_brief = cipher.seal(orjson.dumps(_brief(body)), BRIEF)


def _brief(body: Mapping[str, Json]) -> list[Json]:
    divergences = (body["report"] or {}).get("divergences") or [{}]
    first = divergences[0]
    says = first.get("says") or (body["error"] or {}).get("message") or ""
    return [says[:LONGEST_BRIEF], first.get("lane"), first.get("name")]


def opened(replay: Replay) -> Body | None:
    """Return what the report says; None where the session's key is gone."""
    cipher = reader.ciphers_of(replay.project_id, [replay.session_id]).get(replay.session_id)
    return None if cipher is None else open_body(replay, cipher)


def open_body(replay: Replay, cipher: SessionCipher) -> Body:
    packed = cipher.open(bytes(replay.sealed), BODY)
    return Body(**orjson.loads(zstandard.ZstdDecompressor().decompress(packed)))


def briefs_of(replays: Sequence[Replay]) -> dict[UUID, Brief]:
    """Return what lists say of replays, by their ids, from one query for the keys."""
    if not replays:
        return {}
    ids = {replay.session_id for replay in replays}
    ciphers = reader.ciphers_of(replays[0].project_id, ids)
    return {
        replay.pk: Brief(*orjson.loads(cipher.open(bytes(replay.sealed_brief), BRIEF)))
        for replay in replays
        if (cipher := ciphers.get(replay.session_id)) and replay.sealed_brief
    }


def cipher_of(session: Session) -> SessionCipher:
    """Return what opens the session. Raises ConflictError once it was erased."""
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        raise ConflictError("This session was erased.")
    return cipher


def reseal(replay: Replay, old: SessionCipher, new: SessionCipher) -> None:
    """Let what the report says lie under the key of another session."""
    for column, purpose in PARTS.items():
        if sealed := bytes(getattr(replay, column)):
            setattr(replay, column, new.seal(old.open(sealed, purpose), purpose))
