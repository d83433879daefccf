#!/usr/bin/env python
"""Playhead's command line."""

import os
import sys

from django.core.management import execute_from_command_line

# These change the schema, so they connect as the role that owns it.
OWNER_COMMANDS = {"migrate", "prepare_database", "ensure_partitions", "makemigrations"}

if __name__ == "__main__":
    # `up` makes the settings that Django needs, so it cannot be one of Django's commands.
    if sys.argv[1:2] == ["up"]:
        from apps.web.supervisor.cli import main

        sys.exit(main(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if OWNER_COMMANDS.intersection(sys.argv[1:2]):
        os.environ.setdefault("PLAYHEAD_DATABASE_ROLE", "owner")
    execute_from_command_line(sys.argv)
