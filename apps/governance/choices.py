"""What can become of recorded text, and the kinds of text that a project decides about."""

from __future__ import annotations

from django.db import models


class Category(models.TextChoices):
    """Where in an event a value stands. Each has one action."""

    INPUT = "input", "Input"
    OUTPUT = "output", "Output"
    SYSTEM = "system", "System prompts"
    TOOL = "tool", "Tools"
    METADATA = "metadata", "Metadata"


class Action(models.TextChoices):
    """What becomes of a value; the later in this list, the less of it is kept."""

    CAPTURE = "capture", "Capture"
    PSEUDONYMISE = "pseudonymise", "Pseudonymise"
    HASH = "hash", "Hash"
    MASK = "mask", "Mask"
    DROP = "drop", "Drop"

    @property
    def strictness(self) -> int:
        return list(Action).index(self)


# What a rule of a project's own may do with what it finds. Empty: what its category says.
AS_CATEGORY = ""
RULE_ACTIONS = [
    (Action.MASK.value, "Mask"),
    (Action.HASH.value, "Hash"),
    (Action.PSEUDONYMISE.value, "Pseudonymise"),
    (AS_CATEGORY, "As the category says"),
]
