"""What is said about the session to open first: comments, a tag, scores, and why to learn of it.

Sent over HTTP like any client's; steps are named by what they are called, the which of them
that are called so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from apps.web.demo.hero import ANSWER
from apps.web.demo.tools import Fields

PROMISE = "the driver brings it on Thursday"
# Whom a laptop's first start makes; elsewhere the name stays a word.
READER = "@admin"

NOTES = """\
**What went wrong:** `reserve_stock` used the stock version of an earlier search and ran into a 409.

**How it was solved**

1. The exchange rule was mended: read the version again, and retry once on a conflict.
2. The reservation went through with version 42.
3. A person approved the exchange *before* money moved.

**The next time:** look at the State tab at the failed step; the version in it is the one to doubt.
"""


class Named(NamedTuple):
    """A step by its name, and which of those with this name."""

    name: str
    number: int = 1


class Opinion(NamedTuple):
    """One POST or PUT below the session's address."""

    path: str
    body: Fields
    about: Named | None = None
    # What is an answer to the comment before.
    is_answer: bool = False


def opinions() -> Iterator[Opinion]:
    """Yield all that is said, in the order in which it is sent."""
    failed = Named("reserve_stock", 1)
    stale = f"{READER} the version is from the search *two steps before*. Is 41 cached anywhere?"
    yield Opinion("comments", {"text": stale}, failed)
    retried = (
        "Not cached: the rule copied it. It is mended in the step below, and the retry took 42."
    )
    yield Opinion("comments", {"text": retried}, is_answer=True)
    start = ANSWER.index(PROMISE)
    words: Fields = {"place": "output[0][0]", "start": start, "end": start + len(PROMISE)}
    checked = "Was Thursday checked with the carrier, or is it the usual time?"
    yield Opinion("comments", {"text": checked, "range": words}, Named("reply", 3))
    yield Opinion("tags", {"add": ["stale version"]}, failed)
    solved: Fields = {"name": "solved", "value": True, "comment": "Exchanged in time."}
    yield Opinion("scores", solved)
    tone: dict[str, Any] = {"name": "tone", "value": 0.9, "source": "model"}
    yield Opinion("scores", tone | {"comment": "Warm, and short enough."}, Named("reply", 3))
    title = "A stale version, found and mended within the session"
    yield Opinion("example", {"title": title, "notes": NOTES})
