"""The tickets of the demo: what a team made of two weeks at the support desk.

Opened over HTTP like any client's. One is given to whoever looks at the demo, so that their
list and inbox are not empty.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from apps.web.demo.saying import MOST_EVENTS, ask
from apps.web.demo.schedule import BACKLOG, HERO
from apps.web.demo.tools import Fields


class Problem(NamedTuple):
    """One ticket: the session, the failed step by its name, and what is to be done."""

    session: str
    step: str
    title: str
    description: str
    severity: str
    status: str = "open"
    due_in_days: int | None = None
    is_given: bool = False


PROBLEMS = (
    Problem(
        HERO,
        "reserve_stock",
        "Exchange rule reserves with the stock version of an earlier search",
        "A 409 each time stock changes between search and reservation. The rule was mended: "
        "read the version again, retry once. See the retry two steps below.",
        "high",
        "done",
    ),
    Problem(
        "demo-009-change-address",
        "change_address",
        "Customer asked for a person although the address was changed",
        "The first try was a conflict, the second went through. The reply buries that in three "
        "paragraphs; shorten it.",
        "medium",
        "in_review",
        due_in_days=3,
        is_given=True,
    ),
    Problem(
        "demo-012-small-refund",
        "refund_order",
        "A refund is tried again without reading the order first",
        "The tool said 409, read it again; the agent ran it again as it was. It must read first, "
        "or money may move twice.",
        "critical",
        due_in_days=1,
    ),
    Problem(
        "demo-113-login",
        "send_login_link",
        "Login links failed while identity was down, and nobody said how long",
        "Two tries, both 503. Waits for the identity team to say what customers should be told.",
        "high",
        "waiting",
    ),
    Problem(
        "demo-007-no-answer",
        "search_articles",
        "search_articles is called with a single word",
        "It wants three that are no stop words, and refuses. Say so in the tool's description.",
        "medium",
    ),
    Problem(
        BACKLOG,
        "",
        "One session answers a whole night's mailbox",
        "Thousands of steps under one id. Begin a session for each mail.",
        "low",
        due_in_days=-2,
    ),
)


def open_all(key: str, assignee: str) -> None:
    """Open the tickets, each once."""
    today = datetime.now(UTC).date()
    for number, problem in enumerate(PROBLEMS):
        found = ask(key, f"sessions?{urlencode({'external_id': problem.session})}")["results"]
        if not found:
            continue
        due = problem.due_in_days
        body: Fields = {
            "session": found[0]["id"],
            "event": failed_step(key, found[0]["id"], problem.step),
            "title": problem.title,
            "description": problem.description,
            "severity": problem.severity,
            "status": problem.status,
            "due_on": None if due is None else str(today + timedelta(days=due)),
            "assignee": assignee or None if problem.is_given else None,
        }
        ask(key, "tickets", "POST", body, once=f"demo-ticket-{number}")


def failed_step(key: str, session_id: str, name: str) -> str | None:
    """Return the id of the first step of this name that failed."""
    if not name:
        return None
    path = f"sessions/{session_id}/events?fields=meta&limit={MOST_EVENTS}"
    failed = [
        event["id"]
        for event in ask(key, path)["results"]
        if event["name"] == name and event["status"] == "error"
    ]
    return failed[0] if failed else None
