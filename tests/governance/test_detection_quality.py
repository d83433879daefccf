"""How much of what is labelled is found, and how much else. The tables are printed."""

from __future__ import annotations

import pytest

from tests.governance.labelling import ALL, read_labelled, score

# Kinds whose findings a check digit confirms.
CHECKED = ("card", "iban", "ssn", "national_id", "crypto_address", "playhead_key", "jwt")


@pytest.mark.parametrize("name", ["known.txt", "held_out.txt"])
def test_nearly_all_that_is_labelled_is_found_and_little_else(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result = score(name)

    with capsys.disabled():
        print(f"\n{name}\n{result.table()}", *result.mistakes, sep="\n")  # noqa: T201
    assert result.recall() >= 0.98, result.mistakes
    assert result.precision(*CHECKED) >= 0.95, result.mistakes


def test_the_labelled_texts_cover_every_kind_and_many_lookalikes() -> None:
    texts = read_labelled("known.txt")

    kinds = {kind for _, labels in texts for label in labels for kind in label.kinds}

    assert kinds == ALL
    assert sum(not labels for _, labels in texts) >= 100
