"""Which sessions were of the same version of an agent, and which were of another."""

from __future__ import annotations

import zlib
from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from apps.audit.actors import SYSTEM
from apps.sessions import store
from apps.sessions.agents import sweeping, wording
from apps.sessions.agents.assigning import read_session
from apps.sessions.agents.models import AgentReading, SessionAgentVersion
from apps.sessions.events import PromptStamp
from tests.sessions.factories import at, make_call, make_session

POLICY = """# Policy

You help {who}, customer {customer}. The time is {time}.

Refund at most {items} items. Be kind, and never promise what the notes do not say.
"""
ANN = {"who": "Ann Lee", "customer": "4711", "time": "2026-05-15 15:00:00 EST", "items": 3}
BOB = ANN | {"who": "Bob Stone", "customer": "cus_9Xk2", "time": "Friday, 16 May 2026, 9:05 am"}
FOR_ANN = POLICY.format(**ANN)
TOOL = {"type": "function", "function": {"name": "refund", "parameters": {"type": "object"}}}
numbers = count(1)


def hashed(word):
    return zlib.crc32(word.encode()) >> 2


def words(text):
    return wording.words_of(text, hashed)


@pytest.fixture
def seen(project):
    """Record a session with one call, look at it, and return which version it was of."""

    def see(system=FOR_ANN, *, begins=None, **call):
        number = next(numbers)
        messages = [{"role": "system", "content": system}, {"role": "user", "content": "Hello"}]
        start = at(number * 60 if begins is None else begins)
        fields = {"agent": "support", "input": {"messages": messages}, "session": f"s-{number}"}
        session = make_session(project, make_call(started_at=start, **fields | call))
        return [link.version.number for link in read_session(session)]

    return see


def numbers_now(project):
    links = SessionAgentVersion.unscoped.filter(project_id=project.pk).order_by("started_at")
    return [link.version.number for link in links.select_related("version")]


def test_dates_ids_and_addresses_are_one_word_each_whatever_they_say():
    one = words("On 2026-05-15 at 9:30, order ord_8812ab of ann@example.com (b41e7f0a99)")
    other = words("On 3 May 2025 at 17:05, order X9-71-KKQ of bob@example.org (77c0ffee12)")

    assert one == other
    assert words("Refund 3 items") != words("Refund 5 items")


def test_a_wording_with_holes_fits_what_stands_in_them_and_nothing_else():
    made = wording.with_values(words("Help Ann Lee, please."), words("Help Bob, please."), 1)

    assert wording.fits(made, words("Help Mia Kovacs, please."))
    assert wording.fits(made, words("Help Ann Lee, please."))
    assert not wording.fits(made, words("Help Mia, quickly please."))
    assert not wording.fits(made, words("Help " + "and again " * 9 + ", please."))


def test_other_words_are_an_edit_and_names_are_once_the_wording_stood_still():
    assert wording.with_values(words("Be kind to all."), words("Be terse to all."), 1) is None
    assert wording.with_values(words("Ask Ann."), words("Ask Bob."), wording.SURE) is None


def test_what_varies_is_blank_where_a_prompt_is_shown():
    made = wording.with_values(words("Help Ann Lee on 2026-01-02."), words("Help Bob on 1:30."), 1)

    shown = wording.shown(made, "Help Ann Lee on 2026-01-02.", hashed, "[...]")

    assert shown == "Help [...] on [...]."


def test_sessions_that_differ_in_values_are_of_one_version(seen):
    assert seen() == [1]
    assert seen(POLICY.format(**BOB)) == [1]
    assert seen(POLICY.format(**BOB | {"who": "Zoë Kim", "customer": "8"})) == [1]


def test_another_sentence_is_another_version_and_the_old_one_comes_back(seen):
    edited = POLICY.replace("Be kind", "Be brief and kind")

    assert [seen(), seen(edited.format(**BOB)), seen(POLICY.format(**BOB))] == [[1], [2], [1]]


@pytest.mark.parametrize(
    "other",
    [
        {"model": "gpt-4.1"},
        {"params": {"temperature": 1}},
        {"tools": [TOOL]},
        {"prompt": PromptStamp(name="triage", version=8)},
    ],
)
def test_another_model_parameter_tool_or_prompt_is_another_version(seen, other):
    first = {"params": {"temperature": 0.5}, "tools": []}

    assert [seen(**first), seen(**first | other), seen(**first)] == [[1], [2], [1]]


def test_a_tool_with_another_schema_is_another_version(seen):
    changed = {"type": "function", "function": TOOL["function"] | {"description": "Pay back"}}

    assert [seen(tools=[TOOL]), seen(tools=[changed])] == [[1], [2]]


def test_words_of_the_library_are_known_by_their_version(seen):
    stamp = PromptStamp(name="triage", version=7)

    assert [seen(system=text, prompt=stamp) for text in ("Help Ann", "Say more")] == [[1], [1]]


def test_free_text_that_is_another_each_time_turns_out_to_be_a_value(seen, project):
    notes = ["likes the sea", "asked twice about a lost bag", "none", "flies often, and far"]
    found = [seen(FOR_ANN + f"\nNOTES: {one}. END OF NOTES") for one in notes]

    assert found == [[1], [2], [3], [1]]
    assert numbers_now(project) == [1, 1, 1, 1]
    assert seen(FOR_ANN + "\nNOTES: new here. END OF NOTES") == [1]


def test_a_number_that_is_another_each_time_is_no_part_of_a_version(seen, project):
    found = [seen(params={"max_tokens": 100 + number}) for number in range(5)]

    assert (found[-1], set(numbers_now(project))) == ([1], {1})


def test_the_order_of_arrival_changes_no_version(seen, project):
    edited = POLICY.replace("Be kind", "Be brief and kind")
    for hour in (5, 2, 4, 1, 3):
        template = edited if hour >= 4 else POLICY
        seen(template.format(**ANN | {"customer": str(hour)}), begins=hour * 3600)

    [first], [last] = numbers_now(project)[:1], numbers_now(project)[-1:]
    assert numbers_now(project) == [first] * 3 + [last] * 2
    assert first != last


def test_a_prompt_that_only_some_sessions_come_to_is_kept(seen, project):
    def call(text, **more):
        said = {"messages": [{"role": "system", "content": text}]}
        return make_call(agent="support", input=said, **more)

    both = [call("Sort what people write to us.", started_at=at(1)), call("Pay back money now.")]
    make_session(project, *both, session="both")
    read_session(project.sessions.get())

    assert seen("Sort what people write to us.") == [1]
    assert len(project.agent_versions.get().calls) == 2


def test_looking_twice_changes_nothing_and_a_rebuild_finds_the_same(seen, project):
    seen(), seen(POLICY.format(**BOB)), seen("Something else altogether.")
    project.sessions.update(status="closed")

    assert list(sweeping.read_project(project)) == []
    sweeping.forget_agents(project)
    assert len(list(sweeping.read_project(project))) == 3
    assert numbers_now(project) == [1, 1, 2]
    assert sweeping.sweep() == 0


def test_a_session_to_which_more_came_is_looked_at_again(seen, project):
    seen(model=None)
    session = project.sessions.get()
    store.append(project, [make_call(session=session.external_id, agent="billing", model="o3")])
    later = timezone.now() + timedelta(seconds=1)
    project.sessions.update(status="closed", last_arrival_at=later)

    assert sweeping.sweep() == 1
    assert {agent.name for agent in project.agents.all()} == {"support", "billing"}


def test_replays_and_forks_are_no_versions_of_an_agent(project):
    call = make_call(agent="support", input="Hello")
    [key] = store.append(project, [call], origin="fork").sessions

    assert read_session(project.sessions.get(pk=key)) == []


def test_what_was_found_goes_with_its_session_and_the_version_stays(seen, project):
    seen()
    store.erase(project.sessions.get(), actor=SYSTEM)

    assert not SessionAgentVersion.unscoped.filter(project_id=project.pk).exists()
    assert not AgentReading.unscoped.filter(project_id=project.pk).exists()
    assert project.agent_versions.count() == 1


def test_a_session_that_joins_another_is_looked_at_with_it(project):
    store.append(project, [make_call(trace="t", id="a", agent="support", model="o3")])
    read_session(project.sessions.get())
    store.append(project, [make_call(trace="t", id="b", session="named", agent="support")])

    assert not SessionAgentVersion.unscoped.filter(project_id=project.pk).exists()
    assert read_session(project.sessions.get(external_id="named"))[0].version.number


def test_an_agent_without_a_name_has_versions_too(seen, project):
    assert seen(agent=None) == [1]
    assert [agent.name for agent in project.agents.all()] == [""]


def test_calls_that_are_spread_over_models_are_of_one_version(seen, project):
    models = ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-flash", "gpt-4o-mini"]
    for number in (0, 1, 2, 0, 2, 1, 0, 1, 2, 0, 3):
        seen(model=models[number])

    assert set(numbers_now(project)) == {1}
    assert seen(model="o3") == [1]
    assert seen(model="gpt-4o", params={"temperature": 1}) == [5]
