"""Search with every other filter, order and page, against a plain scan of the opened content."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle, product

import pytest

from apps.sessions import reader, search, store
from apps.sessions.events import ErrorInfo
from apps.sessions.filters import SORTS, SessionFilters
from apps.sessions.models import Session
from apps.sessions.queries import SORT_COLUMNS, facets_of
from tests.sessions.factories import at, make_call

pytestmark = pytest.mark.django_db

SESSIONS = 240
# What is said: common and rare words, scripts, names in code, ids.
COMMON = ["order", "please", "the", "refund"]
SAYINGS = [
    "order is late", "late is the order", "the  order,\nis late", "ORD-2291", "ORD-2292",
    "getUserName", "返品したい", "品返", "Straße", "walrus", "1299.95", "заказ", "🎉", "order_id",
    "refunded", "REFUND",
]  # fmt: skip
# What is searched for, and the patterns all of which must stand in a session.
QUERIES = {
    "order": [r"(?<![a-z0-9])order(?![a-z0-9])"],
    '"order is late"': [r"(?<![a-z0-9])order\W+is\W+late(?![a-z0-9])"],
    "refund walrus": [r"(?<![a-z0-9])refund(?![a-z0-9])", r"walrus"],
    "ord-2291": [r"ord-2291(?![a-z0-9])"],
    "返品": [r"返品"],
    "strasse 🎉": [r"straße", r"🎉"],
    "get 1299.95": [r"getusername", r"1299\.95"],
    "absent please": [r"absentword"],
}
FILTERS = [
    {},
    {"status": "error"},
    {"facets": {"model": "gpt-4o"}},
    {"facets": {"tag": "billing", "kind": "llm"}},
    {"user": "ada"},
    {"environment": "production", "min_cost": Decimal("0.5")},
    {"started_after": at(3000), "started_before": at(9000)},
    {"min_duration_ms": Decimal(4000), "max_cost": Decimal("0.8")},
    {"facets": {"error": "Timeout"}, "origin": "live"},
]
SORTED = [*SORTS, *(f"-{name}" for name in SORTS)]


def make_events(chance, number):
    """Return the two steps of a session."""
    start = 50 * chance.randrange(300)
    fields = {
        "session": f"s{number}",
        "model": chance.choice(["gpt-4o", "claude"]),
        "environment": chance.choice(["production", "staging"]),
        "user": chance.choice(["ada", "bob", "cyd"]),
        "tags": chance.sample(["billing", "vip"], chance.randrange(3)),
        "cost": Decimal(chance.randrange(10)) / 10,
    }
    for step in range(2):
        is_error = chance.random() < 0.2
        said = [chance.choice(COMMON + SAYINGS) for _ in range(4)]
        yield make_call(
            **fields,
            input={"messages": [{"role": "user", "content": text} for text in said[:3]]},
            output=said[3],
            started_at=at(start + step),
            ended_at=at(start + step + chance.randrange(5)),
            status="error" if is_error else "ok",
            error=ErrorInfo(type="Timeout") if is_error else None,
        )


@dataclass
class Seen:
    """A session as a plain scan sees it."""

    session: Session
    user: str
    texts: list[str]
    values: set[tuple[str, str]]

    def holds(self, patterns):
        return all(any(re.search(one, text) for text in self.texts) for one in patterns)

    def passes(self, filters):
        session = self.session
        checks = {
            "status": lambda wanted: session.error_count > 0,
            "facets": lambda wanted: set(wanted.items()) <= self.values,
            "user": lambda wanted: self.user == wanted,
            "environment": lambda wanted: session.environment == wanted,
            "origin": lambda wanted: session.origin == wanted,
            "min_cost": lambda wanted: session.cost >= wanted,
            "max_cost": lambda wanted: session.cost <= wanted,
            "min_duration_ms": lambda wanted: session.duration_ms >= wanted,
            "started_after": lambda wanted: session.started_at >= wanted,
            "started_before": lambda wanted: session.started_at < wanted,
        }
        return all(checks[name](wanted) for name, wanted in filters.items())

    def key(self, sort):
        return getattr(self.session, SORT_COLUMNS[sort.lstrip("-")]), self.session.pk


def texts_of(session):
    """Return all that was said in a session, read back as the player reads it."""
    steps = reader.read_steps(session, reader.outline(session).steps, content=True)
    said = [message["content"] for step in steps for message in step["input"]["messages"]]
    return [text.lower() for text in said + [step["output"] for step in steps]]


@pytest.fixture
def scanned(project):
    """Record the sessions, and open all of them."""
    chance = random.Random(4)
    events = [event for number in range(SESSIONS) for event in make_events(chance, number)]
    store.append(project, events)
    users = {event.session: event.user for event in events}
    facets = facets_of(project, project.sessions.all())
    return [
        Seen(
            session,
            users[session.external_id],
            texts_of(session),
            {(name, value) for name, values in facets[session.pk].items() for value in values},
        )
        for session in project.sessions.all()
    ]


def walk(project, filters, limit, cursor=None, *, back=False):
    """Return all pages from a cursor on, and the last cursor that led back."""
    pages, ways_back = [], []
    while True:
        page = search.find(project, filters, cursor=cursor, limit=limit).page
        pages.append([row.external_id for row in page])
        ways_back.append(page.previous)
        cursor = page.previous if back else page.next
        if cursor is None:
            return pages, ways_back[-1]


def joined(pages):
    return [name for page in pages for name in page]


def test_words_filters_orders_and_pages_give_what_a_plain_scan_gives(project, scanned):
    counts = []
    # Every second pair: each filter with half of the words, in all orders by turns.
    pairs = list(product(QUERIES, FILTERS))[::2]
    for (q, filters), sort in zip(pairs, cycle(SORTED), strict=False):
        rows = [row for row in scanned if row.holds(QUERIES[q]) and row.passes(filters)]
        rows.sort(key=lambda row: row.key(sort), reverse=sort.startswith("-"))
        expected = [row.session.external_id for row in rows]
        asked = SessionFilters(q=q, sort=sort, **filters)

        pages, way_back = walk(project, asked, 40)

        assert joined(pages) == expected, (q, filters, sort)
        if len(pages) > 1:
            back, _ = walk(project, asked, 40, way_back, back=True)
            assert joined(reversed(back)) == joined(pages[:-1]), (q, filters, sort)
        counts.append(len(pages))
    assert len(counts) == 36
    assert {1, 2, 3} <= set(counts)
