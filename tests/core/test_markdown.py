"""What people and models write is shown with its shape, and nothing of it acts."""

from __future__ import annotations

import re

import pytest

from apps.core.markdown import render_markdown


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](/logout/)",
        "[a](//elsewhere.test/x)",
        "[a](?next=/)",
        "![a](http://elsewhere.test/seen.png)",
        '<a href="/logout/" onclick="alert(1)">a</a>',
    ],
)
def test_nothing_runs_loads_or_leads_to_a_page_of_ours(hostile):
    made = str(render_markdown(hostile))

    links = re.findall(r"<a [^>]*", made)
    assert "<script" not in made
    assert "<img" not in made
    assert [link for link in links if "href" in link and 'href="http' not in link] == []


def test_pictures_are_told_by_a_link():
    made = render_markdown("![a cat](https://elsewhere.test/cat.png)")
    assert '<a href="https://elsewhere.test/cat.png" rel="nofollow noopener' in made
    assert ">a cat</a>" in made


def test_shape_is_kept_and_headings_lie_below_those_of_the_page():
    made = render_markdown("# Title\n\n- *one*\n- `two`\n\n|a|b|\n|-|-|\n|1|2|")

    for part in ("<h3>Title</h3>", "<em>one</em>", "<code>two</code>", "<td>1</td>"):
        assert part in made
