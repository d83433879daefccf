"""What an event takes on disk: tables, their indexes and the search index, and room in them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
from psycopg.conninfo import make_conninfo

from tests.bench.cpu import cpu_by_part
from tests.bench.filling import fill
from tests.bench.goals import Figure
from tests.bench.kill9 import give_work
from tests.playhead_process import PlayheadProcess

ON_ARRIVAL_KB, COMPACTED_KB = 2.2, 1.5
COMPACTION_SECONDS = 1800
# So that what comes later is not what came before.
LATER_SEED = 9000
# Of partitioned tables the parts, of all the TOAST and the indexes.
SIZES = """
SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint,
    sum(pg_indexes_size(c.oid))::bigint
FROM pg_class c
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid LEFT JOIN pg_class parent ON parent.oid = i.inhparent
WHERE c.relkind = 'r' AND c.relname ~ '^(agent_sessions|ingest)_' GROUP BY 1 ORDER BY 2 DESC
"""
# Free pages and free parts of pages that new rows will be written to.
ROOM = """
SELECT coalesce(sum(f.avail), 0)::bigint FROM pg_class c, pg_freespace(c.oid) f
WHERE c.relkind IN ('r', 'i', 't') AND c.oid >= 16384
"""
DUE = """
SELECT count(*) FROM agent_sessions_session WHERE status = 'closed' AND chunk_count > 1
"""


def sizes(connection: psycopg.Connection) -> dict[str, tuple[int, int]]:
    """Return the bytes of each table with all that belongs to it, and those of its indexes."""
    rows = connection.execute(SIZES).fetchall()
    return {name: (total, indexes) for name, total, indexes in rows if total > 100_000}


def per_event(found: dict[str, tuple[int, int]], events: int) -> str:
    return ", ".join(
        f"{name.partition('sessions_')[2] or name} {total / events:.0f}"
        + (f" (indexes {indexes / events:.0f})" if indexes else "")
        for name, (total, indexes) in found.items()
    )


def total(found: dict[str, tuple[int, int]]) -> int:
    return sum(whole for whole, _ in found.values())


def owner(playhead: PlayheadProcess) -> psycopg.Connection:
    """Connect as the owner of the schema; every statement is committed."""
    return psycopg.connect(playhead.kept("DATABASE_OWNER_URL"), autocommit=True)


def free_room(playhead: PlayheadProcess) -> int:
    """Return the bytes in tables and indexes that the next rows will be written to."""
    address = make_conninfo(
        playhead.kept("DATABASE_OWNER_URL"),
        user="postgres",
        password=playhead.kept("PLAYHEAD_POSTGRES_PASSWORD"),
    )
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_freespacemap")
        (room,) = connection.execute(ROOM).fetchone() or (0,)
    return int(room)


def settle(playhead: PlayheadProcess) -> None:
    """Do at once what autovacuum does within a minute or so."""
    with owner(playhead) as connection:
        connection.execute("VACUUM (ANALYZE)")


def on_arrival(playhead: PlayheadProcess, events: int) -> Iterator[Figure]:
    with owner(playhead) as connection:
        found, room = sizes(connection), free_room(playhead)
    kilobytes = total(found) / events / 1000
    note = f"bytes: {per_event(found, events)}; of them {room / events:.0f} are room for new rows"
    yield Figure(5, "disk an event, on arrival", kilobytes, "KB", ON_ARRIVAL_KB, note=note)


def compacted(playhead: PlayheadProcess, events: int) -> Iterator[Figure]:
    """Close every session, let the worker compact, and measure what it cost and saved."""
    with owner(playhead) as connection:
        before, started = cpu_by_part(playhead.process), time.monotonic()
        connection.execute("UPDATE agent_sessions_session SET status = 'closed'")
        compact_all(playhead, connection)
        used, seconds = cpu_by_part(playhead.process) - before, time.monotonic() - started
        connection.execute("VACUUM (ANALYZE)")
        found, room = sizes(connection), free_room(playhead)
    kilobytes = (total(found) - room) / events / 1000
    note = f"bytes: {per_event(found, events)}; of them {room / events:.0f} are room for new rows"
    yield Figure(5, "disk an event, compacted", kilobytes, "KB", COMPACTED_KB, note=note)
    ms = (used["worker"] + used["database"]) * 1000 / events
    note = f"{events / seconds:.0f} events/s"
    yield Figure(5, "CPU of compaction an event", ms, "CPU ms", note=note)


def later(playhead: PlayheadProcess, events: int) -> Iterator[Figure]:
    """Record a tenth more and yield by how much files grew: compaction left them room."""
    with owner(playhead) as connection:
        before = total(sizes(connection))
        more = fill(playhead, max(events // 10, 1000), LATER_SEED).events
        grown = (total(sizes(connection)) - before) / more / 1000
    yield Figure(5, "growth of files by an event that comes later", grown, "KB")


def compact_all(playhead: PlayheadProcess, connection: psycopg.Connection) -> None:
    """Let the worker compact until nothing is due."""
    end = time.monotonic() + COMPACTION_SECONDS
    while connection.execute(DUE).fetchone() != (0,):
        if time.monotonic() > end:
            raise SystemExit("compaction did not come to an end")
        give_work(playhead)
        time.sleep(1)
