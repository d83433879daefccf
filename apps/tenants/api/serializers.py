"""What the API tells about a credential."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.tenants.permissions import Permission, Role, Scope


class ProjectName(serializers.Serializer[Any]):
    """Which project a credential is for."""

    organization = serializers.CharField()
    slug = serializers.CharField()
    name = serializers.CharField()


class MeOut(serializers.Serializer[Any]):
    """Who the credential is. A key has scopes, a person has a role."""

    kind = serializers.ChoiceField(choices=["key", "user"])
    id = serializers.CharField()
    name = serializers.CharField()
    email = serializers.EmailField(allow_null=True)
    project = ProjectName(allow_null=True)
    environment = serializers.CharField(allow_null=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=Scope.choices), allow_null=True
    )
    role = serializers.ChoiceField(choices=Role.choices, allow_null=True)
    permissions = serializers.ListField(child=serializers.ChoiceField(choices=Permission.choices))
    expires_at = serializers.DateTimeField(allow_null=True)
    projects = ProjectName(many=True)
