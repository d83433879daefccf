"""Who does something. Ids only, so that every app may name an actor."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key or the system, and the request through which they act."""

    kind: str  # "user", "key" or "system"
    id: str = ""
    label: str = ""
    ip: str = ""
    request_id: str = ""

    def on_behalf(self, label: str) -> Actor:
        """Return the same actor under another label (a command run for somebody)."""
        return replace(self, label=label)


SYSTEM = Actor(kind="system", label="system")
