"""Playhead's client: records sessions of AI applications, and runs them again from the record.

What it shares with the server (keys, alignment, canonical JSON) lies here once. The server needs
nothing else of it, so what an application calls is imported when it is first asked for (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playhead.client import counts, flush, fork, init, load, replay, session
    from playhead.prompts import NoSuchPromptError, Prompt, PromptUnavailableError, prompt
    from playhead.replaying import Divergence
    from playhead.reports import Report
    from playhead.steps import (
        agent,
        memory,
        patch_state,
        patched,
        record_code_change,
        record_decision,
        record_snapshot,
        retriever,
        set_state,
        tool,
    )
    from playhead.transports import wrap

__all__ = [
    "Divergence",
    "NoSuchPromptError",
    "Prompt",
    "PromptUnavailableError",
    "Report",
    "agent",
    "counts",
    "flush",
    "fork",
    "init",
    "load",
    "memory",
    "patch_state",
    "patched",
    "prompt",
    "record_code_change",
    "record_decision",
    "record_snapshot",
    "replay",
    "retriever",
    "session",
    "set_state",
    "tool",
    "wrap",
]

_HOMES = {
    "client": "counts flush fork init load replay session",
    "prompts": "NoSuchPromptError Prompt PromptUnavailableError prompt",
    "replaying": "Divergence",
    "reports": "Report",
    "steps": (
        "agent memory patch_state patched record_code_change record_decision record_snapshot "
        "retriever set_state tool"
    ),
    "transports": "wrap",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
