"""Which client software sends."""

from __future__ import annotations

import re
from dataclasses import dataclass

PRODUCT = re.compile(r"(?P<name>[^\s/();]{1,120})(?:/(?P<version>[^\s();]{1,60}))?")


@dataclass(frozen=True, slots=True)
class Client:
    """A client software, as it names itself."""

    name: str
    version: str = ""

    @classmethod
    def of(cls, user_agent: str) -> Client:
        """Return the client of a User-Agent header; its first product is what it is."""
        product = PRODUCT.match(user_agent.replace("\x00", "").strip())
        if product is None:
            return cls("unknown")
        return cls(product["name"], product["version"] or "")
