"""What can be done in a project, which role may do it, and which scope lets a key do it."""

from __future__ import annotations

from django.db import models


class Permission(models.TextChoices):
    """One thing that a view can ask for."""

    READ_META = "read_meta", "read session metadata"
    READ_CONTENT = "read_content", "read content"
    INGEST = "ingest", "send and import events"
    ANNOTATE = "annotate", "annotate and score"
    SHARE = "share", "show sessions to others"
    READ_PROMPTS = "read_prompts", "read prompts"
    WRITE_PROMPTS = "write_prompts", "write prompts"
    MOVE_PROTECTED_LABELS = "move_protected_labels", "move protected labels of prompts"
    REPORT_REPLAYS = "report_replays", "report replays that an application ran"
    RUN_REPLAYS = "run_replays", "run replays, suites and regression runs"
    MANAGE_PROVIDERS = "manage_providers", "manage providers of models and their keys"
    MANAGE_KEYS = "manage_keys", "manage API keys"
    MANAGE_PROJECT = "manage_project", "change project settings"
    READ_MEMBERS = "read_members", "see members"
    MANAGE_MEMBERS = "manage_members", "manage members and roles"
    READ_AUDIT = "read_audit", "read the audit trail"
    ERASE = "erase", "erase recorded sessions"
    REVEAL = "reveal", "have pseudonyms revealed"
    MANAGE_ORGANIZATION = "manage_organization", "rename or delete the organization"


P = Permission

_VIEWER = frozenset({P.READ_META, P.READ_CONTENT, P.READ_PROMPTS, P.READ_MEMBERS})
_REVIEWER = _VIEWER | {P.ANNOTATE}
_REPLAYS = frozenset({P.REPORT_REPLAYS, P.RUN_REPLAYS})
_ENGINEER = _REVIEWER | _REPLAYS | {P.INGEST, P.WRITE_PROMPTS, P.MANAGE_KEYS, P.SHARE}
_PRODUCTION = frozenset({P.MOVE_PROTECTED_LABELS, P.MANAGE_PROVIDERS})
_SETTINGS = frozenset({P.MANAGE_PROJECT, P.MANAGE_MEMBERS, P.READ_AUDIT, P.ERASE})
_ADMIN = _ENGINEER | _PRODUCTION | _SETTINGS
_OWNER = _ADMIN | {P.MANAGE_ORGANIZATION, P.REVEAL}
_AUDITOR = frozenset({P.READ_META, P.READ_MEMBERS, P.READ_AUDIT})


class Role(models.TextChoices):
    """The built-in roles; each is a set of permissions."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    ENGINEER = "engineer", "Engineer"
    REVIEWER = "reviewer", "Reviewer"
    VIEWER = "viewer", "Viewer"
    AUDITOR = "auditor", "Auditor"

    @property
    def permissions(self) -> frozenset[Permission]:
        return ROLE_PERMISSIONS[self]

    def allows(self, permission: Permission) -> bool:
        return permission in ROLE_PERMISSIONS[self]


ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: _OWNER,
    Role.ADMIN: _ADMIN,
    Role.ENGINEER: _ENGINEER,
    Role.REVIEWER: _REVIEWER,
    Role.VIEWER: _VIEWER,
    Role.AUDITOR: _AUDITOR,
}


class Scope(models.TextChoices):
    """What an API key may be allowed."""

    INGEST = "ingest", "send events"
    READ_META = "read:meta", "read metadata"
    READ_CONTENT = "read:content", "read content"
    ANNOTATE = "annotate", "annotate and score"
    PROMPTS_READ = "prompts:read", "read prompts"
    PROMPTS_WRITE = "prompts:write", "write prompts"
    REPLAYS_RUN = "replays:run", "run replays"
    MEMORY_RW = "memory:rw", "use conversation memory"
    ADMIN = "admin", "administer, as the person who made the key"


SCOPE_PERMISSIONS: dict[Scope, frozenset[Permission]] = {
    # An application that replays tells of it with the key that it records with.
    Scope.INGEST: frozenset({P.INGEST, P.REPORT_REPLAYS}),
    Scope.READ_META: frozenset({P.READ_META}),
    Scope.READ_CONTENT: frozenset({P.READ_META, P.READ_CONTENT}),
    Scope.ANNOTATE: frozenset({P.ANNOTATE}),
    Scope.PROMPTS_READ: frozenset({P.READ_PROMPTS}),
    Scope.PROMPTS_WRITE: frozenset({P.READ_PROMPTS, P.WRITE_PROMPTS}),
    Scope.REPLAYS_RUN: frozenset({P.REPORT_REPLAYS, P.RUN_REPLAYS}),
    Scope.MEMORY_RW: frozenset(),
    Scope.ADMIN: frozenset(
        {
            P.MANAGE_KEYS,
            P.MANAGE_PROJECT,
            P.READ_MEMBERS,
            P.MANAGE_MEMBERS,
            P.READ_AUDIT,
            P.ERASE,
            P.SHARE,
        }
    ),
}

# What a person may do with one session that was opened to them: django-guardian's permissions.
GRANTS: dict[str, frozenset[Permission]] = {
    "view_session": frozenset({P.READ_META, P.READ_CONTENT}),
    "annotate_session": frozenset({P.ANNOTATE}),
}

# What a person must be allowed to give a key this scope: all that the key could then do.
# Scopes whose endpoints have no permission of their own yet are for those who may write.
SCOPE_GRANTORS: dict[Scope, frozenset[Permission]] = {
    scope: permissions or frozenset({P.INGEST}) for scope, permissions in SCOPE_PERMISSIONS.items()
}
