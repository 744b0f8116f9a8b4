"""The web role as a whole: who asks, behind a proxy."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from hub.api import subscriptions
from hub.web import make_app


def forget(client: TestClient, named: str) -> int:
    headers = {"X-Forwarded-For": named, "Authorization": "Bearer nobody"}
    return client.delete("/api/v1/subscriptions/me", headers=headers).status_code


@pytest.mark.parametrize(("peer", "shared"), [("127.0.0.1", False), ("198.51.100.7", True)])
def test_behind_a_trusted_proxy_each_visitor_has_limits_of_its_own(
    hub_on_sqlite: Path, peer: str, shared: bool
) -> None:
    subscriptions._limiter.cache_clear()
    client = TestClient(make_app(), client=(peer, 50000))
    seen = {forget(client, f"203.0.113.{n}") for n in range(subscriptions.PER_MINUTE + 1)}
    assert seen == ({401, 429} if shared else {401})
    for _ in range(subscriptions.PER_MINUTE):
        last = forget(client, "203.0.113.1")
    assert last == 429
