#!/usr/bin/env python
"""Playhead's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

# These change the schema, so they connect as the role that owns it.
OWNER_COMMANDS = {"migrate", "prepare_database", "ensure_partitions", "makemigrations"}


def data_option(arguments: list[str]) -> str | None:
    """Return the value of ``--data``: the settings depend on it, so Django reads it too late."""
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option == "--data":
            return value
        if option.startswith("--data="):
            return option.partition("=")[2]
    return None


def main() -> None:
    """Run one of Django's commands."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if OWNER_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PLAYHEAD_DATABASE_ROLE", "owner")
    if sys.argv[1:2] == ["doctor"] and (data := data_option(sys.argv)):
        os.environ["PLAYHEAD_DATA"] = data
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))


if __name__ == "__main__":
    # `up` makes the settings that Django needs, so it cannot be one of Django's commands.
    if sys.argv[1:2] == ["up"]:
        from apps.web.supervisor.cli import main as up

        sys.exit(up(sys.argv[2:]))
    main()
