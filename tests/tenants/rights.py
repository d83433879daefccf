"""What scopes, roles and grants allow, written down once more by hand."""

from __future__ import annotations

from apps.tenants.permissions import Permission, Scope

P = Permission

# Scope -> what it allows, from the table of the HTTP contract, as far as it is built.
SCOPE_TABLE = {
    Scope.INGEST: {P.INGEST, P.REPORT_REPLAYS},
    Scope.READ_META: {P.READ_META},
    Scope.READ_CONTENT: {P.READ_META, P.READ_CONTENT},
    Scope.ANNOTATE: {P.ANNOTATE},
    Scope.PROMPTS_READ: {P.READ_PROMPTS},
    Scope.PROMPTS_WRITE: {P.READ_PROMPTS, P.WRITE_PROMPTS},
    Scope.REPLAYS_RUN: {P.REPORT_REPLAYS, P.RUN_REPLAYS},
    Scope.MEMORY_RW: set(),
    Scope.ADMIN: {
        P.MANAGE_KEYS,
        P.MANAGE_PROJECT,
        P.READ_MEMBERS,
        P.MANAGE_MEMBERS,
        P.READ_AUDIT,
        P.ERASE,
        P.SHARE,
    },
}

# What a grant on one session allows there.
GRANTED = {P.READ_META, P.READ_CONTENT}

# Permission -> the roles that have it, from the table of roles.
ROLE_TABLE = {
    P.MANAGE_ORGANIZATION: "owner",
    P.REVEAL: "owner",
    P.MANAGE_PROJECT: "owner admin",
    P.MANAGE_MEMBERS: "owner admin",
    P.ERASE: "owner admin",
    P.MANAGE_PROVIDERS: "owner admin",
    P.MOVE_PROTECTED_LABELS: "owner admin",
    P.READ_AUDIT: "owner admin auditor",
    P.MANAGE_KEYS: "owner admin engineer",
    P.SHARE: "owner admin engineer",
    P.REPORT_REPLAYS: "owner admin engineer",
    P.RUN_REPLAYS: "owner admin engineer",
    P.WRITE_PROMPTS: "owner admin engineer",
    P.READ_PROMPTS: "owner admin engineer reviewer viewer",
    P.INGEST: "owner admin engineer",
    P.ANNOTATE: "owner admin engineer reviewer",
    P.READ_CONTENT: "owner admin engineer reviewer viewer",
    P.READ_META: "owner admin engineer reviewer viewer auditor",
    P.READ_MEMBERS: "owner admin engineer reviewer viewer auditor",
}
