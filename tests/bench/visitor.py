"""A person with a browser, and a program with a key: both ask over one connection."""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from http.cookies import SimpleCookie
from typing import Any

from tests.playhead_process import PlayheadProcess

EMAIL, PASSWORD = "bench@example.com", "correct horse battery staple"
OWNER = ("--organization", "test")
FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """Somebody who asks one Playhead."""

    def __init__(self, playhead: PlayheadProcess) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", playhead.port, timeout=120)
        self.headers = {"Accept-Encoding": "gzip"}

    def get(self, path: str) -> bytes:
        """Return a body as it was sent; anything but 200 ends the run."""
        try:
            response, body = self._get(path)
        except http.client.RemoteDisconnected:
            # The server closes a connection that was silent for long.
            response, body = self._get(path)
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {body[:300]!r}")
        return body

    def _get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        self.connection.request("GET", path, headers=self.headers)
        response = self.connection.getresponse()
        return response, response.read()


class Program(Visitor):
    """A program with a project's key."""

    def __init__(self, playhead: PlayheadProcess) -> None:
        super().__init__(playhead)
        self.headers = {"Authorization": f"Bearer {playhead.key}"}

    def read(self, path: str, **query: object) -> Any:
        """Return what an endpoint of the API answers."""
        return json.loads(self.get(path_of(path, **query)))


class Person(Visitor):
    """A person who has signed in."""

    def __init__(self, playhead: PlayheadProcess) -> None:
        super().__init__(playhead)
        playhead.manage("create_user", "--email", EMAIL, "--password", PASSWORD, *OWNER)
        self.cookies: SimpleCookie = SimpleCookie()
        self.sign_in()

    def sign_in(self) -> None:
        page = self._ask("GET", "/login/")
        token = FORM_TOKEN.search(page)
        if token is None:
            raise SystemExit("there is no form to sign in with")
        fields = {"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        self._ask("POST", "/login/", urllib.parse.urlencode(fields))
        if "playhead_session" not in self.cookies:
            raise SystemExit("signing in failed")

    def _ask(self, method: str, path: str, form: str | None = None) -> str:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        kept = {name: self.headers[name] for name in ("Cookie",) if name in self.headers}
        self.connection.request(method, path, form, headers | kept)
        response = self.connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        pairs = (f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        self.headers["Cookie"] = "; ".join(pairs)
        return response.read().decode()


def path_of(path: str, **query: object) -> str:
    """Return a path with its query string."""
    return f"{path}?{urllib.parse.urlencode(query)}" if query else path
