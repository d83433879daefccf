"""Stopping early, validly: a bet against each hypothesis, whose winnings are the evidence.

A gambler who bets against something true cannot expect to win: by Ville's inequality the chance
that their wealth *ever* reaches 1/alpha is alpha at most. So one may look after every session and
stop whenever one likes, and the error stays what was promised. The bets are the one-sided,
predictable plug-in bets of Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting" (JRSS B 86, 2024), section 5: each is chosen from what came before it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

# No bet stakes more than this share of what could be lost.
BOLDEST = 0.75


@dataclass(slots=True)
class Bet:
    """The evidence that the mean of differences in [-1, 1] is above ``mean``.

    Under the hypothesis that it is not, ``wealth`` is a non-negative supermartingale from 1.
    """

    mean: float
    wealth: float = 1.0
    # The highest that it ever was, which is what counts: a bound once passed stays passed.
    highest: float = 1.0
    # As if one difference had been seen that was neither gain nor loss.
    _count: float = 1.0
    _sum: float = 0.0
    _squares: float = 0.25

    def see(self, difference: float) -> None:
        """Take the next difference; the stake was decided before it was seen."""
        gain = difference - self.mean
        self.wealth *= 1 + self._stake() * gain
        self.highest = max(self.highest, self.wealth)
        self._count += 1
        self._sum += gain
        self._squares += gain * gain

    def _stake(self) -> float:
        mean, square = self._sum / self._count, self._squares / self._count
        # The most that can be lost is the way from the mean down to -1.
        return min(max(mean / square, 0.0), BOLDEST / (1 + self.mean))


@dataclass(slots=True)
class Watch:
    """One gate watched while sessions come in, in an order that says nothing of the result."""

    margin: float
    alpha: float
    seen: int = 0
    # That it is worse at all, and that it is no worse than the margin allows.
    harm: Bet = field(init=False)
    safety: Bet = field(init=False)
    # What was decided first stays decided.
    decided: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1 or not 0 < self.alpha < 1:
            raise ValueError("margin and alpha lie between 0 and 1")
        # Losses of the candidate are gains here.
        self.harm = Bet(mean=0.0)
        self.safety = Bet(mean=-self.margin)

    def see(self, differences: Iterable[float]) -> str | None:
        """Take more differences, candidate minus baseline, each from -1 to 1; more is better.

        Returns "fail", "pass" or None: go on.
        """
        for difference in differences:
            if self.decided:
                break
            if not -1 <= difference <= 1:
                raise ValueError("differences lie between -1 and 1")
            self.seen += 1
            self.harm.see(-difference)
            self.safety.see(difference)
            self._decide()
        return self.decided

    def _decide(self) -> None:
        if self.safety.highest >= 1 / self.alpha:
            self.decided = "pass"
        elif self.harm.highest >= 1 / self.alpha:
            self.decided = "fail"
