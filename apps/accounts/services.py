"""Changes to people."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from apps.accounts.models import User
from apps.core.errors import ConflictError, InvalidError


@transaction.atomic
def create_person(*, email: str, password: str | None = None, name: str = "") -> User:
    """Create somebody whose address an administrator vouches for, so that no mail is needed."""
    email = email.strip().lower()
    _check(email, password)
    # Two may be created at once, and there is no row to lock: the constraint is the judge.
    try:
        with transaction.atomic():
            user = User.objects.create_user(email, password, name=name)
    except IntegrityError:
        raise ConflictError(f"{email} already has an account.") from None
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def _check(email: str, password: str | None) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise InvalidError(f"{email!r} is not an e-mail address.", "email") from None
    if password is None:
        return
    try:
        validate_password(password, User(email=email))
    except ValidationError as error:
        raise InvalidError(" ".join(error.messages), "password") from None
