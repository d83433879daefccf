"""URLs of share links and grants, and of what a link opens."""

from __future__ import annotations

from django.urls import path

from apps.annotations import share_api, share_pages, share_settings, shared_pages

PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/"
ACCESS = f"{PROJECT}sessions/<uuid:session_id>/access/"
API_SESSION = "api/v1/sessions/<uuid:session_id>"
urlpatterns = [
    path(ACCESS, share_pages.access, name="access"),
    path(f"{ACCESS}people/", share_pages.give, name="access-give"),
    path(f"{ACCESS}people/<int:person_id>/take/", share_pages.take, name="access-take"),
    path(f"{ACCESS}links/", share_pages.make, name="link-make"),
    path(f"{ACCESS}links/<int:link_id>/revoke/", share_pages.revoke, name="link-revoke"),
    path(f"{PROJECT}settings/sharing/", share_settings.sharing, name="sharing"),
    path(f"{PROJECT}settings/sharing/revoke/", share_settings.revoke_all, name="sharing-revoke"),
    path(f"{API_SESSION}/share-links", share_api.ShareLinks.as_view(), name="api-links"),
    path(
        f"{API_SESSION}/share-links/<int:link_id>",
        share_api.ShareLinkDetail.as_view(),
        name="api-link",
    ),
    path(f"{API_SESSION}/grants", share_api.Grants.as_view(), name="api-grants"),
    path(
        f"{API_SESSION}/grants/<int:person_id>", share_api.GrantDetail.as_view(), name="api-grant"
    ),
    path("s/<str:token>/", shared_pages.shared, name="shared"),
    path("s/<str:token>/steps/<slug:event_id>/", shared_pages.shared_step, name="shared-step"),
]
