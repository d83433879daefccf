"""A report in words, for whoever has to find out at night what an agent did otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.divergences import Divergent
    from playhead.reported import Report

Json = Any

# Lines of each kind that are told.
DIFFERENCES, NEAREST, CHANGES, OTHERS, CONE, AROUND = 20, 3, 20, 5, 12, 3


def told(report: Report) -> str:
    """Return the lines of a report: the step, what was expected, what came, why, what to do."""
    lines = [f"Replay of {report.session}: {report.band}"]
    if report.first:
        lines += _first(report.first)
        lines += _more(report)
        lines += [f"  do: {advice}" for advice in advice_on(report.first)]
    lines += _numbers(report)
    if report.first:
        lines += _table(report)
        lines += [f"changed since: {name} {a} -> {b}" for name, (a, b) in _changes(report)]
    lines += [f"besides: {one.says}" for one in report.soft if one.kind == "timing"]
    lines += [f"note: {note}" for note in report.notes]
    return "\n".join(lines)


def _first(first: Divergent) -> Iterator[str]:
    yield f"first divergence: {first.says} ({first.kind})"
    yield from (f"  {difference}" for difference in first.differences[:DIFFERENCES])
    if len(first.differences) > DIFFERENCES:
        yield f"  ... and {len(first.differences) - DIFFERENCES} more places"
    yield from (f"  why: {hint}" for hint in first.hints)
    yield from (f"  nearest: {near.says}" for near in first.nearest[:NEAREST])
    if first.cone:
        yield f"  behind it: {_steps(first.cone)} ({_by(first.cone_by)})"


def _steps(steps: Sequence[int]) -> str:
    more = f" and {len(steps) - CONE} more" if len(steps) > CONE else ""
    word = "step" if len(steps) == 1 else "steps"
    return f"{word} {', '.join(map(str, steps[:CONE]))}{more}"


def _by(ways: Mapping[str, Sequence[int]]) -> str:
    says = {
        "declared": "declared",
        "value": "inferred: values found again",
        "lane": "inferred: what came next",
    }
    return "; ".join(f"{len(steps)} {says.get(way, way)}" for way, steps in ways.items())


def _more(report: Report) -> Iterator[str]:
    others = report.divergences[1:]
    yield from (f"  then: {one.says} ({one.kind})" for one in others[:OTHERS])
    left = len(others) - OTHERS + report.left_out
    if left > 0:
        yield f"  ... and {left} more divergences"


def advice_on(first: Divergent) -> Iterator[str]:
    """Yield what can be done about a divergence; a mistake in the code comes before all."""
    name = f"{first.name}"
    if first.kind == "extra":
        yield 'new code, on purpose? if playhead.patched("a-name"): ... lets older records skip it'
        yield f'or let it run: on_divergence="live", allow_live=["*:{name}"]'
    elif first.kind == "missing":
        yield "look for the branch that no longer makes this call; on purpose? record anew"
    elif first.kind == "drifted-request":
        yield 'on purpose? match="ordered" or "fuzzy" serves it all the same; or record anew'
        yield f'or ask for real from here: on_divergence="live", allow_live=["*:{name}"]'
    elif first.kind == "moved":
        yield 'work is started in another order; match="ordered" accepts that'
    else:
        yield "compare the code between this step and the calls before it; on purpose? record anew"


def _numbers(report: Report) -> Iterator[str]:
    yield (
        f"coverage {_share(report.coverage)}, consumption {_share(report.consumption)}, "
        f"fidelity {_share(report.fidelity)}, decisions {_share(report.decisions)}"
    )
    latency, cost = report.latency, report.cost
    ratios = latency.get("log_ratio") or {}
    if ratios.get("p50") is not None:
        before, now = latency["before"], latency["now"]
        shares = (f"{name} {before[f'{name}_ms']} -> {now[f'{name}_ms']} ms" for name in ratios)
        yield f"latency of what was made for real: {', '.join(shares)}"
    if cost.get("delta") is not None:
        served = " (what the record served costs nothing)" if latency.get("served") else ""
        yield f"cost {cost['before']} -> {cost['now']} USD{served}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(report: Report) -> Iterator[str]:
    """Yield the steps around the first one that differs."""
    rows = report.alignment
    at = next((at for at, row in enumerate(rows) if row["status"] != "same"), None)
    if at is None:
        return
    for row in rows[max(0, at - AROUND) : at + AROUND + 1]:
        step = "-" if row["step"] is None else str(row["step"])
        mark = " " if row["status"] == "same" else ">"
        yield f"{mark} {step:>5} {row['status']:8} {row['lane']:8} {row['kind']} {row['name']}"


def _changes(report: Report) -> list[tuple[str, tuple[Json, Json]]]:
    return list(report.environment.items())[:CHANGES]
