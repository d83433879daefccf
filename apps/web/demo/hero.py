"""The session to open first: one of everything that a session can hold."""

from __future__ import annotations

from apps.web.demo.recording import Recording
from apps.web.demo.tools import Fields

ORDER = "B-2291"
ASK = "My e-bike (B-2291) came in size S, not M, and the bags are missing. I leave on Saturday!"
ANSWER = (
    "Yes. A City One in size M is reserved for you and leaves our Bristol store today; the "
    "driver brings it on Thursday and takes the size S back. The Duo Pack bags were lost on the "
    "way, so 94.00 USD are on their way back to your card (R-874). Have a good tour!"
)
STOCK = {"sku": "CITY-ONE-M", "store": "Bristol", "order_id": ORDER}
STALE: Fields = {
    "type": "ConflictError",
    "code": "409",
    "message": "Stock version 41 is stale, the current one is 42.",
}
DIFF = """\
--- a/rules/exchange.yaml
+++ b/rules/exchange.yaml
@@ -8,4 +8,6 @@ exchange:
   reserve:
     tool: reserve_stock
-    stock_version: from_search
+    stock_version: read_again
+    on_conflict:
+      retry: 1
   notify: customer
"""


def rescue(desk: Recording) -> list[Fields]:
    """Let the desk save a tour: two agents at once, a decision, a conflict, an approval."""
    desk.ask(ASK)
    order = {
        "order_id": ORDER,
        "items": [
            {"article": "City One e-bike", "size": "S", "price": "1899.00"},
            {"article": "Duo Pack bags", "price": "94.00"},
        ],
        "parcels": ["00340434161094042557", "00340434161094042564"],
    }
    desk.call("get_order", {"order_id": ORDER}, order)
    desk.open_case(order=ORDER, wanted_size="M", exchange=None, refund=None, open=True)
    facts = _ask_two_agents(desk)
    _decide(desk, facts)
    _reserve(desk)
    _pay_for_the_bags(desk)
    memory = {"op": "write", "store": "profile", "key": "frame_size", "before": "S", "after": "M"}
    desk.step("memory", "remember frame size", seconds=0.02, memory=memory, effects="write")
    desk.answer(ANSWER)
    desk.patch("case closed", open=False)
    desk.score("helpfulness", 0.96, "Both problems were solved before the tour.")
    return desk.end("success", "Exchanged in time, lost parcel paid back")


def _ask_two_agents(desk: Recording) -> list[str]:
    """Let logistics and billing look at the same time."""
    begins = desk.clock
    with desk.within("logistics", "logistics", f"Where are the parcels of {ORDER}?") as logistics:
        parcels = {"00340434161094042557": "delivered", "00340434161094042564": "lost in Leipzig"}
        desk.call("track_parcel", {"order_id": ORDER}, parcels, seconds=1.6)
        told = "Parcel 1 was delivered. Parcel 2 with the bags is lost. Bristol has one City One M."
        logistics["output"] = desk.answer(told)["output"]["content"]
    ended, desk.clock = desk.clock, begins
    with desk.within("billing", "billing", f"What was paid for {ORDER}?") as billing:
        paid = [{"payment": "P-1", "amount": "1993.00", "currency": "USD", "state": "captured"}]
        desk.call("list_payments", {"order_id": ORDER}, paid, seconds=0.7)
        told = "1993.00 USD were captured in one payment; 94.00 USD of it for the bags."
        billing["output"] = desk.answer(told)["output"]["content"]
    desk.clock = max(ended, desk.clock)
    return [logistics["id"], billing["id"]]


def _decide(desk: Recording, facts: list[str]) -> None:
    desk.step(
        "decision",
        "how to save the tour",
        seconds=0.01,
        inputs=facts,
        confidence=0.83,
        decision={
            "chosen": "exchange from the Bristol store and refund the bags",
            "alternatives": [
                "send everything again from the warehouse",
                "refund the whole order",
                "hand over to a person",
            ],
            "reason": "Only the store can deliver before Saturday; the bags are out of stock.",
        },
    )


def _reserve(desk: Recording) -> None:
    """Run into a conflict, mend the rule that led to it, and try again."""
    failed: Fields = {"effects": "write", "status": "error", "error": STALE}
    desk.call("reserve_stock", STOCK | {"stock_version": 41}, None, **failed)
    change = {"path": "rules/exchange.yaml", "diff": DIFF, "reason": "409 by a stale version"}
    desk.step("code_change", "mend the exchange rule", seconds=2.5, code_change=change)
    held = {"reservation": "S-5120", "until": "18:00"}
    retry = {"attempt": 2}
    again = STOCK | {"stock_version": 42}
    desk.call("reserve_stock", again, held, effects="write", metadata=retry)
    desk.patch("exchange reserved", exchange={"reservation": "S-5120", "size": "M"})


def _pay_for_the_bags(desk: Recording) -> None:
    question = "Exchange a City One (1899.00 USD) from the store and refund 94.00 USD for B-2291?"
    yes = {"approved": True, "note": "Fine. Ask the driver to take the size S back."}
    desk.step("human", "approve exchange and refund", seconds=12, input=question, output=yes)
    asked = {"order_id": ORDER, "amount": "94.00", "currency": "USD"}
    desk.call("refund_order", asked, {"refund": "R-874"}, effects="external", seconds=1.1)
    desk.patch("bags refunded", refund="R-874")
