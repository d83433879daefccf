"""The address of a share link."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse


def address_of(token: str) -> str:
    """Return the whole address, to be sent to somebody."""
    return settings.PLAYHEAD_URL + reverse("annotations:shared", args=(token,))
