"""Which shape of a number, or which name before it, calls for which check."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import re2
from stdnum import luhn
from stdnum.au import tfn
from stdnum.be import nn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.fr import nif, nir
from stdnum.gb import nhs
from stdnum.il import idnr as il_idnr
from stdnum.in_ import aadhaar
from stdnum.jp import in_ as jp_in
from stdnum.kr import rrn
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import nif as pt_nif
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.tr import tckimlik
from stdnum.us import itin, rtn, ssn
from stdnum.za import idnr as za_idnr

from apps.governance.detection.families import telephone

Check = Callable[[str], bool]
# Issuer, by the first digits, and the lengths that it gives out.
_CARD = re.compile(
    r"4(?:[0-9]{15}|[0-9]{18})"
    r"|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)[0-9]{12,14}"
    r"|220[0-4][0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[689])[0-9]{11,12}|352[89][0-9]{12}"
    r"|35[3-8][0-9]{13}|(?:6011|64[4-9]|65|62)[0-9]{12,17}|(?:60|81|82|508)[0-9]{13,14}"
)


def is_card(digits: str) -> bool:
    """Return whether an issuer gives out such numbers and the check digit is right."""
    if _CARD.fullmatch(digits) is None:
        return False
    sixteen = digits[0] in "52" or digits.startswith("35")
    return (not sixteen or len(digits) == 16) and luhn.is_valid(digits)


def _is_us_ssn(digits: str) -> bool:
    return ssn.is_valid(digits) or itin.is_valid(digits)


def _is_aadhaar(digits: str) -> bool:
    return digits[0] not in "01" and bool(aadhaar.is_valid(digits))


def _may_be_called(digits: str) -> bool:
    """Return whether it can be a phone number, and is no time in milliseconds."""
    is_time = len(digits) == 13 and digits[0] == "1" and digits[1] > "4"
    return 7 <= len(digits) <= 15 and not is_time


def _is_us_phone(digits: str) -> bool:
    return telephone.is_valid(digits, "US")


def _is_fr_phone(digits: str) -> bool:
    return digits[0] == "0" and telephone.is_valid(digits, "FR")


_CHECKS: tuple[tuple[str, str, Check], ...] = (
    ("card", "14 15 16 17 18 19", is_card),
    ("card", "4_4_4_4 4-4-4-4 4.4.4.4 4_6_5 4-6-5 4_6_4 4-6-4 4_4_4_4_3 8_8", is_card),
    ("ssn", "3-2-4", _is_us_ssn),
    ("national_id", "3.3.3-2 3_3_3-2", cpf.is_valid),
    ("national_id", "3.4.4.2 3_4_4_2", ahv.is_valid),
    ("national_id", "2.2.2-3.2 2.2.2-3-2", nn.is_valid),
    ("national_id", "4_4_4 4-4-4", _is_aadhaar),
    ("national_id", "15 1_2_2_2_3_3_2 1_2_2_2_3_3-2", nir.is_valid),
    ("national_id", "6-7", rrn.is_valid),
    ("national_id", "6-4 8-4", personnummer.is_valid),
    ("national_id", "2_3_3_3", idnr.is_valid),
    ("national_id", "18", ric.is_valid),
    (
        "phone",
        "(3)_3-4 (3)3-4 (3)_3_4 3-3-4 3.3.4 1-3-3-4 1_(3)_3-4 1_3-3-4 1.3.3.4 1-(3)-3-4",
        _is_us_phone,
    ),
    ("phone", "2_2_2_2_2 2.2.2.2.2 2-2-2-2-2", _is_fr_phone),
)


def _by_shape() -> dict[str, list[tuple[str, Check]]]:
    shapes: dict[str, list[tuple[str, Check]]] = {}
    for kind, written, check in _CHECKS:
        for shape in written.split():
            shapes.setdefault(shape.replace("_", " "), []).append((kind, check))
    return shapes


SHAPES = _by_shape()
# A shape that begins none of these needs no further look.
BEGINNINGS = frozenset(shape[:end] for shape in SHAPES for end in range(1, len(shape) + 1))


def kind_of(shape: str, digits: str) -> str | None:
    """Return what digits in such groups are, if their check digits say so."""
    for kind, check in SHAPES.get(shape, ()):
        if check(digits):
            return kind
    return None


# Numbers whose check is weak or missing count only under their name.
_NAMED: dict[str, tuple[str, str, tuple[Check, ...]]] = {
    "ssn": ("ssn", r"ssn|social security|sozialversicherungsnr us|itin", (_is_us_ssn,)),
    "nhs": ("national_id", r"nhs", (nhs.is_valid,)),
    "idnr": (
        "national_id",
        r"steuer-?\s?(?:id|nummer|identifikations)|idnr|id-?nr|tax id|tin\b|tax number",
        (idnr.is_valid, bsn.is_valid, nif.is_valid, pt_nif.is_valid, tfn.is_valid),
    ),
    "bsn": ("national_id", r"bsn|burgerservice|sofinummer", (bsn.is_valid,)),
    "pesel": ("national_id", r"pesel", (pesel.is_valid,)),
    "cpf": ("national_id", r"\bcpf", (cpf.is_valid,)),
    "aadhaar": ("national_id", r"aadha+r|\buid\b|आधार", (aadhaar.is_valid,)),
    "nir": ("national_id", r"s[eé]curit[eé] sociale|\bnir\b", (nir.is_valid,)),
    "spi": ("national_id", r"num[eé]ro fiscal|\bspi\b", (nif.is_valid,)),
    "sin": ("national_id", r"\bsin\b|social insurance", (sin.is_valid,)),
    "tfn": ("national_id", r"\btfn\b|tax file", (tfn.is_valid,)),
    "tc": ("national_id", r"kimlik|\btckn?\b", (tckimlik.is_valid,)),
    "nif": ("national_id", r"\bnif\b|contribuinte", (pt_nif.is_valid,)),
    "my_number": (
        "national_id",
        r"マイナンバー|my number|個人番号",
        (lambda digits: len(digits) == 12 and bool(jp_in.is_valid(digits)),),
    ),
    "cpr": ("national_id", r"\bcpr\b|personnummer", (cpr.is_valid, personnummer.is_valid)),
    "no": ("national_id", r"f[oø]dselsnummer", (fodselsnummer.is_valid,)),
    "za": ("national_id", r"south african id|\bsa id\b", (za_idnr.is_valid,)),
    "il": ("national_id", r"teudat zehut|israeli id|תעודת זהות", (il_idnr.is_valid,)),
    "cnp": ("national_id", r"\bcnp\b", (cnp.is_valid,)),
    "rc": ("national_id", r"rodn[eé] [cč][ií]slo", (rc.is_valid,)),
    "routing": ("bank_account", r"routing|\baba\b", (rtn.is_valid,)),
    "account": (
        "bank_account",
        r"(?:bank )?account (?:number|no\.?|nr\.?|#)|acct|kontonummer|konto-?nr|sort code|口座番号"
        r"|n[uú]mero de cuenta|bankleitzahl|\bblz\b",
        (lambda digits: 6 <= len(digits) <= 18,),
    ),
    "card": ("card", r"card|karte|carte|tarjeta|cart[aã]o|カード|بطاقة", (is_card,)),
    "phone": (
        "phone",
        r"\btel\b|telef|phone|t[eé]l[eé]ph|mobil|\bm[oó]vil|handy|\bfax|\bcell(?:phone)?\b|celular|whatsapp"
        r"|\bcall (?:me|us|him|her|them)\b|rufen sie|\bruf mich|電話|携帯|هاتف|جوال|тел|телефон"
        r"|फ़ोन|फोन|मोबाइल|전화|电话|手机|reach (?:me|us|him|her) (?:at|on)|\btext me|llám\w+ al",
        (_may_be_called,),
    ),
}
_NAME_ORDER = tuple(_NAMED)


def _compile_names() -> re2.Set:
    names = re2.Set.SearchSet()
    for _, pattern, _ in _NAMED.values():
        names.Add(f"(?i)(?:{pattern})[^0-9\\n]{{0,25}}\\z")
    names.Compile()
    return names


_NAMES = _compile_names()


@lru_cache(maxsize=1 << 12)
def named(text: str) -> tuple[str, ...]:
    """Return under which names a number stands that follows the text."""
    return tuple(_NAME_ORDER[index] for index in _NAMES.Match(text) or ())


def kind_of_named(name: str, digits: str) -> str | None:
    """Return what the digits are, if they are what their name says."""
    kind, _, checks = _NAMED[name]
    return kind if any(check(digits) for check in checks) else None
