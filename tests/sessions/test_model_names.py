from __future__ import annotations

import pytest

from apps.sessions.model_names import grouped


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["gpt-4o", "gpt-4o-2024-11-20"], {"gpt-4o": "gpt-4o-2024-11-20"}),
        (["gpt-4o-2024-11-20"], {"gpt-4o-2024-11-20": "gpt-4o-2024-11-20"}),
        (["gpt-4", "gpt-4-0613", "gpt-4-0125"], {"gpt-4": "gpt-4-0125, gpt-4-0613"}),
        (["gpt-4", "gpt-4o"], {"gpt-4": "gpt-4", "gpt-4o": "gpt-4o"}),
        (["claude-3-5@20240620", "claude-3-5"], {"claude-3-5": "claude-3-5@20240620"}),
        ([], {}),
    ],
)
def test_a_dated_model_is_a_version_of_the_one_that_was_asked_for(names, shown):
    assert {model.name: model.title for model in grouped(names)} == shown
