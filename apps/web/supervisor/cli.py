"""What ``manage.py up`` does before Django is needed."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from apps.web.embedded.errors import CannotRunError
from apps.web.supervisor.folder import DataFolder
from apps.web.supervisor.options import read_options
from apps.web.supervisor.run import Supervisor


def main(arguments: Sequence[str]) -> int:
    """Run Playhead until it is told to stop; return the exit code."""
    options = read_options(arguments)
    folder = DataFolder(options.data)
    try:
        folder.make()
        # Held until this process ends, whatever ends it.
        with folder.lock():
            options.check()
            Supervisor(options, folder).run()
    except CannotRunError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
