"""What a case is about: an order, an article, an amount, a place; and the words for it."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

PRODUCTS = (
    ("Lumo 40 light", 39), ("Aero 2 helmet", 89), ("Gravel Pro wheelset", 449),
    ("Rain Shell 200", 119), ("Tern Hop saddle", 64), ("Trail 9 pedals", 75),
    ("City One e-bike", 1899), ("Kestrel 3 frame", 649), ("Duo Pack bags", 94),
    ("Chain Kit 12", 48), ("Alu Rack XL", 59), ("Bibs Summer 5", 99),
)  # fmt: skip
CARRIERS = ("DHL", "UPS", "GLS", "DPD")
CITIES = {
    "en": ("Leeds", "Bristol", "Portland", "Dublin"),
    "de": ("Hamburg", "Leipzig", "Graz", "Bern"),
    "fr": ("Lyon", "Nantes", "Lille"),
    "es": ("Valencia", "Bilbao", "Granada"),
    "pt": ("Porto", "Braga"),
    "ja": ("大阪", "札幌"),
    "zh": ("成都", "杭州"),
    "ar": ("عمّان", "دبي"),
}
FACTS = {
    "en": (
        "at 80 kg and 40 mm tubeless, 2.2 to 2.8 bar, never above what the rim says.",
        "stem bolts take 5 Nm, in turns, and 4 Nm on a carbon steerer.",
        "battery and motor are splash-proof (IP54); dry the contacts before charging.",
        "from 0.75 % of wear the chain goes, and the cassette with every second chain.",
    ),
    "de": (
        "Bei 80 kg und 40 mm Tubeless 2,2 bis 2,8 bar, nie mehr als auf der Felge steht.",
        "Akku und Motor sind gegen Spritzwasser geschützt (IP54); Kontakte vor dem Laden trocknen.",
    ),
    "zh": ("体重 80 公斤、40 毫米真空胎,气压为 2.2 至 2.8 bar,不要超过轮圈上标注的上限。",),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What one conversation is about, and what is said in it."""

    topic: str
    language: str
    order: str
    product: str
    price: int
    carrier: str
    city: str
    ask: str
    fact: str
    lines: dict[str, str]
    complaint: str
    handed: str
    padding: tuple[str, ...]

    @property
    def amount(self) -> str:
        return f"{self.price}.00"

    @property
    def record(self) -> dict[str, Any]:
        """Return the order as the shop's system knows it."""
        return {
            "order_id": self.order,
            "state": "shipped",
            "items": [{"article": self.product, "count": 1, "price": self.amount}],
            "total": self.amount,
            "currency": "USD",
            "carrier": self.carrier,
        }


@cache
def phrases() -> dict[str, dict[str, dict[str, Any]]]:
    """Return what is said, by topic and language."""
    return tomllib.loads(Path(__file__).with_name("phrases.toml").read_text(encoding="utf-8"))


def make_case(topic: str, language: str, chance: random.Random) -> Case:
    """Draw a case of a topic, in a language that the topic has, else in English."""
    said = phrases()[topic]
    language = language if language in said else "en"
    which = chance.randrange(len(said[language]["asks"]))
    facts = FACTS.get(language, FACTS["en"])
    product, price = chance.choice(PRODUCTS)
    words = {
        "order": f"B-{chance.randint(1000, 9899)}",
        "product": product,
        "amount": f"{price}.00 USD",
        "carrier": chance.choice(CARRIERS),
        "city": chance.choice(CITIES[language]),
        "fact": facts[which % len(facts)],
    }
    around = phrases()["around"][language]
    lines = {
        name: text.format_map(words) for name, text in said[language].items() if name != "asks"
    }
    return Case(
        topic=topic,
        language=language,
        order=words["order"],
        product=product,
        price=price,
        carrier=words["carrier"],
        city=words["city"],
        ask=said[language]["asks"][which].format_map(words),
        fact=words["fact"],
        lines=lines,
        complaint=around["complaint"],
        handed=around["handed"],
        padding=tuple(around["padding"]),
    )
