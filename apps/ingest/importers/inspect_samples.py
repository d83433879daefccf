"""One sample of an evaluation with Inspect: its steps, calls of models, tools and scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from apps.ingest.checks import flag
from apps.ingest.conventions.attributes import known
from apps.ingest.importers.inspect_steps import MAKERS, Resolver, error_of
from apps.ingest.importers.openai_chat import chat_events
from apps.ingest.importers.told import Fields, Told
from apps.sessions.events import IncomingEvent, Json

ROOT = "sample"
# What stands in the events again, or is counted from them.
REPEATED = (
    "messages model_usage role_usage events_data attachments total_time working_time "
    "turn_count store summary invalidation"
).split()
# Fields that the events of a log have in common; they place the event, or are its clock.
COMMON = ("working_start", "working_time", "pending", "event")


def sample_events(log: Fields, sample: Fields, unmapped: Counter[str]) -> list[IncomingEvent]:
    """Return the events of a sample, the sample itself first."""
    told = Told(sample, "sample")
    resolver = Resolver(told.inner("events_data").listing("messages"), told.mapping("attachments"))
    root = _root(Told(log, "eval"), told)
    walk = Walk(resolver, unmapped)
    steps = told.listing("events")
    said = told.listing("messages")
    events = (
        list(walk.steps(steps, ROOT, "events")) if steps else _of_messages(said, root, resolver)
    )
    if not any(event.kind == "evaluator" for event in events):
        events += _scores(root, told.mapping("scores"))
    told.skip("scores", *REPEATED)
    rest = told.rest()
    unmapped.update(rest.keys())
    root.extra = {"sample": rest} | (root.extra or {}) if rest or root.extra else None
    everything = [root, *events]
    for position, event in enumerate(everything):
        event.position = position
        event.session = root.session
    return everything


def _root(log: Told, told: Told) -> IncomingEvent:
    identity, epoch = told.value("id"), told.whole("epoch")
    model, task = log.text("model"), log.text("task")
    error = told.mapping("error")
    named = told.text("uuid") or f"{log.text('eval_id')}-{identity}-{epoch}"
    about = known({
        "task": task, "dataset": _dataset(log), "sample": identity, "epoch": epoch,
        "target": told.value("target"), "choices": told.value("choices"), "model": model,
        "limit": told.value("limit"), "evaluation": log.value("eval_id"),
        "run": log.value("run_id"), "created": log.value("created"),
        "metadata": told.value("metadata") or None, "about": log.value("metadata") or None,
    })  # fmt: skip
    tags = [tag for tag in log.listing("tags") if isinstance(tag, str)]
    return IncomingEvent(
        id=ROOT,
        session=named,
        kind="agent",
        name=task or "sample",
        started_at=told.moment("started_at"),
        ended_at=told.moment("completed_at"),
        input=Resolver().value(told.value("input")),
        output=_completion(told.mapping("output")),
        status="error" if error else None,
        error=error_of(error),
        tags=tags or None,
        metadata=about,
        extra=known({"traceback": error.get("traceback")}) or None,
        ends_session=True,
    )


def _dataset(log: Told) -> Json:
    return log.mapping("dataset").get("name")


def _completion(output: Fields) -> Json:
    return output.get("completion") or None


def _of_messages(said: list[Json], root: IncomingEvent, resolver: Resolver) -> list[IncomingEvent]:
    """Return the events of a log that has kept only the messages."""
    messages = resolver.messages(said)
    events = list(chat_events(messages, str(root.session), {})) if messages else []
    for event in events:
        event.parent = event.parent or ROOT
    return events


def _scores(root: IncomingEvent, scores: Fields) -> Iterator[IncomingEvent]:
    for name, score in scores.items():
        yield IncomingEvent(
            id=f"score-{name}",
            parent=ROOT,
            kind="evaluator",
            name=name,
            output=score if isinstance(score, dict) else {"value": score},
        )


class Walk:
    """One way through the events of a sample, whose spans open and close around the others."""

    def __init__(self, resolver: Resolver, unmapped: Counter[str]) -> None:
        self.resolver = resolver
        self.unmapped = unmapped
        self.spans: dict[str, IncomingEvent] = {}
        # By the name of a span: the event that its steps lie below.
        self.places: dict[str, str] = {}
        self.opened: list[str] = []
        # Spans around the call of a tool, until the tool's own event stands for them.
        self.around: set[str] = set()
        self.count = 0

    def steps(self, steps: list[Json], parent: str, path: str) -> Iterator[IncomingEvent]:
        """Return the events of ``steps``, in their order."""
        for index, one in enumerate(steps):
            told = Told(one, f"{path}[{index}]")
            self.count += 1
            kind = told.text("event") or ""
            if kind in ("span_end", "step") and told.left.get("action") != "begin":
                self._close(told)
            elif kind in ("span_begin", "step"):
                yield from self._open(told, parent)
            else:
                yield from self._event(kind, told, parent)

    def _open(self, told: Told, parent: str) -> Iterator[IncomingEvent]:
        name = told.text("id") or f"step-{self.count}"
        above = told.text("parent_id") or (self.opened[-1] if self.opened else "")
        above, type_ = self.places.get(above, parent), told.text("type")
        self.opened.append(name)
        self.places[name] = name
        if type_ == "tool":
            self.around.add(name)
            self.places[name] = above
            return
        self.spans[name] = IncomingEvent(
            id=name,
            parent=above,
            kind="agent" if type_ == "agent" else "chain",
            name=told.text("name"),
            started_at=told.moment("timestamp"),
            metadata=known({"type": type_, "metadata": told.value("metadata")}) or None,
        )
        yield self.spans[name]

    def _close(self, told: Told) -> None:
        name = told.text("id") or (self.opened[-1] if self.opened else "")
        if name in self.spans:
            self.spans[name].ended_at = told.moment("timestamp")
        if name in self.opened:
            self.opened.remove(name)

    def _event(self, kind: str, told: Told, parent: str) -> Iterator[IncomingEvent]:
        span = told.text("span_id") or (self.opened[-1] if self.opened else "")
        make = MAKERS.get(kind)
        event = IncomingEvent(
            id=told.text("uuid") or f"e{self.count}",
            parent=self.places.get(span, parent),
            kind="event",
            name=kind or None,
            started_at=told.moment("timestamp"),
            ended_at=told.moment("completed"),
        )
        told.skip(*COMMON)
        inner = told.listing("events")
        if make is None:
            self.unmapped[f"event:{kind}"] += 1
            event.output, told.left = told.rest() or None, {}
        else:
            make(event, told, self.resolver)
        self._keep(event, told)
        if kind == "tool" and self.opened and self.opened[-1] in self.around:
            self.around.discard(self.opened[-1])
            self.places[self.opened[-1]] = event.id
        yield event
        yield from self.steps(inner, event.id, told.place("events"))

    def _keep(self, event: IncomingEvent, told: Told) -> None:
        if metadata := told.value("metadata"):
            event.metadata = metadata if isinstance(metadata, dict) else {"metadata": metadata}
        rest = told.rest()
        self.unmapped.update(rest.keys())
        if rest:
            event.extra = rest | (event.extra or {})
        if told.left.get("truncated"):
            flag(event, "output", "Inspect cut this off.")
