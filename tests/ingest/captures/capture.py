"""Run real clients against a fake provider, and keep what they send.

``python -m tests.ingest.captures.capture [--venvs FOLDER] CLIENT...``, or ``all``. A client is
the pinned packages in ``requirements/CLIENT.txt`` and ``clients/CLIENT.py``; two versions of
one client share a script, whose name then lacks the version. It runs in an environment of its
own, in a process of its own, which is told

* ``PROVIDER_URL``: the provider; OpenAI's paths begin with ``/v1`` below it;
* ``COLLECTOR_URL``: where to send to, also as OTLP's own endpoint variable.
"""

from __future__ import annotations

import argparse
import getpass
import gzip
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.ingest.captures import HERE, keep
from tests.ingest.captures.answers import ANSWERS
from tests.ingest.collector import Sent, running_collector
from tests.ingest.fake_provider import running_provider

CLIENTS = HERE / "clients"
LARGEST = 200_000
RESOURCE = "service.name=travel-agent,service.version=1.4.2,deployment.environment.name=lab"


def main(arguments: Sequence[str]) -> None:
    """Capture the clients that are named."""
    known = sorted(path.stem for path in (HERE / "requirements").glob("*.txt"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", nargs="+", choices=[*known, "all"])
    parser.add_argument("--venvs", type=Path, help="keep the environments here for the next time")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="captures-") as temporary:
        folder = (asked.venvs or Path(temporary)).resolve()
        for client in known if "all" in asked.clients else asked.clients:
            path, count = capture(client, folder / client)
            sys.stdout.write(f"{client}: {count} requests, {path.stat().st_size} bytes\n")


def capture(client: str, folder: Path) -> tuple[Path, int]:
    """Run one client and keep what it sent; returns the file and how many requests it holds."""
    python = prepare(client, folder)
    # Stack traces name the script's path, which is then one that can be painted over.
    script = shutil.copy(script_of(client), folder / "agent.py")
    with running_provider() as provider, running_collector(ANSWERS) as (collector, requests):
        environment = {
            "PATH": os.environ["PATH"],
            "PROVIDER_URL": provider,
            "COLLECTOR_URL": collector,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
            "OTEL_RESOURCE_ATTRIBUTES": RESOURCE,
        }
        command = [str(python), str(script)]
        subprocess.run(command, env=environment, cwd=folder, check=True, timeout=300)
    neutral = [without_paths(one, folder) for one in requests]
    check(neutral)
    path = keep(client, neutral)
    assert path.stat().st_size < LARGEST, f"{path} is larger than {LARGEST} bytes."
    return path, len(neutral)


def script_of(client: str) -> Path:
    """Return the script of a client, whichever version of it is asked for."""
    own = CLIENTS / f"{client}.py"
    return own if own.exists() else CLIENTS / f"{client.rstrip('0123456789')}.py"


def prepare(client: str, folder: Path) -> Path:
    """Return the Python of an environment that holds the client's packages."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    requirements = HERE / "requirements" / f"{client}.txt"
    # Every package is named in the file: some clients ask for sets that no resolver finds.
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--requirement", str(requirements)], check=True)
    return python


def without_paths(sent: Sent, folder: Path) -> Sent:
    """Paint over the folders of this machine with others of the same length.

    The same length keeps protobuf and multipart whole: both say how long their parts are.
    """
    zipped = sent.headers.get("Content-Encoding") == "gzip"
    body = gzip.decompress(sent.body) if zipped else sent.body
    for place in (str(folder), sys.base_prefix):
        body = body.replace(place.encode(), "/srv/agent".ljust(len(place), "-").encode())
    return replace(sent, body=gzip.compress(body, mtime=0) if zipped else body)


def check(requests: Sequence[Sent]) -> None:
    """Refuse to keep what tells of this machine."""
    telling = {socket.gethostname(), str(Path.home()), str(Path.cwd()), tempfile.gettempdir() + "/"}
    if getpass.getuser() != "root":
        telling.add(getpass.getuser())
    for one in requests:
        zipped = one.headers.get("Content-Encoding") == "gzip"
        body = gzip.decompress(one.body) if zipped else one.body
        found = [word for word in telling if word.encode() in body]
        assert not found, f"{one.path} tells of this machine: {found}"


if __name__ == "__main__":
    main(sys.argv[1:])
