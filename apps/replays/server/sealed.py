"""What a run keeps under the key of its new session: what it was asked, and what was answered."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from apps.replays.server.models import ServerStep
from apps.replays.server.settings import Settings
from apps.sessions.keys import SessionCipher

Json = Any

SETTINGS = b"server replay settings"
ANSWER = b"server replay answer"


def seal_settings(cipher: SessionCipher, settings: Settings) -> bytes:
    return cipher.seal(msgspec.json.encode(settings), SETTINGS)


def open_settings(cipher: SessionCipher, sealed: bytes) -> Settings:
    return msgspec.json.decode(cipher.open(sealed, SETTINGS), type=Settings)


def seal_answer(cipher: SessionCipher, answer: dict[str, Json]) -> bytes:
    return cipher.seal(orjson.dumps(answer), ANSWER)


def open_answer(cipher: SessionCipher, step: ServerStep) -> dict[str, Json] | None:
    """Return what was answered; None where nothing was."""
    if step.sealed_answer is None:
        return None
    answer: dict[str, Json] = orjson.loads(cipher.open(bytes(step.sealed_answer), ANSWER))
    return answer
