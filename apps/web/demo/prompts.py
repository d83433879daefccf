"""The nine versions of the desk's prompt, and how the agent behaves under each."""

from __future__ import annotations

from dataclasses import dataclass

NAME = "support-desk"
BASE = "You are the support agent of a shop for bicycles. Look orders up before you answer."
LIMIT = "Refunds above 100 USD need a person's approval."
TONGUE = "Answer in the customer's language."
SHORT = "Be short and kind."
TEXTS = (
    BASE,
    f"{BASE} {SHORT}",
    f"{BASE} {LIMIT} {SHORT}",
    f"{BASE} {LIMIT} {TONGUE} {SHORT}",
    f"{BASE} {LIMIT} {TONGUE} Never speak about the orders of other accounts. {SHORT}",
    f"{BASE} {LIMIT} {TONGUE} Never speak about the orders of other accounts. "
    f"Search the manuals before technical advice. {SHORT}",
    f"{BASE} {LIMIT} {TONGUE} Never speak about the orders of other accounts. "
    f"Search the manuals before technical advice. Promise nothing that no tool confirmed. {SHORT}",
    f"{BASE} {LIMIT} {TONGUE} Never speak about the orders of other accounts. "
    "Search the manuals before every answer. Promise nothing that no tool confirmed. "
    "Check everything a second time, be thorough, and explain each of your steps in full.",
    f"{BASE} {LIMIT} {TONGUE} Never speak about the orders of other accounts. "
    "Search the manuals before technical advice. Promise nothing that no tool confirmed. "
    "Answer in at most three sentences.",
)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the prompt, since when it was used, and what it led to."""

    number: int
    hours_ago: float
    release: str
    # Of 1: how often the customer is not helped, a tool fails, a tool is asked once more.
    failures: float
    slips: float
    detours: float
    # Sentences that nobody asked for, put around an answer.
    padding: int = 0

    @property
    def text(self) -> str:
        return TEXTS[self.number - 1]


VERSIONS = (
    Version(1, 336, "2.1.0", 0.20, 0.10, 0.05),
    Version(2, 306, "2.1.0", 0.18, 0.10, 0.05),
    Version(3, 270, "2.1.1", 0.15, 0.08, 0.05),
    Version(4, 236, "2.2.0", 0.12, 0.08, 0.05),
    Version(5, 200, "2.2.0", 0.10, 0.07, 0.05),
    Version(6, 168, "2.3.0", 0.08, 0.07, 0.05),
    Version(7, 132, "2.3.1", 0.04, 0.06, 0.05),
    Version(8, 94, "2.4.0", 0.52, 0.55, 0.75, padding=3),
    Version(9, 20, "2.4.1", 0.06, 0.06, 0.05),
)


def version_at(hours_ago: float) -> Version:
    """Return the version that was in use so many hours ago."""
    return next(each for each in reversed(VERSIONS) if each.hours_ago >= hours_ago)
