"""People named in a comment: ``@ann`` for whoever of those who may see the session is ann.

The text keeps people by their ids, so that a new name or address of theirs is shown at once,
and so that nobody is meant who was not when it was written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import InvalidError
from apps.sessions.models import Session
from apps.tenants.access import people_who_may_see
from apps.tenants.naming import NAMED, handles_in, people_called

MOST_OFFERED = 8
LONGEST_PREFIX = 100
# How the text keeps them.
KEPT = re.compile(r"<@([0-9]{1,18})>")


class Offered(NamedTuple):
    """A person who can be named."""

    person: User
    # What to write after the sign.
    handle: str


def take_mentions(session: Session, text: str) -> tuple[str, list[User]]:
    """Return the text with people by their ids, and who they are.

    A name that nobody or several of those who may see the session have stays a word.
    """
    handles = handles_in(text)
    if not handles:
        return text, []
    people = people_called(people_who_may_see(session.project, session), handles)

    def kept(found: re.Match[str]) -> str:
        handle = found.group(1).rstrip(".-+")
        person = people.get(handle.lower())
        return f"<@{person.pk}>{found.group(1)[len(handle) :]}" if person else found.group(0)

    taken = {person.pk: person for person in people.values()}
    return NAMED.sub(kept, text), list(taken.values())


def offer_people(session: Session, prefix: str) -> list[Offered]:
    """Return who may see the session and is called like what was typed."""
    if len(prefix) > LONGEST_PREFIX or "\x00" in prefix:
        raise InvalidError(f"At most {LONGEST_PREFIX} characters, without NUL.", "prefix")
    people = people_who_may_see(session.project, session)
    if prefix:
        people = people.filter(Q(email__istartswith=prefix) | Q(name__icontains=prefix))
    shown = list(people[:MOST_OFFERED])
    return [Offered(person, _handle(session, person)) for person in shown]


def _handle(session: Session, person: User) -> str:
    short = person.email.partition("@")[0]
    others: QuerySet[User] = people_who_may_see(session.project, session).exclude(pk=person.pk)
    is_plain = NAMED.fullmatch(f"@{short}") is not None
    return (
        short
        if is_plain and not others.filter(email__startswith=f"{short}@").exists()
        else person.email
    )


def told_mentions(text: str, people: Mapping[int, User]) -> str:
    """Return the text as it is edited: people by their addresses."""

    def named(found: re.Match[str]) -> str:
        person = people.get(int(found.group(1)))
        return f"@{person.email}" if person else found.group(0)

    return KEPT.sub(named, text)
