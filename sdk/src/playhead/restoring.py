"""The state of an application at a step, folded from what it said of it.

A program that can go on from a state need not run again up to where a fork begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from playhead.patching import PatchError, patched_json
from playhead.places import MAIN
from playhead.values import from_json

Json = Any


def state_before(events: Iterable[Mapping[str, Json]], at: int) -> dict[str, Json]:
    """Return the state of each lane before step ``at`` (1 is the first), as it was set.

    Raises PatchError, naming the step, for a change that does not fit the state before it.
    """
    states: dict[str, Json] = {}
    for step, event in enumerate(events, 1):
        if step >= at:
            break
        lane = str(event.get("lane") or MAIN)
        if event.get("state") is not None:
            states[lane] = event["state"]
        if event.get("state_patch") is not None:
            try:
                states[lane] = patched_json(states.get(lane, {}), event["state_patch"])
            except PatchError as error:
                raise PatchError(
                    f"Step {step} changes a state that is not there: {error}."
                ) from None
    return {lane: from_json(state) for lane, state in states.items()}
