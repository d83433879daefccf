"""The door to verdicts, for code that must start without their libraries.

numpy, scipy and rapidfuzz come with the extra ``analysis``. Only a worker that judges needs
them; a server without the extra does everything else, and says what is missing when it is asked.
Importing scipy takes about a second and 60 MB, so nothing that a web server loads names it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apps.core.errors import UnavailableError

MISSING = (
    "Verdicts need libraries that are not installed here: "
    "pip install 'playhead-server[analysis]' where the worker runs, and start it again."
)
OF_THE_EXTRA = frozenset({"numpy", "scipy", "rapidfuzz", "junitparser"})
MISSING_JUNIT = (
    "JUnit files need a library that is not installed here: "
    "pip install 'playhead-server[analysis]' where the server runs, and start it again. "
    "The report as JSON or Markdown needs none."
)


def judging() -> Callable[..., Any]:
    """Return ``verdict.judge``, or raise UnavailableError where the extra is not installed."""
    judge: Callable[..., Any] = _module("verdict").judge
    return judge


def comparing_candidates() -> Callable[..., Any]:
    """Return ``verdict_candidates.compare_candidates``, or raise UnavailableError likewise."""
    compare: Callable[..., Any] = _module("verdict_candidates").compare_candidates
    return compare


def require() -> None:
    """Raise UnavailableError where the extra is not installed, and import none of it."""
    if any(find_spec(name) is None for name in OF_THE_EXTRA):
        raise UnavailableError(MISSING)


def comparing() -> Callable[..., Any]:
    """Return ``comparators_text.text``, or raise UnavailableError likewise."""
    text: Callable[..., Any] = _module("comparators_text").text
    return text


def writing_junit() -> Callable[..., bytes]:
    """Return ``runs.output_junit.junit``, or raise UnavailableError likewise."""
    junit: Callable[..., bytes] = _module("runs.output_junit", MISSING_JUNIT).junit
    return junit


def _module(name: str, missing: str = MISSING) -> Any:
    try:
        return import_module(f"apps.replays.{name}")
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in OF_THE_EXTRA:
            raise UnavailableError(missing) from error
        raise
