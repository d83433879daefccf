"""Marks of the views that ask for no permission of a project; all others name one."""

from __future__ import annotations

PUBLIC = "public"
SIGNED_IN = "signed in"
