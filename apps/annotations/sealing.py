"""What people write, under the key of the session that they write about.

So it is as unreadable as the session's own content to whoever holds the database, and it ends
with it: without the session's key neither can be opened.
"""

from __future__ import annotations

from apps.core.errors import ConflictError
from apps.sessions import reader
from apps.sessions.keys import SessionCipher
from apps.sessions.models import Session

# Where each text belongs: what was sealed as one does not open as another.
COMMENT = b"comment"
RANGE = b"comment range"
WHY = b"score comment"
TITLE = b"example title"
NOTES = b"example notes"

ERASED = "This session was erased."
MOVED = "This session became part of another. Open that one, and say it there."


def hold_session(session: Session) -> tuple[Session, SessionCipher]:
    """Lock a session that something is to be said about, and return what opens its content."""
    project = session.project
    session = session.locked()
    session.project = project
    if session.erased_at is not None:
        raise ConflictError(ERASED)
    if session.merged_into_id is not None:
        raise ConflictError(MOVED)
    return session, cipher_of(session)


def cipher_of(session: Session) -> SessionCipher:
    cipher = reader.ciphers([session]).get(session.pk)
    if cipher is None:
        raise ConflictError(ERASED)
    return cipher


def seal(cipher: SessionCipher, text: str, purpose: bytes) -> bytes:
    return cipher.seal(text.encode(), purpose)


def open_text(cipher: SessionCipher, sealed: bytes | memoryview, purpose: bytes) -> str:
    return cipher.open(bytes(sealed), purpose).decode()
