"""What clients are known to do, each sent through the door and seen through the API."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.ingest.facts")

from tests.ingest.facts import FACTS, content, counting, dialects, order  # noqa: E402
from tests.ingest.site import Site  # noqa: E402

pytestmark = pytest.mark.django_db
# In the order of these; each of them takes its facts in when it is imported.
PARTS = (counting, order, content, dialects)


@pytest.mark.parametrize("what", FACTS)
def test_a_client_is_seen_right_though(project, key_client, what):
    FACTS[what](Site(project, key_client))
