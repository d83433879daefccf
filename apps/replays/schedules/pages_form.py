"""What people may type about when a schedule is due, for whom, and over which sessions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import DomainError, InvalidError
from apps.replays.runs.pages_form import MONO, Blank
from apps.replays.schedules.choice import NEWEST, RANDOM, STRATIFIED, Choice
from apps.replays.schedules.models import LONGEST_NAME, Missed, Schedule
from apps.replays.schedules.timing import LONGEST_CRON, LONGEST_ZONE, zones
from apps.replays.suite_changes import MOST_CASES
from apps.replays.suite_forms import BY, FILTER_HELP
from apps.sessions.filter_text import LONGEST as LONGEST_FILTER
from apps.sessions.filter_text import render
from apps.sessions.saved_view_models import SavedView

Json = Any

PREFIX = "when"
OWN = "own"
OFTEN = (
    ("0 3 * * *", "Every night at 3:00"),
    ("0 3 * * 1-5", "Monday to Friday at 3:00"),
    ("0 6 * * 1", "Every Monday at 6:00"),
    ("0 3 1 * *", "On the 1st of every month at 3:00"),
    ("0 * * * *", "Every hour"),
    (OWN, "At other times:"),
)
CRONS = {cron for cron, _ in OFTEN}
SUITE, SESSIONS = "suite", "sessions"
# Of the API's names, those that the form has others for.
FIELDS = {"sessions": "last", "sample": "by", "filters": "filter"}
LOCAL = "%Y-%m-%dT%H:%M"


class ScheduleForm(Blank):
    """When, for whom, over what, and what about times at which no server ran."""

    name = forms.CharField(max_length=LONGEST_NAME)
    often = forms.ChoiceField(choices=OFTEN, initial=OFTEN[0][0], label="How often")
    cron = forms.CharField(
        required=False,
        max_length=LONGEST_CRON,
        label="Cron expression, for other times",
        help_text="Minute, hour, day of the month, month, day of the week: "
        "<code>30 2 * * 1-5</code>, <code>*/15 * * * *</code>; "
        "<code>0 0 L * *</code> is the last day of a month.",
        widget=forms.TextInput(attrs={"placeholder": "0 3 * * *", **MONO}),
    )
    time_zone = forms.CharField(
        max_length=LONGEST_ZONE,
        initial="UTC",
        label="Time zone",
        help_text="As Europe/Berlin. Where clocks change, it keeps to the clock on the wall.",
        widget=forms.TextInput(attrs={"list": "zones", "autocapitalize": "none"}),
    )
    starts_at = forms.CharField(
        required=False,
        max_length=40,
        label="Not before",
        help_text="In its time zone. Empty: from its next time on.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
    )
    missed = forms.ChoiceField(
        choices=Missed.choices,
        initial=Missed.RUN_ONCE,
        widget=forms.RadioSelect,
        label="When no server ran at its time",
    )
    owner = forms.ChoiceField(
        help_text="Is told when it cannot run, and when a run does not pass. May run replays here."
    )
    over = forms.ChoiceField(
        choices=[(SUITE, "A suite"), (SESSIONS, "The last sessions, chosen anew each time")],
        initial=SUITE,
        widget=forms.RadioSelect,
        label="Over",
    )
    last = forms.IntegerField(
        required=False, min_value=1, max_value=MOST_CASES, initial=50, label="How many at most"
    )
    filter = forms.CharField(
        required=False,
        max_length=LONGEST_FILTER,
        label="Filters",
        help_text=FILTER_HELP,
        widget=forms.TextInput(attrs={"placeholder": "all sessions", **MONO}),
    )
    view = forms.ChoiceField(required=False, label="Or a saved view")
    take = forms.ChoiceField(
        choices=[
            (NEWEST, "The newest"),
            (RANDOM, "At random"),
            (STRATIFIED, "At random, with every kind in it"),
        ],
        initial=NEWEST,
        required=False,
        label="Of these take",
    )
    by = forms.MultipleChoiceField(
        choices=BY,
        required=False,
        initial=["outcome"],
        widget=forms.CheckboxSelectMultiple,
        label="Kinds are told apart by",
    )

    def __init__(
        self, people: Iterable[User], views: Iterable[SavedView], sent: Any = None, **options: Any
    ) -> None:
        super().__init__(sent, prefix=PREFIX, **options)
        owners = [(one.email, f"{one} ({one.email})" if one.name else one.email) for one in people]
        self.fields["owner"].choices = owners  # type: ignore[attr-defined]
        offered = [(str(view.pk), view.name) for view in views]
        self.fields["view"].choices = [("", "None"), *offered]  # type: ignore[attr-defined]

    @property
    def chooses_sessions(self) -> bool:
        return bool(self["over"].value() == SESSIONS)

    @property
    def zones(self) -> list[str]:
        return sorted(zones())

    def told(self) -> dict[str, Json]:
        """Return what was typed by the names of the API, without what is run."""
        typed = self.cleaned_data
        return {
            "name": typed["name"],
            "owner": typed["owner"],
            "cron": told_cron(typed),
            "time_zone": typed["time_zone"],
            "starts_at": told_start(typed.get("starts_at", ""), typed["time_zone"]),
            "missed": typed["missed"],
            **({"sessions": self._choice()} if typed["over"] == SESSIONS else {}),
        }

    def _choice(self) -> dict[str, Json]:
        typed = self.cleaned_data
        told: dict[str, Json] = {"last": typed["last"] or 50, "take": typed["take"] or NEWEST}
        if typed["view"]:
            told["view"] = int(typed["view"])
        if typed["filter"]:
            told["filter"] = typed["filter"]
        if told["take"] == STRATIFIED:
            told["by"] = typed["by"]
        return told

    def tell(self, error: DomainError) -> None:
        """Show what was refused beside the field that it names, else above the form."""
        rows = error.errors if isinstance(error, InvalidError) else []
        for row in rows or [{"path": "", "message": str(error)}]:
            self.add_error(self._field(row["path"]), row["message"])

    def _field(self, path: str) -> str | None:
        first, _, rest = path.partition(".")
        name = rest.split(".")[0] if first in FIELDS and rest in self.fields else first
        name = FIELDS.get(name, name)
        return name if name in self.fields else None


def told_cron(typed: Mapping[str, Json]) -> str:
    """Return the expression that a choice, or what was typed below it, stands for."""
    often = str(typed.get("often") or OWN)
    return str(typed.get("cron") or "") if often == OWN else often


def told_start(text: str, zone: str) -> str | None:
    """Return a moment as typed on a clock of the zone, or None where nothing was typed."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        message = "A day and a time are expected, as 2026-12-01 03:00."
        raise InvalidError(message, "starts_at") from None
    if moment.tzinfo is None and zone.strip() in zones():
        moment = moment.replace(tzinfo=ZoneInfo(zone.strip()))
    return moment.isoformat()


def initial_of(schedule: Schedule, choice: Choice | None) -> dict[str, Json]:
    """Return a schedule as the form shows it."""
    starts_at = schedule.starts_at
    told: dict[str, Json] = {
        "name": schedule.name,
        "often": schedule.cron if schedule.cron in CRONS else OWN,
        "cron": "" if schedule.cron in CRONS else schedule.cron,
        "time_zone": schedule.time_zone,
        "missed": schedule.missed,
        "owner": schedule.owner.email if schedule.owner else "",
        "over": SUITE if choice is None else SESSIONS,
    }
    if starts_at is not None and starts_at > timezone.now():
        told["starts_at"] = starts_at.astimezone(ZoneInfo(schedule.time_zone)).strftime(LOCAL)
    if choice is not None:
        told |= {"last": choice.last, "take": choice.take, "view": choice.view}
        told |= {"filter": choice.filter or render(choice.filters)}
        told |= {"by": choice.by} if choice.by else {}
    return told
