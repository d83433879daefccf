"""A session in a file: whole or refused, and readable by nobody without its passphrase."""

from __future__ import annotations

import json

import playhead
import pytest
from playhead import sealing
from playhead.files import BrokenFileError, check_place, read_file, write_file
from playhead.sealing import PIECE, PassphraseError

from tests.sdk.sample import look_up, record

CHEAP = 2**4
EVENTS = [{"id": "1", "kind": "event", "output": "caf\u00e9 \u2028 in one line"}]


def sealed_file(path, plain: bytes, passphrase="open sesame"):
    path.write_bytes(b"".join(sealing.sealed(iter([plain]), passphrase, cost=CHEAP)))
    return path


def opened(path, passphrase="open sesame"):
    return sealing.opened(path, path.read_bytes(), passphrase)


def test_an_encrypted_session_replays_and_says_nothing_to_others(tmp_path, monkeypatch):
    path = tmp_path / "secret.playhead"
    monkeypatch.setenv("PLAYHEAD_PASSPHRASE", "open sesame")
    record(path, lambda: look_up("Oslo"))
    monkeypatch.delenv("PLAYHEAD_PASSPHRASE")

    assert b"Oslo" not in path.read_bytes()
    assert b"look_up" not in path.read_bytes()
    with playhead.replay(path, passphrase="open sesame") as run:
        look_up("Oslo")
    run.report.assert_faithful()
    with pytest.raises(PassphraseError, match="is encrypted: give its passphrase"):
        read_file(path)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_what_is_sealed_opens_again(tmp_path, size):
    plain = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    assert opened(sealed_file(tmp_path / "a", plain)) == plain


def test_another_passphrase_is_told_from_a_damaged_file(tmp_path):
    path = sealed_file(tmp_path / "a.playhead", b"plain")

    with pytest.raises(PassphraseError, match="The passphrase is not that of"):
        opened(path, "something else")


def changed_at(octets: bytes, at: int) -> bytes:
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1 :]


@pytest.mark.parametrize("where", ["first piece", "last piece", "tag"])
def test_a_changed_byte_is_found(tmp_path, where):
    path = sealed_file(tmp_path / "a.playhead", b"a" * 2 * PIECE + b"b")
    octets = path.read_bytes()
    at = {"first piece": octets.index(b"\n") + 9, "last piece": len(octets) - 17, "tag": -1}[where]
    path.write_bytes(changed_at(octets, at % len(octets)))

    with pytest.raises(BrokenFileError, match=r"was changed.*piece [13] does not open"):
        opened(path)


@pytest.mark.parametrize("left", [0, 5, PIECE + 16, 2 * (PIECE + 16)])
def test_a_file_that_is_cut_off_is_found_wherever_it_ends(tmp_path, left):
    path = sealed_file(tmp_path / "a.playhead", b"a" * 2 * PIECE + b"b")
    first = path.read_bytes().index(b"\n") + 1
    path.write_bytes(path.read_bytes()[: first + left])

    with pytest.raises(BrokenFileError, match="cut off"):
        opened(path)


def test_pieces_in_another_order_are_found(tmp_path):
    path = sealed_file(tmp_path / "a.playhead", b"a" * PIECE + b"b" * PIECE + b"c")
    octets = path.read_bytes()
    first, size = octets.index(b"\n") + 1, PIECE + 16
    pieces = [octets[first : first + size], octets[first + size : first + 2 * size]]
    path.write_bytes(octets[:first] + pieces[1] + pieces[0] + octets[first + 2 * size :])

    with pytest.raises(BrokenFileError, match="piece 1 does not open"):
        opened(path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"playhead_encrypted": 2}, "does not know"),
        ({"n": 2**40}, "does not know"),
        ({"n": 3}, "key cannot be made"),
        ({"salt": "!"}, "first line cannot be read"),
        ({"p": 2}, "The passphrase is not that of"),
    ],
)
def test_a_first_line_that_was_changed_is_refused(tmp_path, change, says):
    path = sealed_file(tmp_path / "a.playhead", b"plain")
    first, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(json.dumps(json.loads(first) | change).encode() + b"\n" + rest)

    with pytest.raises(BrokenFileError, match=says):
        opened(path)


def test_separators_of_lines_in_texts_end_no_line(tmp_path):
    write_file(tmp_path / "a.playhead", "a", EVENTS)

    assert read_file(tmp_path / "a.playhead") == ("a", EVENTS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no recording"),
        ("{}\n{}\n", "its first line does not say so"),
        ('{"playhead": 2, "session": "a"}\n{}\n', "of version 2, this client reads version 1"),
        ('{"playhead": 0, "session": "a"}\n{}\n', "read it with an older playhead"),
        ("[]\n[]\n", "holds no object"),
        ("PK\n\n", "is no JSON"),
    ],
)
def test_what_is_no_recording_is_refused_in_words(tmp_path, text, says):
    (tmp_path / "a.playhead").write_text(text)

    with pytest.raises(BrokenFileError, match=says):
        read_file(tmp_path / "a.playhead")


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.playhead"
    write_file(path, "a", EVENTS)
    before = path.read_bytes()

    with pytest.raises(TypeError):
        write_file(path, "a", [{"id": object()}])

    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["a.playhead"]


def test_a_place_that_is_not_there_is_refused_before_anything_runs(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="There is no folder"),
        playhead.session(file=tmp_path / "no" / "a.playhead"),
    ):
        raise AssertionError("it ran")
    check_place(tmp_path / "a.playhead")
