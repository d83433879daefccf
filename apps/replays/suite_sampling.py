"""Samples of sessions: random ones from a seed, so that anybody can draw the same again."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from apps.core.errors import InvalidError
from apps.replays.suite_strata import DIMENSIONS

Stratum = TypeVar("Stratum")

LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Sample:
    """How many sessions to draw, from which seed, and which strata are to be in it."""

    size: int
    seed: int = 1
    by: tuple[str, ...] = ()


def read_sample(sample: Sample, *, most: int) -> Sample:
    """Return a sample that can be drawn, or raise InvalidError naming what cannot."""
    if not 1 <= sample.size <= most:
        raise InvalidError(f"size must be from 1 to {most:,}.", "sample.size")
    if not 0 <= sample.seed <= LARGEST_SEED:
        raise InvalidError(f"seed must be from 0 to {LARGEST_SEED}.", "sample.seed")
    if unknown := sorted(set(sample.by) - set(DIMENSIONS)):
        message = f"There is no {unknown[0][:64]}; there are {', '.join(DIMENSIONS)}."
        raise InvalidError(message, "sample.by")
    return sample


def draw(strata: Mapping[UUID, Stratum], sample: Sample) -> list[UUID]:
    """Return the ids of a sample, from each session's stratum.

    Each stratum gives its share, by largest remainders, and where there is room at least one.
    The order of what is given does not matter: ids are sorted before the seed is asked.
    """
    groups: dict[Stratum, list[UUID]] = defaultdict(list)
    for key in sorted(strata):
        groups[strata[key]].append(key)
    # The largest first, so that with room for few the usual kinds are in it.
    ordered = sorted(groups.values(), key=lambda group: (-len(group), group[0]))
    chance = random.Random(sample.seed)  # noqa: S311
    counts = shares([len(group) for group in ordered], min(sample.size, len(strata)))
    drawn = [chance.sample(group, count) for group, count in zip(ordered, counts, strict=True)]
    return [key for group in drawn for key in group]


def shares(sizes: Sequence[int], total: int) -> list[int]:
    """Return how many each group gives, the largest group first; ``total`` in all."""
    if total <= len(sizes):
        return [1 if at < total else 0 for at in range(len(sizes))]
    whole = sum(sizes)
    exact = [total * size / whole for size in sizes]
    counts = [int(share) for share in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda at: (counts[at] - exact[at], at))
    for at in by_remainder[: total - sum(counts)]:
        counts[at] += 1
    while 0 in counts:
        # From those that give most, so that what is rare is in it, too.
        counts[counts.index(max(counts))] -= 1
        counts[counts.index(0)] = 1
    return counts
