"""POSTs that can be repeated safely: the header ``Idempotency-Key``.

The key is claimed, the change made and the answer kept in one transaction, so that a request
that failed can be sent again, and one that did not is answered as the first time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection, transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apps.audit.actors import Actor
from apps.core.api import plain
from apps.core.errors import ConflictError, DomainError, InvalidError
from apps.core.secrets import derive
from apps.tenants.doors import ProjectAPIView
from apps.tenants.idempotency_models import AnsweredRequest
from apps.tenants.models import Project

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_FOR = timedelta(days=1)
NONCE_BYTES = 12
CLAIM = "SELECT pg_try_advisory_xact_lock(%s, %s)"
# Apart from other users of such locks.
LOCKS = 0x1D3

View = TypeVar("View", bound=ProjectAPIView)
Post = Callable[..., Response]


class DifferentRequestError(DomainError):
    """An Idempotency-Key came again with something else."""

    status = 422
    title = "Unprocessable content"


def repeatable(post: Post) -> Post:
    """Let a view's POST be sent twice with one Idempotency-Key and act once."""

    @wraps(post)
    def once(view: ProjectAPIView, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = read_key(request)
        if not key:
            return post(view, request, *args, **kwargs)
        with transaction.atomic():
            claim = Claim(view.project, view.actor, key, request)
            if answer := claim.first_answer():
                return answer
            response = post(view, request, *args, **kwargs)
            claim.keep(response, kwargs.get("session_id") or view.told_session)
            return response

    return once


def read_key(request: Request) -> str:
    key = request.headers.get(HEADER, "")
    if len(key) > LONGEST_KEY or "\x00" in key:
        raise InvalidError(f"At most {LONGEST_KEY} characters, without NUL.", HEADER)
    return key


class Claim:
    """One request's hold on its key, for the length of the transaction."""

    def __init__(self, project: Project, actor: Actor, key: str, request: Request) -> None:
        self.project = project
        self.key = _hash("key", actor.kind, actor.id, key)
        self.request = _hash("request", request.method or "", request.path, _body(request))
        if not _is_free(self.key, project.pk):
            raise ConflictError(f"A request with this {HEADER} is still running.")

    def first_answer(self) -> Response | None:
        """Return the answer that the same request got before."""
        since = timezone.now() - KEPT_FOR
        found = self.project.answered_requests.filter(key=self.key).first()
        if found is None:
            return None
        if found.answered_at < since:
            found.delete()
            return None
        if bytes(found.request) != self.request:
            raise DifferentRequestError(f"This {HEADER} was used with another request.")
        body = orjson.loads(_open(bytes(found.sealed), self.key))
        return Response(body, status=found.status, headers={"Idempotent-Replayed": "true"})

    def keep(self, response: Response, session_id: UUID | None) -> None:
        body = orjson.dumps(response.data, default=plain, option=orjson.OPT_PASSTHROUGH_DATETIME)
        self.project.answered_requests.create(
            key=self.key,
            request=self.request,
            status=response.status_code,
            sealed=_seal(body, self.key),
            session_id=session_id,
        )


def forget_answers(project_id: int, session_id: UUID) -> None:
    """Delete what was answered about a session that is erased."""
    AnsweredRequest.unscoped.filter(project_id=project_id, session_id=session_id).delete()


def move_answers(project_id: int, old: UUID, new: UUID) -> None:
    """Let what was answered about a session go with the one that it became part of."""
    rows = AnsweredRequest.unscoped.filter(project_id=project_id, session_id=old)
    rows.update(session_id=new)


def sweep_answers() -> int:
    """Forget answers that are kept no longer; return how many."""
    expired = AnsweredRequest.unscoped.filter(answered_at__lt=timezone.now() - KEPT_FOR)
    count, _ = expired.delete()
    return count


def _body(request: Request) -> str:
    # What was understood, so that another order of the fields is the same request.
    return json.dumps(request.data, default=str, sort_keys=True)


def _hash(*parts: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16, key=derive("idempotency"))
    for part in parts:
        digest.update(part.encode("utf-8", "surrogatepass") + b"\0")
    return digest.digest()


def _is_free(key: bytes, project_id: int) -> bool:
    number = int.from_bytes(key[:4], "big", signed=True) ^ (project_id & 0x7FFFFFFF)
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [LOCKS, number])
        return bool(cursor.fetchone()[0])


def _seal(data: bytes, place: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(derive("idempotency answers")).encrypt(nonce, data, place)


def _open(sealed: bytes, place: bytes) -> bytes:
    cipher = AESGCM(derive("idempotency answers"))
    return cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
