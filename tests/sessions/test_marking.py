from __future__ import annotations

import pytest

from apps.sessions.marking import mark
from apps.sessions.search_query import read_query


def marked(html: str, words: str) -> str:
    return mark(html, read_query(words))


def test_words_are_marked_in_text_and_not_in_tags():
    drawn = marked('<a href="/order" title="order">Order 4411, reorder</a>', "order")

    assert drawn == '<a href="/order" title="order"><mark>Order</mark> 4411, reorder</a>'


def test_what_folds_a_mark_away_is_opened():
    drawn = marked(
        "<details><summary>a</summary><details><p>needle</p></details></details>", "needle"
    )

    assert drawn.count("<details open>") == 2


def test_what_holds_no_mark_stays_folded():
    assert "open" not in marked("<details><p>hay</p></details><p>needle</p>", "needle")


@pytest.mark.parametrize("text", ["&lt;script&gt;", "&quot;&gt;&lt;img src=x&gt;", "a &amp;lt; b"])
def test_escaped_text_stays_escaped(text):
    drawn = marked(f"<p>needle {text} needle</p>", "needle")

    assert drawn == f"<p><mark>needle</mark> {text} <mark>needle</mark></p>"


def test_words_of_any_script_are_marked_in_any_case():
    assert marked("<p>ЗАКАЗ 订单已发货</p>", "заказ 发货") == (
        "<p><mark>ЗАКАЗ</mark> 订单已<mark>发货</mark></p>"
    )
