"""Playhead's client: records sessions of AI applications, and runs them again from the record.

What it shares with the server (keys, alignment, canonical JSON) lies here once.
"""

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
