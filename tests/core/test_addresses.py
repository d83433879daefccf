from __future__ import annotations

import pytest
from django.test import RequestFactory

from apps.core.addresses import client_ip

PROXY = "10.0.0.1"


def asked(forwarded: str | None, remote: str = PROXY):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)


def test_a_forwarded_address_is_not_believed_without_a_trusted_proxy(settings):
    settings.PLAYHEAD_TRUSTED_PROXIES = 0

    assert client_ip(asked("192.0.2.1")) == PROXY


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, "192.0.2.1", "192.0.2.1"),
        (1, "6.6.6.6, 192.0.2.1", "192.0.2.1"),
        (2, "6.6.6.6, 192.0.2.1, 10.0.0.2", "192.0.2.1"),
        (2, "192.0.2.1", PROXY),
        (1, None, ""),
        (1, "<script>", ""),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_behind_proxies_the_entry_of_the_outermost_trusted_one_counts(
    settings, proxies, forwarded, expected
):
    settings.PLAYHEAD_TRUSTED_PROXIES = proxies

    assert client_ip(asked(forwarded)) == expected


def test_a_unix_socket_has_no_address():
    assert client_ip(asked(None, remote="")) == ""
