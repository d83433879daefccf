"""What the panel shows of one step, tab by tab. Only what the open tab needs is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.urls import reverse

from apps.core.errors import InvalidError
from apps.prompts.models import PromptVersion
from apps.sessions import panel, player, reader
from apps.sessions.code_changes import Source, code_context
from apps.sessions.finding import read_find
from apps.sessions.json_tree import Budget
from apps.sessions.keys import SessionCipher
from apps.sessions.layout import Layout, Place
from apps.sessions.messages import read_messages
from apps.sessions.missing import why_missing
from apps.sessions.models import Session
from apps.sessions.retries import calls_before, recovered_by, retry_of, tries_after
from apps.sessions.rows import EventRow
from apps.sessions.search_query import SearchQuery
from apps.sessions.state_tab import States, state_context
from apps.sessions.steps import Step

Json = Any
Event = Mapping[str, Json]

IO, STATE, CHANGES, COMMENTS, RAW = "io", "state", "changes", "comments", "raw"
TABS = {IO: "I/O", STATE: "State", CHANGES: "Changes", COMMENTS: "Comments", RAW: "Raw"}
# What the address may say about the panel.
PARAMETERS = frozenset({"tab", "find", "against", "diff", "text"})
# Earlier calls of the lane that may hold the history which a call repeats.
CALLS_BEFORE = 2
# Entries of what stands in messages, all together, that one panel draws.
PART_NODES = 120
# Later tries of a failed call whose input is compared.
TRIES = 3


@dataclass(frozen=True)
class Asked:
    """What is asked for of one step."""

    tab: str = IO
    # Words that are marked wherever they stand, and as they were typed.
    find: SearchQuery | None = None
    words: str = ""
    # The number of the step whose state is compared; None: the one before.
    against: int | None = None
    is_split: bool = False
    may_read: bool = False
    # What links to other tabs keep of the address, ready to be put behind ``&``.
    kept: str = ""
    view: str = ""
    # The session's cipher where the caller has it already.
    cipher: SessionCipher | None = field(default=None, compare=False)


def read_asked(
    query: QueryDict, layout: Layout, *, may_read: bool, cipher: SessionCipher | None
) -> Asked:
    """Return what an address asks for; raises InvalidError where that makes no sense."""
    return Asked(
        tab=read_tab(query.get("tab")),
        find=read_find(query.get("find")) if may_read else None,
        words=query.get("find", ""),
        against=read_against(query.get("against"), len(layout)),
        is_split=read_diff(query.get("diff")),
        may_read=may_read,
        kept=kept(query),
        view=query.get("view", player.VIEWS[0]),
        cipher=cipher,
    )


def kept(query: QueryDict) -> str:
    some = QueryDict(mutable=True)
    for name in ("diff", "text", "find"):
        if query.get(name):
            some[name] = query.get(name, "")
    return some.urlencode()


def read_tab(name: str | None) -> str:
    if name is None:
        return IO
    if name not in TABS:
        raise InvalidError(f"tab must be one of {', '.join(TABS)}.", "tab")
    return name


def read_diff(name: str | None) -> bool:
    if name not in (None, "unified", "split"):
        raise InvalidError("diff must be unified or split.", "diff")
    return name == "split"


def read_against(text: str | None, last: int) -> int | None:
    """Return a step's number; 0 is before the first."""
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:12]) <= last):
        raise InvalidError(f"against must be a step's number from 0 to {last}.", "against")
    return int(text)


def step_context(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    """Return one step, laid out for the panel."""
    at = shown.at
    context = {
        "at": player.playhead_at(layout, at),
        "step": shown.step,
        "event": shown.event,
        "group": player.group_of(shown.step.kind),
        "icon": player.icon_of(shown.step.kind),
        "tab": asked.tab,
        "tabs": TABS,
        "kept": asked.kept,
        "marked": asked.find,
        "find": asked.words,
        "retry_of": _place(layout, retry_of(layout, at)),
        "parent": _place(layout, layout.parents[at] if layout.parents[at] >= 0 else None),
        "sections": [],
        "prompt": prompt_of(session, shown.step) if asked.tab == IO else None,
    }
    if shown.step.status == "error" or layout.is_error(at):
        context["recovery"] = _recovery(layout, at, shown)
    if not asked.may_read:
        return context
    return context | FILLED.get(asked.tab, _nothing)(session, layout, shown, asked)


def prompt_of(session: Session, step: Step) -> PromptVersion | None:
    """Return which version of the library made a step; one query where the step names one."""
    number = step.prompt_version or ""
    if not step.prompt_name or not (number.isascii() and number.isdigit() and len(number) <= 9):
        return None
    versions = session.project.prompt_versions.select_related("prompt").only("number", "prompt")
    return versions.filter(prompt__name=step.prompt_name, number=int(number)).first()


@dataclass(frozen=True)
class Shown:
    """The step at the playhead, and what stands beside it."""

    at: int
    step: Step
    event: Event
    # The digest of its input, which is equal for equal inputs.
    given: bytes | None = None
    calls: Sequence[tuple[Step, Event]] = ()
    tries: Mapping[int, EventRow] = field(default_factory=dict)
    # Whatever else the page shows, in the order asked for.
    also: Sequence[Event] = ()
    cipher: SessionCipher | None = None


def read_shown(
    session: Session, layout: Layout, at: int, asked: Asked, also: Sequence[int] = ()
) -> Shown:
    """Read the step, earlier calls, later tries and ``also``: as many queries as for one step."""
    is_call = asked.tab == IO and asked.may_read and layout.kinds[at] == "llm"
    calls = calls_before(layout, at, CALLS_BEFORE) if is_call else []
    tries = _first(tries_after(layout, at), TRIES) if layout.is_error(at) else []
    wanted = list(dict.fromkeys((at, *calls, *also)))
    cipher = asked.cipher
    if asked.may_read and cipher is None:
        cipher = reader.ciphers([session]).get(session.pk)
    # The state lies elsewhere than what the step said, and so do comments; an error is said.
    is_said = asked.tab not in (STATE, COMMENTS) or layout.is_error(at) or bool(also)
    content = asked.may_read and is_said
    read, rows = reader.read_beside(session, layout, wanted, tries, content=content, cipher=cipher)
    found = dict(zip(wanted, read, strict=True))
    return Shown(
        at,
        *found[at],
        given=rows[0].input_digest,
        calls=[found[index] for index in calls],
        tries=dict(zip(tries, rows[1:], strict=True)),
        also=[found[index][1] for index in also],
        cipher=cipher,
    )


def _first(found: Any, count: int) -> list[int]:
    return [index for index, _ in zip(found, range(count), strict=False)]


@dataclass(frozen=True)
class Recovery:
    """What became of a failed call: the try that succeeded, if any, and how many were made."""

    by: Place | None = None
    # True where it was given the same; None where that is not known.
    is_same: bool | None = None
    # The last try that was made, where none succeeded.
    last: Place | None = None


def _recovery(layout: Layout, at: int, shown: Shown) -> Recovery:
    """Tell what became of a failed call. A model's call is only tried again with the same input."""
    if shown.step.kind == "llm":
        same = [index for index, row in shown.tries.items() if row.input_digest == shown.given]
        good = next((index for index in same if not layout.is_error(index)), None)
        return Recovery(_place(layout, good), True, _place(layout, same[-1] if same else None))
    good = recovered_by(layout, at)
    row = None if good is None else shown.tries.get(good)
    is_same = None if row is None else row.input_digest == shown.given
    last = list(shown.tries)[-1] if shown.tries else None
    return Recovery(_place(layout, good), is_same, _place(layout, last))


def _place(layout: Layout, at: int | None) -> Place | None:
    return None if at is None else layout.place(at)


def _nothing(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    return {}


def _io(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    draw = panel.Trees(bodies_of(session, shown.step))
    sections = list(panel.sections(shown.event, draw, _before(shown)))
    sections[1:1] = source_sections(session, layout, shown.event)
    missing = why_missing(shown.step, shown.event)
    return {"sections": sections, "missing": missing, "budget": Budget(PART_NODES)}


def bodies_of(session: Session, step: Step) -> str:
    """Return the address below which each field of a step can be had whole."""
    project = session.project
    slugs = (project.organization.slug, project.slug, session.pk, step.id)
    return reverse("sessions:body", args=(*slugs, "input")).removesuffix("input/")


def _before(shown: Shown) -> list[panel.Before]:
    """Return what earlier calls of the lane were sent and answered, the nearest first."""
    return [
        panel.Before(
            step.seq,
            step.id,
            [
                *(read_messages(event.get("input")) or ()),
                *(read_messages(event.get("output"), "assistant") or ()),
            ],
        )
        for step, event in reversed(shown.calls)
    ]


def _state(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    states = States(session, layout, shown.cipher)
    return state_context(states, shown.at, asked.against, view=asked.view)


def _changes(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    source = Source(session, layout, shown.cipher)
    return code_context(source, shown.at, shown.event, is_split=asked.is_split)


def _raw(session: Session, layout: Layout, shown: Shown, asked: Asked) -> dict[str, Any]:
    draw = panel.Trees(bodies_of(session, shown.step))
    return {"sections": list(panel.raw_sections(shown.event, draw))}


FILLED: Mapping[str, Callable[[Session, Layout, Shown, Asked], dict[str, Any]]] = {
    IO: _io,
    STATE: _state,
    CHANGES: _changes,
    RAW: _raw,
}


def source_sections(session: Session, layout: Layout, event: Event) -> list[panel.Section]:
    """Return the steps whose output the step was given, where its sender named any."""
    named = event.get("inputs")
    if not named:
        return []
    rows = session.project.event_inputs.filter(session_id=session.pk, event_id=event["id"])
    found = (layout.find(source.hex) for source in rows.values_list("source_id", flat=True))
    places = [layout.place(at) for at in sorted(at for at in found if at is not None)]
    return [panel.source_section(places, max(len(named), len(places)))]
