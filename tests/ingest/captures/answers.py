"""What the servers of clients answer where more than a status is waited for."""

from __future__ import annotations

from tests.ingest.collector import Answers

ORGANIZATION = {"id": "travel", "name": "Travel"}
PROJECT = {"id": "agents", "name": "Agents", "organization": ORGANIZATION, "metadata": {}}
PROMPT = {
    "name": "travel-system",
    "version": 3,
    "type": "text",
    "prompt": "You are a weather service for {{place}}.",
    "config": {},
    "labels": ["production"],
    "tags": [],
}
ANSWERS: Answers = {
    ("GET", "/api/public/projects"): (200, {"data": [PROJECT]}),
    ("GET", "/api/public/v2/prompts/travel-system"): (200, PROMPT),
    ("POST", "/api/public/scores"): (200, {"id": "score"}),
    ("POST", "/api/public/ingestion"): (207, {"successes": [], "errors": []}),
    # None: an empty answer, which OTLP takes for success.
    ("POST", "/v1/traces"): (200, None),
}
