"""Tests that replay a session: ``@pytest.mark.playhead("refund-4411.playhead")``.

The file lies beside the test. ``pytest --playhead-update`` records it anew, for which the
test runs for real. What a replay came to stands among the properties of a JUnit report.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from playhead.client import replay, session

MARK = "playhead"
UPDATE = "--playhead-update"


def pytest_addoption(parser: pytest.Parser) -> None:
    says = "run the tests that replay a session for real, and record the session anew"
    parser.getgroup(MARK).addoption(UPDATE, action="store_true", help=says)


def pytest_configure(config: pytest.Config) -> None:
    says = "playhead(file, **options): replay the session of a file while the test runs"
    config.addinivalue_line("markers", says)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[Any]:
    mark = item.get_closest_marker(MARK)
    if mark is None:
        return (yield)
    path = item.path.parent / mark.args[0]
    if item.config.getoption(UPDATE):
        return (yield from _recorded(path))
    return (yield from _replayed(item, path, dict(mark.kwargs)))


def _recorded(path: Path) -> Iterator[Any]:
    with session(path.stem, file=path):
        return (yield)


def _replayed(item: pytest.Item, path: Path, options: dict[str, Any]) -> Iterator[Any]:
    if not path.exists():
        pytest.fail(f"There is no {path}. Record it with pytest {UPDATE}.", pytrace=False)
    least = options.pop("min_fidelity", 1.0)
    with replay(path, **options) as run:
        try:
            result = yield
        finally:
            _tell(item, run.report)
    run.report.assert_faithful(least)
    return result


def _tell(item: pytest.Item, report: Any) -> None:
    for name in ("fidelity", "coverage", "consumption", "band"):
        item.user_properties.append((f"playhead_{name}", getattr(report, name)))
