"""Why an embedded server cannot run, in words that say what to do."""

from __future__ import annotations


class CannotRunError(Exception):
    """The message is shown to the person who typed the command."""
