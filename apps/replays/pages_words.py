"""How replays are spoken of on pages: bands, numbers and classes of divergences in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True)
class Word:
    """A name with its sign and what it means; never a colour alone."""

    name: str
    # The class of a chip, and the picture in it.
    look: str
    icon: str
    means: str


BANDS = {
    "identical": Word("identical", "ok", "circle-check", "every step is as it was recorded"),
    "faithful": Word("faithful", "ok", "check", "98 % alike or more, and every decision the same"),
    "drifted": Word("drifted", "warn", "triangle-alert", "80 % alike or more"),
    "diverged": Word("diverged", "error", "octagon-x", "less than 80 % alike"),
}
NO_BAND = Word("not known", "unknown", "circle-question-mark", "there is no report to judge by")
RUNNING = Word("running", "running", "circle-dashed", "its report comes when it ends")
SILENT = Word(
    "no word",
    "unknown",
    "circle-question-mark",
    "it never said how it ended",
)
FAILED = Word("failed", "error", "octagon-x", "it ended with an error")


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the four numbers of a replay."""

    name: str
    title: str
    means: str
    # Why it may be unknown.
    unknown: str


MEASURES = (
    Measure(
        "coverage",
        "Coverage",
        "of the calls that the replay made were answered from the record",
        "the replay made no call",
    ),
    Measure(
        "consumption",
        "Consumption",
        "of the recorded calls were asked for again",
        "nothing was recorded that could be asked for",
    ),
    Measure(
        "fidelity",
        "Fidelity",
        "alike, step by step: answers count most, then decisions and tools",
        "there was no step to compare",
    ),
    Measure(
        "decisions",
        "Decisions",
        "of the points where tools were chosen went the same way",
        "no tools were chosen",
    ),
)

# Modes of replays that go on by themselves: of these every call of a model is asked.
FREE = ("free_running", "prefix_then_free")
FREE_MEASURES = (
    Measure(
        "coverage",
        "Coverage",
        "of its calls of tools were answered from the record",
        "the replay called no tool",
    ),
    Measure(
        "consumption",
        "Consumption",
        "of the recorded calls have one beside them",
        "nothing was recorded that could be asked for",
    ),
    *MEASURES[2:],
)

# By the class that a report names: what the step is called, and what that means.
CLASSES = {
    "missing": ("not asked for", "The record has this call; the replay never made it."),
    "extra": ("not in the record", "The replay made this call; the record has none like it."),
    "moved": ("in another lane", "The same call, made in another lane than it was recorded in."),
    "drifted-request": ("asks something else", "The call that was due, with another request."),
    "different-output": ("other answer", "The same was asked, and the answer is another."),
    "different-error": ("other error", "The same was asked, and it failed in another way."),
    "timing": ("other timing", "The same, at another time or in another order."),
    "env": ("other surroundings", "Something around the program is not as it was recorded."),
}
LONGEST_CLASS = 40

# How far a session can be replayed, in a word or two each.
FIDELITIES = {
    "E0": "only to be looked at",
    "E1": "calls and their order",
    "E2": "and the state at each step",
    "E3": "and what fed what, clock, randomness, surroundings",
}
MATCHES = {
    "strict": "each call is found by all of its request, in its own lane",
    "ordered": "else the next recorded call of the same kind and name in that lane",
    "content": "else by its request without sampling parameters",
    "fuzzy": "else by how alike the requests are",
}
# How calls were answered.
ANSWERED = {
    "exact": "as recorded",
    "said": "by what was said",
    "masked": "by all but what is masked",
    "moved": "from another lane",
    "drifted": "with another request",
    "loose": "with other parameters",
    "fuzzy": "by likeness",
    "stub": "by a stand-in",
    "chosen": "chosen by a person",
    "typed": "typed by a person",
    "live": "for real",
    "repeated": "once more than recorded",
    "pooled": "from other sessions",
    "simulated": "by a simulator",
}
# How sure it is that the same comes of it again.
DETERMINISM = {
    "exact": "the record answered all: it comes to the same each time",
    "cached": "kept answers of models were served: it comes to the same for as long as they are",
    "sampled": "models were asked: another time they may answer otherwise",
}
POLICIES = {
    "stop": "a call that the record does not answer stops the replay",
    "live": "a call that the record does not answer runs for real, where it is allowed",
    "stub": "a call that the record does not answer gets a stand-in answer",
    "ask": "a person is asked what becomes of a call that the record does not answer",
}


def band_word(status: str, band: str | None, *, is_silent: bool = False) -> Word:
    """Return how a replay is judged: by its band, else by how far it has come."""
    if status == "running":
        return SILENT if is_silent else RUNNING
    if status == "failed":
        return FAILED
    return BANDS.get(band or "", NO_BAND)


def class_word(kind: str | None) -> str:
    """Return the class of a divergence in words; one that we do not know, as it was sent."""
    if not kind:
        return ""
    return CLASSES[kind][0] if kind in CLASSES else kind[:LONGEST_CLASS]


def class_means(kind: str | None) -> str:
    return CLASSES[kind][1] if kind in CLASSES else ""


def share(value: float | None) -> str:
    """Write a part of one as percent; all of it only where it is exactly that."""
    if value is None:
        return "-"
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    return f"{min(max(value, 0.001), 0.999):.1%}"
