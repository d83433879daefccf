"""URLs of providers and prices."""

from __future__ import annotations

from django.urls import path

from apps.providers import api, views

app_name = "providers"
PAGE = "o/<slug:organization_slug>/p/<slug:project_slug>/settings/models-prices/"
ONE = f"{PAGE}<uuid:credential_id>/"

urlpatterns = [
    path(PAGE, views.provider_list, name="list"),
    path(f"{PAGE}add/", views.add, name="add"),
    path(f"{ONE}rotate/", views.rotate, name="rotate"),
    path(f"{ONE}test/", views.test, name="test"),
    path(f"{ONE}remove/", views.remove, name="remove"),
    path(f"{PAGE}prices/add/", views.add_price, name="price-add"),
    path(f"{PAGE}prices/<int:price_id>/remove/", views.remove_price, name="price-remove"),
    path("api/v1/providers", api.ProviderCollection.as_view(), name="api-providers"),
]
