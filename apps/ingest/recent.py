"""What a process has looked up a moment ago, so that each request need not ask again."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

MOST = 10_000


class Recent(Generic[T]):
    """Values by project, each for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = Lock()
        self._known: dict[int, tuple[float, T]] = {}

    def get(self, project_id: int, read: Callable[[], T]) -> T:
        """Return what is known, or what ``read`` returns, which is known from then on."""
        known = self._known.get(project_id)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        value = read()
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[project_id] = time.monotonic() + self._seconds, value
        return value

    def change(self, project_id: int, by: Callable[[T], T]) -> None:
        """Change what is known, if something is."""
        with self._lock:
            if (known := self._known.get(project_id)) is not None:
                self._known[project_id] = known[0], by(known[1])

    def forget(self, project_id: int) -> None:
        """Read again the next time."""
        with self._lock:
            self._known.pop(project_id, None)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
