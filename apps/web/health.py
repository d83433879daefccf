"""What load balancers and supervisors ask."""

from __future__ import annotations

from django.core.cache import cache
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from apps.core.patience import patience
from apps.tenants.doors import public_view

# Whoever asks gives up soon.
PATIENCE_SECONDS = 2


@public_view
@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Answer that the process serves requests."""
    return JsonResponse({"status": "ok"})


@public_view
@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """Answer whether both stores can be reached; without PostgreSQL nothing can be taken."""
    stores = {"database": _database_answers(), "cache": _cache_answers()}
    words = {name: "ok" if answers else "away" for name, answers in stores.items()}
    if stores["database"]:
        return JsonResponse({"status": "ok", **words})
    return JsonResponse({"status": "unavailable", **words}, status=503, headers={"Retry-After": 2})


def _database_answers() -> bool:
    try:
        with patience(PATIENCE_SECONDS), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.get("health")
    except RedisError:
        return False
    return True
