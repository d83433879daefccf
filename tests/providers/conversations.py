"""One conversation as each protocol writes it, and what is meant by it."""

from __future__ import annotations

from apps.providers.protocol import Message, Text, Tool, ToolCall, ToolResult

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = Tool("get_weather", "Tells the weather.", SCHEMA)
MEANT = (
    Message("system", (Text("Be short."),)),
    Message("user", (Text("Oslo and Rome?"),)),
    Message(
        "assistant",
        (
            Text("I look."),
            ToolCall("call_a", "get_weather", {"city": "Oslo"}),
            ToolCall("call_b", "get_weather", {"city": "Rome"}),
        ),
    ),
    Message(
        "tool",
        (ToolResult("call_a", (Text("rain"),)), ToolResult("call_b", (Text("sun"),))),
    ),
    Message("user", (Text("Thanks."),)),
)
CHAT = [
    {"role": "system", "content": "Be short."},
    {"role": "user", "content": "Oslo and Rome?"},
    {
        "role": "assistant",
        "content": "I look.",
        "tool_calls": [
            {
                "id": "call_a",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Oslo"}'},
            },
            {
                "id": "call_b",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city":"Rome"}'},
            },
        ],
    },
    {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
    {"role": "tool", "tool_call_id": "call_b", "content": "sun"},
    {"role": "user", "content": "Thanks."},
]
CHAT_TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Tells the weather.",
            "parameters": SCHEMA,
        },
    }
]
RESPONSES = [
    {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be short."}]},
    {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "Oslo and Rome?"}],
    },
    {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "I look."}],
    },
    {
        "type": "function_call",
        "call_id": "call_a",
        "name": "get_weather",
        "arguments": '{"city":"Oslo"}',
    },
    {
        "type": "function_call",
        "call_id": "call_b",
        "name": "get_weather",
        "arguments": '{"city":"Rome"}',
    },
    {"type": "function_call_output", "call_id": "call_a", "output": "rain"},
    {"type": "function_call_output", "call_id": "call_b", "output": "sun"},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Thanks."}]},
]
RESPONSES_TOOLS = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "Tells the weather.",
        "parameters": SCHEMA,
        "strict": False,
    }
]
MESSAGES = [
    {"role": "user", "content": [{"type": "text", "text": "Oslo and Rome?"}]},
    {
        "role": "assistant",
        "content": [
            {"type": "text", "text": "I look."},
            {"type": "tool_use", "id": "call_a", "name": "get_weather", "input": {"city": "Oslo"}},
            {"type": "tool_use", "id": "call_b", "name": "get_weather", "input": {"city": "Rome"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {
                "type": "tool_result",
                "tool_use_id": "call_a",
                "content": [{"type": "text", "text": "rain"}],
            },
            {
                "type": "tool_result",
                "tool_use_id": "call_b",
                "content": [{"type": "text", "text": "sun"}],
            },
            {"type": "text", "text": "Thanks."},
        ],
    },
]
MESSAGES_SYSTEM = [{"type": "text", "text": "Be short."}]
MESSAGES_TOOLS = [
    {"name": "get_weather", "description": "Tells the weather.", "input_schema": SCHEMA}
]
# As the record keeps them: the client puts the system's text in front.
RECORDED = {
    "chat": (CHAT, CHAT_TOOLS),
    "responses": (RESPONSES, RESPONSES_TOOLS),
    "messages": ([{"role": "system", "content": "Be short."}, *MESSAGES], MESSAGES_TOOLS),
}
