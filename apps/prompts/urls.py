"""URLs of the prompt library.

A prompt's name has slashes of its own. No part of a name is ``-``, ``v``, ``diff``, ``versions``
or ``labels``, so that what follows a name is always told apart.
"""

from __future__ import annotations

from django.urls import path, register_converter

from apps.prompts import comment_pages, diff_pages, edit_pages, file_pages, label_pages, pages
from apps.prompts.api import comments as api_comments
from apps.prompts.api import files as api_files
from apps.prompts.api import labels as api_labels
from apps.prompts.api import views as api
from apps.prompts.names import PromptNameConverter

register_converter(PromptNameConverter, "prompt")

app_name = "prompts"
ROOT = "o/<slug:organization_slug>/p/<slug:project_slug>/prompts/"
PROMPT = f"{ROOT}<prompt:prompt_name>/"
VERSION = f"{PROMPT}v/<int:number>/"
API = "api/v1/prompts"
API_PROMPT = f"{API}/<prompt:prompt_name>"
API_COMMENTS = f"{API_PROMPT}/versions/<int:number>/comments"

urlpatterns = [
    path(ROOT, pages.prompt_list, name="list"),
    path(f"{ROOT}-/new/", edit_pages.new_prompt, name="new"),
    path(f"{ROOT}-/check/", edit_pages.check, name="check"),
    path(f"{ROOT}-/files/", file_pages.files, name="files"),
    path(f"{ROOT}-/import/", file_pages.bring_in, name="import"),
    path(f"{ROOT}-/export/", file_pages.export, name="export"),
    path(f"{ROOT}-/protection/", label_pages.protection, name="protection"),
    path(VERSION, pages.version_detail, name="version"),
    path(f"{VERSION}comments/", comment_pages.add, name="comment"),
    path(f"{PROMPT}diff/<int:older>..<int:newer>/", diff_pages.version_diff, name="diff"),
    path(f"{PROMPT}diff/", diff_pages.choose_versions, name="diff-choice"),
    path(f"{PROMPT}-/edit/", edit_pages.new_version, name="edit"),
    path(f"{PROMPT}-/change/", pages.change, name="change"),
    path(f"{PROMPT}-/comments/<int:remark_id>/", comment_pages.change, name="comment-change"),
    path(f"{PROMPT}labels/", label_pages.label_history, name="history"),
    path(f"{PROMPT}labels/move/", label_pages.move, name="move"),
    path(f"{PROMPT}labels/requests/<int:request_id>/", label_pages.decide, name="decide"),
    path(PROMPT, pages.prompt_detail, name="prompt"),
    path(API, api.PromptCollection.as_view(), name="api-prompts"),
    path(f"{API}/-/export", api_files.Export.as_view(), name="api-export"),
    path(f"{API}/-/import", api_files.Import.as_view(), name="api-import"),
    path(f"{API_PROMPT}/versions", api.VersionCollection.as_view(), name="api-versions"),
    path(API_COMMENTS, api_comments.CommentCollection.as_view(), name="api-comments"),
    path(
        f"{API_COMMENTS}/<int:remark_id>",
        api_comments.CommentDetail.as_view(),
        name="api-comment",
    ),
    path(f"{API_PROMPT}/labels", api_labels.LabelCollection.as_view(), name="api-labels"),
    path(
        f"{API_PROMPT}/labels/requests/<int:request_id>",
        api_labels.RequestDetail.as_view(),
        name="api-request",
    ),
    path(f"{API_PROMPT}/diff", api.VersionDifference.as_view(), name="api-diff"),
    path(API_PROMPT, api.PromptDetail.as_view(), name="api-prompt"),
]
