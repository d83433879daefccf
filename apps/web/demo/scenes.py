"""What happens in a conversation of each topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from apps.web.demo.cases import Case
from apps.web.demo.recording import Recording
from apps.web.demo.tools import EMBEDDING, Fields

TIMEOUT: Fields = {"type": "TimeoutError", "message": "The warehouse did not answer in time."}
CONFLICT: Fields = {
    "type": "ConflictError",
    "code": "409",
    "message": "The order was changed by somebody else. Read it again.",
}
UNAVAILABLE: Fields = {
    "type": "ServiceUnavailable",
    "code": "503",
    "message": "identity: no healthy upstream",
}
INVALID: Fields = {
    "type": "ValidationError",
    "code": "422",
    "message": "query: must have at least 3 words that are not stop words",
}
# Above this many dollars a person must say yes.
LIMIT = 100


class Desk:
    """A recording of one case, with what the desk does again and again."""

    def __init__(self, recording: Recording, case: Case) -> None:
        self.recording = recording
        self.case = case
        self.chance = recording.chance
        self.version = recording.setting.version
        self.key: Fields = {"order_id": case.order}

    def happens(self, share: float) -> bool:
        return self.chance.random() < share

    def look_up(self) -> None:
        """Read the order, and more than once where the prompt asks for thoroughness."""
        self.recording.ask(self.case.ask)
        self.recording.call("get_order", self.key, self.case.record)
        self.recording.open_case(order=self.case.order, topic=self.case.topic, open=True)
        self.check_again()

    def check_again(self) -> None:
        """Take the detours that a version of the prompt leads to."""
        if self.happens(self.version.detours):
            self.search(f"policy {self.case.topic.replace('_', ' ')}")
        if self.happens(self.version.detours):
            self.recording.call("get_order", self.key, self.case.record)
        if self.happens(self.version.detours * 0.6):
            self.recording.call("list_payments", self.key, self.payments(1))

    def search(self, query: str) -> None:
        """Search the help pages as a tool; a sloppy question is refused."""
        found = [{"id": "help-31", "title": "Returns and refunds", "score": 0.62}]
        if self.happens(self.version.slips):
            refused: Fields = {"status": "error", "error": INVALID}
            self.recording.call("search_articles", {"query": "policy"}, None, **refused)
        self.recording.call("search_articles", {"query": query}, found)

    def change(self, tool: str, result: Any, **arguments: Any) -> None:
        """Let a tool change something; now and then it fails at first."""
        arguments = self.key | arguments
        if self.happens(self.version.slips):
            error = self.chance.choice((TIMEOUT, CONFLICT))
            self.recording.call_twice(tool, arguments, error, result)
        else:
            self.recording.call(tool, arguments, result, effects="write", seconds=0.9)

    def payments(self, count: int) -> list[Fields]:
        amount = {"amount": self.case.amount, "currency": "USD"}
        return [amount | {"payment": f"P-{n + 1}", "state": "captured"} for n in range(count)]

    def say(self, name: str) -> None:
        """Answer, with as many words around it as the version of the prompt leads to."""
        text = self.case.lines[name]
        before, *after = self.case.padding[: self.version.padding] or ("",)
        self.recording.answer("\n\n".join(part for part in (before, text, *after) if part))

    def close(self, reason: str) -> list[Fields]:
        """End well, unless the customer has had enough."""
        if self.happens(self.version.failures):
            return self.give_up()
        self.recording.ask(self.case.lines["reply"])
        self.say("last")
        self.recording.patch("case closed", open=False, solved=True)
        self.judge(self.chance.uniform(0.78, 0.98), "The question was answered.")
        return self.recording.end("success", reason)

    def give_up(self) -> list[Fields]:
        """Let the customer complain, and a person take over."""
        self.recording.ask(self.case.complaint)
        queue = {"queue": "second line", "topic": self.case.topic}
        self.recording.step("handoff", "to a person", seconds=0.05, output=queue, effects="write")
        self.recording.answer(self.case.handed)
        self.recording.patch("case handed over", open=True, queue="second line")
        self.judge(self.chance.uniform(0.1, 0.45), "The customer asked for a person.")
        return self.recording.end("failure", "The customer was not helped and asked for a person")

    def judge(self, value: float, comment: str) -> None:
        """Let two thirds of all sessions be judged, as sampling would."""
        if self.happens(0.66):
            self.recording.score("helpfulness", value - 0.02 * self.version.padding, comment)


def where_is_order(desk: Desk) -> list[Fields]:
    desk.look_up()
    seen = {"carrier": desk.case.carrier, "place": desk.case.city, "state": "in transit"}
    desk.recording.call("track_parcel", desk.key, seen)
    desk.say("answer")
    return desk.close("Answered with the parcel's place")


def small_refund(desk: Desk) -> list[Fields]:
    desk.look_up()
    rule = {"allowed": True, "reason": "Unused and within 30 days."}
    desk.recording.step("guardrail", "return policy", seconds=0.05, input=desk.key, output=rule)
    desk.change("make_return_label", {"label": f"L-{desk.chance.randint(10_000, 99_999)}"})
    _pay_back(desk)
    desk.say("answer")
    return desk.close("Return label sent and refunded")


def damaged(desk: Desk) -> list[Fields]:
    desk.look_up()
    desk.recording.step(
        "decision",
        "how to make it good",
        seconds=0.01,
        confidence=round(desk.chance.uniform(0.7, 0.95), 2),
        decision={
            "chosen": "refund",
            "alternatives": ["replace", "voucher", "hand over to a person"],
            "reason": "The damage shows in the photo and the customer asked for money.",
        },
    )
    _pay_back(desk, "Photo seen, go ahead.")
    desk.recording.patch("refunded", refund=desk.case.amount)
    desk.say("answer")
    return desk.close("Refunded and collection booked")


def _pay_back(desk: Desk, note: str = "Fine, go ahead.") -> None:
    if desk.case.price > LIMIT:
        question = f"Refund {desk.case.amount} USD for {desk.case.order}? It is above {LIMIT} USD."
        yes = {"approved": True, "note": note}
        waited = desk.chance.uniform(40, 400)
        desk.recording.step("human", "approve refund", seconds=waited, input=question, output=yes)
    refund = {"refund": f"R-{desk.chance.randint(100, 999)}", "state": "sent"}
    desk.change("refund_order", refund, amount=desk.case.amount, currency="USD")


def change_address(desk: Desk) -> list[Fields]:
    desk.look_up()
    desk.change("change_address", {"changed": True}, city=desk.case.city)
    kept = {"op": "write", "store": "profile", "key": "city", "before": None}
    memory = kept | {"after": desk.case.city}
    desk.recording.step("memory", "remember city", seconds=0.02, memory=memory, effects="write")
    desk.say("answer")
    return desk.close("Address changed")


def login(desk: Desk) -> list[Fields]:
    who = {"customer": desk.recording.setting.user}
    desk.recording.ask(desk.case.ask)
    desk.recording.call("find_account", who, who | {"locked": True, "failed_attempts": 6})
    desk.check_again()
    if "outage" in desk.recording.setting.tags:
        return _identity_is_down(desk, who)
    desk.key = who
    desk.change("send_login_link", {"sent": True, "valid_minutes": 30})
    desk.say("answer")
    return desk.close("Account unlocked")


def _identity_is_down(desk: Desk, who: Fields) -> list[Fields]:
    down: Fields = {"effects": "write", "status": "error", "error": UNAVAILABLE, "seconds": 2}
    desk.recording.call("send_login_link", who, None, **down)
    desk.recording.call("send_login_link", who, None, **down)
    return desk.give_up()


def double_charge(desk: Desk) -> list[Fields]:
    desk.look_up()
    desk.recording.call("list_payments", desk.key, desk.payments(2))
    _pay_back(desk)
    desk.say("answer")
    return desk.close("Second payment sent back")


def invoice(desk: Desk) -> list[Fields]:
    desk.look_up()
    made = {"invoice": f"2026-{desk.chance.randint(10_000, 99_999)}"}
    desk.change("make_invoice", made, vat_id="on file")
    desk.say("answer")
    return desk.close("Invoice written again")


def question(desk: Desk) -> list[Fields]:
    recording, query = desk.recording, desk.case.ask
    texts = (desk.case.fact, "General safety notes for all bicycles.", "How to register a frame.")
    found = [
        {"id": f"manual-{n + 11}", "score": round(0.93 - n * 0.17, 2), "text": text}
        for n, text in enumerate(texts)
    ]
    recording.ask(query)
    recording.step(
        "embedding",
        "embed question",
        seconds=0.1,
        input=query,
        model=EMBEDDING.name,
        provider=EMBEDDING.provider,
        usage={"input": max(4, len(query) // 4)},
    )
    recording.step("retriever", "search manuals", seconds=0.2, input=query, output=found)
    best = [found[0] | {"score": 0.98}]
    recording.step("reranker", "best passages", seconds=0.15, input=found, output=best)
    recording.messages[-1]["content"] += "\n\nFrom the manuals: " + desk.case.fact
    desk.check_again()
    desk.say("answer")
    return desk.close("Answered from the manuals")


def cancel(desk: Desk) -> list[Fields]:
    desk.look_up()
    desk.change("cancel_order", {"cancelled": True, "released": desk.case.amount})
    desk.say("answer")
    return desk.close("Order cancelled")


def late_return(desk: Desk) -> list[Fields]:
    desk.recording.ask(desk.case.ask)
    desk.say("answer")
    desk.recording.ask(desk.case.lines["reply"])
    order = desk.case.record | {"state": "delivered", "delivered_days_ago": 64}
    desk.recording.call("get_order", desk.key, order)
    rule = {"allowed": False, "reason": "Returns end after 30 days."}
    desk.recording.step("guardrail", "return policy", seconds=0.05, input=order, output=rule)
    desk.say("last")
    return desk.give_up()


def no_answer(desk: Desk) -> list[Fields]:
    desk.recording.ask(desk.case.ask)
    desk.check_again()
    desk.say("answer")
    desk.recording.step("time", "wait for the customer", seconds=900)
    return desk.recording.end("abandoned", "The customer did not come back")


def somebody_elses(desk: Desk) -> list[Fields]:
    desk.recording.ask(desk.case.ask)
    found = {"allowed": False, "rule": "own orders only", "score": 0.97}
    desk.recording.step("guardrail", "whose order", seconds=0.08, input=desk.case.ask, output=found)
    desk.say("answer")
    return desk.close("Nothing was told about somebody else's order")


# Each topic, and how often it comes in a hundred.
SCENES: dict[str, tuple[int, Callable[[Desk], list[Fields]]]] = {
    "where_is_order": (22, where_is_order),
    "small_refund": (12, small_refund),
    "damaged": (10, damaged),
    "change_address": (9, change_address),
    "login": (10, login),
    "double_charge": (7, double_charge),
    "invoice": (7, invoice),
    "question": (9, question),
    "cancel": (6, cancel),
    "late_return": (3, late_return),
    "no_answer": (3, no_answer),
    "somebody_elses": (2, somebody_elses),
}
