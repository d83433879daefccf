"""The playground: one recorded call of a model, changed by hand and asked of several models.

Nothing of it is kept but what is saved as a version of a prompt; the trail says who asked whom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import orjson
from django.conf import settings
from django.db import connection
from playhead import fidelity

from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.errors import InvalidError
from apps.prompts import services as library
from apps.prompts.content import Content
from apps.prompts.models import Kind, PromptVersion
from apps.prompts.services import About
from apps.providers.calling import Caller, Outcome, Patience
from apps.providers.dialects import chat
from apps.providers.models import Credential
from apps.providers.protocol import Request, UnsupportedError
from apps.providers.reading import request_of
from apps.replays.server.questions import Event, as_output, recorded_request
from apps.sessions.messages import Message, read_messages
from apps.tenants.models import Project

Json = Any

MOST_TARGETS = 4
MOST_MESSAGES = 200
LONGEST = 1_000_000
# Somebody waits at the page.
PATIENCE = Patience(seconds=90.0, tries=2, waits=15.0)
PLAIN_ROLES = ("system", "user", "assistant")
# Params of a body that are edited in fields of their own.
APART = ("model", "messages", "tools")


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it is edited: words of a speaker, or the JSON of a message."""

    role: str
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A call of a model as it is edited."""

    lines: tuple[Line, ...]
    model: str = ""
    params: str = "{}"
    tools: str = "[]"
    # What could not be taken over from the record, in words.
    notes: tuple[str, ...] = ()

    def request(self, model: str) -> Request:
        """Return what is asked of a model, or raise InvalidError naming the field."""
        params, tools = self._params(), _opened(self.tools, "tools", list)
        said = [_message(line, at) for at, line in enumerate(self.lines)]
        try:
            return request_of(model, said, params=params, tools=tools)
        except UnsupportedError as error:
            raise InvalidError(str(error), "messages") from None

    def content(self, kind: str, *, is_whole: bool) -> Content:
        """Return what a version of a prompt keeps of it: the system's words, or all plain ones."""
        kept = [
            line
            for line in self.lines
            if line.text and line.role in (PLAIN_ROLES if is_whole else ("system",))
        ]
        if not kept:
            raise InvalidError("There is no system message to be saved.", "what")
        body: Json = [{"role": line.role, "content": line.text} for line in kept]
        if kind == Kind.TEXT:
            body = "\n\n".join(line.text for line in kept)
        params = self._params() | ({"model": self.model} if self.model else {})
        return Content(body, params, _opened(self.tools, "tools", list))

    def _params(self) -> dict[str, Json]:
        found: dict[str, Json] = _opened(self.params, "params", dict)
        return found


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask for which model."""

    credential: Credential
    model: str


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of asking one target."""

    target: Target
    outcome: Outcome
    messages: Sequence[Message] = ()
    # How alike it is to the recorded answer, from 0 to 1; None where there is none.
    likeness: float | None = None


def draft_of(event: Event) -> Draft:
    """Return a recorded call to be edited. Raises UnsupportedError where it cannot be asked."""
    request = recorded_request(event)
    written = chat.write(request, is_first_party=False)
    params = {name: value for name, value in written.body.items() if name not in APART}
    return Draft(
        tuple(_line(message) for message in written.body["messages"]),
        model=request.model,
        params=_shown(params),
        tools=_shown(written.body.get("tools", [])),
        notes=tuple(written.notes),
    )


def ask_all(
    project: Project,
    draft: Draft,
    targets: Sequence[Target],
    *,
    recorded: Event | None,
    actor: Actor,
) -> list[Answered]:
    """Ask every target at the same time; what fails says so in its place."""
    if not 1 <= len(targets) <= MOST_TARGETS:
        raise InvalidError(f"Choose from one to {MOST_TARGETS} models.", "targets")
    asked = [(target, draft.request(target.model)) for target in targets]
    callers = [Caller(project, target.credential, patience=PATIENCE) for target in targets]
    work = [
        (caller, target, request) for caller, (target, request) in zip(callers, asked, strict=True)
    ]
    if settings.REPLAY_THREADS <= 1:
        found = [_asked(*one) for one in work]
    else:
        with ThreadPoolExecutor(MOST_TARGETS) as pool:
            found = list(pool.map(lambda one: _asked_apart(*one), work))
    _record(project, actor, found)
    return [_compared(one, recorded) for one in found]


def save_version(
    project: Project, draft: Draft, *, name: str, note: str, is_whole: bool, actor: Actor
) -> PromptVersion:
    """Add what was tried to a prompt of the library, which is made if there is none."""
    prompt = project.prompts.filter(name=name.strip().strip("/")).first()
    if prompt is not None:
        prompt.project = project
        content = draft.content(prompt.kind, is_whole=is_whole)
        return library.add_version(prompt, content=content, actor=actor, note=note)
    kind = Kind.CHAT if is_whole else Kind.TEXT
    about = About(name, kind=kind)
    content = draft.content(kind, is_whole=is_whole)
    return library.create_prompt(project, about=about, content=content, actor=actor, note=note)


def _asked(caller: Caller, target: Target, request: Request) -> Answered:
    outcome = caller.call(request)
    if outcome.answer is None:
        return Answered(target, outcome)
    return Answered(target, outcome, read_messages([as_output(outcome.answer.message)]) or ())


def _asked_apart(caller: Caller, target: Target, request: Request) -> Answered:
    try:
        return _asked(caller, target, request)
    finally:
        connection.close()


def _compared(answered: Answered, recorded: Event | None) -> Answered:
    if recorded is None or answered.outcome.answer is None or recorded.get("output") is None:
        return answered
    was = fidelity.Step("llm", None, recorded["output"], None)
    now = fidelity.Step("llm", None, as_output(answered.outcome.answer.message), None)
    return replace(answered, likeness=fidelity.answer_score(was, now))


def _record(project: Project, actor: Actor, found: Sequence[Answered]) -> None:
    audit.record(
        actor,
        "playground.ask",
        organization_id=project.organization_id,
        project_id=project.pk,
        objects=[f"provider:{one.target.credential.pk}" for one in found],
        detail={
            "asked": [
                {
                    "provider": one.target.credential.name,
                    "model": one.target.model,
                    "paid": None if one.outcome.paid is None else format(one.outcome.paid, "f"),
                    "error": one.outcome.error.kind if one.outcome.error else None,
                }
                for one in found
            ]
        },
    )


def _line(message: Mapping[str, Json]) -> Line:
    is_plain = message.keys() == {"role", "content"} and isinstance(message["content"], str)
    if is_plain and message["role"] in PLAIN_ROLES:
        return Line(str(message["role"]), message["content"])
    return Line("json", _shown(message))


def _message(line: Line, at: int) -> Json:
    if line.role in PLAIN_ROLES:
        return {"role": line.role, "content": line.text}
    return _opened(line.text, f"message {at + 1}", dict)


def _opened(text: str, field: str, wanted: type) -> Json:
    try:
        value = orjson.loads(text or ("[]" if wanted is list else "{}"))
    except orjson.JSONDecodeError as error:
        raise InvalidError(f"This is not JSON: {error}.", field) from None
    if not isinstance(value, wanted):
        raise InvalidError(f"Must be {'a list' if wanted is list else 'an object'}.", field)
    return value


def _shown(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
