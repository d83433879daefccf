"""A credential as something that can be asked.

The providers' clients are an extra, and take two seconds and 80 MB to load: a process that asks
nobody over the network loads none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from apps.providers import dialects
from apps.providers.choices import SOFT, Feature, Kind
from apps.providers.dialects.speaking import Written
from apps.providers.protocol import Answer, CredentialError, Request, UnsupportedError

CLIENTS = ("openai", "anthropic")
NOT_INSTALLED = (
    "The providers' clients are not installed on this server: "
    "pip install 'playhead-server[providers]', then start it again."
)


class NotInstalledError(CredentialError):
    """This server can ask nobody over the network, whatever the key."""


def is_installed() -> bool:
    """Whether the official clients are there."""
    return all(find_spec(name) for name in CLIENTS)


def _network() -> Any:
    """Return the module that speaks to providers."""
    if not is_installed():
        raise NotInstalledError(NOT_INSTALLED)
    return import_module("apps.providers.network")


@dataclass(frozen=True, slots=True)
class Remote:
    """A provider over the network."""

    name: str
    kind: str
    dialect: str
    base_url: str
    key: str = field(repr=False)
    lacks: frozenset[Feature] = frozenset()
    # By how long an answer may take: whoever asks often makes a client once.
    _lines: dict[float, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def ask(self, request: Request, *, sample: int, seconds: float) -> Answer:
        """Send the request once; every sample is a new answer."""
        written, notes = self.write(request)
        raw, headers, took = self._line(seconds).send(written.body)
        answer = dialects.read(self.dialect, raw)
        return replace(
            answer,
            request_id=_network().request_id(headers),
            latency_ms=round(took, 1),
            notes=(*notes, *written.notes),
        )

    def write(self, request: Request) -> tuple[Written, list[str]]:
        """Return what goes over the wire, and what was left out of the question.

        Raises UnsupportedError where the provider, or its protocol, cannot do what it needs.
        """
        speakable, notes = self._without_what_it_lacks(request)
        is_first_party = self.kind == Kind.OPENAI
        return dialects.write(self.dialect, speakable, is_first_party=is_first_party), notes

    def models(self, *, seconds: float = 15.0) -> list[str]:
        """Return the models that the key may use, as the provider lists them."""
        names: list[str] = self._line(seconds).models()
        return names

    def _line(self, seconds: float) -> Any:
        if seconds not in self._lines:
            speak = _network().Line
            self._lines[seconds] = speak(self.dialect, self.base_url, self.key, seconds=seconds)
        return self._lines[seconds]

    def _without_what_it_lacks(self, request: Request) -> tuple[Request, list[str]]:
        missing = request.features & self.lacks
        if hard := sorted(missing - SOFT):
            feature = Feature(hard[0])
            raise UnsupportedError(feature.value, f"{self.name} cannot do {feature.label}")
        if Feature.SEED in missing:
            return replace(request, seed=None), [f"The seed was left out: {self.name} has none."]
        return request, []
