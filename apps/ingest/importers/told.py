"""Reading an object of someone else's format: a field at a time, each by its type.

What nobody asked for is left over, so that it is kept beside the event and told.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from apps.ingest.checks import Refusal
from apps.ingest.conventions.attributes import as_money
from apps.ingest.text import UnfitError, check_json
from apps.sessions.events import Json

Fields = dict[str, Json]
T = TypeVar("T")
# Seconds and milliseconds since 1970 are told apart by their size: this is in the year 2286.
LAST_SECOND = 10**10
WORDS: dict[Any, str] = {str: "text", int: "a whole number", dict: "an object", list: "a list"}


class Told:
    """An object of a file, and where in its record it stands."""

    def __init__(self, value: Json, path: str = "") -> None:
        if not isinstance(value, dict):
            raise Refusal("Must be an object.", path)
        self.path = path
        self.left = dict(value)

    def __contains__(self, name: str) -> bool:
        return self.left.get(name) is not None

    def place(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def value(self, name: str) -> Json:
        """Return a field of any type; it is no longer left."""
        return self.left.pop(name, None)

    def skip(self, *names: str) -> None:
        """Pass over fields that only repeat what others say."""
        for name in names:
            self.left.pop(name, None)

    def text(self, *names: str) -> str | None:
        """Return the first of the fields that says something; empty text says nothing."""
        return next((found for name in names if (found := self._typed(name, str))), None)

    def whole(self, name: str) -> int | None:
        """Return a count."""
        value = self._typed(name, int)
        if value is not None and (isinstance(value, bool) or value < 0):
            raise Refusal("Must be a whole number that is not negative.", self.place(name))
        return value

    def mapping(self, name: str) -> Fields:
        """Return an object, empty where there is none."""
        return self._typed(name, dict) or {}

    def listing(self, name: str) -> list[Json]:
        """Return a list, empty where there is none."""
        return self._typed(name, list) or []

    def inner(self, name: str) -> Told:
        """Return an object to be read in its turn, empty where there is none."""
        return Told(self.mapping(name), self.place(name))

    def money(self, name: str) -> Decimal | None:
        """Return an amount of US dollars."""
        value = self.value(name)
        amount = as_money(value)
        if value is not None and amount is None:
            raise Refusal("Must be a number that is not negative.", self.place(name))
        return amount

    def moment(self, *names: str) -> datetime | None:
        """Return the first of the fields that is there, as a time."""
        for name in names:
            if (value := self.value(name)) not in (None, ""):
                return as_moment(value, self.place(name))
        return None

    def rest(self) -> Fields:
        """Return what is left and says something."""
        return {name: value for name, value in self.left.items() if value not in (None, "", [], {})}

    def _typed(self, name: str, kind: type[T]) -> T | None:
        value = self.left.pop(name, None)
        if value is not None and not isinstance(value, kind):
            raise Refusal(f"Must be {WORDS[kind]}.", self.place(name))
        return value


def as_moment(value: Json, path: str) -> datetime:
    """Return a time: ISO 8601 (without a zone, UTC is meant), or seconds or more since 1970."""
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = float(value)
            while abs(seconds) > LAST_SECOND:
                seconds /= 1000
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise Refusal("Must be a time in ISO 8601.", path)


def check_fit(value: Json) -> None:
    """Refuse what cannot be kept, naming its place."""
    try:
        check_json(value)
    except UnfitError as error:
        raise Refusal(str(error), error.path) from None
