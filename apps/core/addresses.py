"""Where a request comes from."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def client_ip(request: HttpRequest) -> str:
    """Return the address of the caller, or "" when there is none (a unix socket).

    X-Forwarded-For is what anybody may send, so it is read only behind as many proxies as
    PLAYHEAD_TRUSTED_PROXIES says: each of them adds one entry at the right.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if proxies := settings.PLAYHEAD_TRUSTED_PROXIES:
        forwarded = request.headers.get("X-Forwarded-For", "").split(",")
        address = forwarded[-proxies] if len(forwarded) >= proxies else address
    return _parsed(address.strip())


def _parsed(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        return ""
