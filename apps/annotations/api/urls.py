"""URLs of what is said about sessions, over HTTP."""

from __future__ import annotations

from django.urls import path

from apps.annotations.api import views

app_name = "annotations_api"

SESSION = "api/v1/sessions/<uuid:session_id>"

urlpatterns = [
    path(f"{SESSION}/comments", views.SessionComments.as_view(), name="comments"),
    path(f"{SESSION}/comments/<int:comment_id>", views.CommentDetail.as_view(), name="comment"),
    path(f"{SESSION}/scores", views.SessionScores.as_view(), name="scores"),
    path(f"{SESSION}/scores/<uuid:score_id>", views.ScoreDetail.as_view(), name="score"),
    path(f"{SESSION}/tags", views.SessionTags.as_view(), name="tags"),
    path(f"{SESSION}/example", views.SessionExample.as_view(), name="example"),
    path("api/v1/examples", views.ExampleCollection.as_view(), name="examples"),
]
