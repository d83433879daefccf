"""Every route of Playhead and who may use it, written down a second time.

The views say what they need themselves; this list says what they ought to need, after the
table of the HTTP contract. A route that is not here fails the isolation tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.tenants.permissions import Permission

P = Permission
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Page:
    """For people: what one must be allowed, and which methods the page answers."""

    needs: Permission
    methods: tuple[str, ...] = ("GET",)
    # Whether a grant on the session that the path names opens it, too.
    is_granted: bool = True


@dataclass(frozen=True)
class Endpoint:
    """For keys and for people: what each method needs when asked for all that it gives."""

    needs: dict[str, Permission]


GET, POST, FORM = ("GET",), ("POST",), ("GET", "POST")
ORGANIZATION = "/o/<slug:organization_slug>/"
PROJECT = f"{ORGANIZATION}p/<slug:project_slug>/"
SESSION = f"{PROJECT}sessions/<uuid:session_id>/"
IMPORT = f"{PROJECT}imports/<uuid:import_id>/"
TICKET = f"{PROJECT}tickets/<int:number>/"
SUITE = f"{PROJECT}suites/<uuid:suite_id>/"
REPLAY = f"{PROJECT}replays/<uuid:replay_id>/"
RUNS = f"{PROJECT}runs/"
RUN = f"{RUNS}<uuid:run_id>/"
SCHEDULE = f"{PROJECT}schedules/<uuid:schedule_id>/"
VIEW = f"{PROJECT}sessions/views/<int:view_id>/"
LIBRARY = f"{PROJECT}prompts/"
PROMPT = f"{LIBRARY}<prompt:prompt_name>/"
VERSION = f"{PROMPT}v/<int:number>/"
ACCESS = f"{SESSION}access/"
MODELS = f"{PROJECT}settings/models-prices/"
CREDENTIAL_OF = f"{MODELS}<uuid:credential_id>/"
COMMENT = f"{SESSION}comments/<int:comment_id>/"
API_RUN = "/api/v1/regression-runs/<uuid:run_id>"
API_SCHEDULE = "/api/v1/schedules/<uuid:schedule_id>"
API_SUITE = "/api/v1/suites/<uuid:suite_id>"
API_PROMPT = "/api/v1/prompts/<prompt:prompt_name>"
API_TICKET = "/api/v1/tickets/<int:number>"
API_IMPORT = "/api/v1/imports/<uuid:import_id>"
API_SESSION = "/api/v1/sessions/<uuid:session_id>"

PAGES = {
    ORGANIZATION: Page(P.READ_META),
    f"{ORGANIZATION}settings/": Page(P.MANAGE_ORGANIZATION, FORM),
    f"{ORGANIZATION}projects/new/": Page(P.MANAGE_PROJECT, FORM),
    f"{ORGANIZATION}members/": Page(P.READ_MEMBERS),
    f"{ORGANIZATION}members/add/": Page(P.MANAGE_MEMBERS, POST),
    f"{ORGANIZATION}members/<int:pk>/role/": Page(P.MANAGE_MEMBERS, POST),
    f"{ORGANIZATION}members/<int:pk>/remove/": Page(P.MANAGE_MEMBERS, POST),
    f"{ORGANIZATION}leave/": Page(P.READ_MEMBERS, POST),
    f"{ORGANIZATION}audit/": Page(P.READ_AUDIT),
    PROJECT: Page(P.READ_META),
    f"{PROJECT}settings/": Page(P.MANAGE_PROJECT, FORM),
    f"{PROJECT}settings/keys/": Page(P.MANAGE_KEYS),
    f"{PROJECT}settings/keys/create/": Page(P.MANAGE_KEYS, POST),
    f"{PROJECT}settings/keys/<int:pk>/rotate/": Page(P.MANAGE_KEYS, POST),
    f"{PROJECT}settings/keys/<int:pk>/revoke/": Page(P.MANAGE_KEYS, POST),
    f"{PROJECT}settings/quotas/": Page(P.MANAGE_PROJECT, FORM),
    f"{PROJECT}ingest/": Page(P.INGEST),
    f"{PROJECT}ingest/now/": Page(P.INGEST),
    f"{PROJECT}imports/": Page(P.INGEST, FORM),
    IMPORT: Page(P.INGEST),
    f"{IMPORT}now/": Page(P.INGEST),
    f"{IMPORT}cancel/": Page(P.INGEST, POST),
    f"{IMPORT}resume/": Page(P.INGEST, POST),
    f"{PROJECT}settings/redaction/": Page(P.MANAGE_PROJECT, FORM),
    f"{PROJECT}settings/redaction/rules/add/": Page(P.MANAGE_PROJECT, POST),
    f"{PROJECT}settings/redaction/rules/remove/": Page(P.MANAGE_PROJECT, POST),
    f"{PROJECT}settings/redaction/try/": Page(P.MANAGE_PROJECT, POST),
    f"{PROJECT}playground/": Page(P.RUN_REPLAYS, FORM),
    MODELS: Page(P.MANAGE_PROVIDERS),
    f"{MODELS}add/": Page(P.MANAGE_PROVIDERS, POST),
    f"{CREDENTIAL_OF}rotate/": Page(P.MANAGE_PROVIDERS, POST),
    f"{CREDENTIAL_OF}test/": Page(P.MANAGE_PROVIDERS, POST),
    f"{CREDENTIAL_OF}remove/": Page(P.MANAGE_PROVIDERS, POST),
    f"{MODELS}prices/add/": Page(P.MANAGE_PROVIDERS, POST),
    f"{MODELS}prices/<int:price_id>/remove/": Page(P.MANAGE_PROVIDERS, POST),
    LIBRARY: Page(P.READ_PROMPTS),
    f"{LIBRARY}-/new/": Page(P.WRITE_PROMPTS, FORM),
    f"{LIBRARY}-/check/": Page(P.WRITE_PROMPTS, POST),
    f"{LIBRARY}-/files/": Page(P.READ_PROMPTS),
    f"{LIBRARY}-/import/": Page(P.WRITE_PROMPTS, POST),
    f"{LIBRARY}-/export/": Page(P.READ_PROMPTS),
    f"{LIBRARY}-/protection/": Page(P.MANAGE_PROJECT, FORM),
    PROMPT: Page(P.READ_PROMPTS),
    f"{PROMPT}-/edit/": Page(P.WRITE_PROMPTS, FORM),
    f"{PROMPT}-/change/": Page(P.WRITE_PROMPTS, POST),
    f"{PROMPT}-/comments/<int:remark_id>/": Page(P.ANNOTATE, POST),
    f"{PROMPT}-/metrics/": Page(P.READ_PROMPTS),
    f"{PROMPT}diff/": Page(P.READ_PROMPTS),
    f"{PROMPT}diff/<int:older>..<int:newer>/": Page(P.READ_PROMPTS),
    f"{PROMPT}labels/": Page(P.READ_PROMPTS),
    f"{PROMPT}labels/move/": Page(P.WRITE_PROMPTS, POST),
    f"{PROMPT}labels/requests/<int:request_id>/": Page(P.WRITE_PROMPTS, POST),
    VERSION: Page(P.READ_PROMPTS),
    f"{VERSION}comments/": Page(P.ANNOTATE, POST),
    f"{PROJECT}palette/": Page(P.READ_META),
    f"{PROJECT}demo/remove/": Page(P.ERASE, POST),
    f"{PROJECT}setup/": Page(P.INGEST),
    f"{PROJECT}setup/status/": Page(P.INGEST),
    f"{PROJECT}sessions/": Page(P.READ_META),
    f"{PROJECT}sessions/newer/": Page(P.READ_META),
    f"{PROJECT}sessions/compare/": Page(P.READ_META, POST),
    f"{PROJECT}sessions/export/": Page(P.READ_CONTENT, POST),
    f"{PROJECT}sessions/tags/": Page(P.ANNOTATE, POST),
    f"{PROJECT}sessions/tags/undo/": Page(P.ANNOTATE, POST),
    f"{PROJECT}sessions/views/save/": Page(P.READ_META, POST),
    f"{VIEW}rename/": Page(P.READ_META, POST),
    f"{VIEW}change/": Page(P.READ_META, POST),
    f"{VIEW}share/": Page(P.READ_META, POST),
    f"{VIEW}default/": Page(P.READ_META, POST),
    f"{VIEW}delete/": Page(P.READ_META, POST),
    f"{VIEW}restore/": Page(P.READ_META, POST),
    f"{PROJECT}sessions/suggest/": Page(P.READ_META),
    f"{PROJECT}tickets/": Page(P.READ_META),
    f"{PROJECT}tickets/new/": Page(P.ANNOTATE, FORM),
    f"{PROJECT}tickets/from-sessions/": Page(P.ANNOTATE, POST),
    f"{PROJECT}tickets/next/": Page(P.ANNOTATE, POST),
    TICKET: Page(P.READ_META),
    f"{TICKET}change/": Page(P.ANNOTATE, POST),
    f"{TICKET}claim/": Page(P.ANNOTATE, POST),
    f"{PROJECT}schedules/": Page(P.READ_META),
    f"{PROJECT}schedules/new/": Page(P.RUN_REPLAYS, FORM),
    f"{PROJECT}schedules/times/": Page(P.RUN_REPLAYS),
    SCHEDULE: Page(P.READ_META),
    f"{SCHEDULE}change/": Page(P.RUN_REPLAYS, FORM),
    f"{SCHEDULE}act/": Page(P.RUN_REPLAYS, POST),
    f"{PROJECT}suites/": Page(P.READ_META),
    f"{PROJECT}suites/new/": Page(P.RUN_REPLAYS, FORM),
    f"{PROJECT}suites/add/": Page(P.RUN_REPLAYS, FORM),
    f"{PROJECT}suites/from-sessions/": Page(P.RUN_REPLAYS, POST),
    SUITE: Page(P.READ_META),
    f"{SUITE}grow/": Page(P.RUN_REPLAYS, FORM),
    f"{SUITE}change/": Page(P.RUN_REPLAYS, FORM),
    f"{SUITE}versions/": Page(P.READ_META),
    f"{SUITE}diff/": Page(P.READ_META),
    f"{SUITE}coverage/": Page(P.READ_META),
    f"{SUITE}cases/": Page(P.RUN_REPLAYS, POST),
    f"{SUITE}cases/<uuid:case_id>/": Page(P.READ_CONTENT),
    f"{SUITE}cases/<uuid:case_id>/change/": Page(P.RUN_REPLAYS, POST),
    RUNS: Page(P.READ_META),
    f"{RUNS}new/": Page(P.RUN_REPLAYS, FORM),
    RUN: Page(P.READ_META),
    f"{RUN}act/": Page(P.RUN_REPLAYS, POST),
    f"{RUN}report/": Page(P.READ_META),
    f"{PROJECT}agents/": Page(P.READ_META),
    f"{PROJECT}agents/at/": Page(P.READ_META),
    f"{PROJECT}agents/<int:agent_id>/": Page(P.READ_META),
    f"{PROJECT}agents/<int:agent_id>/v/<int:number>/": Page(P.READ_META),
    f"{PROJECT}compare/": Page(P.READ_CONTENT),
    f"{PROJECT}compare/rows.json": Page(P.READ_CONTENT),
    f"{PROJECT}compare/replay/": Page(P.READ_CONTENT),
    f"{PROJECT}compare/verdict/": Page(P.READ_CONTENT),
    f"{PROJECT}compare/verdict/give/": Page(P.ANNOTATE, POST),
    ACCESS: Page(P.READ_MEMBERS),
    f"{ACCESS}people/": Page(P.SHARE, POST),
    f"{ACCESS}people/<int:person_id>/take/": Page(P.SHARE, POST),
    f"{ACCESS}links/": Page(P.SHARE, POST),
    f"{ACCESS}links/<int:link_id>/revoke/": Page(P.SHARE, POST),
    f"{PROJECT}settings/sharing/": Page(P.MANAGE_PROJECT, FORM),
    f"{PROJECT}settings/sharing/revoke/": Page(P.MANAGE_PROJECT, POST),
    f"{SESSION}comments/": Page(P.READ_CONTENT),
    f"{SESSION}comments/add/": Page(P.ANNOTATE, POST),
    f"{SESSION}comments/people/": Page(P.ANNOTATE),
    f"{COMMENT}edit/": Page(P.ANNOTATE, POST),
    f"{COMMENT}delete/": Page(P.ANNOTATE, POST),
    f"{COMMENT}resolve/": Page(P.ANNOTATE, POST),
    f"{COMMENT}edits/": Page(P.READ_CONTENT),
    f"{SESSION}marks.json": Page(P.READ_META),
    f"{SESSION}ranges.json": Page(P.READ_CONTENT),
    f"{SESSION}about/": Page(P.READ_CONTENT),
    f"{SESSION}step-tags/": Page(P.ANNOTATE, POST),
    f"{SESSION}scores/add/": Page(P.ANNOTATE, POST),
    f"{SESSION}scores/<uuid:score_id>/remove/": Page(P.ANNOTATE, POST),
    f"{SESSION}example/": Page(P.ANNOTATE, FORM),
    f"{SESSION}example/remove/": Page(P.ANNOTATE, POST),
    f"{PROJECT}examples/": Page(P.READ_CONTENT),
    f"{REPLAY}pause/": Page(P.RUN_REPLAYS, POST),
    f"{REPLAY}resume/": Page(P.RUN_REPLAYS, POST),
    f"{REPLAY}cancel/": Page(P.RUN_REPLAYS, POST),
    f"{PROJECT}replays/": Page(P.READ_META),
    REPLAY: Page(P.READ_META),
    f"{REPLAY}progress-events": Page(P.READ_META),
    f"{RUNS}<uuid:run_id>/events": Page(P.READ_META),
    f"{REPLAY}against/": Page(P.READ_CONTENT),
    f"{SESSION}replays/": Page(P.READ_META, is_granted=False),
    f"{SESSION}replay/": Page(P.READ_CONTENT),
    f"{SESSION}replay/server/": Page(P.RUN_REPLAYS, FORM),
    SESSION: Page(P.READ_META),
    f"{SESSION}spans.json": Page(P.READ_META),
    f"{SESSION}graph.json": Page(P.READ_META),
    f"{SESSION}places.json": Page(P.READ_META),
    f"{SESSION}beside/": Page(P.READ_META, is_granted=False),
    f"{SESSION}export.html": Page(P.READ_CONTENT),
    f"{SESSION}export.jsonl": Page(P.READ_CONTENT),
    f"{SESSION}export.json": Page(P.READ_CONTENT),
    f"{SESSION}report/": Page(P.READ_CONTENT),
    f"{SESSION}panel/": Page(P.READ_META),
    f"{SESSION}steps/<slug:event_id>/": Page(P.READ_META),
    f"{SESSION}steps/<slug:event_id>/raw.json": Page(P.READ_CONTENT),
    f"{SESSION}steps/<slug:event_id>/body/<slug:field>/": Page(P.READ_CONTENT),
    f"{SESSION}steps/<slug:event_id>/body/<slug:field>/file/": Page(P.READ_CONTENT),
    f"{SESSION}find/": Page(P.READ_CONTENT),
}

ENDPOINTS = {
    "/api/v1/redaction": Endpoint({"GET": P.MANAGE_PROJECT, "PUT": P.MANAGE_PROJECT}),
    "/api/v1/providers": Endpoint({"GET": P.RUN_REPLAYS}),
    "/api/v1/redaction/test": Endpoint({"POST": P.MANAGE_PROJECT}),
    "/api/v1/audit": Endpoint({"GET": P.READ_AUDIT}),
    "/api/v1/sessions": Endpoint({"GET": P.READ_META}),
    "/api/v1/agents": Endpoint({"GET": P.READ_META}),
    "/api/v1/agents/<path:agent_name>/versions": Endpoint({"GET": P.READ_META}),
    "/api/v1/agents/<path:agent_name>/versions/<int:number>": Endpoint({"GET": P.READ_META}),
    "/api/v1/compare": Endpoint({"GET": P.READ_CONTENT}),
    API_SESSION: Endpoint({"GET": P.READ_META}),
    f"{API_SESSION}/events": Endpoint({"GET": P.READ_CONTENT}),
    f"{API_SESSION}/events/<event_id:event_id>": Endpoint({"GET": P.READ_CONTENT}),
    f"{API_SESSION}/graph": Endpoint({"GET": P.READ_META}),
    f"{API_SESSION}/state": Endpoint({"GET": P.READ_CONTENT}),
    f"{API_SESSION}/export": Endpoint({"GET": P.READ_CONTENT}),
    f"{API_SESSION}/tags": Endpoint({"POST": P.ANNOTATE}),
    f"{API_SESSION}/comments": Endpoint({"GET": P.READ_CONTENT, "POST": P.ANNOTATE}),
    f"{API_SESSION}/comments/<int:comment_id>": Endpoint(
        {"GET": P.READ_CONTENT, "PATCH": P.ANNOTATE, "DELETE": P.ANNOTATE}
    ),
    f"{API_SESSION}/scores": Endpoint({"GET": P.READ_META, "POST": P.ANNOTATE}),
    f"{API_SESSION}/scores/<uuid:score_id>": Endpoint({"DELETE": P.ANNOTATE}),
    f"{API_SESSION}/example": Endpoint(
        {"GET": P.READ_CONTENT, "PUT": P.ANNOTATE, "DELETE": P.ANNOTATE}
    ),
    "/api/v1/examples": Endpoint({"GET": P.READ_CONTENT}),
    f"{API_SESSION}/share-links": Endpoint({"GET": P.SHARE, "POST": P.SHARE}),
    f"{API_SESSION}/share-links/<int:link_id>": Endpoint({"DELETE": P.SHARE}),
    f"{API_SESSION}/grants": Endpoint({"GET": P.SHARE, "POST": P.SHARE}),
    f"{API_SESSION}/grants/<int:person_id>": Endpoint({"DELETE": P.SHARE}),
    f"{API_SESSION}/reveal": Endpoint({"POST": P.REVEAL}),
    "/api/v1/tickets": Endpoint({"GET": P.READ_META, "POST": P.ANNOTATE}),
    "/api/v1/tickets/next": Endpoint({"POST": P.ANNOTATE}),
    API_TICKET: Endpoint({"GET": P.READ_META, "PATCH": P.ANNOTATE}),
    f"{API_TICKET}/claim": Endpoint({"POST": P.ANNOTATE, "DELETE": P.ANNOTATE}),
    "/api/v1/replays": Endpoint({"GET": P.READ_META, "POST": P.RUN_REPLAYS}),
    "/api/v1/replays/plan": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/replays/<uuid:replay_id>/events": Endpoint({"GET": P.READ_META}),
    "/api/v1/replays/<uuid:replay_id>/pause": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/replays/<uuid:replay_id>/resume": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/replays/<uuid:replay_id>/cancel": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/regression-runs": Endpoint({"GET": P.READ_META, "POST": P.RUN_REPLAYS}),
    "/api/v1/regression-runs/plan": Endpoint({"POST": P.RUN_REPLAYS}),
    API_RUN: Endpoint({"GET": P.READ_META}),
    f"{API_RUN}/cases": Endpoint({"GET": P.READ_META}),
    f"{API_RUN}/pause": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_RUN}/resume": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_RUN}/cancel": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/regression-runs/gate": Endpoint({"POST": P.RUN_REPLAYS}),
    "/api/v1/regression-runs/<uuid:run_id>/events": Endpoint({"GET": P.READ_META}),
    "/api/v1/regression-runs/<uuid:run_id>/report": Endpoint({"GET": P.READ_META}),
    "/api/v1/regression-runs/<uuid:run_id>/junit": Endpoint({"GET": P.READ_META}),
    "/api/v1/replays/reports": Endpoint({"POST": P.REPORT_REPLAYS}),
    "/api/v1/replays/summary": Endpoint({"GET": P.READ_META}),
    "/api/v1/replays/<uuid:replay_id>": Endpoint({"GET": P.READ_META}),
    "/api/v1/schedules": Endpoint({"GET": P.READ_META, "POST": P.RUN_REPLAYS}),
    API_SCHEDULE: Endpoint({"GET": P.READ_META, "PATCH": P.RUN_REPLAYS, "DELETE": P.RUN_REPLAYS}),
    f"{API_SCHEDULE}/pause": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_SCHEDULE}/resume": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_SCHEDULE}/run-now": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_SCHEDULE}/next": Endpoint({"GET": P.READ_META}),
    f"{API_SCHEDULE}/firings": Endpoint({"GET": P.READ_META}),
    "/api/v1/suites": Endpoint({"GET": P.READ_META, "POST": P.RUN_REPLAYS}),
    API_SUITE: Endpoint({"GET": P.READ_META, "PATCH": P.RUN_REPLAYS, "DELETE": P.RUN_REPLAYS}),
    f"{API_SUITE}/restore": Endpoint({"POST": P.RUN_REPLAYS}),
    f"{API_SUITE}/versions": Endpoint({"GET": P.READ_META, "POST": P.RUN_REPLAYS}),
    f"{API_SUITE}/diff": Endpoint({"GET": P.READ_META}),
    f"{API_SUITE}/cases": Endpoint({"GET": P.READ_META}),
    f"{API_SUITE}/coverage": Endpoint({"GET": P.READ_META}),
    "/api/v1/prompts": Endpoint({"GET": P.READ_PROMPTS, "POST": P.WRITE_PROMPTS}),
    f"{API_PROMPT}/-/metrics": Endpoint({"GET": P.READ_PROMPTS}),
    f"{API_PROMPT}/versions/<int:number>/comments": Endpoint(
        {"GET": P.READ_PROMPTS, "POST": P.ANNOTATE}
    ),
    f"{API_PROMPT}/versions/<int:number>/comments/<int:remark_id>": Endpoint(
        {"PATCH": P.ANNOTATE, "DELETE": P.ANNOTATE}
    ),
    "/api/v1/prompts/-/export": Endpoint({"GET": P.READ_PROMPTS}),
    "/api/v1/prompts/-/import": Endpoint({"POST": P.WRITE_PROMPTS}),
    API_PROMPT: Endpoint({"GET": P.READ_PROMPTS, "PATCH": P.WRITE_PROMPTS}),
    f"{API_PROMPT}/versions": Endpoint({"GET": P.READ_PROMPTS, "POST": P.WRITE_PROMPTS}),
    f"{API_PROMPT}/labels": Endpoint({"GET": P.READ_PROMPTS, "POST": P.WRITE_PROMPTS}),
    f"{API_PROMPT}/labels/requests/<int:request_id>": Endpoint({"POST": P.WRITE_PROMPTS}),
    f"{API_PROMPT}/diff": Endpoint({"GET": P.READ_PROMPTS}),
    "/v1/traces": Endpoint({"POST": P.INGEST}),
    "/v1/logs": Endpoint({"POST": P.INGEST}),
    "/api/public/otel/v1/traces": Endpoint({"POST": P.INGEST}),
    "/api/public/scores": Endpoint({"POST": P.INGEST}),
    "/api/public/ingestion": Endpoint({"POST": P.INGEST}),
    "/api/public/v2/prompts": Endpoint({"GET": P.READ_PROMPTS, "POST": P.WRITE_PROMPTS}),
    "/api/public/v2/prompts/<prompt:prompt_name>": Endpoint({"GET": P.READ_PROMPTS}),
    "/api/public/v2/prompts/<prompt:prompt_name>/versions/<int:number>": Endpoint(
        {"PATCH": P.WRITE_PROMPTS}
    ),
    "/api/public/projects": Endpoint({"GET": P.INGEST}),
    "/api/v1/events": Endpoint({"POST": P.INGEST}),
    "/api/v1/imports": Endpoint({"GET": P.INGEST, "POST": P.INGEST}),
    API_IMPORT: Endpoint({"GET": P.INGEST}),
    f"{API_IMPORT}/errors": Endpoint({"GET": P.INGEST}),
    f"{API_IMPORT}/cancel": Endpoint({"POST": P.INGEST}),
    f"{API_IMPORT}/resume": Endpoint({"POST": P.INGEST}),
    "/api/v1/ingest/health": Endpoint({"GET": P.INGEST}),
    "/api/v1/quotas": Endpoint({"GET": P.INGEST, "PUT": P.MANAGE_PROJECT}),
}

# Any good credential; they tell only about the credential.
CREDENTIAL = {"/api/v1/me", "/api/v1/inbox", "/api/v1/inbox/read"}

# Any signed-in person; they show and change only what is the person's own.
OWN = {
    "/palette/",
    "/shared-with-me/",
    "/",
    "/welcome/",
    "/account/",
    "/account/confirm/",
    "/account/email/",
    "/account/password/",
    "/account/password/set/",
    "/inbox/",
    "/inbox/open/",
    "/inbox/read/",
}

# Anybody.
PUBLIC = {
    "/s/<str:token>/",
    "/s/<str:token>/steps/<slug:event_id>/",
    "/api/v1/schema/",
    "/api/v1/docs/",
    "/health/live",
    "/health/ready",
    "/theme/",
    "/login/",
    "/login/code/",
    "/logout/",
    "/signup/",
    "/account/inactive/",
    "/account/email/sent/",
    r"/account/email/verify/(?P<key>[-:\w]+)/$",
    "/account/password/reset/",
    "/account/password/reset/sent/",
    r"/account/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-\w]+)/$",
    "/account/password/reset/done/",
}

LISTED = {*PAGES, *ENDPOINTS, *CREDENTIAL, *OWN, *PUBLIC}

# The API's routes that its OpenAPI document leaves out.
NOT_IN_SCHEMA = {"/api/v1/schema/", "/api/v1/docs/"}


def fill(path: str, values: dict[str, object]) -> str:
    """Return a URL for a pattern, with real values in its places."""
    path = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda place: str(values[place[1]]), path)
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda place: str(values[place[1]]), path)
    return path.removesuffix("$")
