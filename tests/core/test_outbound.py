"""The guard of everything that this server sends out."""

from __future__ import annotations

import ast
import re
import socket
from ipaddress import ip_address
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from apps.core import outbound
from apps.core.outbound import BlockedError, checked_url, is_public, resolve

# Every spelling below means a place that only this server can reach, or nobody.
PRIVATE = """
127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
169.254.170.2 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.0.2.1 198.18.0.1
198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 192.88.99.1
:: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::168.63.129.16
64:ff9b:1::1 64:ff9b:1::8.8.8.8 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808::
2001:0:7f00:1:: 2001:0:53aa:64c:0:1234:80ff:fffe 2001:10::1 2001:20::1 2001:db8::1
3ffe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd00::1 fe80::1 fe80::1%1 fec0::1 feff::1
ff02::1 ff0e::1 100::1 4000::1 2600:1f18::5efe:7f00:1 2600:1f18::200:5efe:10.0.0.1
""".split()
PUBLIC = """
8.8.8.8 1.1.1.1 151.101.1.69 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2606:4700:4700::1111
2a00:1450:4001:82a::200e 2600:1f18::5efe:8.8.8.8
""".split()
# How people and attackers write 127.0.0.1 and its kin in an address.
HOSTS = """
127.0.0.1 127.1 127.0.1 0177.0.0.1 0x7f.0.0.1 0x7f000001 2130706433 017700000001 0 0x0
10.1 192.168.257 0xa9fea9fe 2852039166 169.254.43518 127.0.0.1. [::1] [::ffff:127.0.0.1]
[::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [64:ff9b::7f00:1] [fe80::1]
[2002:7f00:1::] 127。0。0。1 １２７.０.０.１ ①②⑦.⓪.⓪.①
""".split()
URLS = [
    ("http://api.example.com/v1", "https"),
    ("ftp://api.example.com/", "https"),
    ("file:///etc/passwd", "not an address"),
    ("gopher://127.0.0.1:6379/_INFO", "https"),
    ("https://api.example.com:22/", "Port 22"),
    ("https://api.example.com:0/", "Port 0"),
    ("https://api.example.com:99999/", "not an address"),
    ("https://user:secret@api.example.com/", "user name"),
    ("https://api.example.com@127.0.0.1/", "user name"),
    ("https://api.example.com\\@127.0.0.1/", "backslashes"),
    ("https://api.example.com/\r\nHost: evil", "control"),
    ("https://api.example.com /", "spaces"),
    ("https://api.example.com/v1?key=1", "path"),
    ("https://api.example.com/v1?", "path"),
    ("https://api.example.com/v1#x", "path"),
    ("https://api.example.com/../admin", "path"),
    ("https://api.example.com/%0a{x}", "path"),
    ("https://", "not an address"),
    ("https:///v1", "not an address"),
    ("https://a..b/", "host"),
    ("https://-a.example/", "host"),
    ("https://[::1", "address"),
    ("https://[fe80::zz]/", "address"),
    ("api.example.com/v1", "not an address"),
    ("//api.example.com/v1", "not an address"),
    ("", "not an address"),
    ("https://" + "a" * 500, "500 characters"),
]
# They open connections, each to a place that no tenant chooses.
MAY_CONNECT = {
    "apps/core/outbound.py": "looks names up",
    "apps/core/outbound_http.py": "the one client",
    "apps/providers/network.py": "the providers' clients, through it",
    "apps/providers/network_errors.py": "the names of their errors",
    "apps/web/demo/saying.py": "this very server",
    "apps/web/management/commands/send_demo.py": "this very server",
    "apps/web/supervisor/options.py": "finds a free port",
    "apps/web/supervisor/run.py": "this very server",
}
CONNECTING = {
    "aiohttp", "anthropic", "ftplib", "http.client", "httpcore", "httpcore2", "httpx", "httpx2",
    "openai", "requests", "smtplib", "socket", "telnetlib", "urllib.request", "urllib3",
    "websockets",
}  # fmt: skip

# "from urllib import request" names it as well.
MENTIONED = re.compile(
    "|".join([r"(from|import) http\b", *(name for name in CONNECTING if "." not in name), "urllib"])
)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address):
    assert is_public(ip_address(address))


@pytest.mark.parametrize("host", HOSTS)
def test_a_private_host_is_refused_however_it_is_written(host):
    with pytest.raises(BlockedError):
        checked_url(f"https://{host}/v1")


@pytest.mark.parametrize("host", [host for host in HOSTS if host.isascii() and ":" not in host])
def test_a_private_host_is_refused_again_when_it_is_resolved(host):
    with pytest.raises(BlockedError):
        resolve(host, 443)


@pytest.mark.parametrize(("url", "told"), URLS)
def test_a_base_url_that_is_none_is_refused_with_the_reason(url, told):
    with pytest.raises(BlockedError, match=told):
        checked_url(url)


def test_a_base_url_is_kept_in_one_plain_form():
    assert checked_url("HTTPS://API.Example.COM:443/v1/") == "https://api.example.com/v1"
    assert checked_url("https://bücher.example:8443") == "https://xn--bcher-kva.example:8443"
    assert checked_url("https://[2606:4700:4700:0::1111]/") == "https://[2606:4700:4700::1111]"


def test_what_the_operator_allows_is_reached_by_that_name_and_port_alone(settings):
    settings.PLAYHEAD_OUTBOUND_ALLOW = ["localhost:11434", "10.1.2.3:8000", "[fd00::5]:80"]

    assert checked_url("http://localhost:11434/v1") == "http://localhost:11434/v1"
    assert checked_url("http://10.1.2.3:8000") == "http://10.1.2.3:8000"
    assert checked_url("http://[fd00::5]") == "http://[fd00::5]"
    assert resolve("localhost", 11434).is_loopback
    for other in ("http://localhost:11435", "http://10.1.2.4:8000", "http://a.localhost:11434"):
        with pytest.raises(BlockedError):
            checked_url(other)


def test_one_private_address_spoils_an_answer_of_public_ones(monkeypatch):
    answer = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::ffff:10.0.0.1", 443, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)

    with pytest.raises(BlockedError, match="not on the public internet"):
        resolve("rebinding.example", 443)


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_that_is_used(monkeypatch):
    asked = []

    def answers(host, port, **_):
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(outbound.socket, "getaddrinfo", answers)

    assert str(resolve("rebinding.example", 443)) == "8.8.8.8"
    assert asked == ["rebinding.example"]


def test_a_name_without_an_address_says_so(monkeypatch):
    def answers_nothing(*_, **__):
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", answers_nothing)

    with pytest.raises(BlockedError, match="has no address"):
        resolve("no-such-host.invalid", 443)


def test_nothing_else_of_the_server_opens_connections():
    root = Path(django_settings.BASE_DIR)
    opening = {
        str(path.relative_to(root))
        for path in (root / "apps").rglob("*.py")
        # Most files name none of them; to parse those would take the longest.
        if MENTIONED.search(text := path.read_text()) and _imports(ast.parse(text)) & CONNECTING
    }

    assert opening <= MAY_CONNECT.keys() | {
        path for path in opening if path.startswith("apps/web/embedded/")
    }


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found | {
        name.partition(".")[0] for name in found if name.startswith(("http", "urllib3"))
    }
