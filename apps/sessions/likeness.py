"""What a step said as hashes that two sessions share, whatever ids their calls had.

Digests of content are keyed by the project, so equal digests are equal content. Different
ones may still say the same: ids of tool calls are new on every run. Such bodies are hashed
again without what changes. Parts that many steps refer to (the messages of a history) are read
once each, so the cost grows with what is stored and not with what was sent.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from playhead.alignment import leaves, sketch
from playhead.matching import may_change, take_out

from apps.core.canonical import canonical_json
from apps.sessions.content import MARK, REFERENCE, find

Json = Any

# Parts of the body of an event that say what a step did; the others say about whom, where
# and when, and are different in every session.
SAID_FIELDS = (
    "params",
    "tools",
    "decision",
    "state_patch",
    "state",
    "code_change",
    "reasoning",
    "memory",
    "error",
)
# What a provider makes up for each answer, at the top of it.
OF_THE_ANSWER = frozenset("id created created_at system_fingerprint service_tier usage".split())
ANSWERS = frozenset({"choices", "object", "stop_reason"})
ANSWER = re.compile("|".join(f'"{name}":' for name in sorted(ANSWERS)).encode())
# Of a long history the newest parts say best which call it is.
RECENT = 200
# A skeleton longer than this is a history; its parts alone are compared.
SHORT_SKELETON = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content that steps refer to: its hash, and the calls that it names."""

    hash: bytes
    calls: tuple[str, ...]


@dataclass(slots=True)
class Likeness:
    """Hashes bodies of opened content; each part once."""

    contents: Mapping[bytes, bytes]
    _parts: dict[bytes, Part] = field(default_factory=dict)
    _bodies: dict[tuple[bytes, bool], bytes] = field(default_factory=dict)

    def body(self, digest: bytes, *, is_answer: bool = False) -> bytes:
        """Return the hash of a whole body."""
        key = digest, is_answer
        if key not in self._bodies:
            skeleton = find(self.contents, digest)
            if is_answer and ANSWER.search(skeleton):
                skeleton = canonical_json(answered(orjson.loads(skeleton)))
            self._bodies[key] = self._hash(skeleton)
        return self._bodies[key]

    def fields(self, digest: bytes) -> dict[str, bytes]:
        """Return the hashes of what the rest of an event says, by field."""
        body = orjson.loads(find(self.contents, digest))
        return {
            name: self._hash(canonical_json(body[name])) for name in SAID_FIELDS if name in body
        }

    def sketch(self, digest: bytes) -> int:
        """Return bits that tell how much this body has in common with another."""
        return sketch(self._features(find(self.contents, digest)))

    def _features(self, skeleton: bytes) -> Iterator[str | bytes]:
        for found in REFERENCE.findall(skeleton)[-RECENT:]:
            yield self._part(bytes.fromhex(found.decode())).hash
        if len(skeleton) <= SHORT_SKELETON:
            value = orjson.loads(REFERENCE.sub(b"null", skeleton))
            yield from leaves(take_out(value)[0] if may_change(skeleton) else value)

    def _hash(self, skeleton: bytes) -> bytes:
        calls: list[str] = []

        def put(found: re.Match[bytes]) -> bytes:
            part = self._part(bytes.fromhex(found[1].decode()))
            calls.extend(part.calls)
            return b'{"%b":"%b"}' % (MARK.encode(), part.hash.hex().encode())

        text, own = _taken(REFERENCE.sub(put, skeleton))
        return _digest(text, _numbered([*calls, *own]))

    def _part(self, digest: bytes) -> Part:
        if digest not in self._parts:
            text, calls = _taken(find(self.contents, digest))
            self._parts[digest] = Part(_digest(text), calls)
        return self._parts[digest]


def _taken(text: bytes) -> tuple[bytes, tuple[str, ...]]:
    if not may_change(text):
        return text, ()
    value, calls = take_out(orjson.loads(text))
    return canonical_json(value), calls


def _numbered(calls: list[str]) -> bytes:
    """Return who answers whom: names by the order in which they appear."""
    numbers: dict[str, int] = {}
    return repr([numbers.setdefault(name, len(numbers)) for name in calls]).encode()


def answered(value: Json) -> Json:
    """Return an answer without what the provider makes up for each."""
    if not isinstance(value, dict) or not ANSWERS.intersection(value):
        return value
    return {name: value[name] for name in value if name not in OF_THE_ANSWER}


def _digest(*texts: bytes) -> bytes:
    hashed = hashlib.blake2b(digest_size=16)
    for text in texts:
        hashed.update(len(text).to_bytes(8, "big"))
        hashed.update(text)
    return hashed.digest()
