"""Opening a share link: whom it lets in, and what is written down of it.

An opening is a visit. A signed cookie, which holds for this one link and for an hour, lets the
visitor turn pages without a second opening; whether the link still opens is asked each time.
"""

from __future__ import annotations

from django.contrib.auth.hashers import check_password
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.annotations.share_links import digest_of
from apps.annotations.share_models import ShareLink
from apps.audit import services as audit
from apps.audit.actors import Actor
from apps.core.attempts import count_attempt

SALT = "playhead.shared"
VISIT_SECONDS = 3600
LONGEST_TOKEN = 64
# Wrong passphrases: by one visitor, and by all of a link together.
TRIES, TRIES_SECONDS = 5, 15 * 60
TRIES_OF_ALL, TRIES_OF_ALL_SECONDS = 100, 3600


def find_link(token: str) -> ShareLink | None:
    """Return the link of a token, None unless it opens now: nobody learns why it does not.

    It is found by a keyed hash through an index, so the time that it takes tells nothing of
    how much of a guess was right. A link that is used up is found: visits go on to their end.
    """
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    links = ShareLink.unscoped.select_related("project__organization", "session")
    return links.filter(
        digest=digest_of(token),
        revoked_at=None,
        expires_at__gt=timezone.now(),
        project__allows_links=True,
        project__removed_at=None,
        session__is_listed=True,
    ).first()


def is_visit(link: ShareLink, cookie: str) -> bool:
    """Tell whether the cookie is of a visit of this link that has not ended."""
    try:
        return bool(signing.loads(cookie, salt=SALT, max_age=VISIT_SECONDS) == link.pk)
    except signing.BadSignature:
        return False


def visit_of(link: ShareLink) -> str:
    """Return the cookie of a visit."""
    return signing.dumps(link.pk, salt=SALT)


def knows_passphrase(link: ShareLink, passphrase: str, *, visitor: str) -> bool:
    """Tell whether the passphrase is the link's; each try is counted before it is judged."""
    if not link.passphrase:
        return True
    count_attempt(f"share:{link.pk}:{visitor}", most=TRIES, seconds=TRIES_SECONDS)
    count_attempt(f"share:{link.pk}", most=TRIES_OF_ALL, seconds=TRIES_OF_ALL_SECONDS)
    return check_password(passphrase, link.passphrase)


@transaction.atomic
def open_link(link: ShareLink, *, actor: Actor) -> bool:
    """Count an opening and write it down; False where the link is used up."""
    links = link.project.share_links.filter(pk=link.pk, revoked_at=None)
    if link.most_openings is not None:
        links = links.filter(openings__lt=F("most_openings"))
    if not links.update(openings=F("openings") + 1, last_opened_at=timezone.now()):
        return False
    audit.record(
        actor,
        "link.open",
        organization_id=link.project.organization_id,
        project_id=link.project_id,
        objects=[str(link.session_id), f"link:{link.pk}"],
    )
    return True


def visitor_of(link: ShareLink, *, ip: str, request_id: str) -> Actor:
    """Return who reads by the link: nobody knows more of them than where they came from."""
    label = f"share link {link.pk}, made by {link.by}"
    return Actor(kind="link", id=str(link.pk), label=label[:254], ip=ip, request_id=request_id)
