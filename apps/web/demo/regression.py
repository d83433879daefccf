"""Trying versions of the desk's prompt on its own sessions: one run that is over, and one to start.

The model is a script that repeats what was recorded but for what the prompt leads it to: it reads
the sentences in which the versions differ, and chance decides whether it follows them. So what a
run finds is measured, and the same everywhere, without key or network.
"""

from __future__ import annotations

import urllib.error
from http import HTTPStatus
from typing import Any

from apps.web.demo.prompts import NAME
from apps.web.demo.saying import ask

Json = Any

SUITE = "Shipping, what went well"
# All that match are taken, so the suite is the same wherever the demo is.
CHOSEN = f"prompt:{NAME} tag:shipping outcome:success"
SEED = 1
SCRIPT: list[dict[str, Json]] = [
    {
        "system": "manuals before every answer",
        "chance": 0.12,
        "call": {"name": "search_articles", "arguments": {"query": "policy"}},
    },
    {
        "system": "explain each of your steps in full",
        "chance": 0.12,
        "say": [
            "Before I answer, let me explain each of my steps in full. First I read your message, "
            "then I read it a second time, and then I opened the manual on how to read orders.",
            "To be thorough I will check everything again and come back to you with all details "
            "of how I did so. Please stay with me while I explain.",
        ],
    },
    {
        "system": "be short and kind",
        "chance": 0.06,
        "say": ["One moment, please, I will have a look."],
    },
    {
        "system": "at most three sentences",
        "chance": 0.003,
        "say": ["One moment, please."],
    },
    {"recorded": True},
]
NIGHT, ZONE = "0 3 * * *", "UTC"


def try_all(key: str, owner: str) -> None:
    """Make the suite, start the run that catches version 8, and keep the one of 9 ready."""
    suite = {
        "name": SUITE,
        "description": "Parcels and addresses: the customer was helped, under any version.",
        "choose": {"filter": CHOSEN},
    }
    ask(key, "suites", "POST", suite, once="demo-suite")
    try:
        ask(key, "regression-runs", "POST", run_of(8), once="demo-run-8")
    except urllib.error.HTTPError as error:
        # Without the libraries that judge there is nothing to start.
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return
    schedule = {
        "name": "Version 9 against 7",
        "cron": NIGHT,
        "time_zone": ZONE,
        "run": run_of(9),
        "paused": True,
    }
    if owner:
        ask(key, "schedules", "POST", schedule | {"owner": owner}, once="demo-schedule-9")


def run_of(version: int) -> dict[str, Json]:
    """Return the settings of a run that holds a version of the prompt against version 7."""
    return {
        "suite": SUITE,
        "name": f"Version {version} against 7",
        "provider": "scripted",
        "script": SCRIPT,
        "seed": SEED,
        "baseline": {"prompt": f"{NAME}@7"},
        "candidates": [{"name": f"Version {version}", "prompt": f"{NAME}@{version}"}],
    }
