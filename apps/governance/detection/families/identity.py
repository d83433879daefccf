"""Numbers with letters in them: IBANs, national numbers, wallets; and days of birth."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stdnum import bic, bitcoin, iban
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.in_ import pan
from stdnum.it import codicefiscale
from stdnum.mx import curp

from apps.governance.detection.canonical import Plain
from apps.governance.detection.families.family import Family, stands_alone
from apps.governance.detection.kinds import Finding

# How long the IBAN of a country is (ISO 13616).
_IBAN_LENGTHS = {
    word[:2]: int(word[2:])
    for word in (
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 "
        "DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 "
        "HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 "
        "MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
        "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 "
        "VG24 XK20 YE30"
    ).split()
}
_IBAN = r"(?i)\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,}"
_IBAN_START = re.compile(rb"(?i)(?<![A-Z0-9])[A-Z]{2}[0-9]{2}")


def read_iban(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Cut what may be an IBAN to the length that its country has, and check it."""
    for match in _IBAN_START.finditer(plain.image, start, end):
        first = match.start()
        length = _IBAN_LENGTHS.get(plain.image[first : first + 2].decode().upper(), 0)
        last = _end_of(plain.image, first, end, length) if length else None
        if last and stands_alone(plain.image, first, last):
            written = plain.image[first:last].decode().upper()
            if iban.is_valid(written, check_country=False):
                yield Finding("iban", first, last)


def _end_of(image: bytes, start: int, end: int, length: int) -> int | None:
    """Return where ``length`` letters and digits end, fillers not counted."""
    last = start + length
    while True:
        counted = last - start - _fillers(image, start, last)
        if counted == length or last > end:
            break
        last += length - counted
    return last if last <= end else None


def _fillers(image: bytes, start: int, end: int) -> int:
    return image.count(b" ", start, end) + image.count(b"-", start, end)


_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")


def _is_nino(number: str) -> bool:
    return _NINO.fullmatch(number.replace(" ", "")) is not None


def _is_person_pan(number: str) -> bool:
    return number[3] == "P" and bool(pan.is_valid(number))


_LETTERED: tuple[tuple[str, Callable[[str], bool]], ...] = (
    (r"[A-Z]{6}[0-9LMNP-V]{2}[ABCDEHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z]",
     codicefiscale.is_valid),
    (r"[A-Z]{4}[0-9]{6}[HMX][A-Z]{5}[0-9A-Z][0-9]", curp.is_valid),
    (r"[0-9]{8}[ -]?[A-Z]", dni.is_valid),
    (r"[XYZ]-?[0-9]{7}-?[A-Z]", nie.is_valid),
    (r"[0-9]{6}[-+A-FU-Y][0-9]{3}[0-9A-Y]", hetu.is_valid),
    (r"[A-Z]{2} ?[0-9]{2} ?[0-9]{2} ?[0-9]{2} ?[A-D]", _is_nino),
    (r"[A-Z]{5}[0-9]{4}[A-Z]", _is_person_pan),
)  # fmt: skip
_LETTERED_CHECKS = tuple((re.compile(pattern), check) for pattern, check in _LETTERED)


def read_lettered(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    """Tell which country's number it is by its shape, and check it."""
    if not stands_alone(plain.image, start, end):
        return
    written = plain.image[start:end].decode("ascii")
    for shape, check in _LETTERED_CHECKS:
        if shape.fullmatch(written) and check(written):
            yield Finding("national_id", start, end)
            return


_WALLET = r"\b(?:bc1[02-9ac-hj-np-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|0x[0-9a-fA-F]{40})\b"


def read_wallet(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    written = plain.image[start:end].decode("ascii")
    if written.startswith("0x"):
        if len(set(written)) > 6:
            yield Finding("crypto_address", start, end)
    elif bitcoin.is_valid(written):
        yield Finding("crypto_address", start, end)


_BANK = (
    r"(?i)\b(?:bic|swift)\b[^A-Za-z0-9\n]{0,4}(?:code)?[^A-Za-z0-9\n]{0,6}"
    r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?\b"
    r"|\bsort[ _-]?code[^0-9A-Za-z\n]{0,6}[0-9]{2}-[0-9]{2}-[0-9]{2}\b"
)
_BANK_END = re.compile(rb"[0-9-]{8}\Z|[A-Za-z0-9]+\Z")


def read_bank(plain: Plain, start: int, end: int) -> Iterator[Finding]:
    match = _BANK_END.search(plain.image, start, end)
    if match and (b"-" in match.group() or bic.is_valid(match.group().decode())):
        yield Finding("bank_account", *match.span())


FAMILIES = (
    Family(frozenset({"iban"}), _IBAN, read_iban),
    Family(
        frozenset({"national_id"}),
        r"\b(?:" + "|".join(pattern for pattern, _ in _LETTERED) + r")\b",
        read_lettered,
    ),
    Family(frozenset({"crypto_address"}), _WALLET, read_wallet),
    Family(frozenset({"bank_account"}), _BANK, read_bank),
)
