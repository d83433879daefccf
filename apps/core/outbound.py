"""Where this server may connect to: the one guard for every HTTP request that it makes.

Addresses come from tenants (base URLs of providers, webhooks), and a tenant must not reach by
them what only this server can reach. So: https on two ports, the name resolved once, every
address of the answer checked as an address and never as text, and the connection made to the
address that was checked. What runs inside the operator's own network is reached only where the
operator lists it (PLAYHEAD_OUTBOUND_ALLOW).

Python's ``is_global`` is not enough: it takes 6to4, NAT64 and IPv4-compatible forms of
127.0.0.1 for public, and multicast, and the metadata service of a cloud at 168.63.129.16.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from django.conf import settings

from apps.core.errors import InvalidError

Address = IPv4Address | IPv6Address

PORTS = {"https": 443, "http": 80}
# Without the operator's word.
OPEN_PORTS = (443, 8443)
LONGEST_URL = 500
# Letters, digits, hyphens and dots: what every parser reads in the same way.
PLAIN_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
# A path of a base URL; anything else in it is a trick or a mistake.
PLAIN_PATH = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*")

NOT_A_URL = "This is not an address such as https://api.example.com/v1."
NO_ADDRESS = "has no address. Check the name."
PRIVATE = "is not on the public internet. The operator of this server can allow it by name and port"
ALLOW = "(PLAYHEAD_OUTBOUND_ALLOW)."

# IANA's special-purpose registry, as of RFC 6890 and its updates, and what clouds add to it.
DENIED_IPV4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
# All else of IPv6 is local, multicast, translated or not given out.
GLOBAL_IPV6 = IPv6Network("2000::/3")
DENIED_IPV6 = [
    IPv6Network(network)
    # Protocols (Teredo among them), documentation, 6to4, the 6bone that was given back.
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
]
# RFC 6052: a host of IPv4 as networks without IPv4 see it. The embedded address decides.
NAT64 = IPv6Network("64:ff9b::/96")
# RFC 5214: the last 32 bits of such an interface are an address of IPv4.
ISATAP = (0x00005EFE, 0x02005EFE)


class BlockedError(InvalidError):
    """This server does not connect to that place; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "base_url")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request goes, as every parser reads it: a lower-case ASCII host and a number."""

    scheme: str
    host: str
    port: int

    @property
    def is_allowed(self) -> bool:
        """Whether the operator lists it by name and port."""
        host = self.host.removesuffix(".")
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{self.port}" in settings.PLAYHEAD_OUTBOUND_ALLOW


def checked_url(url: str) -> str:
    """Return ``url`` in its one plain form, or raise BlockedError.

    The name is not resolved: that is done once, when a connection is made.
    """
    if len(url) > LONGEST_URL:
        raise BlockedError(f"An address has at most {LONGEST_URL} characters.")
    if not url.isprintable() or re.search(r"[\s\\]", url):
        raise BlockedError("An address has no spaces, backslashes or control characters.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BlockedError(NOT_A_URL) from None
    if not parts.scheme or not parts.netloc:
        raise BlockedError(NOT_A_URL)
    if parts.username is not None or parts.password is not None:
        raise BlockedError("An address holds no user name and no password.")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise BlockedError("An address ends with its path.")
    if not PLAIN_PATH.fullmatch(parts.path) or "/../" in f"{parts.path}/":
        raise BlockedError("The path of the address holds what does not belong there.")
    host = plain_host(parts.hostname or "")
    scheme = parts.scheme.lower()
    place = Place(scheme, host, port if port is not None else PORTS.get(scheme, 0))
    check_place(place)
    shown = f"[{host}]" if ":" in host else host
    at = "" if place.port == PORTS[scheme] else f":{place.port}"
    return f"{scheme}://{shown}{at}{parts.path.rstrip('/')}"


def plain_host(host: str) -> str:
    """Return a host as ASCII in lower case (RFC 3490), an address of IPv6 without brackets."""
    literal = host.removeprefix("[").removesuffix("]")
    if ":" in literal:
        try:
            return str(ip_address(literal))
        except ValueError:
            raise BlockedError("This address of IPv6 cannot be read.") from None
    if not host.isascii():
        host = _of_idna(host)
    host = host.lower()
    if not PLAIN_HOST.fullmatch(host) or len(host) > 253:
        raise BlockedError("This is not the name of a host.")
    return host


def _of_idna(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise BlockedError("This is not the name of a host.") from None


def check_place(place: Place) -> None:
    """Raise BlockedError where scheme and port are not open to everybody nor listed."""
    if place.scheme not in PORTS:
        raise BlockedError("Only https is spoken.")
    if place.is_allowed:
        return
    if place.scheme != "https":
        raise BlockedError(
            f"Only https is spoken, but for what the operator of this server allows {ALLOW}"
        )
    if place.port not in OPEN_PORTS:
        raise BlockedError(f"Port {place.port} is not open: 443 and 8443 are, and others {ALLOW}")
    # An address that was written as such needs no resolving to be refused.
    address = _literal(place.host)
    if address is not None and not is_public(address):
        raise BlockedError(f"{place.host} {PRIVATE} {ALLOW}")


def _literal(host: str) -> Address | None:
    """Return the address that a host is in itself, also as 0x7f.1, 0177.1 or 2130706433."""
    if ":" in host:
        return ip_address(host)
    try:
        return IPv4Address(socket.inet_aton(host.removesuffix(".")))
    except OSError:
        return None


def resolve(host: str, port: int) -> Address:
    """Return the address to connect to: resolved once, with all of the answer checked.

    One bad address spoils the answer, since who sends such an answer chooses their order, too.
    """
    host = plain_host(host)
    addresses = _addresses(host, port)
    place = Place("https", host, port)
    if not place.is_allowed and not all(map(is_public, addresses)):
        raise BlockedError(f"{host} {PRIVATE} {ALLOW}")
    return addresses[0]


def _addresses(host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BlockedError(f"{host} {NO_ADDRESS}") from None
    return [ip_address(str(entry[4][0])) for entry in found]


def is_public(address: Address) -> bool:
    """Tell whether an address is a host of the public internet, however it is written."""
    if isinstance(address, IPv4Address):
        return address.is_global and not _is_in(address, DENIED_IPV4)
    embedded = address.ipv4_mapped or _translated(address)
    if embedded is not None:
        return is_public(embedded)
    if address not in GLOBAL_IPV6 or _is_in(address, DENIED_IPV6) or address.scope_id:
        return False
    return not _is_private_isatap(address)


def _is_in(address: Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(address in network for network in networks)


def _translated(address: IPv6Address) -> IPv4Address | None:
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def _is_private_isatap(address: IPv6Address) -> bool:
    if int(address) >> 32 & 0xFFFFFFFF not in ISATAP:
        return False
    return not is_public(IPv4Address(int(address) & 0xFFFFFFFF))
