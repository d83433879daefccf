"""What holds for every text: places are right, and nothing is left once all is taken out."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.governance.detection import Finding, find
from tests.governance.labelling import ALL, read_labelled

LABELLED = [text for text, _ in read_labelled("known.txt")]
PIECES = st.one_of(
    st.sampled_from(LABELLED),
    st.text(max_size=12),
    st.text(alphabet="0123456789 -.+()/@:=aZ?\\\"'xé１ー\u200b", max_size=20),
    st.sampled_from([" ", "\n", ",", "-", ".", ":", "@", "=", "phone ", "password: "]),
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)


def masked(text: str, findings: list[Finding]) -> str:
    pieces, behind = [], 0
    for finding in findings:
        pieces += [text[behind : finding.start], f"[{finding.kind.upper()}]"]
        behind = finding.end
    return "".join(pieces) + text[behind:]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_findings_lie_in_the_text_and_never_overlap(text: str) -> None:
    behind = 0
    for finding in find(text, ALL):
        assert behind <= finding.start < finding.end <= len(text)
        behind = finding.end


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_masked_text_holds_nothing_more_of_what_was_masked(text: str) -> None:
    findings = find(text, ALL)

    again = find(masked(text, findings), ALL)

    assert not {hit.kind for hit in again} & {hit.kind for hit in findings}
