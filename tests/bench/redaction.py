"""How fast personal data and secrets are found: dense text, agent payloads, hostile text.

``python -m tests.bench.redaction`` prints megabytes a second on one core. The dense texts are all
different, so that what the detectors remember of earlier numbers does not help them.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

from stdnum import iban, luhn

from apps.governance.detection import KINDS, find
from tests.bench.workload import Writer, message, sessions

ALL = frozenset(KINDS)
DENSE_TEXTS = 2000
PLAIN_TEXTS = 300
HOSTILE_LENGTH = 100_000
HOSTILE = (
    "a",
    "1",
    " ",
    "@",
    "a@",
    "a@b.",
    "1 ",
    "12 ",
    "1.",
    "1-",
    "1234 ",
    "4111 1111 1111 1111 ",
    "4111111111111112 ",
    "+",
    "+49 30 1234567 ",
    "0171 1234567 ",
    "030-",
    "(",
    "(212) 555-0123 ",
    "DE89 ",
    "DE89370400440532013000 ",
    "GB82",
    ":",
    "::",
    "1:",
    "fe80::",
    "a:b:",
    "1.2.3.4",
    "eyJ",
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY-----",
    "-",
    "-----BEGIN ",
    "://",
    "a://b:c@",
    "a://b:",
    "password=",
    "password: ",
    "api_key=",
    "token:",
    "Bearer ",
    "authorization: ",
    "born ",
    "born 1.1.",
    "sk-",
    "phk_live_",
    "ghp_",
    "1A1z",
    "0x",
    "bc1",
    "?",
    "\\",
    "\\n",
    '\\"',
    "=",
    "é",
    "１",
    "\u200b",
    "a\u200b",
    "٣",
    "年",
    "\ufdfa",
    "\U0001f468\u200d",
    "-",
    "0x" + "a" * 38,
    "x" * 63 + "@",
    "aa:bb:cc:dd:ee:ff:",
    "123-45-6789 ",
    "12345678Z ",
    "0 1 ",
    "01 23 45 67 89 ",
    "1 2 34 56 78 ",
    "a.b",
)


def dense(rng: random.Random) -> str:
    """Return a text of about 875 characters with eight findings and some lookalikes."""
    number = "".join(rng.choices("0123456789", k=14))
    card = "4" + number + luhn.calc_check_digit("4" + number)
    account = f"{rng.randrange(10**17, 10**18)}"
    check = iban.calc_check_digits("DE00" + account)
    return (
        f"Hello, this is Jane Doe. My e-mail is jane.doe{rng.randrange(10**6)}@example.com and my "
        f"number is +49 30 {rng.randrange(10**6, 10**7)}. I ordered on 2026-03-1{rng.randrange(9)} "
        f"(order {rng.randrange(10**9, 10**10)}) and paid with {card[:4]} {card[4:8]} {card[8:12]} "
        f"{card[12:]}; the refund should go to DE{check}{account} please. The app, version "
        f"4.12.{rng.randrange(99)}.7, showed an error from 10.{rng.randrange(255)}.17.4 and said "
        f"that card {card[:-1]}{(int(card[-1]) + 1) % 10} was refused. My social security no. is "
        f"{rng.randrange(100, 600)}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}. I heard "
        "that the parcel would be here on Friday, and that whoever takes it in has to sign for it. "
        f"Somebody left the key sk-proj-{rng.getrandbits(160):040x} in the chat, and the log shows "
        f"postgres://app:{rng.getrandbits(40):x}@db.example.com:5432/orders as where it is kept. "
        "Could you look into it and call me back in the afternoon? I am at home from two to six. "
        "Thank you very much for your help with all of this, and kind regards from Berlin."
    )


def prose(rng: random.Random) -> list[str]:
    """Return the texts of agent sessions, with an address in one of fifty."""
    writer = Writer(rng, "bench", 1)
    texts = [writer.text(1500) for _ in range(PLAIN_TEXTS)]
    return [
        text + (" jane@example.com" if index % 50 == 0 else "") for index, text in enumerate(texts)
    ]


def payloads(rng: random.Random) -> list[str]:
    """Return what tools answer: JSON with ids, times and amounts, of about 10 KB."""
    writer = Writer(rng, "bench", 1)
    return [
        json.dumps([_record(rng, writer) for _ in range(25)] + [message("tool", type="text")])
        for _ in range(PLAIN_TEXTS)
    ]


def _record(rng: random.Random, writer: Writer) -> dict[str, object]:
    return {
        "id": f"{rng.getrandbits(32):08x}-4f3a-4c1e-9b1d-{rng.getrandbits(48):012x}",
        "order": rng.randrange(10**9, 10**10),
        "created_at": f"2026-05-{rng.randrange(10, 28)}T12:{rng.randrange(10, 59)}:07.123456Z",
        "amount": rng.random() * 100,
        "sha": f"{rng.getrandbits(160):040x}",
        "text": writer.text(30),
    }


def recorded(count: int) -> list[str]:
    """Return the attributes of the workload that the other benchmarks send."""
    return [
        attribute.value.string_value
        for spans in sessions(count)
        for span in spans
        for attribute in span.attributes
        if attribute.value.HasField("string_value")
    ]


def measure(name: str, texts: Iterable[str]) -> None:
    """Print how fast the texts are searched."""
    texts = list(texts)
    size = sum(len(text.encode()) for text in texts)
    found, seconds = timed(lambda: sum(len(find(text, ALL)) for text in texts))
    say(
        f"{name:28} {len(texts):6} texts of {size // len(texts):7} bytes  {found:6} findings "
        f"{size / seconds / 1e6:8.1f} MB/s  {seconds / len(texts) * 1000:8.3f} ms a text"
    )


def timed(work: Callable[[], int]) -> tuple[int, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    rng = random.Random(1)
    find("warm", ALL)
    measure("dense", [dense(rng) for _ in range(DENSE_TEXTS)])
    measure("dense, umlauts", ["Grüße, " + dense(rng) for _ in range(DENSE_TEXTS)])
    measure("prose", prose(rng))
    measure("prose, umlauts and emoji", ["Grüße ❤️ " + text for text in prose(rng)])
    measure("tool results", payloads(rng))
    measure("recorded attributes", recorded(5))
    slowest = sorted(
        ((*timed(partial(search, hostile(piece)))[::-1], piece) for piece in HOSTILE),
        reverse=True,
    )
    for seconds, found, piece in slowest[:12]:
        say(
            f"hostile {piece!r:34} x {HOSTILE_LENGTH // len(piece):6}  {found:6} findings "
            f"{seconds:8.3f} s"
        )


def search(text: str) -> int:
    return len(find(text, ALL))


def hostile(piece: str) -> str:
    return (piece * HOSTILE_LENGTH)[:HOSTILE_LENGTH]


if __name__ == "__main__":
    main()
