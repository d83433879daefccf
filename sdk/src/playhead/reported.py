"""The report on a replay: as an object, as JSON that anybody can read, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from playhead.differences import Difference
from playhead.divergences import Divergent, Nearest
from playhead.fidelity import band
from playhead.telling import told

Json = Any

# Divergences that JSON tells, and those of them that it tells every difference of.
MOST, WHOLE = 1_000, 20
ALL, FEW = 200, 5
LONGEST_WORD, LONGEST_SENTENCE = 512, 5_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a replay came to.

    ``coverage``: calls answered from the record, of all that were made. ``consumption``:
    recorded calls that were asked for, of all. ``fidelity``: how true the steps were, weighed,
    over steps of both sides. ``decisions``: points at which the same tools were chosen. Each
    is from 0 to 1, and None where there was nothing to count.
    """

    session: str
    coverage: float | None
    consumption: float | None
    fidelity: float | None
    decisions: float | None
    # In the order of the record: all that tells the replay from it.
    divergences: list[Divergent]
    calls: int
    digest: str
    # What is not as it was when the session was recorded: name to (before, now).
    environment: dict[str, tuple[Json, Json]] = field(default_factory=dict)
    # What may differ without the session being another: the clock read oftener, surroundings.
    soft: list[Divergent] = field(default_factory=list)
    # True where a divergence stopped the replay.
    stopped: bool = False
    # How many calls were answered in which way: exact, said, masked, ..., live, stub.
    matched: dict[str, int] = field(default_factory=dict)
    # What a reader has to know of the record: masked answers, other recorders.
    notes: list[str] = field(default_factory=list)
    # Steps of both sides beside each other.
    alignment: list[dict[str, Json]] = field(default_factory=list)
    # Beside the original, as ``playhead.latencies`` tells them; never part of the fidelity.
    latency: dict[str, Json] = field(default_factory=dict)
    cost: dict[str, Json] = field(default_factory=dict)
    # Divergences beyond those that are kept.
    left_out: int = 0

    @property
    def first(self) -> Divergent | None:
        """The first step that was not as recorded."""
        return self.divergences[0] if self.divergences else None

    @property
    def lanes(self) -> dict[str, int | None]:
        """The first divergent step of each lane that has one."""
        return {one.lane: one.step for one in reversed(self.divergences)}

    @property
    def hints(self) -> list[str]:
        """What may be the reason of the first divergence, the likeliest first."""
        return self.first.hints if self.first else []

    @property
    def band(self) -> str:
        """identical, faithful, drifted or diverged."""
        return band(self.fidelity, self.coverage, self.consumption, self.decisions)

    def assert_faithful(self, min_fidelity: float = 1.0) -> None:
        """Raise AssertionError, naming the first divergent step, unless the replay was faithful.

        By default nothing may diverge; with a lower ``min_fidelity`` that number decides.
        """
        if min_fidelity >= 1.0:
            is_faithful = not self.divergences
        else:
            is_faithful = self.fidelity is None or self.fidelity >= min_fidelity
        if not is_faithful:
            raise AssertionError(self.text())

    def text(self) -> str:
        """Return the report in lines for people, the first divergent step before all else."""
        return told(self)

    def as_json(self) -> dict[str, Json]:
        """Return the report as JSON; ``from_json`` restores it."""
        names = [one.name for one in fields(self) if one.name not in ("divergences", "soft")]
        plain = {name: getattr(self, name) for name in names}
        divergences = [
            _divergent(one, ALL if at < WHOLE else FEW)
            for at, one in enumerate(self.divergences[:MOST])
        ]
        return plain | {
            "band": self.band,
            "environment": {name: list(pair) for name, pair in self.environment.items()},
            "divergences": divergences,
            "alignment": [
                {name: _word(told) for name, told in row.items()} for row in self.alignment
            ],
            "left_out": self.left_out + len(self.divergences[MOST:]),
            "soft": [_divergent(one, FEW) for one in self.soft],
            "lanes": {_word(lane): step for lane, step in self.lanes.items()},
            "hints": self.hints,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Json]) -> Report:
        """Return the report that ``as_json`` told; what it does not know of is left out."""
        known = {one.name for one in fields(cls)}
        plain = {name: value for name, value in told.items() if name in known}
        environment = told.get("environment") or {}
        plain["environment"] = {name: (pair[0], pair[1]) for name, pair in environment.items()}
        for name in ("divergences", "soft"):
            plain[name] = [_from_json(one) for one in told.get(name) or ()]
        return cls(**plain)


def _divergent(one: Divergent, most: int) -> dict[str, Json]:
    plain = {name.name: getattr(one, name.name) for name in fields(one)}
    plain |= {name: _word(plain[name]) for name in ("lane", "name", "event", "made")}
    return plain | {
        "says": one.says[:LONGEST_SENTENCE],
        "hints": [hint[:LONGEST_SENTENCE] for hint in one.hints],
        "differences": [difference.as_json() for difference in one.differences[:most]],
        "nearest": [asdict(near) for near in one.nearest],
    }


def _word(told: Json) -> Json:
    """Return a word as a server takes it; addresses of what was asked may be of any length."""
    return told[:LONGEST_WORD].replace("\0", "\ufffd") if isinstance(told, str) else told


def _from_json(told: Mapping[str, Json]) -> Divergent:
    known = {one.name for one in fields(Divergent)}
    plain = {name: value for name, value in told.items() if name in known}
    plain["differences"] = [Difference.from_json(one) for one in told.get("differences") or ()]
    plain["nearest"] = [Nearest(**one) for one in told.get("nearest") or ()]
    return Divergent(**plain)
