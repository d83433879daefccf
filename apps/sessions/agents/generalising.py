"""Versions that turn out to be one: what they differ in is another value in every session.

Two texts cannot tell a value from an edit; some more can. When a version is new, the wordings of
its prompts are compared with older ones that one session each had: where they differ in one place
alone, the place is a hole and their versions are one, the oldest. The same goes for a parameter
that is another number each time, and for the model where calls are spread over several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from django.db.models import Count

from apps.sessions.agents import wording
from apps.sessions.agents.models import Agent, AgentPrompt, AgentVersion
from apps.sessions.agents.models import SessionAgentVersion as Link
from apps.sessions.agents.observing import fingerprint
from apps.sessions.agents.publishing import republish
from apps.sessions.keys import ProjectKeys

# Wordings and versions that are looked at for having one place that varies.
MOST_LOOKED_AT = 12
# An agent is routed, so that its model says nothing of its version, if of so many sessions some
# had a model that was in use before and not in the session before; two models are a comparison.
MODEL, ANY_MODEL = "model", "*"
ROUTED_SESSIONS, ROUTED_MODELS, RETURNS = 40, 3, 6


def settle(agent: Agent, version: AgentVersion, keys: ProjectKeys) -> AgentVersion:
    """Join what proved to be one with a version that was just made; return what it is now."""
    rare = _rare(agent)
    is_joined = _is_routed(agent) and _add_varying(agent, [MODEL])
    if len(rare) >= wording.VALUES:
        is_joined |= _join_wordings(agent, version, rare) or _let_vary(agent, version, rare)
    if not is_joined:
        return version
    _join_versions(agent, keys)
    version.refresh_from_db()
    if version.merged_into is None:
        return version
    rows = agent.versions.filter(project_id=agent.project_id)
    return rows.get(number=version.merged_into)


def _rare(agent: Agent) -> list[AgentVersion]:
    """Return the newest versions that one session each had."""
    rows = agent.versions.filter(project_id=agent.project_id, merged_into=None)
    counted = rows.annotate(seen=Count("sessions")).filter(seen=1)
    return list(counted.order_by("-number")[:MOST_LOOKED_AT])


def _join_wordings(agent: Agent, version: AgentVersion, rare: Sequence[AgentVersion]) -> bool:
    """Make holes where wordings of one prompt vary; tell whether any was made."""
    is_joined = False
    for slot, call in version.calls.items():
        if call["prompt"] is None:
            continue
        wanted = {row.calls[slot]["prompt"] for row in rare if slot in row.calls}
        rows = agent.prompts.filter(
            project_id=agent.project_id, pk__in=wanted - {None}, merged_into=None
        )
        is_joined |= _join_slot(list(rows.order_by("pk")), call["prompt"])
    return is_joined


def _join_slot(rows: Sequence[AgentPrompt], newest: int) -> bool:
    own = next((row for row in rows if row.pk == newest), None)
    others = [row for row in rows if row.pk != newest][-(wording.VALUES - 1) :]
    if own is None or len(others) < wording.VALUES - 1:
        return False
    words = wording.unpack(own.words)
    places = wording.varying(words, [wording.unpack(row.words) for row in others])
    if places is None:
        return False
    first = others[0]
    first.words, first.repeats = wording.pack(wording.punched(words, places)), 1
    first.save(update_fields=["words", "repeats"])
    merged = AgentPrompt.unscoped.filter(
        project_id=first.project_id, pk__in=[row.pk for row in (own, *others[1:])]
    )
    merged.update(merged_into=first.pk)
    return True


def _let_vary(agent: Agent, version: AgentVersion, rare: Sequence[AgentVersion]) -> bool:
    """Take numbers that are others each time out of versions; tell whether there was one."""
    names = {
        name
        for call in version.calls.values()
        for name, value in call["params"].items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    found = [name for name in sorted(names) if _varies(name, version, rare)]
    return _add_varying(agent, found)


def _add_varying(agent: Agent, names: Iterable[str]) -> bool:
    fresh = set(names) - set(agent.varying)
    if fresh:
        agent.varying = sorted({*agent.varying, *fresh})
        agent.save(update_fields=["varying"])
    return bool(fresh)


def _is_routed(agent: Agent) -> bool:
    """Tell whether the agent's calls are spread over models."""
    if MODEL in agent.varying:
        return False
    links = agent.sessions.filter(project_id=agent.project_id).select_related("version")
    newest = links.order_by("-started_at", "-session_id")[:ROUTED_SESSIONS]
    models = [
        "|".join(link.version.calls[slot]["model"] for slot in sorted(link.events))
        for link in reversed(newest)
    ]
    returns = sum(
        model != before and model in models[:at]
        for at, (before, model) in enumerate(pairwise(models))
    )
    return len(set(models)) >= ROUTED_MODELS and returns >= RETURNS


def _varies(name: str, version: AgentVersion, rare: Sequence[AgentVersion]) -> bool:
    """Tell whether enough versions differ from one in this parameter alone, each in its own."""
    same = [row for row in rare if without(row.calls, [name]) == without(version.calls, [name])]
    values = {str([call["params"].get(name) for call in row.calls.values()]) for row in same}
    return len(values) >= wording.VALUES


def without(calls: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a state without some parameters, or without its models."""
    gone = set(names)
    any_model = {"model": ANY_MODEL} if MODEL in gone else {}
    return {
        slot: call
        | {"params": {k: v for k, v in call["params"].items() if k not in gone}}
        | any_model
        for slot, call in calls.items()
    }


def _join_versions(agent: Agent, keys: ProjectKeys) -> None:
    """Let versions that are the same by now be the oldest of them."""
    rows = agent.prompts.filter(project_id=agent.project_id, merged_into__isnull=False)
    moved = dict(rows.values_list("pk", "merged_into"))
    first: dict[bytes, AgentVersion] = {}
    live = agent.versions.filter(project_id=agent.project_id, merged_into=None)
    for version in live.order_by("number"):
        calls = {
            slot: call | {"prompt": moved.get(call["prompt"], call["prompt"])}
            for slot, call in without(version.calls, agent.varying).items()
        }
        mark = fingerprint(calls, keys)
        if mark in first:
            _merge(agent, version, first[mark])
        else:
            first[mark] = version
            version.calls, version.fingerprint = calls, mark
            version.save(update_fields=["calls", "fingerprint"])


def _merge(agent: Agent, version: AgentVersion, into: AgentVersion) -> None:
    Link.unscoped.filter(project_id=agent.project_id, version_id=version.pk).update(
        version_id=into.pk
    )
    earlier = [row.first_seen for row in (into, version) if row.first_seen]
    later = [row.last_seen for row in (into, version) if row.last_seen]
    into.first_seen = min(earlier, default=None)
    into.last_seen = max(later, default=None)
    into.save(update_fields=["first_seen", "last_seen"])
    versions = AgentVersion.unscoped.filter(project_id=agent.project_id, pk=version.pk)
    versions.update(merged_into=into.number)
    rows = agent.versions.filter(project_id=agent.project_id, merged_into=version.number)
    rows.update(merged_into=into.number)
    republish(agent, version.number, into.number)
