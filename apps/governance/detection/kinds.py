"""What is looked for in recorded text, and what a finding is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Finding(NamedTuple):
    """A piece of text that tells about a person or opens a door; offsets of the given text."""

    kind: str
    start: int
    end: int


PERSONAL: Mapping[str, str] = MappingProxyType(
    {
        "email": "E-mail address",
        "phone": "Phone number",
        "card": "Payment card number",
        "iban": "IBAN",
        "bank_account": "Bank account or BIC",
        "ssn": "US social security number",
        "national_id": "National or tax number",
        "birth_date": "Date of birth",
        "ip": "IP address",
        "mac": "MAC address",
        "crypto_address": "Address of a crypto wallet",
    }
)
_SECRET: Mapping[str, str] = MappingProxyType(
    {
        "provider_key": "Key of a model provider",
        "cloud_key": "Key of a cloud",
        "service_token": "Token of a service",
        "playhead_key": "Playhead API key",
        "jwt": "JSON web token",
        "private_key": "Private key",
        "bearer_token": "Authorization header",
        "url_credentials": "Password in a URL or connection string",
        "password": "Password",
        "secret": "Other secret",
    }
)
# The kinds that are masked whatever a project decides about personal data.
SECRETS: frozenset[str] = frozenset(_SECRET)
KINDS: Mapping[str, str] = MappingProxyType({**PERSONAL, **_SECRET})
