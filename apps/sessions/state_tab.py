"""The state at a step as the panel shows it: what it is, what became of it, who set what."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.sessions.fidelity import STATE
from apps.sessions.json_tree import SIZE_LIMIT, size_of
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout, Place, Stated
from apps.sessions.models import Session
from apps.sessions.state import SHARED, advance, state_before, stated_steps
from apps.sessions.state_trail import Trail
from apps.sessions.state_tree import ABSENT, Drawing, Drawn

Json = Any

# Steps with state over which is followed who set what; what is older was set "before".
FOLLOWED = 200
# A state larger than this is not drawn, only what the step changed.
LARGEST = 10 * SIZE_LIMIT


@dataclass(frozen=True)
class LaneState:
    """The state of one lane."""

    name: str
    drawn: Drawn
    size: int

    @property
    def more(self) -> int:
        return self.drawn.count - len(self.drawn.changes)

    @property
    def is_shared(self) -> bool:
        return self.name == SHARED


@dataclass
class Followed:
    """The states of all lanes, and what brought them there."""

    state: dict[str, Json]
    trails: dict[str, Trail] = field(default_factory=dict)
    before: dict[str, Json] = field(default_factory=dict)
    # Patches of the step that do not apply.
    refused: list[dict[str, Json]] = field(default_factory=list)
    # The lane that the step itself speaks of.
    lane: str = ""


@dataclass(frozen=True)
class States:
    """The session whose states are shown, and what opens it."""

    session: Session
    layout: Layout
    cipher: SessionCipher | None = None

    @cached_property
    def stated(self) -> Sequence[Stated]:
        if not self.session.features & STATE:
            return []
        return stated_steps(self.session, self.layout)

    def before(self, at: int) -> dict[str, Json]:
        return state_before(self.session, self.stated, at, cipher=self.cipher)


def state_context(states: States, at: int, against: int | None, *, view: str) -> dict[str, Any]:
    """Return the state after the step at an index, set against an earlier or later one."""
    stated, layout = states.stated, states.layout
    if not stated:
        return {"has_state": False}
    followed = follow(states, at)
    # Step numbers begin at 1: the state after step ``against`` is that before the next index.
    is_other = against is not None and against != at
    before = states.before(against or 0) if is_other else followed.before
    link = Links(states.session, layout, view)
    lanes = _lanes(before, followed, link)
    return {
        "has_state": True,
        "lanes": lanes,
        "changed": sum(lane.drawn.count for lane in lanes),
        "refused": followed.refused,
        "against": against if is_other else None,
        "is_stated": bool(followed.lane),
        "followed": FOLLOWED,
        "is_long": bisect_right([one.at for one in stated], at) > FOLLOWED,
        **_neighbours(layout, stated, at),
    }


def follow(states: States, at: int) -> Followed:
    """Fold the state up to a step, and follow who set what over the last steps that did."""
    upto = [one for one in states.stated if one.at <= at]
    window = upto[-FOLLOWED:]
    begins = window[0].at if len(upto) > FOLLOWED else 0
    followed = Followed(states.before(begins))
    seen = {lane: orjson.dumps(value) for lane, value in followed.state.items()}
    steps = advance(states.session, followed.state, window, cipher=states.cipher)
    for one, patched in steps:
        _follow_one(followed, seen, one, patched, at)
    if not followed.lane:
        followed.before = followed.state
    return followed


def _follow_one(
    followed: Followed, seen: dict[str, bytes], one: Stated, patched: list[dict[str, Json]], at: int
) -> None:
    lane, after = one.lane, followed.state.get(one.lane)
    was = orjson.loads(seen[lane]) if lane in seen else ABSENT
    if one.at == at:
        others = {name: value for name, value in followed.state.items() if name != lane}
        followed.lane = lane
        followed.before = others if was is ABSENT else others | {lane: was}
        followed.refused = [change for change in patched if "error" in change]
    if was is ABSENT:
        followed.trails[lane] = Trail(one.at)
    else:
        trail = followed.trails.get(lane, Trail())
        followed.trails[lane] = trail.after(was, after, one.at)
    seen[lane] = orjson.dumps(after)


def _lanes(before: dict[str, Json], followed: Followed, link: Links) -> list[LaneState]:
    """Draw each lane's state; what all lanes share comes first."""
    names = sorted({**followed.state, **before}, key=lambda name: (name != SHARED, name))
    return [
        _lane(name, before.get(name, ABSENT), followed.state.get(name, ABSENT), followed, link)
        for name in names
    ]


def _lane(name: str, was: Json, now: Json, followed: Followed, link: Links) -> LaneState:
    size = 0 if now is ABSENT else size_of(now)
    if size > LARGEST:
        return LaneState(name, Drawn(), size)
    trail = followed.trails.get(name, Trail())
    return LaneState(name, Drawing(link).draw(was, now, trail), size)


@dataclass(frozen=True)
class Links:
    """Links to the steps that set something; the panel goes there without a new page."""

    session: Session
    layout: Layout
    view: str

    def __call__(self, at: int | None) -> SafeString:
        if at is None:
            return SafeString("")
        return format_html(
            '<a class="set-by" data-to="{0}" title="Set by step {0}" '
            'href="{1}?view={2}&amp;step={3}&amp;tab=state">'
            '<span class="visually-hidden">set by step </span>#{0}</a>',
            at + 1,
            self.root,
            self.view,
            self.layout.id(at),
        )

    @cached_property
    def root(self) -> str:
        project = self.session.project
        slugs = (project.organization.slug, project.slug, self.session.pk)
        return reverse("sessions:detail", args=slugs)


def _neighbours(layout: Layout, stated: Sequence[Stated], at: int) -> dict[str, Place | None]:
    """Return the steps before and after this one that say something about the state."""
    places = [one.at for one in stated]
    before, after = bisect_left(places, at), bisect_right(places, at)
    return {
        "state_before": layout.place(places[before - 1]) if before else None,
        "state_after": layout.place(places[after]) if after < len(places) else None,
    }
