from __future__ import annotations

import gzip
import json
import os
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from apps.core.bodies import check_depth, unpack
from apps.core.errors import DomainError, EncodingError, LimitError
from tests.ingest.factories import status_of

TEXT = b'{"events": []}' + os.urandom(5000)


def zstd_without_size(body: bytes) -> bytes:
    writer = zstandard.ZstdCompressor().compressobj()
    return writer.compress(body) + writer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "gzip in two members": gzip.compress(TEXT[:90]) + gzip.compress(TEXT[90:]),
    "deflate": zlib.compress(TEXT),
    "deflate without the zlib header": zlib.compress(TEXT)[2:-4],
    "zstd": zstandard.compress(TEXT),
    "zstd without a content size": zstd_without_size(TEXT),
    "zstd in two frames": zstandard.compress(TEXT[:90]) + zstd_without_size(TEXT[90:]),
    "identity": TEXT,
}


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_body_is_read(name):
    assert unpack(PACKED[name], name.split()[0]) == TEXT


@pytest.mark.parametrize("name", [name for name in PACKED if name != "identity"])
def test_a_packed_body_that_breaks_off_is_a_bad_request(name):
    with pytest.raises(DomainError, match="not a whole") as caught:
        unpack(PACKED[name][:-3], name.split()[0])

    assert caught.value.status == 400


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "compress", "zst\x00d"])
def test_an_unknown_encoding_is_named_and_refused(encoding):
    with pytest.raises(EncodingError, match="gzip, zstd or deflate"):
        unpack(b"anything", encoding)


@pytest.mark.parametrize(
    ("encoding", "bomb"),
    [
        ("zstd", zstandard.compress(bytes(1 << 30))),
        ("gzip", gzip.compress(bytes(100 << 20), mtime=0)),
        ("deflate", zlib.compress(bytes(100 << 20))),
    ],
)
def test_a_bomb_is_refused_early_with_little_memory(encoding, bomb):
    tracemalloc.start()
    with pytest.raises(LimitError, match="100 times"):
        unpack(bomb, encoding)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 40 << 20


def test_a_body_over_the_limit_is_refused_and_the_limit_named():
    filler = os.urandom(1 << 20).hex().encode()

    with pytest.raises(LimitError, match="20 MiB"):
        unpack(gzip.compress(filler * 11, 1), "gzip")


@pytest.mark.parametrize("open_close", [("[", "]"), ('{"a":', "}")])
def test_json_may_be_nested_200_deep_and_no_deeper(open_close):
    def nested(depth):
        return (open_close[0] * depth + "1" + open_close[1] * depth).encode()

    check_depth(nested(200))
    with pytest.raises(DomainError, match="limit of 200"):
        check_depth(nested(201))


def test_brackets_inside_of_text_are_no_depth():
    text = '[{"' * 300 + "\\"

    check_depth(json.dumps({text: text, "a": [text]}).encode())


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_depth_of_ordinary_json_is_never_refused(value):
    check_depth(json.dumps(value).encode())


@given(st.binary(), st.sampled_from(["gzip", "zstd", "deflate"]))
def test_any_bytes_are_read_or_refused(body, encoding):
    assert status_of(lambda: unpack(body, encoding)) in {200, 400, 413}
