"""URLs of suites: pages and API."""

from __future__ import annotations

from django.urls import path

from apps.replays import suite_api, suite_api_cases, suite_views, suite_work_views

app_name = "suites"
PROJECT = "o/<slug:organization_slug>/p/<slug:project_slug>/suites/"
SUITE = f"{PROJECT}<uuid:suite_id>/"
API = "api/v1/suites"
API_SUITE = f"{API}/<uuid:suite_id>"

urlpatterns = [
    path(PROJECT, suite_views.suite_list, name="list"),
    path(f"{PROJECT}new/", suite_work_views.new_suite, name="new"),
    path(f"{PROJECT}add/", suite_work_views.add_to_suite, name="add"),
    path(f"{PROJECT}from-sessions/", suite_work_views.from_selection, name="from-selection"),
    path(SUITE, suite_views.suite_detail, name="suite"),
    path(f"{SUITE}grow/", suite_work_views.grow_suite, name="grow"),
    path(f"{SUITE}change/", suite_work_views.change_about, name="change"),
    path(f"{SUITE}versions/", suite_views.version_list, name="versions"),
    path(f"{SUITE}diff/", suite_views.version_diff, name="diff"),
    path(f"{SUITE}coverage/", suite_views.suite_coverage, name="coverage"),
    path(f"{SUITE}cases/", suite_work_views.change_selected, name="cases"),
    path(f"{SUITE}cases/<uuid:case_id>/", suite_work_views.case_detail, name="case"),
    path(f"{SUITE}cases/<uuid:case_id>/change/", suite_work_views.change_case, name="change-case"),
    path(API, suite_api.SuiteCollection.as_view(), name="api-suites"),
    path(API_SUITE, suite_api.SuiteDetail.as_view(), name="api-suite"),
    path(f"{API_SUITE}/restore", suite_api.SuiteRestore.as_view(), name="api-restore"),
    path(f"{API_SUITE}/versions", suite_api_cases.VersionCollection.as_view(), name="api-versions"),
    path(f"{API_SUITE}/diff", suite_api_cases.VersionComparison.as_view(), name="api-diff"),
    path(f"{API_SUITE}/cases", suite_api_cases.CaseCollection.as_view(), name="api-cases"),
    path(f"{API_SUITE}/coverage", suite_api_cases.SuiteCoverage.as_view(), name="api-coverage"),
]
