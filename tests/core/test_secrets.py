from __future__ import annotations

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.core import secrets


def test_each_purpose_has_a_key_of_its_own():
    assert len(secrets.derive("a")) == 32
    assert secrets.derive("a") == secrets.derive("a")
    assert secrets.derive("a") != secrets.derive("b")


def test_another_master_key_gives_other_keys(settings):
    before = secrets.derive("a")

    settings.PLAYHEAD_MASTER_KEY = base64.b64encode(b"n" * 32).decode()

    assert secrets.derive("a") != before


@pytest.mark.parametrize("text", ["", "short", "!" * 44, base64.b64encode(b"n" * 31).decode()])
def test_a_master_key_of_another_shape_is_refused(settings, text):
    settings.PLAYHEAD_MASTER_KEY = text

    with pytest.raises(ImproperlyConfigured, match="32 bytes"):
        secrets.derive("a")
