"""The command ``playhead gate`` against the server's own views, in the thread of the test.

What the client sends goes to Django's test client, and after each request the workers do what
there is to do, so that a run ends as it does elsewhere.
"""

from __future__ import annotations

import urllib.request
import urllib.response
from email.message import Message
from io import BytesIO

from django.test import Client

from apps.replays.runs.models import RunState
from tests.replays.running import run_on


class Views(urllib.request.HTTPHandler):
    """Answers requests by the server's views; ``away`` answers are lost on their way back."""

    def __init__(self, project):
        super().__init__()
        self.project, self.asked, self.works = project, [], True
        # How many of the next answers to which path get lost, or are broken off by Ctrl-C.
        self.away: dict[str, int] = {}
        self.broken_off: dict[str, int] = {}

    def http_open(self, request):
        path = request.selector.partition("?")[0]
        self.asked.append((request.get_method(), path))
        headers = dict(request.header_items())
        kind = headers.pop("Content-type", "")
        answer = Client(headers=headers).generic(
            request.get_method(), request.selector, request.data or b"", kind
        )
        if self.works:
            for run in self.project.regression_runs.filter(state=RunState.RUNNING):
                run_on(run)
        if self.broken_off.pop(path, 0):
            raise KeyboardInterrupt
        if self.away.get(path, 0):
            self.away[path] -= 1
            raise ConnectionResetError("Connection reset by peer")
        return _response(answer, request.full_url)


def _response(answer, url):
    headers = Message()
    for name, value in answer.items():
        headers[name] = value
    response = urllib.response.addinfourl(BytesIO(answer.content), headers, url, answer.status_code)
    response.msg = answer.reason_phrase
    return response


def opener_of(views):
    """Return an opener by which urllib asks the views, and nobody else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        views,
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener
