from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.ingest.importers.records import read_records
from apps.sessions import reader

CALL = {"name": "refund", "arguments": '{"order": 7}'}
CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is my parcel?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": CALL},
            {"id": "call_1", "type": "function", "function": {"name": "apologise"}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": '{"refunded": true}'},
    {"role": "tool", "tool_call_id": "call_1", "content": "Sorry!"},
    {"role": "assistant", "content": "It is refunded."},
    {"role": "user", "content": "Thanks, bye."},
]


def write(path: Path, value, lines: bool = False) -> Path:
    text = "\n".join(json.dumps(one) for one in value) if lines else json.dumps(value, indent=1)
    path.write_text(text)
    return path


@pytest.fixture
def import_file(project, capsys):
    def run(path: Path, format_name: str = "openai-chat") -> tuple[str, str]:
        call_command(
            "import_sessions",
            str(path),
            organization=project.organization.slug,
            project=project.slug,
            format=format_name,
        )
        said = capsys.readouterr()
        return said.out, said.err

    return run


def steps_of(session):
    outline = reader.outline(session)
    return reader.read_steps(session, outline.steps, content=True)


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ([CHAT], False),
        (CHAT, False),
        ([{"messages": CHAT}], False),
        ([{"traj": CHAT}], False),
        ([CHAT], True),
        ([{"messages": CHAT}], True),
        ({"messages": CHAT}, False),
    ],
    ids=[
        "list of lists", "one list", "messages", "traj", "lines of lists", "lines of objects",
        "one object",
    ],
)  # fmt: skip
def test_a_chat_becomes_calls_and_tools_in_order(project, import_file, tmp_path, value, lines):
    import_file(write(tmp_path / "chats", value, lines))

    steps = steps_of(project.sessions.get())
    assert [(step["kind"], step["name"]) for step in steps] == [
        ("llm", "assistant"),
        ("tool", "refund"),
        ("tool", "apologise"),
        ("llm", "assistant"),
        ("human", "user"),
    ]
    assert (steps[1]["input"], steps[1]["output"]) == ({"order": 7}, {"refunded": True})
    assert steps[2]["output"] == "Sorry!"
    assert steps[3]["input"]["messages"] + steps[3]["output"]["messages"] == CHAT[:-1]
    assert {steps[1]["parent"], steps[2]["parent"]} == {steps[0]["id"]}


def test_times_and_tokens_that_nobody_recorded_stay_unknown(project, import_file, tmp_path):
    import_file(write(tmp_path / "chats", [CHAT]))

    session = project.sessions.get()
    assert (session.started_at, session.input_tokens, session.cost) == (None, None, None)
    assert (session.origin, session.status) == ("import", "closed")
    assert all(step["started_at"] is None for step in steps_of(session))


def test_importing_twice_changes_nothing(project, import_file, tmp_path):
    file = write(tmp_path / "chats", [{"messages": CHAT, "score": 1}, CHAT, CHAT])
    import_file(file)

    out, _ = import_file(file)

    assert "3 sessions, 0 events accepted" in out
    assert "15 known before, 0 refused" in out
    assert project.sessions.count() == 3


def test_other_keys_of_a_record_become_metadata(project, import_file, tmp_path):
    import_file(write(tmp_path / "chats", [{"messages": CHAT, "score": 1, "task": {"id": 3}}]))

    assert steps_of(project.sessions.get())[0]["metadata"] == {"score": 1, "task": {"id": 3}}


def test_a_bad_record_is_told_by_its_index_and_the_others_go_in(project, import_file, tmp_path):
    file = write(tmp_path / "chats", [CHAT, {"text": "hm"}, [{"content": "no role"}], CHAT])

    out, err = import_file(file)

    assert project.sessions.count() == 2
    assert "2 refused" in out
    assert "record 1: A session must be a list of chat messages" in err
    assert "record 2: [0]: A message must be an object with a `role`." in err


def test_a_broken_line_costs_only_itself(project, import_file, tmp_path):
    file = tmp_path / "chats"
    good = json.dumps({"messages": CHAT})
    file.write_text(f'{{"messages": [\n{good}\n{good[:-9]}\n\n{good}\n')

    _, err = import_file(file)

    assert project.sessions.count() == 2
    assert "record 0: This line is not JSON" in err
    assert "record 2: This line is not JSON" in err


def test_a_file_without_a_readable_record_fails_the_command(import_file, tmp_path):
    with pytest.raises(CommandError, match="Nothing could be imported"):
        import_file(write(tmp_path / "chats", [{"text": "hm"}]))


def test_a_missing_file_is_named(import_file, tmp_path):
    with pytest.raises(CommandError, match="nowhere"):
        import_file(tmp_path / "nowhere")


def test_native_events_are_imported_a_line_each(project, import_file, tmp_path):
    lines = [
        {"id": "1", "session": "s", "kind": "llm", "started_at": "2026-03-04T05:06:07Z"},
        {"id": "2", "session": "s", "kind": "tool", "output": {"n": 1}},
        {"id": "3", "session": "s", "kind": "zebra"},
    ]

    out, err = import_file(write(tmp_path / "events", lines, lines=True), "playhead-jsonl")

    assert "2 events accepted (1 llm, 1 tool)" in out
    assert "record 2: kind: Must be one of llm tool" in err
    assert [step["client_id"] for step in steps_of(project.sessions.get())] == ["2", "1"]


def test_a_large_list_is_read_in_parts(tmp_path):
    chats = [[{"role": "user", "content": f"{number} " + "x" * 5000}] for number in range(600)]

    with write(tmp_path / "chats", chats).open("rb") as file:
        records = list(read_records(file))

    assert [record.value for record in records] == chats
    assert [record.index for record in records] == list(range(600))
