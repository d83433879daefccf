"""The words that the record's columns choose from, and what stands for unknown in them."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import models

# Stands for "no time known" in columns that are sorted by; earlier than any recorded time.
UNKNOWN_TIME = datetime(1, 1, 1, tzinfo=UTC)
# Stands for "not known" in sort columns whose real values are never negative.
UNKNOWN_NUMBER = -1


class Origin(models.TextChoices):
    """Where a session came from."""

    LIVE = "live", "Live"
    IMPORT = "import", "Import"
    REPLAY = "replay", "Replay"
    FORK = "fork", "Fork"
    DEMO = "demo", "Demo"


class Status(models.TextChoices):
    """Whether more events are expected."""

    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


class OutcomeStatus(models.TextChoices):
    """How a session ended for the person it served."""

    SUCCESS = "success", "Success"
    FAILURE = "failure", "Failure"
    ABANDONED = "abandoned", "Abandoned"


class Facet(models.TextChoices):
    """What lists of sessions can be filtered by; one row of ``SessionFacet`` a value."""

    AGENT = "agent", "Agent"
    AGENT_VERSION = "agent_version", "Agent version"
    ENVIRONMENT = "environment", "Environment"
    ERROR = "error", "Error type"
    KIND = "kind", "Kind of step"
    MODEL = "model", "Model"
    ORIGIN = "origin", "Origin"
    PROMPT = "prompt", "Prompt"
    PROVIDER = "provider", "Provider"
    RELEASE = "release", "Release"
    SCORE = "score", "Score"
    TAG = "tag", "Tag"
    TICKET = "ticket", "Ticket"
    TOOL = "tool", "Tool"
    USER = "user", "User"
