"""How long a request waits for an answer of PostgreSQL.

Time limits in the server are of no use where the server hangs: a stopped process or a dead
disk answers nothing, not even that it is too late. So the limit is kept on our side, and the
connection is given up with the statement. What became of it is not known; whoever sends the
same again is told that it was known before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import psycopg
from psycopg.abc import RV, PQGen

# For how long after an answer a connection is taken to be good without asking.
FRESH_SECONDS = 1.0

_seconds: ContextVar[float | None] = ContextVar("patience", default=None)


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Wait at most ``seconds`` for the answer to each statement that is sent inside."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


class PatientConnection(psycopg.Connection[Any]):
    """A connection that is closed, and an OperationalError, once somebody's patience ends."""

    # When the server last answered, as time.monotonic() tells it.
    answered_at = -FRESH_SECONDS

    def execute(self, query: Any, *arguments: Any, **options: Any) -> psycopg.Cursor[Any]:
        """Run a statement; the empty one, by which the pool asks after the server, not always.

        One that answered a moment ago is taken to be there still. Where it is not, the next
        statement says so, and the caller is told to come again.
        """
        if query == "" and time.monotonic() - self.answered_at < FRESH_SECONDS:
            return self.cursor()
        return super().execute(query, *arguments, **options)

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        limit = _seconds.get()
        if limit is None or (timeout is not None and timeout < limit):
            answer = super().wait(gen, interval, timeout)
        else:
            answer = self._wait_patiently(gen, interval, limit)
        self.answered_at = time.monotonic()
        return answer

    def _wait_patiently(self, gen: PQGen[RV], interval: float, limit: float) -> RV:
        started = time.monotonic()
        try:
            return super().wait(gen, interval, limit)
        except psycopg.OperationalError:
            # The server may still be at it: nobody else may use this connection.
            if time.monotonic() - started >= limit:
                self.close()
            raise
