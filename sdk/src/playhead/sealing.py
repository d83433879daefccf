"""Encrypted recordings: a passphrase opens them, and no byte can be changed or left out.

The first line is JSON and says how the key is made. ``scrypt`` (RFC 7914) makes 64 bytes of the
passphrase and the salt: 32 that encrypt, 32 whose HMAC-SHA-256 over the rest of the first line is
its ``check``, by which a wrong passphrase is told from a damaged file. The plain file follows in
pieces of 64 KiB, each encrypted with AES-256-GCM (NIST SP 800-38D) and 16 bytes longer. The nonce
of a piece is its number in 11 bytes and a last byte that is 1 for the last piece only, which makes
it known when pieces are missing, doubled or in another order (the construction STREAM of Hoang,
Reyhanitabar, Rogaway and Vizár, 2015). The salt makes every file's key its own.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import importlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Json = Any

START = b'{"playhead_encrypted":'
VERSION = 1
PIECE, TAG = 64 * 1024, 16
# Memory is 128 * N * R: 128 MiB, about half a second.
COST, BLOCK, PARALLEL = 2**17, 8, 1
MOST_MEMORY = 512 * 1024 * 1024
SALT = 16


class BrokenFileError(ValueError):
    """A file is no recording, or not the whole of one."""


class PassphraseError(BrokenFileError):
    """A file is encrypted, and what is given does not open it."""


def is_sealed(content: bytes) -> bool:
    return content.startswith(START)


def sealed(plain: Iterator[bytes], passphrase: str, *, cost: int = COST) -> Iterator[bytes]:
    """Yield the bytes of an encrypted file; ``cost`` is N of scrypt, a power of two."""
    head: dict[str, Json] = {
        "playhead_encrypted": VERSION,
        "cipher": "AES-256-GCM",
        "piece": PIECE,
        "kdf": "scrypt",
        "n": cost,
        "r": BLOCK,
        "p": PARALLEL,
        "salt": base64.b64encode(os.urandom(SALT)).decode(),
    }
    cipher, check = _keys(head, passphrase)
    yield _line(head | {"check": check})
    waiting, number = b"", 0
    for part in plain:
        waiting += part
        while len(waiting) > PIECE:
            yield cipher.encrypt(_nonce(number, is_last=False), waiting[:PIECE], None)
            waiting, number = waiting[PIECE:], number + 1
    yield cipher.encrypt(_nonce(number, is_last=True), waiting, None)


def opened(path: str | Path, content: bytes, passphrase: str | None) -> bytes:
    """Return the plain bytes of an encrypted file, or raise what is wrong with it."""
    first, _, rest = content.partition(b"\n")
    head = _head(path, first)
    if not passphrase:
        raise PassphraseError(
            f"{path} is encrypted: give its passphrase, or set PLAYHEAD_PASSPHRASE."
        )
    check = str(head.pop("check", ""))
    cipher, known = _keys(head, passphrase)
    if not hmac.compare_digest(check, known):
        raise PassphraseError(f"The passphrase is not that of {path}.")
    return b"".join(_pieces(path, cipher, rest))


def _pieces(path: str | Path, cipher: Any, sealed: bytes) -> Iterator[bytes]:
    invalid = importlib.import_module("cryptography.exceptions").InvalidTag
    size = PIECE + TAG
    starts = range(0, max(len(sealed), 1), size)
    for number, start in enumerate(starts):
        piece, is_last = sealed[start : start + size], start == starts[-1]
        try:
            yield cipher.decrypt(_nonce(number, is_last=is_last), piece, None)
        except (invalid, ValueError):
            says = "was changed, or is cut off" if is_last else "was changed"
            raise BrokenFileError(f"{path} {says}: piece {number + 1} does not open.") from None


def _head(path: str | Path, line: bytes) -> dict[str, Json]:
    try:
        head = json.loads(line)
        version = head["playhead_encrypted"]
        known = (head["cipher"], head["kdf"], head["piece"]) == ("AES-256-GCM", "scrypt", PIECE)
        fits = 0 < 128 * head["n"] * head["r"] * head["p"] <= MOST_MEMORY
        base64.b64decode(head["salt"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise BrokenFileError(f"{path} was changed: its first line cannot be read.") from None
    if version != VERSION or not known or not fits:
        raise BrokenFileError(
            f"{path} is encrypted in a way that this playhead does not know (version {version})."
        )
    return dict(head)


def _keys(head: Mapping[str, Json], passphrase: str) -> tuple[Any, str]:
    """Return the cipher, and the check of the first line."""
    ciphers = check_available()
    try:
        made = hashlib.scrypt(
            passphrase.encode(),
            salt=base64.b64decode(head["salt"]),
            n=head["n"],
            r=head["r"],
            p=head["p"],
            maxmem=2 * MOST_MEMORY,
            dklen=64,
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise BrokenFileError(f"The key cannot be made as the first line says: {error}.") from None
    check = hmac.new(made[32:], _line(head), hashlib.sha256).hexdigest()
    return ciphers.AESGCM(made[:32]), check


def check_available() -> Any:
    """Return the ciphers, or say which package has them."""
    try:
        return importlib.import_module("cryptography.hazmat.primitives.ciphers.aead")
    except ModuleNotFoundError:
        raise PassphraseError(
            "Encrypted files need a package more: pip install 'playhead[encrypted]'."
        ) from None


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\x01" if is_last else b"\x00")


def _line(head: Mapping[str, Json]) -> bytes:
    return json.dumps(head, separators=(",", ":")).encode() + b"\n"
