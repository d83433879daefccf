"""Templates without a database: what is a tag, what is text, what is wrong and where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError, InvalidError
from apps.prompts import templates
from apps.prompts.checks import LONGEST_TEXT
from apps.prompts.content import Content, clean_content, lines_of
from apps.prompts.names import clean_label, clean_name
from apps.prompts.resolving import Resolved, fill
from apps.prompts.templates import Include

HOSTILE = "{{secret}} {% include '/etc/passwd' %} {{ ''.__class__ }} \\{{x}} ${7*7} <script>"


def filled(body, variables, **values):
    return fill(Resolved(body, variables, []), values)


def test_variables_are_found_once_and_in_their_order():
    assert templates.variables("{{b}} {{ a }} {{b}}") == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{{ }}", (1, 1)),
        ("a\nb {{two words}}", (2, 3)),
        ("{{1st}}", (1, 1)),
        ("{{name", (1, 1)),
        ("{{a\n}}", (1, 1)),
        ("{{{{a}}}}", (1, 1)),
        ("{{ {'a': 1} }}", (1, 1)),
        ("{{> other}}", (1, 1)),
        ("{{> other@latest}}", (1, 1)),
        ("{{> ../other@1}}", (1, 1)),
        ("{{> other@0}}", (1, 1)),
        ("{{x.__class__}}", (1, 1)),
        ("{{ a|upper }}", (1, 1)),
    ],
)
def test_what_is_no_tag_is_told_with_its_line_and_column(text, place):
    fault = templates.faults(text)[0]

    assert (fault.line, fault.column) == place


@pytest.mark.parametrize("text", ["}}", "{x}", "{% if %}", '{"a": {"b": 1}}', "\\{{x}}", "${x}"])
def test_everything_else_is_text(text):
    assert list(templates.tags(text)) == []


def test_includes_name_a_version_or_a_label():
    text = "{{> rules/refunds@3}} {{>tone@production}}"

    assert templates.includes(text) == [
        Include("rules/refunds", number=3),
        Include("tone", label="production"),
    ]


def test_values_are_put_in_as_text_and_never_read_again():
    variables = [{"name": "name", "type": "text", "required": True}]

    assert filled("Hello {{name}}, \\{{name}}", variables, name=HOSTILE) == (
        f"Hello {HOSTILE}, {{{{name}}}}"
    )


@given(st.text(max_size=200))
def test_any_value_stands_in_the_prompt_as_it_is(value):
    variables = [{"name": "v", "type": "text", "required": True}]

    assert filled("<{{v}}>", variables, v=value) == f"<{value}>"


@given(st.text(alphabet="{}>\\@ab1/ \n", max_size=60))
def test_a_template_without_faults_can_always_be_filled(text):
    if templates.faults(text) or templates.includes(text) or not text.strip():
        return

    content = clean_content("text", Content(text))
    written = filled(content.body, content.variables, **{v["name"]: "!" for v in content.variables})

    assert "\\{{" not in written or "\\" in text


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("text", "5", "5"),
        ("integer", 5, "5"),
        ("number", 0.5, "0.5"),
        ("boolean", True, "true"),
        ("json", {"b": 1, "a": ["ä"]}, '{"a":["ä"],"b":1}'),
    ],
)
def test_values_are_written_by_their_type(kind, value, written):
    variables = [{"name": "v", "type": kind, "required": True}]

    assert filled("{{v}}", variables, v=value) == written


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", 5), ("integer", "5"), ("integer", True), ("number", float("nan")), ("boolean", 1)],
)
def test_a_value_of_another_type_is_refused_by_name(kind, value):
    variables = [{"name": "v", "type": kind, "required": True}]

    with pytest.raises(InvalidError, match="variable v takes a value of type"):
        filled("{{v}}", variables, v=value)


def test_missing_and_unknown_values_are_told_together():
    variables = [
        {"name": "a", "type": "text", "required": True},
        {"name": "b", "type": "text", "required": False},
        {"name": "c", "type": "text", "required": True, "default": "C"},
    ]

    with pytest.raises(InvalidError) as refused:
        filled("{{a}}{{b}}{{c}}", variables, z="?")

    assert [row["path"] for row in refused.value.errors] == ["z", "a"]
    assert filled("{{a}}{{b}}{{c}}", variables, a="A") == "AC"


def test_variables_that_nobody_declared_are_required_text():
    content = clean_content(
        "text", Content("{{a}} {{b}}", variables=[{"name": "b", "default": "x"}])
    )

    assert content.variables == [
        {"name": "b", "type": "text", "required": False, "default": "x"},
        {"name": "a", "type": "text", "required": True},
    ]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("text", Content("")),
        ("text", Content("x" * (LONGEST_TEXT + 1))),
        ("text", Content("a\x00b")),
        ("text", Content("\ud800")),
        ("parameters", Content("x", parameters=[])),
        ("parameters", Content("x", parameters={"a": float("inf")})),
        ("tools", Content("x", tools=[1])),
        ("output_schema", Content("x", output_schema="object")),
        ("variables.0.name", Content("x", variables=[{"name": "a b"}])),
        ("variables.0.type", Content("x", variables=[{"name": "a", "type": "date"}])),
        ("variables.0.default", Content("x", variables=[{"name": "a", "default": 5}])),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_stored_is_refused_by_its_field(path, content):
    with pytest.raises(DomainError) as refused:
        clean_content("text", content)

    errors = getattr(refused.value, "errors", [{"path": "text"}])
    assert errors[0]["path"] in (path, "")


def test_nesting_without_end_is_refused():
    deep: list = []
    for _ in range(2000):
        deep = [deep]

    with pytest.raises(InvalidError, match="nested deeper"):
        clean_content("text", Content("x", parameters={"a": deep}))


def test_a_chat_is_read_line_by_line_with_who_speaks():
    messages = [{"role": "system", "content": "One\ntwo"}, {"placeholder": "history"}]

    assert lines_of("chat", messages) == ["[system]", "One", "two", "[messages: history]"]


@pytest.mark.parametrize(
    "name", ["triage", "support/triage", "Ärzte/Fälle 2.1", "支持/分类", "a_b-c"]
)
def test_names_of_any_script_are_taken(name):
    assert clean_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "/a", "a/", "a//b", " a", "a ", "../a", ".a", "a/versions", "a@b", "a{b", "a\u202eb",
     "a\nb", "x" * 65, "/".join("abcdefghi"), "a?b", "a%2fb", "<b>", "a."],
)  # fmt: skip
def test_names_that_would_break_addresses_or_deceive_are_refused(name):
    with pytest.raises(InvalidError):
        clean_name(name)


@pytest.mark.parametrize("label", ["latest", "", "Production", "a b", "-a", "7", "x" * 37])
def test_labels_that_are_none_are_refused(label):
    with pytest.raises(InvalidError):
        clean_label(label)
