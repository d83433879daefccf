"""The tabs above the list: which view it shows, and whether it was changed since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.http import QueryDict
from django.urls import reverse

from apps.accounts.models import User
from apps.core.errors import DomainError, InvalidError
from apps.sessions.keys import project_keys
from apps.sessions.saved_view_models import SavedView
from apps.sessions.saved_view_queries import (
    canonical,
    is_readable,
    needs_content,
    query_of,
    views_of,
)
from apps.tenants.models import Project
from apps.tenants.permissions import Permission

# The list with nothing left out, whatever the default is.
ALL = "all"
MOST_DIGITS = 18


class ViewMissingError(DomainError):
    """The address names a view that is gone, or that is not the person's to see."""

    status = 404
    title = "There is no such view"

    def __init__(self, query: str = "") -> None:
        super().__init__("It may have been deleted, or it belongs to somebody else.")
        # What the address asks for beside the view.
        self.query = query


@dataclass(frozen=True)
class Tab:
    """A saved view as it stands above the list."""

    view: SavedView
    query: str
    is_readable: bool
    may_change: bool

    @property
    def address(self) -> str:
        """The whole query, so that it can be sent on; a view that broke is opened alone."""
        return f"?{self.query}&view={self.view.pk}" if self.is_readable else f"?view={self.view.pk}"


@dataclass(frozen=True)
class Tabs:
    """What stands above the list."""

    tabs: list[Tab]
    # The query of the list as it is shown now.
    query: str
    # Null: the list without filters, or with some that no view has.
    current: Tab | None
    may_share: bool
    # The view that the person has just deleted, to be taken back.
    deleted: SavedView | None = None

    @property
    def is_all(self) -> bool:
        return self.current is None and not self.query

    @property
    def is_modified(self) -> bool:
        return self.current is not None and self.current.query != self.query

    @property
    def default(self) -> Tab | None:
        """What the list opens with; a default of one's own goes before the project's."""
        defaults = [tab for tab in self.tabs if tab.view.is_default and tab.is_readable]
        own = [tab for tab in defaults if not tab.view.is_shared]
        return next(iter(own + defaults), None)


def tabs_of(
    project: Project,
    user: User,
    query: QueryDict,
    allowed: Collection[Permission],
    *,
    deleted: SavedView | None = None,
) -> Tabs:
    """Return the views that a person can open, and which of them the list shows."""
    may_share = Permission.ANNOTATE in allowed
    views = list(views_of(project, user))
    keys = project_keys(project.pk) if views else None
    tabs = [_tab(view, query_of(view, keys), may_share=may_share) for view in views]
    if Permission.READ_CONTENT not in allowed:
        tabs = [tab for tab in tabs if not needs_content(tab.query)]
    # The project's first, each in the order in which they were saved.
    tabs.sort(key=lambda tab: not tab.view.is_shared)
    shown = canonical(query)
    return Tabs(tabs, shown, _current(tabs, shown, query.get("view", "")), may_share, deleted)


def _tab(view: SavedView, query: str, *, may_share: bool) -> Tab:
    return Tab(view, query, is_readable(query), may_share or not view.is_shared)


def _current(tabs: list[Tab], shown: str, named: str) -> Tab | None:
    """Return the view that was named, else one that stands for what is shown."""
    if named in ("", ALL):
        return next((tab for tab in tabs if tab.query == shown), None)
    if not (named.isascii() and named.isdigit() and len(named) <= MOST_DIGITS):
        raise InvalidError("view must be all or the number of a saved view.", "view")
    found = [tab for tab in tabs if tab.view.pk == int(named)]
    if not found:
        raise ViewMissingError(shown)
    return found[0]


def address_of(project: Project, query: str, view: SavedView | None = None) -> str:
    """Return where the list shows a query, as part of a view."""
    path = reverse("sessions:list", args=(project.organization.slug, project.slug))
    view_part = f"view={view.pk}" if view else f"view={ALL}"
    return f"{path}?{query}&{view_part}" if query else f"{path}?{view_part}"
