"""Where steps ran, read from what their senders said of themselves (the resource of a span)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from apps.sessions import reader
from apps.sessions.layout import Layout
from apps.sessions.models import Session
from apps.sessions.skew import Origin

Json = Any

# Steps whose senders are asked for at most: a session with more of them in doubt is drawn as it
# was recorded beyond these.
MOST_READ = 5000
# Bodies that are held at once.
AT_ONCE = 500
# What OpenTelemetry calls the machine, the most exact first.
HOSTS = ("host.id", "host.name", "k8s.node.name")
SERVER, CLIENT = 2, 3


def origins_in(session: Session, layout: Layout) -> Callable[[Sequence[int]], Mapping[int, Origin]]:
    """Return what looks up where steps of the session ran."""
    left = MOST_READ

    def origins_of(indexes: Sequence[int]) -> dict[int, Origin]:
        nonlocal left
        asked = indexes[:left]
        left -= len(asked)
        return dict(_origins(session, layout, asked))

    return origins_of


def _origins(
    session: Session, layout: Layout, indexes: Sequence[int]
) -> Iterator[tuple[int, Origin]]:
    cipher = reader.ciphers([session]).get(session.pk)
    for first in range(0, len(indexes) if cipher else 0, AT_ONCE):
        portion = indexes[first : first + AT_ONCE]
        rows = reader.rows_with(session, [layout.id_bytes(index) for index in portion])
        bodies = reader.bodies(session, rows, ["extra_digest"], cipher)
        yield from (
            (index, origin_of(body or {})) for index, [body] in zip(portion, bodies, strict=True)
        )


def origin_of(body: Mapping[str, Json]) -> Origin:
    """Return where the step ran that has this body; nothing that it says is believed to fit."""
    resource = (body.get("extra") or {}).get("resource")
    if not isinstance(resource, dict):
        return Origin()
    kinds = {entry.get("kind") for entry in body.get("sent") or () if isinstance(entry, dict)}
    return Origin(
        host=next(filter(None, (_text(resource, name) for name in HOSTS)), ""),
        service=_text(resource, "service.name"),
        is_client=CLIENT in kinds,
        is_server=SERVER in kinds,
    )


def _text(resource: Mapping[str, Json], name: str) -> str:
    value = resource.get(name)
    return value if isinstance(value, str) else ""
