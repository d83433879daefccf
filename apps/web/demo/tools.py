"""The tools of the desk as the model is told of them, and the models that use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]

# Name, what the model is told, parameters.
OFFERED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("get_order", "Look an order up", ("order_id",)),
    ("track_parcel", "Ask the carrier where a parcel is", ("order_id",)),
    ("list_payments", "List the payments of an order", ("order_id",)),
    ("refund_order", "Pay an order back", ("order_id", "amount", "currency")),
    ("make_return_label", "Send a return label", ("order_id",)),
    ("change_address", "Change where an order goes", ("order_id", "city")),
    ("cancel_order", "Cancel an order that has not left yet", ("order_id",)),
    ("make_invoice", "Write an invoice again", ("order_id", "vat_id")),
    ("find_account", "Look the customer's account up", ("customer",)),
    ("send_login_link", "Unlock an account and send a link", ("customer",)),
    ("reserve_stock", "Hold an article in a store", ("sku", "store", "order_id", "stock_version")),
    ("search_articles", "Search manuals and help pages", ("query",)),
)


def _schema(name: str, text: str, keys: tuple[str, ...]) -> Fields:
    properties = {key: {"type": "string"} for key in keys}
    parameters = {"type": "object", "properties": properties, "required": list(keys)}
    return {
        "type": "function",
        "function": {"name": name, "description": text, "parameters": parameters},
    }


TOOLS = [_schema(*each) for each in OFFERED]


@dataclass(frozen=True, slots=True)
class Model:
    """A model as it is asked for and as it answers, with its pace."""

    name: str
    returned: str
    provider: str
    tokens_per_second: int


GPT = Model("gpt-4o", "gpt-4o-2024-11-20", "openai", 70)
GPT_MINI = Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai", 95)
SONNET = Model("claude-sonnet-4-5", "claude-sonnet-4-5-20250929", "anthropic", 60)
HAIKU = Model("claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic", 120)
GEMINI = Model("gemini-2.5-flash", "gemini-2.5-flash", "google", 150)
EMBEDDING = Model("text-embedding-3-small", "text-embedding-3-small", "openai", 1000)
MODELS = (GPT, GPT, GPT, SONNET, SONNET, GPT_MINI, HAIKU, GEMINI)
