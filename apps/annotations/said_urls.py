"""URLs of comments, tags of steps, scores and examples."""

from __future__ import annotations

from django.urls import path

from apps.annotations import example_views, views
from apps.sessions.urls import ROOT, SESSION

COMMENTS = f"{SESSION}comments/"
COMMENT = f"{COMMENTS}<int:comment_id>/"
SCORES = f"{SESSION}scores/"
EXAMPLE = f"{SESSION}example/"

urlpatterns = [
    path(COMMENTS, views.comments, name="comments"),
    path(f"{COMMENTS}add/", views.add_comment, name="comment-add"),
    path(f"{COMMENT}edit/", views.edit_comment, name="comment-edit"),
    path(f"{COMMENT}delete/", views.delete_comment, name="comment-delete"),
    path(f"{COMMENT}resolve/", views.resolve_thread, name="comment-resolve"),
    path(f"{COMMENT}edits/", views.comment_edits, name="comment-edits"),
    path(f"{COMMENTS}people/", views.people, name="people"),
    path(f"{SESSION}marks.json", views.marks, name="marks"),
    path(f"{SESSION}about/", views.about, name="about"),
    path(f"{SESSION}ranges.json", views.ranges, name="ranges"),
    path(f"{SESSION}step-tags/", views.tag_step, name="tag-step"),
    path(f"{SCORES}add/", views.add_score, name="score-add"),
    path(f"{SCORES}<uuid:score_id>/remove/", views.remove_score, name="score-remove"),
    path(EXAMPLE, example_views.example_form, name="example"),
    path(f"{EXAMPLE}remove/", example_views.remove_example, name="example-remove"),
    path(f"{ROOT}examples/", example_views.example_list, name="examples"),
]
