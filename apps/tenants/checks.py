"""Start-up fails where a view does not say who may use it.

A view that only checks that somebody is signed in is the hole that others had. So each
view carries ``needs``: the doors set it, and there is no other way to get it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.checks import CheckMessage, Error, run_checks
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver

from apps.core.needs import PUBLIC, SIGNED_IN
from apps.tenants.permissions import Permission

# Views of libraries, which name no permission: what each lets happen was read once.
OF_LIBRARIES = frozenset(
    {
        "schema",
        "docs",
        "account_login",
        "account_logout",
        "account_signup",
        "account_inactive",
        "account_reauthenticate",
        "account_email",
        "account_email_verification_sent",
        "account_confirm_email",
        "account_confirm_login_code",
        "account_change_password",
        "account_set_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)
NO_PERMISSION = "tenants.E001"


@dataclass(frozen=True, slots=True)
class Route:
    """One URL pattern with its view."""

    path: str
    name: str
    view: Callable[..., Any]

    @property
    def view_class(self) -> type | None:
        """The class behind the view, for the two ways in which Django and DRF keep it."""
        found = getattr(self.view, "cls", None) or getattr(self.view, "view_class", None)
        return found if isinstance(found, type) else None

    @property
    def needs(self) -> object:
        """What the view says that it needs, its class before all; None where neither does."""
        return getattr(self.view_class, "needs", None) or getattr(self.view, "needs", None)

    @property
    def methods(self) -> list[str]:
        """The HTTP methods that the view's class answers; none for a function."""
        verbs = ("get", "post", "put", "patch", "delete")
        return [verb.upper() for verb in verbs if hasattr(self.view_class, verb)]


def all_routes() -> list[Route]:
    """Return every URL pattern of the installation."""
    return list(_walk(get_resolver().url_patterns, "/", ""))


def every_view_names_its_permission(
    app_configs: Sequence[Any] | None, **options: Any
) -> list[CheckMessage]:
    """Return an error for each view that does not say who may use it."""
    return [
        Error(
            f"The view of {route.path} does not say which permission it needs: {wrong}.",
            hint="Use a door of apps.tenants.doors, or public_view if anybody may open it.",
            id=NO_PERMISSION,
        )
        for route in all_routes()
        if (wrong := what_is_wrong(route))
    ]


def stop_unless_safe() -> None:
    """Refuse to start a server over a view without a permission (commands run checks anyway)."""
    errors = [message for message in run_checks(tags=["security"]) if message.id == NO_PERMISSION]
    if errors:
        raise ImproperlyConfigured(" ".join(message.msg for message in errors))


def what_is_wrong(route: Route) -> str:
    """Return why the route is not safe to serve, or nothing."""
    if route.name in OF_LIBRARIES:
        return ""
    needs = route.needs
    if needs in (PUBLIC, SIGNED_IN) or isinstance(needs, Permission):
        return ""
    if not isinstance(needs, Mapping):
        return "it has no `needs`"
    missing = [method for method in route.methods if not isinstance(needs.get(method), Permission)]
    return f"`needs` leaves out {', '.join(missing)}" if missing else ""


def _walk(
    patterns: Sequence[URLPattern | URLResolver], prefix: str, namespace: str
) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, path, inner)
        else:
            yield Route(path, f"{namespace}{pattern.name or ''}", pattern.callback)
