"""Which sessions there are: when, in which language, by which model and prompt."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from apps.web.demo.backlog import work_off_mailbox
from apps.web.demo.cases import make_case, phrases
from apps.web.demo.hero import rescue
from apps.web.demo.prompts import version_at
from apps.web.demo.recording import Recording, Setting
from apps.web.demo.scenes import SCENES, Desk
from apps.web.demo.tools import GPT_MINI, MODELS, SONNET, Fields

SEED = 20_260_104
DAYS = 14
# With the hero and the backlog they are 120.
CONVERSATIONS, OUTAGE = 109, 9
# When the service that signs people in was down, in hours ago, and for how long.
OUTAGE_AGO, OUTAGE_HOURS = 214.0, 1.4
HERO, BACKLOG = "demo-hero-save-the-tour", "demo-backlog-of-a-night"
LANGUAGES = ("en",) * 9 + ("de",) * 4 + ("fr",) * 2 + ("es",) * 2 + ("ja", "zh", "ar", "pt")
TAGS = {
    "where_is_order": "shipping", "change_address": "shipping", "damaged": "refund",
    "small_refund": "refund", "double_charge": "billing", "invoice": "billing",
    "login": "login", "question": "advice", "cancel": "order", "late_return": "refund",
    "no_answer": "order", "somebody_elses": "privacy",
}  # fmt: skip
AGENTS = {"billing": "billing", "login": "accounts", "advice": "workshop"}


@dataclass(frozen=True, slots=True)
class Planned:
    """A conversation that took place so many hours ago."""

    number: int
    hours_ago: float
    topic: str
    tags: tuple[str, ...] = ()


def demo_sessions(now: datetime) -> Iterator[tuple[str, list[Fields]]]:
    """Yield each session's name and events: the one to see first, the newest, the largest last."""
    hero = Setting(HERO, "customer-0042", now - timedelta(minutes=21), version_at(0), SONNET)
    yield HERO, rescue(_recording(hero, tags=("shipping", "refund", "vip")))
    for planned in sorted(_plan(), key=lambda each: each.hours_ago):
        name = f"demo-{planned.number:03}-{planned.topic.replace('_', '-')}"
        yield name, _conversation(name, planned, now)
    begins = now - timedelta(hours=11)
    night = Setting(BACKLOG, "mailbox", begins, version_at(11), GPT_MINI, agent="mailbox")
    yield BACKLOG, work_off_mailbox(_recording(night, tags=("mailbox", "batch")))


def _plan() -> list[Planned]:
    """Spread the conversations over two weeks, with a burst where people could not sign in."""
    chance = _chance("plan")
    topics, weights = list(SCENES), [weight for weight, _ in SCENES.values()]
    planned = [
        Planned(
            number=number + 1,
            # One after the other with some play, and never nearer than an hour.
            hours_ago=1 + (number + chance.random()) * (DAYS * 24 - 2) / CONVERSATIONS,
            topic=chance.choices(topics, weights)[0],
        )
        for number in range(CONVERSATIONS)
    ]
    return planned + [
        Planned(
            number=CONVERSATIONS + number + 1,
            hours_ago=OUTAGE_AGO + chance.random() * OUTAGE_HOURS,
            topic="login",
            tags=("outage",),
        )
        for number in range(OUTAGE)
    ]


def _conversation(name: str, planned: Planned, now: datetime) -> list[Fields]:
    chance = _chance(name)
    spoken = [language for language in LANGUAGES if language in phrases()[planned.topic]]
    case = make_case(planned.topic, chance.choice(spoken), chance)
    setting = Setting(
        name=name,
        user=f"customer-{chance.randint(1, 70):04}",
        begins=now - timedelta(hours=planned.hours_ago),
        version=version_at(planned.hours_ago),
        model=chance.choice(MODELS),
        agent=AGENTS.get(TAGS[planned.topic], "support"),
        language=case.language,
        environment="staging" if chance.random() < 0.12 else "production",
        tags=(TAGS[planned.topic], *planned.tags, *(("vip",) if chance.random() < 0.08 else ())),
    )
    _, play = SCENES[planned.topic]
    return play(Desk(Recording(setting, chance), case))


def _recording(setting: Setting, tags: tuple[str, ...]) -> Recording:
    return Recording(replace(setting, tags=tags), _chance(setting.name))


def _chance(name: str) -> random.Random:
    # For looks only.
    return random.Random(f"{SEED}-{name}")  # noqa: S311
