"""Conventions: how the attributes of a span say what an event is.

A convention is a module with two pure functions: ``matches(span)`` and ``normalise(span)``,
which returns the fields of an event that it understands. The first that matches speaks;
those after it fill the gaps. Messages keep the shape in which their convention sends
them, so that nothing is lost and equal messages are stored once. What reads an event must
know these shapes:

``llm`` events
    ``input`` is ``{"messages": [...]}``, with ``"system"`` beside it where the sender keeps
    system instructions apart; ``output`` is ``{"messages": [...]}``. A message is one of

    * GenAI: ``{"role": "user", "parts": [...], "finish_reason"?, "name"?}``; a part is
      ``{"type": "text", "content": "..."}``,
      ``{"type": "reasoning", "content": "..."}``,
      ``{"type": "tool_call", "id", "name", "arguments": <JSON>}``,
      ``{"type": "tool_call_response", "id", "response": <JSON>}``,
      ``{"type": "blob" | "uri" | "file", ...}`` or a type that is not known yet.
      ``system`` is a list of such parts.
    * OpenAI, also for OpenInference and imported chats: ``{"role": "user", "content": text
      or parts or null, "tool_calls"?: [{"id", "type": "function", "function": {"name",
      "arguments": text}}], "tool_call_id"?, "name"?}``; a part of ``content`` is
      ``{"type": "text", "text": "..."}``, ``{"type": "image_url", "image_url": {"url": "..."}}``
      or another type that the provider knows.

    Where content is sent outside of messages (a plain prompt, a masked value), ``input`` and
    ``output`` are that value itself: text or any JSON. Native events carry any JSON.

``tool`` events
    ``input`` is the arguments (text that holds JSON has been read), ``output`` the result,
    ``name`` the tool. ``extra["tool_call"]`` holds ``id``, ``type`` and ``description``.

``retriever`` and ``reranker`` events
    ``input`` is the query, ``output`` is ``{"documents": [...]}``.

``embedding`` events
    ``input`` is the text or a list of texts; ``output`` may be missing.

In ``extra``: ``attributes`` (what no convention maps, by the sender's flat names),
``resource``, ``scope`` (``name``, ``version``), ``events`` (``name``, ``at``, ``attributes``),
``links``, ``original`` (times that could not be kept as they came), and for native events the
unknown fields under their own names.

What was sent is kept beside that, so that it can be read again (``sent_spans``). A field that
*is* the value of an attribute costs nothing there, a changed copy is kept twice: read through
``Reading`` and put what it returns into the field. A convention whose lists are flat attributes
may say in ``FLAT`` which field holds each and how it is flat again.
"""
