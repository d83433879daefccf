"""Lists that came as flat attributes (``llm.input_messages.0.message.role``), flat again.

An event holds such a list put together; as it was sent it is written from there, so that
its content is kept once. Each shape is the reverse of how ingest reads it, and is only
used for an event where it gave back the very attributes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Json = Any
Pairs = Iterator[tuple[str, Json]]


def messages(said: Sequence[Json]) -> dict[str, Json]:
    """Return messages as OpenInference flattens them."""
    return {
        f"{index}.message.{name}": value
        for index, message in enumerate(said)
        for name, value in _message(message)
        if value is not None
    }


def documents(found: Sequence[Json]) -> dict[str, Json]:
    """Return documents as OpenInference flattens them."""
    return {
        f"{index}.document.{name}": value
        for index, document in enumerate(found)
        for name, value in _pairs(document)
    }


def tools(offered: Sequence[Json]) -> dict[str, Json]:
    """Return the schemas of tools as OpenInference flattens them."""
    return {f"{index}.tool.json_schema": schema for index, schema in enumerate(offered)}


SHAPES: dict[str, Callable[[Sequence[Json]], dict[str, Json]]] = {
    "messages": messages,
    "documents": documents,
    "tools": tools,
}


def _pairs(value: Json) -> Pairs:
    if isinstance(value, dict):
        yield from value.items()


def _message(message: Json) -> Pairs:
    for name, value in _pairs(message):
        if name == "content" and _is_list_of_objects(value):
            yield from _numbered("contents", value, _part)
        elif name == "tool_calls" and _is_list_of_objects(value):
            yield from _numbered("tool_calls", value, _tool_call)
        else:
            yield name, value


def _is_list_of_objects(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _numbered(name: str, values: Sequence[Json], flatten: Callable[[Json], Pairs]) -> Pairs:
    for index, value in enumerate(values):
        for rest, inner in flatten(value):
            yield f"{name}.{index}.{rest}", inner


def _part(part: Json) -> Pairs:
    image = part.get("image_url")
    is_image = isinstance(image, dict) and "url" in image
    for name, value in part.items():
        if name == "image_url" and is_image:
            yield "message_content.image.image.url", image["url"]
        else:
            yield f"message_content.{name}", "image" if name == "type" and is_image else value


def _tool_call(call: Json) -> Pairs:
    for name, value in call.items():
        if name == "function" and isinstance(value, dict):
            for part, inner in value.items():
                yield f"tool_call.function.{part}", inner
        elif name != "type":
            yield f"tool_call.{name}", value
