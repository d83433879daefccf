"""What is said in sessions that pages must not trust, or that are read from the right."""

from __future__ import annotations

# Text that would run, load or break out somewhere if a page trusted it. Each names a
# picture or script that a test would see being fetched.
HOSTILE = (
    "<script>window.pwned=1</script>",
    "<img src=x onerror=window.pwned=1>",
    '"><svg onload=window.pwned=1>',
    "'><iframe src=/pwned></iframe>",
    "javascript:window.pwned=1",
    "</textarea></style></title><script>window.pwned=1</script>",
    "<link rel=stylesheet href=/pwned.css><base href=/pwned/>",
    "{{ 7|add:7 }}{% debug %}${7*7}",
    "<a href='javascript:window.pwned=1'>x</a><form action=/pwned><button>",
    "&lt;script&gt; &#x3c;b&#x3e; \u2028 \u202eevil\u202c \ufeff",
    "<ph-player data-spans=/pwned data-panel=/pwned></ph-player>",
    "<div hx-get=/pwned hx-trigger=load></div>",
)

RIGHT_TO_LEFT = ("מה מצב ההזמנה 4411? – order status", "ההזמנה נשלחה. 已发货 ✅ 🚚")
