from __future__ import annotations

from pathlib import Path

import pytest

from apps.web.supervisor.folder import DataFolder
from apps.web.supervisor.options import Options
from apps.web.supervisor.run import Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Supervisor:
    return Supervisor(Options("127.0.0.1", 8000, tmp_path, "web", False), DataFolder(tmp_path))


def test_settings_of_the_environment_count_more_than_kept_ones(supervisor, monkeypatch):
    given = {"PLAYHEAD_MASTER_KEY": "of the server", "PLAYHEAD_ALLOWED_HOSTS": "playhead.example"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    assert supervisor._environment("app").items() >= given.items()


def test_programs_of_the_app_never_learn_the_address_of_the_owner(supervisor, monkeypatch):
    monkeypatch.setenv("DATABASE_OWNER_URL", "postgresql://owner@/playhead")

    assert "DATABASE_OWNER_URL" not in supervisor._environment("app")
    assert "DATABASE_OWNER_URL" in supervisor._environment("owner")
    assert "PLAYHEAD_OWNER_PASSWORD" not in supervisor._environment("owner")
