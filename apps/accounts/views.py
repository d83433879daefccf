"""A person's own page. Sign-in, sign-up, passwords and addresses are allauth's."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import AccountForm
from apps.accounts.models import User
from apps.core.needs import SIGNED_IN


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show and change one's name and theme."""
    form = AccountForm(request.POST or None, instance=cast(User, request.user))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your account was changed.")
        return redirect("accounts:account")
    return render(request, "account/account.html", {"form": form})


account.needs = SIGNED_IN  # type: ignore[attr-defined]
