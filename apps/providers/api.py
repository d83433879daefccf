"""Providers for programs: which there are. Keys are set by people, on the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.errors import InvalidError
from apps.providers.models import Credential
from apps.providers.queries import credentials_of
from apps.tenants.doors import ProjectAPIView
from apps.tenants.permissions import Permission


class ProviderOut(serializers.ModelSerializer[Credential]):
    """A provider that replays can name. Nothing of its key is told."""

    is_shared = serializers.SerializerMethodField(help_text="Of the whole organization.")
    works = serializers.SerializerMethodField(help_text="By its last test; null: never tested.")
    models = serializers.ListField(source="models_found", child=serializers.CharField())

    class Meta:
        model = Credential
        fields = [
            "id", "name", "kind", "dialect", "base_url", "is_shared", "lacks", "works",
            "tested_at", "last_used_at", "models",
        ]  # fmt: skip
        read_only_fields = fields

    def get_is_shared(self, row: Credential) -> bool:
        return row.project_id is None

    def get_works(self, row: Credential) -> bool | None:
        return None if row.test_error is None else row.test_error == ""


class ProvidersOut(serializers.Serializer[Any]):
    """All of them: a project has a hundred at most."""

    results = ProviderOut(many=True)
    next = serializers.CharField(allow_null=True)


class ProviderCollection(ProjectAPIView):
    """The providers that replays of this project may ask."""

    needs: ClassVar[Mapping[str, Permission]] = {"GET": Permission.RUN_REPLAYS}

    @extend_schema(
        operation_id="providers",
        summary="Providers of models that replays may ask",
        responses=ProvidersOut,
        tags=["providers"],
    )
    def get(self, request: Request) -> Response:
        unknown = sorted(set(request.query_params) - {"project"})
        if unknown:
            raise InvalidError(f"Unknown query parameter: {', '.join(unknown)}.", unknown[0])
        rows = ProviderOut(credentials_of(self.project), many=True).data
        return Response({"results": rows, "next": None})
