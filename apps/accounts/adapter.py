"""How allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Lets an installation close its sign-up page."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.PLAYHEAD_SIGNUP)
