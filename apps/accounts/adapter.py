"""How allauth behaves here."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from apps.core.addresses import client_ip


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Lets an installation close its sign-up page, and counts attempts by our own address."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.PLAYHEAD_SIGNUP)

    def get_client_ip(self, request: HttpRequest) -> str:
        """Callers of a unix socket have no address; they share one count."""
        return client_ip(request) or "local"
