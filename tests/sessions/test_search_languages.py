"""Words of any script and of any code: found as they are written, and in no other place."""

from __future__ import annotations

import unicodedata

import pytest

from apps.sessions import search
from apps.sessions.filters import SessionFilters
from tests.sessions.factories import make_call, make_session

pytestmark = pytest.mark.django_db

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
SAID = {
    "german": "Der Fuß, das Gewürz und die ÜBERGRÖSSE; fünf Füße.",
    "french": "L'œuvre d'été coûte trop cher à Noël",
    "spanish": "¿Dónde está el niño? ¡Mañana!",
    "turkish": "ISPARTA'da İstanbul ışığı",
    "polish": "Zażółć gęślą jaźń",
    "vietnamese": "Xin chào, tôi cần giúp đỡ",
    "greek": "Ο ΟΔΥΣΣΕΥΣ ταξίδεψε στην Ιθάκη",
    "russian": "Почему заказ ещё не пришёл?",
    "arabic": "أين طلبي رقم ٤٧١١؟",
    "hebrew": "שלום, איפה ההזמנה שלי?",
    "persian": "می\u200cخواهم سفارش را لغو کنم",
    "hindi": "मेरा ऑर्डर कहाँ है, कृपया बताइए",
    "tamil": "என் பணம் எங்கே சொல்",
    "bengali": "আমার টাকা কোথায়",
    "thai": "ฉันต้องการคืนสินค้า",
    "khmer": "ខ្ញុំចង់ជួយ",
    "japanese": "注文した「スマートフォン」がまだ届きません。",
    "chinese": "我的訂單在哪裡？請退款。",
    "korean": "주문한 상품이 아직 안 왔어요",
    "mixed": "Bitte das iPhone15を東京shopへ送って, refund상품",
    "marks": "re\u0301sume\u0301 und a\u0308rger, \u0915\u093c\u0932\u092e",
    "width": "ＡＣＭＥ　２０２６ ﾊﾟｿｺﾝ",
    "ligature": "eﬃcient ﬁnance ﬂoor Ⅷ ㎏ ½",
    "emoji": "done 👍🏽 thanks 🇩🇪 ❤️ 👨‍👩‍👧",
    "long": f"{LONG} {'x' * 300}",
    "code": "snake_case_name camelCaseName PascalCaseName HTTPServerError kebab-case-name MAX_OF",
    "paths": "/usr/local/lib/libfoo.so.6 C:\\Users\\Ada\\note.txt src/app/main.py:42",
    "links": "https://shop.example.com/orders/8812?ref=mail#top ada.lovelace+news@example.org",
    "ids": "9b2e4c1a-0d3f-4e5b-8a7c-112233445566 sha256:deadbeef01 v1.22.333-rc.4 INV/2026/0042",
    "amounts": "$1,299.95 €0,99 1.234.567,89 -17 3.14e-10 99% 0x1F",
}
# What is searched for, and in which of them it is found.
FINDS = {
    "fuss": "german", "FÜSSE": "german", "übergröße": "german", "gewurz": "",
    "œuvre": "french", "été": "french", "ete": "", "noël": "french", '"d\'été"': "french",
    "dónde": "spanish", "niño mañana": "spanish", "nino": "",
    "istanbul": "", "i\u0307stanbul": "turkish", "ışığı": "turkish",
    "ZAŻÓŁĆ": "polish", "jaźń": "polish", "chào": "vietnamese", "giúp đỡ": "vietnamese",
    "οδυσσευσ": "greek", "ιθάκη": "greek", "ПРИШЁЛ": "russian", "заказ": "russian",
    "طلبي": "arabic", "٤٧١١": "arabic", "ההזמנה": "hebrew", '"שלום איפה"': "hebrew",
    "سفارش": "persian", "می\u200cخواهم": "persian", "ऑर्डर": "hindi", "कृपया": "hindi",
    "பணம்": "tamil", "சொல்": "tamil", "কোথায়": "bengali",
    "สินค้า": "thai", "คืนสินค้า": "thai", "ต้องการ": "thai", "ค้าสิน": "", "ចង់": "khmer",
    "スマートフォン": "japanese", "注文": "japanese", "文注": "", "届きません": "japanese",
    "訂單": "chinese", "退款": "chinese", "款退": "", "请": "",
    "주문": "korean", "상품이": "korean", "왔어요": "korean", "품상": "",
    "iphone15": "mixed", "東京": "mixed", "shop": "mixed links", '"東京shop"': "mixed",
    "refund": "mixed", "상품": "korean mixed", "送って": "mixed",
    "résumé": "marks", "RE\u0301SUME\u0301": "marks", "resume": "", "ärger": "marks",
    "क़लम": "marks",
    "acme": "width", "2026": "width ids", "パソコン": "width", "ﾊﾟｿｺﾝ": "width",
    "efficient": "ligature", "finance": "ligature", "ﬂoor": "ligature", "viii": "ligature",
    "kg": "ligature",
    "👍": "emoji", "👍🏽": "emoji", "🇩🇪": "emoji", "❤": "emoji", "👨‍👩‍👧": "emoji", "🎈": "",
    LONG.lower(): "long", LONG[:64]: "", "x" * 300: "long", "x" * 299: "",
    "snake_case_name": "code", "name": "code", '"case name"': "code", "camelcasename": "code",
    "camel": "code", "pascalcase": "", "http": "code", "httpservererror": "code",
    "server": "code", "kebab-case-name": "code", "max_of": "code",
    "libfoo.so.6": "paths", "/usr/local/lib": "paths", "Users\\Ada": "paths", "note.txt": "paths",
    "main.py:42": "paths", "main.py:43": "",
    "https://shop.example.com/orders/8812": "links", "8812": "links", "881": "",
    "ada.lovelace+news@example.org": "links", "example.org": "links", "lovelace": "links",
    "9b2e4c1a-0d3f-4e5b-8a7c-112233445566": "ids", "9B2E4C1A": "ids", "112233445566": "ids",
    "sha256:deadbeef01": "ids", "v1.22.333-rc.4": "ids", "INV/2026/0042": "ids", "0042": "ids",
    "$1,299.95": "amounts", "1.234.567,89": "amounts", "299.95": "amounts", "1299.95": "",
    "0,99": "amounts", "3.14e-10": "amounts", "0x1f": "amounts", "99%": "amounts",
}  # fmt: skip


@pytest.fixture
def said(project):
    for name, text in SAID.items():
        make_session(project, make_call(session=name, input=text))
    return project


def found(project, q):
    page = search.find(project, SessionFilters(q=q), cursor=None, limit=50).page
    return {session.external_id for session in page.rows}


def test_words_are_found_where_they_were_said_and_nowhere_else(said):
    answers = {q: " ".join(sorted(found(said, q), key=list(SAID).index)) for q in FINDS}

    assert answers == FINDS


def test_it_makes_no_difference_how_accents_and_syllables_are_put_together(said):
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        asked = {q: where for q, where in FINDS.items() if unicodedata.normalize(form, q) != q}
        assert asked
        answers = {q: found(said, unicodedata.normalize(form, q)) for q in asked}
        assert answers == {q: set(where.split()) for q, where in asked.items()}, form


def test_it_makes_no_difference_how_they_were_put_together_when_they_were_said(project):
    for name, text in SAID.items():
        make_session(project, make_call(session=name, input=unicodedata.normalize("NFD", text)))

    assert {q: found(project, q) for q in FINDS} == {q: set(FINDS[q].split()) for q in FINDS}


def test_a_text_is_found_by_how_it_begins_and_ends(said):
    for name, text in SAID.items():
        pieces = text.replace('"', " ").split()
        for row in (pieces[:3], pieces[-2:]):
            assert name in found(said, f'"{" ".join(row)}"'), row
