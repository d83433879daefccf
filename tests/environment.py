"""Sets the environment before Django reads its settings."""

from __future__ import annotations

import base64
import os

os.environ["PLAYHEAD_IGNORE_DATA"] = "1"
os.environ["PLAYHEAD_DATABASE_ROLE"] = "owner"
os.environ["PLAYHEAD_SECRET_KEY"] = "a key for tests only, of no use to anybody"
os.environ["PLAYHEAD_MASTER_KEY"] = base64.b64encode(b"m" * 32).decode()
