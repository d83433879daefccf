from __future__ import annotations

import time

import psycopg
import pytest
from django.conf import settings

from apps.core.patience import PatientConnection, patience


@pytest.fixture
def connect(db):
    database = settings.DATABASES["default"]
    opened: list[PatientConnection] = []

    def make() -> PatientConnection:
        opened.append(
            PatientConnection.connect(
                host=database["HOST"], port=database["PORT"] or None, dbname=database["NAME"],
                user=database["USER"], password=database["PASSWORD"] or None, autocommit=True,
                options="-c client_connection_check_interval=100",
            )
        )  # fmt: skip
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def test_a_statement_that_is_not_answered_ends_with_its_connection(connect):
    connection = connect()
    started = time.monotonic()

    with patience(0.3), pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT pg_sleep(20)")

    assert time.monotonic() - started < 5
    assert connection.closed


def test_each_statement_has_its_own_time(connect):
    connection = connect()

    with patience(1):
        for _ in range(4):
            connection.execute("SELECT pg_sleep(0.4)")

    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_fails_in_time_keeps_the_connection(connect):
    connection = connect()

    with patience(5), pytest.raises(psycopg.OperationalError):
        connection.execute("SET statement_timeout = '100ms'; SELECT pg_sleep(20)")

    assert not connection.closed


def test_nobody_else_has_to_be_patient(connect):
    connection = connect()
    with patience(0.1):
        pass

    assert connection.execute("SELECT pg_sleep(0.3) IS NOT NULL").fetchone() == (True,)


def test_the_pool_asks_after_a_server_only_when_it_has_been_silent_for_a_while(connect):
    connection, other = connect(), connect()
    connection.execute("SELECT 1")
    other.execute("SELECT pg_terminate_backend(%s, 2000)", [connection.info.backend_pid])

    connection.execute("")  # it answered a moment ago, and is taken to be there

    connection.answered_at -= 5
    with pytest.raises(psycopg.OperationalError):
        connection.execute("")
