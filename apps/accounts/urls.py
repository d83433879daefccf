"""Signing in and up, and one's own account.

allauth's views stand under our own paths. Only these exist: a route that allauth adds in
a later version does not appear here by itself.
"""

from __future__ import annotations

from allauth.account import views as allauth
from django.urls import include, path, re_path

from apps.accounts import views

own = [path("account/", views.account, name="account")]

urlpatterns = [
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("signup/", allauth.signup, name="account_signup"),
    path("login/code/", allauth.confirm_login_code, name="account_confirm_login_code"),
    path("", include((own, "accounts"))),
    path("account/inactive/", allauth.account_inactive, name="account_inactive"),
    path("account/confirm/", allauth.reauthenticate, name="account_reauthenticate"),
    path("account/email/", allauth.email, name="account_email"),
    path(
        "account/email/sent/",
        allauth.email_verification_sent,
        name="account_email_verification_sent",
    ),
    re_path(
        r"^account/email/verify/(?P<key>[-:\w]+)/$",
        allauth.confirm_email,
        name="account_confirm_email",
    ),
    path("account/password/", allauth.password_change, name="account_change_password"),
    path("account/password/set/", allauth.password_set, name="account_set_password"),
    path("account/password/reset/", allauth.password_reset, name="account_reset_password"),
    path(
        "account/password/reset/sent/",
        allauth.password_reset_done,
        name="account_reset_password_done",
    ),
    re_path(
        r"^account/password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-\w]+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "account/password/reset/done/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
]
