"""One step drawn to be read without Playhead: plain HTML that needs no script and fetches nothing.

All of a step is drawn. What an earlier step has shown already is named by that step instead of
being repeated: a model is sent the whole conversation with each call, and a file that repeated
it each time would be as long as its square.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import orjson

from apps.core.canonical import canonical_json
from apps.core.line_diff import diff_lines
from apps.core.units import duration, money, number
from apps.sessions import native
from apps.sessions.code_diff import diff_of
from apps.sessions.export_walk import Walked
from apps.sessions.messages import Message, Part, read_messages
from apps.sessions.player import group_of
from apps.sessions.steps import Step

Json = Any

# Kinds are told by letter, so that they are told apart on paper and by everybody.
LETTERS = {
    "llm": "L",
    "tool": "T",
    "retriever": "R",
    "agent": "A",
    "decision": "D",
    "human": "H",
    "other": "O",
}
# Levels that are indented.
DEEPEST = 8
# What is shorter is repeated rather than named by where it was shown first.
LONG = 400
# What is shorter stands in a row with its name, if there are few of them.
SHORT, FEW = 80, 12
# Conversations that go on beside each other.
CONVERSATIONS = 16
SAID = ("llm", "agent", "human", "chain")

# Fields that are drawn beside input and output, in this order.
REST = (
    ("memory", "Memory"),
    ("state_patch", "State patch"),
    ("state", "State"),
    ("params", "Parameters"),
    ("tools", "Tools offered"),
    ("prompt", "Prompt"),
    ("stamps", "Stamps"),
    ("inputs", "Fed by"),
    ("outcome", "Outcome"),
    ("metadata", "Metadata"),
    ("consent", "Consent"),
    ("replay", "Replay"),
    ("flags", "Notes made on the way in"),
    ("extra", "Raw attributes"),
)


class Shown:
    """What has been drawn so far, by its hash, and the step that showed it."""

    def __init__(self) -> None:
        self._values: dict[bytes, int] = {}
        self._histories: list[list[bytes]] = []

    def value(self, value: Json, seq: int) -> int | None:
        """Return which earlier step showed a long value; else remember this one."""
        text = canonical_json(value)
        if len(text) < LONG:
            return None
        first = self._values.setdefault(_hash(text), seq)
        return None if first == seq else first

    def known(self, sent: Sequence[bytes], answered: Sequence[bytes]) -> int:
        """Return how many messages a call repeats of a conversation; remember it."""
        known, best = 0, -1
        for at, history in enumerate(self._histories):
            length = _common(history, sent)
            if length > known:
                known, best = length, at
        grown = [*sent, *answered]
        if best >= 0 and known == len(self._histories[best]):
            self._histories[best] = grown
        else:
            self._histories = [*self._histories[1 - CONVERSATIONS :], grown]
        return known


def _hash(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=16).digest()


def _common(left: Sequence[bytes], right: Sequence[bytes]) -> int:
    length = 0
    for ours, theirs in zip(left, right, strict=False):
        if ours != theirs:
            break
        length += 1
    return length


def draw(walked: Walked, shown: Shown, *, is_open: bool) -> str:
    """Return a step as HTML; all recorded text in it is escaped."""
    step = walked.step
    is_error = step.status == "error"
    body = "".join(_body(walked, shown))
    opened = " open" if is_open or is_error else ""
    failed = " failed" if is_error else ""
    level = min(step.depth, DEEPEST)
    return (
        f'<details class="step d{level}{failed}" id="s{step.seq}"{opened}>'
        f"<summary>{_summary(step)}</summary>{body}</details>\n"
    )


def _summary(step: Step) -> str:
    group = group_of(step.kind)
    parts = [
        f'<b class="no">{step.seq}</b>',
        f'<span class="k k-{group}">{LETTERS[group]}</span>',
        f'<span class="kind-name">{escape(step.kind)}</span>',
        f'<bdi class="name">{escape(step.name or "")}</bdi>',
    ]
    if step.status == "error":
        parts.append('<strong class="error">&#10006; error</strong>')
    if step.model:
        parts.append(f"<bdi>{escape(step.model)}</bdi>")
    if step.duration_ms is not None:
        parts.append(f"<span>{escape(duration(step.duration_ms))}</span>")
    if step.cost is not None:
        parts.append(f"<span>{escape(money(step.cost))}</span>")
    return " ".join(parts)


def _body(walked: Walked, shown: Shown) -> Iterator[str]:
    step, row, said = walked
    body = said.body
    if step.status == "error":
        yield _error(step, body.get("error") or {})
    if body.get("decision") is not None:
        yield _section("Decision", _value(body["decision"], step.seq, shown))
    yield from _spoken(walked, shown)
    if body.get("code_change") is not None:
        yield _section("Code change", _change(body["code_change"], step.seq, shown))
    for name, title in REST:
        if body.get(name) is not None:
            yield _section(title, _value(body[name], step.seq, shown))
    if row.stamps:
        yield _section("Stamps", _value(row.stamps, step.seq, shown))
    yield _facts(walked)


def _error(step: Step, told: Mapping[str, Json]) -> str:
    named = " ".join(str(one) for one in (step.error_type, told.get("code")) if one)
    message = _text(str(told["message"])) if told.get("message") else ""
    return (
        f'<div class="notice"><strong><bdi>{escape(named) or "Error"}</bdi></strong>{message}</div>'
    )


def _spoken(walked: Walked, shown: Shown) -> Iterator[str]:
    """Draw input, reasoning and output: as messages where they are such."""
    step, _, said = walked
    sent, answered = _messages(said.input, step, "user"), _messages(said.output, step, "assistant")
    if said.input is not None:
        if sent is None:
            yield _section("Input", _value(said.input, step.seq, shown))
        else:
            known = shown.known([*map(_sign, sent)], [*map(_sign, answered or ())])
            yield _section("Input", _conversation(sent, known, step.seq, shown))
    if said.body.get("reasoning"):
        yield _section("Reasoning", _value(said.body["reasoning"], step.seq, shown))
    if said.output is not None:
        drawn = (
            _value(said.output, step.seq, shown)
            if answered is None
            else "".join(_message(one, step.seq, shown) for one in answered)
        )
        yield _section("Output", drawn)


def _messages(value: Json, step: Step, role: str) -> list[Message] | None:
    if step.kind not in SAID and not isinstance(value, str):
        return None
    return read_messages(value, role) or None


def _sign(message: Message) -> bytes:
    """Return a hash of all that is drawn of a message."""
    parts = [part.digest.hex() for part in message.parts]
    return _hash(canonical_json([message.role, message.name, message.finish_reason, parts]))


def _conversation(sent: Sequence[Message], known: int, seq: int, shown: Shown) -> str:
    new = "".join(_message(one, seq, shown) for one in sent[known:])
    if not known:
        return new
    told = "1 message that was" if known == 1 else f"{known:,} messages that were"
    more = "" if new else ", and nothing more"
    return f'<p class="same">{told} sent before{more}.</p>{new}'


def _message(message: Message, seq: int, shown: Shown) -> str:
    name = f' <bdi class="muted">{escape(message.name)}</bdi>' if message.name else ""
    ended = message.finish_reason
    end = f' <bdi class="muted">{escape(ended)}</bdi>' if ended and ended != "stop" else ""
    parts = "".join(_part(part, seq, shown) for part in message.parts)
    return (
        f'<div class="msg"><h4><bdi>{escape(message.role)}</bdi>{name}{end}</h4>'
        f"{parts or _NOTHING}</div>"
    )


_NOTHING = '<p class="muted">No content was recorded.</p>'


def _part(part: Part, seq: int, shown: Shown) -> str:
    if part.kind == "text":
        return _once(part.text, seq, shown)
    if part.kind == "reasoning":
        return f"<h5>Reasoning</h5>{_once(part.text, seq, shown)}"
    titles = {"call": "Calls", "result": "Result of"}
    title = f"{titles.get(part.kind, '')} <bdi>{escape(part.name or part.kind)}</bdi>"
    if part.value is None:
        return f"<h5>{title}</h5>"
    return f"<h5>{title}</h5>{_value(part.value, seq, shown)}"


def _value(value: Json, seq: int, shown: Shown) -> str:
    if isinstance(value, str):
        return _once(value, seq, shown)
    if _is_small(value):
        return _rows(value.items())
    first = shown.value(value, seq)
    if first is not None:
        return _same(first)
    return _text(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), "json")


def _is_small(value: Json) -> bool:
    """Tell whether a value is a few words by name, which read better side by side."""
    return (
        isinstance(value, dict)
        and 0 < len(value) <= FEW
        and all(_is_word(inner) for inner in value.values())
    )


def _is_word(value: Json) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= SHORT and value.isprintable()
    return value is None or isinstance(value, bool | int | float)


def _rows(pairs: Iterable[tuple[str, Json]]) -> str:
    rows = "".join(
        f"<div><dt><bdi>{escape(name)}</bdi></dt><dd><bdi>{escape(_word(value))}</bdi></dd></div>"
        for name, value in pairs
    )
    return f'<dl class="facts">{rows}</dl>'


def _word(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _once(text: str, seq: int, shown: Shown) -> str:
    first = shown.value(text, seq)
    return _text(text) if first is None else _same(first)


def _same(seq: int) -> str:
    return f'<p class="same">The same as in <a href="#s{seq}">step {seq:,}</a>.</p>'


def _text(text: str, name: str = "text") -> str:
    # A line break right behind the tag would be swallowed.
    return f'<pre class="{name}" dir="auto">\n{escape(text)}</pre>'


def _change(change: Json, seq: int, shown: Shown) -> str:
    """Draw a diff line by line, and what else was told of it."""
    diff = diff_of(change)
    if diff is None:
        return _value(change, seq, shown)
    lines = "".join(
        f'<span class="{kind}">{escape(line)}\n</span>' for kind, line in diff_lines(diff)
    )
    rest = {name: value for name, value in change.items() if name != "diff"}
    return f'{_value(rest, seq, shown)}<pre class="diff">\n{lines}</pre>'


def _section(title: str, drawn: str) -> str:
    return f"<section><h3>{title}</h3>{drawn}</section>"


def _facts(walked: Walked) -> str:
    """Draw what is known of a step beside what was said; what is unknown is left out."""
    step, body = walked.step, walked.said.body
    told = (
        ("Started", native.moment(step.started_at)),
        ("Ended", native.moment(step.ended_at)),
        ("First token after", None if step.ttft_ms is None else duration(step.ttft_ms)),
        ("Lane", step.lane),
        ("Agent", step.agent),
        ("Provider", step.provider),
        ("Model that answered", step.model_returned),
        ("Input tokens", _count(step.input_tokens)),
        ("from cache", _count(step.cache_read)),
        ("written to cache", _count(step.cache_write)),
        ("Output tokens", _count(step.output_tokens)),
        ("for reasoning", _count(step.reasoning)),
        ("Counted", None if step.is_counted else "with another step"),
        ("Prompt", _prompt(step)),
        ("Effects", step.effects),
        ("Confidence", step.confidence),
        ("User", body.get("user")),
        ("Role of the user", body.get("user_role")),
        ("Tags", ", ".join(body.get("tags") or ()) or None),
        ("Environment", walked.row.environment),
        ("Release", walked.row.release),
        ("Request", step.request_id),
        ("Response", walked.row.response_id),
        ("Step id", step.id),
        ("Sender's id", step.client_id),
        ("Sender's parent", step.client_parent),
        ("Trace", step.trace),
        ("Named session", step.claimed_session),
    )
    return _rows((title, str(value)) for title, value in told if value is not None)


def _count(count: int | None) -> str | None:
    return None if count is None else number(count)


def _prompt(step: Step) -> str | None:
    return "@".join(part for part in (step.prompt_name, step.prompt_version) if part) or None
