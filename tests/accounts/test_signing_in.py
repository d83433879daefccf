from __future__ import annotations

import re
import uuid

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client

from apps.accounts.models import User
from tests.factories import make_user

PASSWORD = "a long and quiet river"


@pytest.fixture(autouse=True)
def no_counts_of_earlier_tests(db, settings):
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(uuid.uuid4())}}


def sign_up(client: Client, email: str):
    return client.post("/signup/", {"email": email, "password1": PASSWORD})


def link_in_mail(message: EmailMessage | None = None) -> str:
    body = (message or mail.outbox[-1]).body
    return re.search(r"http://testserver(\S+)", body).group(1)


def test_sign_up_asks_for_the_address_to_be_confirmed_before_signing_in():
    client = Client()

    answer = sign_up(client, "Ada@Example.com")

    assert answer.headers["Location"] == "/account/email/sent/"
    assert client.get("/account/").status_code == 302
    assert User.objects.get().email == "ada@example.com"


def test_the_link_in_the_mail_confirms_the_address_and_one_may_sign_in():
    client = Client()
    sign_up(client, "ada@example.com")
    link = link_in_mail()

    assert "Yes, confirm it" in client.get(link).content.decode()
    client.post(link)
    answer = Client().post("/login/", {"login": "ada@example.com", "password": PASSWORD})

    assert answer.status_code == 302
    assert "playhead_session" in answer.cookies


def test_opening_a_link_confirms_nothing_by_itself():
    sign_up(Client(), "ada@example.com")

    Client().get(link_in_mail())

    assert not User.objects.get().emailaddress_set.get().verified


def test_sign_up_does_not_tell_that_an_address_is_known():
    make_user("ada@example.com", PASSWORD)

    known, unknown = sign_up(Client(), "ada@example.com"), sign_up(Client(), "bob@example.com")

    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]
    assert "has an account already" in mail.outbox[0].body


def test_a_closed_installation_lets_nobody_sign_up(settings):
    settings.PLAYHEAD_SIGNUP = False

    answer = Client().post("/signup/", {"email": "ada@example.com", "password1": PASSWORD})

    assert "Sign-up is closed" in answer.content.decode()
    assert not User.objects.exists()


def test_a_wrong_password_is_told_without_saying_what_was_wrong():
    make_user("ada@example.com", PASSWORD)

    answers = [
        Client().post("/login/", {"login": email, "password": "not the password"})
        for email in ("ada@example.com", "nobody@example.com")
    ]

    told = [re.search(r'role="alert".*?</div>', a.content.decode(), re.S).group() for a in answers]
    assert told[0] == told[1]


def test_guessing_passwords_is_stopped_whatever_address_is_claimed():
    make_user("ada@example.com", PASSWORD)

    for turn in range(6):
        answer = Client(headers={"X-Forwarded-For": f"10.0.0.{turn}"}).post(
            "/login/", {"login": "ada@example.com", "password": "not the password"}
        )
    assert "Too many failed login attempts" in answer.content.decode()


def test_without_a_cache_to_count_attempts_in_nobody_signs_in(settings):
    backend = "django.core.cache.backends.redis.RedisCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1/0"}}
    user = make_user("ada@example.com", PASSWORD)

    answer = Client().post("/login/", {"login": user.email, "password": PASSWORD})

    assert answer.status_code == 503
    assert "Try again in a moment" in answer.content.decode()


def test_the_session_gets_a_new_name_at_sign_in():
    make_user("ada@example.com", PASSWORD)
    client = Client()
    client.session["kept"] = True
    before = client.session.session_key

    client.post("/login/", {"login": "ada@example.com", "password": PASSWORD})

    assert client.session.session_key != before


def test_sign_out_ends_the_session():
    client = Client()
    client.force_login(make_user())
    assert client.get("/account/").status_code == 200

    client.post("/logout/")

    assert client.get("/account/").status_code == 302


def test_a_forgotten_password_is_replaced_by_a_link_in_a_mail():
    make_user("ada@example.com", PASSWORD)
    Client().post("/account/password/reset/", {"email": "ada@example.com"})
    client = Client()

    form = client.get(link_in_mail(), follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "another long river", "password2": "another long river"})

    assert User.objects.get().check_password("another long river")
    used = Client().get(link_in_mail(mail.outbox[0]), follow=True)
    assert "This link does not work" in used.content.decode()


def test_a_reset_for_an_unknown_address_looks_the_same():
    answer = Client().post("/account/password/reset/", {"email": "nobody@example.com"})

    assert answer.headers["Location"] == "/account/password/reset/sent/"
    assert "there is no account with this address" in mail.outbox[0].body


def test_a_switched_off_person_is_out_at_once():
    user = make_user()
    client = Client()
    client.force_login(user)

    user.is_active = False
    user.save()

    assert client.get("/account/").status_code == 302


def test_changing_the_password_keeps_this_browser_and_signs_out_the_others():
    user = make_user("ada@example.com", PASSWORD)
    here, there = Client(), Client()
    here.post("/login/", {"login": user.email, "password": PASSWORD})
    there.force_login(user)
    new = "another long river"

    here.post("/account/password/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302


def test_name_and_theme_are_changed_on_the_account_page():
    user = make_user()
    client = Client()
    client.force_login(user)

    client.post("/account/", {"name": "Ada", "theme": "dark", "email": "x@y.z", "is_active": ""})

    user.refresh_from_db()
    assert (user.name, user.theme, user.is_active) == ("Ada", "dark", True)
    assert 'data-theme="dark"' in client.get("/account/").content.decode()


def test_an_unknown_theme_is_told_at_its_field():
    client = Client()
    client.force_login(make_user())

    answer = client.post("/account/", {"theme": "purple"})

    assert "purple is not one of the available choices" in answer.content.decode()
