"""A session of five thousand steps: one night in which an agent works off the mailbox."""

from __future__ import annotations

from datetime import timedelta

from apps.web.demo.cases import Case, make_case
from apps.web.demo.recording import Recording
from apps.web.demo.tools import Fields

STEPS = 5_000
# No ticket takes more steps than this.
LONGEST = 12
TOPICS = ("where_is_order", "small_refund", "login", "invoice", "cancel", "double_charge")
LANGUAGES = ("en", "en", "en", "de", "de", "fr", "es", "ja")
TASK = "Work off the mailbox of the support desk until the morning, one ticket after the other."
SLOW: Fields = {"type": "TimeoutError", "message": "orders: no answer within 5 s"}


def work_off_mailbox(desk: Recording) -> list[Fields]:
    """Answer one ticket after the other; wait for mail with the steps that are left."""
    desk.ask(TASK)
    desk.open_case(answered=0)
    done = 0
    while len(desk.events) + LONGEST < STEPS:
        case = make_case(desk.chance.choice(TOPICS), desk.chance.choice(LANGUAGES), desk.chance)
        with desk.within(f"ticket {done + 1}", "mail", case.ask) as ticket:
            ticket["output"] = _answer(desk, case)
        done += 1
        # Mail comes all night.
        desk.clock += timedelta(seconds=desk.chance.uniform(2, 55))
        if done % 25 == 0:
            desk.patch(f"{done} answered", answered=done)
    while len(desk.events) < STEPS:
        desk.step("time", "wait for mail", seconds=20)
    desk.root["output"] = f"{done} tickets answered."
    return desk.end("success", f"{done} tickets answered in one night")


def _answer(desk: Recording, case: Case) -> str:
    key = {"order_id": case.order}
    if desk.chance.random() < 0.04:
        desk.call_twice("get_order", key, SLOW, case.record)
    else:
        desk.call("get_order", key, case.record)
    tool = desk.chance.choice(("track_parcel", "list_payments", "search_articles"))
    desk.call(tool, key, {"found": True, "note": case.topic.replace("_", " ")})
    sure = round(desk.chance.uniform(0.4, 0.99), 2)
    chosen = "answer" if sure > 0.5 else "leave it to a person"
    choice = {"chosen": chosen, "alternatives": ["answer", "leave it to a person"]}
    desk.step("decision", "answer or leave", seconds=0.01, confidence=sure, decision=choice)
    if chosen != "answer":
        desk.step("handoff", "to the day shift", seconds=0.05, output={"queue": "day shift"})
        return chosen
    text = case.lines["answer"]
    desk.answer(text)
    sent = {"order_id": case.order, "language": case.language}
    desk.run("send_mail", sent, {"sent": True}, effects="external", seconds=0.8)
    return text
