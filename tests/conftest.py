from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.test import TransactionTestCase, override_settings
from hypothesis import settings as hypothesis_settings

from apps.core.database import APP_ROLE, grant_app_role

pytest_plugins = ["tests.cast"]

# For a night: pytest --hypothesis-profile=thorough
hypothesis_settings.register_profile("thorough", max_examples=25_000)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Migrate as the owner, then run every test as the role that the web server has."""
    with django_db_blocker.unblock():
        call_command("ensure_partitions", verbosity=0)
        grant_app_role(connection)
        connection.close()
        connection.settings_dict["OPTIONS"]["options"] = f"-c role={APP_ROLE}"
    yield
    with django_db_blocker.unblock():
        connection.close()
        del connection.settings_dict["OPTIONS"]["options"]


@pytest.fixture(autouse=True, scope="session")
def flush_as_owner() -> Iterator[None]:
    """Let tests with real transactions empty the tables, which the app role may not."""
    plain = TransactionTestCase._fixture_teardown

    def as_owner(self: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE NONE")
            # Triggers protect the trail from everybody but this.
            cursor.execute("SET session_replication_role = replica")
        plain(self)
        connection.close()

    TransactionTestCase._fixture_teardown = as_owner  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = plain  # type: ignore[method-assign]


@pytest.fixture(autouse=True, scope="session")
def settings_for_tests() -> Iterator[None]:
    """Serve static files unhashed, run tasks in place, and hash passwords fast."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    with override_settings(
        STORAGES=settings.STORAGES | {"staticfiles": plain},
        STATIC_ROOT=str(settings.BASE_DIR / "static"),
        CELERY_TASK_ALWAYS_EAGER=True,
        # In place, too: another thread would not see what a test has not committed.
        REPLAY_THREADS=1,
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Start each test without what an earlier one left in Valkey."""
    yield
    cache.clear()
