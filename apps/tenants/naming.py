"""People named in a text: ``@ann`` for whoever of those who may read it is ann."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet

from apps.accounts.models import User
from apps.core.errors import InvalidError

MOST_MENTIONS = 20
# @ann, or @ann@example.com where several are called so.
NAMED = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9][\w.+-]*(?:@[\w-]+(?:\.[\w-]+)+)?)")


def handles_in(text: str) -> set[str]:
    """Return what a text calls people, in lower case. Raises InvalidError for too many."""
    handles = {handle_of(found) for found in NAMED.finditer(text)}
    if len(handles) > MOST_MENTIONS:
        raise InvalidError(f"A comment names at most {MOST_MENTIONS} people.", "text")
    return handles


def handle_of(found: re.Match[str]) -> str:
    return found.group(1).rstrip(".-+").lower()


def people_called(people: QuerySet[User], handles: Iterable[str]) -> dict[str, User]:
    """Return who is called so, by handle; a name that nobody or several have is nobody's."""
    names = sorted(handles)
    wanted = Q(email__in=names)
    wanted |= reduce(
        or_, (Q(email__startswith=f"{name}@") for name in names if "@" not in name), Q()
    )
    found: dict[str, list[User]] = {}
    for person in people.filter(wanted) if names else ():
        for handle in (person.email, person.email.partition("@")[0]):
            found.setdefault(handle, []).append(person)
    return {name: found[name][0] for name in names if len(found.get(name, ())) == 1}
