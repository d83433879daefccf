"""Figures beside their goals, as one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

HEADS = ("row", "figure", "measured", "goal", "")


@dataclass(frozen=True)
class Figure:
    """Something measured, and what it should be at most, or at least."""

    row: int
    name: str
    value: float | None
    unit: str = ""
    goal: float | None = None
    is_floor: bool = False
    # What else was seen, such as the parts of a sum.
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Tell whether the goal is met; None where there is none."""
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.is_floor else self.value <= self.goal

    @property
    def verdict(self) -> str:
        if self.is_met is None or self.value is None or self.goal is None:
            return self.note
        if self.is_met:
            told = "met"
        elif self.goal == 0:
            told = "MISSED"
        else:
            told = f"MISSED by {abs(self.value / self.goal - 1):.0%}"
        return f"{told}; {self.note}" if self.note else told

    def cells(self) -> tuple[str, ...]:
        sign = "" if self.goal is None else "≥ " if self.is_floor else "≤ "
        goal = f"{sign}{shown(self.goal)} {self.unit}".strip() if self.goal is not None else ""
        return (
            str(self.row),
            self.name,
            f"{shown(self.value)} {self.unit}".strip(),
            goal,
            self.verdict,
        )


def shown(value: float | None) -> str:
    """Return a number with as many digits as say something."""
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table of Markdown, which is also readable as it is."""
    rows = [HEADS, *(figure.cells() for figure in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    lines = [_line(row, widths) for row in rows]
    return "\n".join([lines[0], _line(["-" * width for width in widths], widths), *lines[1:]])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def as_json(figures: Iterable[Figure]) -> list[dict[str, object]]:
    return [asdict(figure) | {"is_met": figure.is_met} for figure in figures]
