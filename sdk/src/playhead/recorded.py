"""One call of the record: what it asked, what answers it, and what others than this client know.

Sessions that came through OpenTelemetry, Langfuse or a file have no keys of this client, other
names for calls of models, and messages in a form of their own. Their calls are found by what
was said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from playhead.calls import Answer, Call, Key
from playhead.conversations import Conversation, conversation_in
from playhead.masked import is_all_but_masked, is_masked
from playhead.matching import CANON, match_hashes, normalised
from playhead.values import in_order, is_whole

Json = Any
Event = Mapping[str, Json]

# Calls that leave the application: what a replay answers.
BOUNDARY = frozenset("llm tool retriever embedding reranker guardrail memory http".split())
# Calls whose answers are read by a client that wants the provider's own bytes.
OVER_HTTP = frozenset({"llm", "embedding", "http"})
# Fields of an event that say what was asked.
ASKED = ("input", "params", "tools", "model")
# How calls of other recorders are found: by all that was said, without the system's words, by
# kind and name alone.
SAID, LOOSE, OTHERS = "said", "loose", "others"
_Counts = dict[tuple[str, str, str, str], int]


@dataclass(slots=True, eq=False)
class Recorded:
    """One call of the record."""

    # 1, 2, ... in replay order, as pages count steps.
    seq: int
    event: Event
    key: Key
    loose: str
    # False: another recorder told of it, which knows neither lanes nor keys as they are here.
    is_own: bool = True
    is_consumed: bool = False
    # It lies before a step whose state was restored, and is not made again.
    is_passed: bool = False
    # A call that was made for real, or not at all, stands beside it.
    is_met: bool = False
    # The call that answers for this one where it is answered itself.
    inside: Recorded | None = None
    _said: Conversation | None = field(default=None, repr=False)

    @property
    def id(self) -> str | None:
        """The id that its sender gave it."""
        found = self.event.get("client_id") or self.event.get("id")
        return None if found is None else str(found)

    @property
    def said(self) -> Conversation | None:
        if self._said is None:
            self._said = conversation_in(self.event.get("input"))
        return self._said

    @property
    def is_left(self) -> bool:
        """Tell whether nothing has asked for it, nor for a call that it lies in."""
        around = self.inside
        is_open = not (self.is_consumed or self.is_passed)
        return is_open and (around is None or around.is_left)

    def is_free(self, *, alone: bool = False) -> bool:
        """Tell whether it can still be given; ``alone``: and stands beside no other call."""
        return not (self.is_consumed or self.is_passed or (alone and self.is_met))

    def places(self) -> Iterator[tuple[str, ...]]:
        """Yield where another recorder's call is looked for."""
        return _places(self.key.kind, self.key.name, self.said)

    def answer(self) -> Answer:
        replay = self.event.get("replay") or {}
        response = replay if "status" in replay else None
        known = ("usage", "model_returned", "request_id", "response_id")
        extra = {name: self.event[name] for name in known if self.event.get(name) is not None}
        output, error = self.event.get("output"), self.event.get("error")
        if orders := replay.get("key_orders"):
            output = in_order(output, orders)
        return Answer(output, error, {} if self.is_own else extra, response)

    def why_not(self) -> str | None:
        """Return why nothing can be answered from it; None where it can."""
        replay, output = self.event.get("replay") or {}, self.event.get("output")
        if "status" in replay:
            return None if "stream" in replay else "its answer was too large to be kept"
        if self.event.get("error"):
            return None
        if self.key.kind in OVER_HTTP:
            return self._why_not_rebuilt(output)
        if not self.is_own and output is None and self.event.get("input") is None:
            return "neither what it was asked nor its answer was recorded"
        return None if is_whole(output) else "its answer was no value that JSON can tell"

    def _why_not_rebuilt(self, output: Json) -> str | None:
        if self.key.kind != "llm":
            return "only the answers of chat models can be made again from what was told of them"
        if output is None:
            return "its answer was not recorded"
        if conversation_in(output, "assistant") is None:
            return "its answer has a form that is not known"
        return None


def recorded_calls(events: Iterable[Event]) -> Iterator[Recorded]:
    """Yield the calls of a session in replay order, each once however many told of it."""
    counts: _Counts = defaultdict(int)
    events = list(events)
    own = [event for event in events if _is_own(event)]
    known = {_said_in(event) for event in own if event.get("kind") == "llm"}
    by_id: dict[str, tuple[Event, Recorded | None]] = {}
    for seq, event in enumerate(events, 1):
        found = None
        if event.get("kind") in BOUNDARY and not _is_said_before(event, known):
            found = _recorded(seq, event, counts)
            found.inside = None if found.is_own else _around(event, by_id)
            yield found
        by_id[str(event.get("id"))] = (event, found)


def _is_own(event: Event) -> bool:
    return "ordinal" in (event.get("replay") or {})


def _is_said_before(event: Event, known: set[str | None]) -> bool:
    """Tell whether another recorded call answers for this one."""
    if _is_own(event):
        return bool(event["replay"].get("is_inside"))
    # The same call, told by two recorders.
    if event.get("is_counted") is False:
        return True
    return event.get("kind") == "llm" and bool(known) and _said_in(event) in known


def _said_in(event: Event) -> str | None:
    said = conversation_in(event.get("input"))
    return said.hashed() if said else None


def _around(event: Event, by_id: Mapping[str, tuple[Event, Recorded | None]]) -> Recorded | None:
    """Return the recorded call in which another recorder's call lies."""
    kind, seen = event.get("kind"), 0
    while (found := by_id.get(str(event.get("parent")))) is not None and seen < len(by_id):
        event, recorded = found
        # Tools stand below the model that asked for them, and are run by the application.
        if recorded is not None and (recorded.key.kind != "llm" or kind in OVER_HTTP):
            return recorded
        seen += 1
    return None


def _recorded(seq: int, event: Event, counts: _Counts) -> Recorded:
    replay = event.get("replay") or {}
    request, loose = replay.get("request_hash"), replay.get("loose_hash")
    if request is None or loose is None or replay.get("canon") != CANON:
        made = match_hashes(
            event.get("input"),
            model=event.get("model"),
            params=event.get("params"),
            tools=event.get("tools"),
        )
        request, loose = made.request, made.loose
    lane, name = str(event.get("lane") or "0"), str(event.get("name") or "")
    alike = (lane, str(event["kind"]), name, request)
    ordinal = replay.get("ordinal", counts[alike])
    counts[alike] = ordinal + 1
    return Recorded(seq, event, Key(*alike, ordinal), loose, is_own="ordinal" in replay)


@dataclass(slots=True)
class Asking:
    """A call that is looked for among those of other recorders, read only where it must be."""

    call: Call
    _said: Conversation | None = None

    @property
    def said(self) -> Conversation | None:
        if self._said is None and self.call.kind == "llm":
            self._said = conversation_in(self.call.asked)
        return self._said

    def place(self, how: str) -> tuple[str, ...]:
        """Return where another recorder's call is looked for, from SAID to OTHERS."""
        places = _places(self.call.kind, self.call.name, self.said)
        return next((place for place in places if place[0] == how), (how,))

    def is_same_as(self, recorded: Recorded) -> bool:
        """Tell whether another recorder's call from the place SAID asks the same."""
        is_same = self.call.kind == "llm" or _is_given(recorded, self.call)
        return is_same and self.is_in_the_same_way(recorded)

    def is_said_by(self, recorded: Recorded) -> bool:
        """Tell whether a recorded call asks the same, however it would be answered."""
        if recorded.is_own:
            return recorded.loose == self.call.hashes.loose
        if self.call.kind != "llm":
            return recorded.key.name == self.call.name and _is_given(recorded, self.call)
        ours, theirs = self.said, recorded.said
        return ours is not None and theirs is not None and ours.hashed() == theirs.hashed()

    def is_in_the_same_way(self, recorded: Recorded) -> bool:
        """Tell whether model, tools and parameters are the same, as far as they were told."""
        call, event = self.call, recorded.event
        if event.get("model") not in (None, call.model):
            return False
        params = event.get("params") or {}
        both = params.keys() & call.params.keys()
        names = tool_names(event.get("tools"))
        return all(params[name] == call.params[name] for name in both) and (
            not names or names == tool_names(call.tools)
        )

    def is_all_but_masked_in(self, recorded: Recorded) -> bool:
        """Tell whether a masked call asks the same, as far as it is not masked."""
        if not is_masked(recorded.event, *ASKED) or not self.is_in_the_same_way(recorded):
            return False
        if recorded.is_own or self.call.kind != "llm":
            asked = normalised(self.call.asked)
            return is_all_but_masked(normalised(recorded.event.get("input")), asked)
        ours, theirs = self.said, recorded.said
        if ours is None or theirs is None:
            return False
        return is_all_but_masked(theirs.as_json(), ours.as_json())


def _places(kind: str, name: str, said: Conversation | None) -> Iterator[tuple[str, ...]]:
    if kind != "llm":
        # Names of calls of models are each recorder's own, those of tools are the application's.
        yield from ((how, kind, name) for how in (SAID, LOOSE, OTHERS))
        return
    if said is not None:
        yield SAID, kind, said.hashed()
        yield LOOSE, kind, said.hashed(with_system=False)
    yield OTHERS, kind


def _is_given(recorded: Recorded, call: Call) -> bool:
    """Tell whether a call has the arguments of a recorded one, and else what was left out then."""
    if recorded.key.request == call.hashes.request:
        return True
    given, asked = normalised(recorded.event.get("input")), normalised(call.asked)
    if not isinstance(given, dict) or not isinstance(asked, dict):
        # Some tell a single argument without its name.
        return given is not None and given in (asked, *_only(asked))
    return bool(given) and all(name in asked and asked[name] == given[name] for name in given)


def _only(asked: Json) -> list[Json]:
    is_one = isinstance(asked, dict) and len(asked) == 1
    return list(asked.values()) if is_one else []


def tool_names(tools: Json) -> set[str]:
    """Return the names of the tools that a model may call."""
    listed = [one for one in tools or () if isinstance(one, Mapping)]
    return {str((one.get("function") or one).get("name") or one.get("type")) for one in listed}
