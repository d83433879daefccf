"""Counting attempts in the cache, so that nobody guesses for long.

Without the cache nobody may guess at all: its error is answered by a 503.
"""

from __future__ import annotations

from django.core.cache import cache

from apps.core.errors import QuotaError


class AttemptsError(QuotaError):
    """Too many attempts; the message says when the next one is heard."""

    title = "Too many attempts"


def count_attempt(name: str, *, most: int, seconds: int) -> None:
    """Count one more attempt, before it is judged; refuse it when there were too many lately.

    The count starts with the first attempt and ends ``seconds`` later, whatever came between.
    """
    key = f"attempts:{name}"
    if cache.add(key, 1, seconds):
        return
    try:
        count = cache.incr(key)
    except ValueError:
        # It ended just now.
        cache.set(key, 1, seconds)
        return
    if count > most:
        error = AttemptsError(f"Too many attempts. Try again in {seconds // 60} minutes.")
        error.retry_after_seconds = seconds
        raise error
